/** How icons and chips look. */

export const css = `
.nbf-icon{flex:none;overflow:visible;display:block}
.nbf-icon .s{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.nbf-icon .f{fill:currentColor}
.nbf-chip{display:inline-flex;align-items:center;gap:6px;height:22px;padding:0 10px 0 8px;border-radius:11px;
  font-weight:600;font-size:12px;line-height:22px;color:var(--nbf-on);white-space:nowrap;flex:none}
.nbf-chip-hollow{color:var(--nbf-muted);box-shadow:inset 0 0 0 1px var(--nbf-muted)}
@media (prefers-reduced-motion:no-preference){
  .nbf-pulse{animation:nbf-pulse 2.4s ease-in-out infinite}
}
@keyframes nbf-pulse{50%{opacity:.35}}
`;
