/** How the graph looks. */

export const css = `
.nbf-g{position:relative;overflow:hidden;width:100%;min-height:60px;user-select:none;-webkit-user-select:none}
.nbf-g-area{position:absolute;inset:0;overflow:hidden;touch-action:pan-y;cursor:grab;outline:none}
.nbf-g-area.nbf-g-panning{cursor:grabbing}
.nbf-g-svg{position:absolute;left:0;top:0;overflow:visible;transform-origin:0 0}
.nbf .nbf-g-svg g:focus,.nbf .nbf-g-svg g:focus-visible{outline:none}
.nbf .nbf-g-area:focus-visible{outline:2px solid var(--nbf-focus);outline-offset:-2px}
.nbf-g-panning .nbf-g-scene{will-change:transform}
.nbf-g-panning .nbf-pulse{animation-play-state:paused}
.nbf-g text{fill:var(--nbf-ink);font-family:var(--nbf-ui-font);font-size:13px;pointer-events:none}
.nbf-g .nbf-g-bold{font-weight:600}
.nbf-g .nbf-g-quiet{fill:var(--nbf-muted)}
.nbf-g .nbf-g-meta{fill:var(--nbf-muted);font-size:11.5px;font-variant-numeric:tabular-nums;text-anchor:end}
.nbf-g .nbf-g-small{fill:var(--nbf-muted);font-size:10.5px;text-anchor:middle;font-variant-numeric:tabular-nums}
.nbf-g .nbf-g-label{fill:var(--nbf-muted);stroke:var(--nbf-surface);stroke-width:3px;paint-order:stroke;font-size:10.5px;
  text-anchor:middle}
.nbf-g .nbf-g-loud{fill:var(--nbf-ink);stroke-width:4px;font-size:11px}
.nbf-g-fill{fill:var(--nbf-g-role)}
.nbf-g-icon .s,.nbf-g-on .s{fill:none;stroke:var(--nbf-g-role);stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.nbf-g-icon .f{fill:var(--nbf-g-role)}
.nbf-g-on .s{stroke:var(--nbf-on)}
.nbf-g-on .f{fill:var(--nbf-on)}
.nbf-g-card{cursor:pointer}
.nbf-g-ground,.nbf-g-behind{fill:var(--nbf-card);stroke:var(--nbf-border)}
.nbf-g-card:hover .nbf-g-ground{stroke:var(--nbf-edge)}
.nbf-g-busy .nbf-g-ground,.nbf-g-busy:hover .nbf-g-ground{stroke:var(--nbf-g-role)}
.nbf-g-hollow .nbf-g-ground{fill:var(--nbf-surface);stroke:var(--nbf-faint);stroke-dasharray:4 3}
.nbf-g-hollow .nbf-g-icon{opacity:.8}
.nbf-g-card.nbf-g-bad .nbf-g-ground{fill:color-mix(in srgb,var(--nbf-g-role) 8%,var(--nbf-card));stroke:var(--nbf-g-role);stroke-width:1.5}
.nbf-g-halo{fill:none;stroke:var(--nbf-g-role);stroke-width:4;stroke-opacity:.22}
.nbf-g-ring{fill:none;stroke:var(--nbf-focus);stroke-width:2;visibility:hidden}
.nbf-g-selected>.nbf-g-ring,.nbf-g-svg g:focus-visible>.nbf-g-ring{visibility:visible}
.nbf-g-selected:not(:focus-visible)>.nbf-g-ring{stroke-width:1.75}
.nbf-g-svg g:focus-visible>.nbf-g-ring{stroke-width:2.5}
.nbf-g-found>.nbf-g-ring{visibility:visible;stroke:var(--nbf-amber);stroke-width:2.5}
.nbf-g-pill{fill:none;stroke:var(--nbf-g-role)}
.nbf-g-rest{fill:var(--nbf-border)}
.nbf-g-around{fill:var(--nbf-frame);stroke:var(--nbf-border)}
.nbf-g-title{cursor:pointer}
.nbf-g .nbf-g-title text{paint-order:stroke;stroke:var(--nbf-frame);stroke-width:4px;stroke-linejoin:round}
.nbf-g-ring{pointer-events:none}
.nbf-g-frame.nbf-g-bad .nbf-g-around{stroke:var(--nbf-g-role)}
.nbf-g-line{fill:none;stroke:var(--nbf-edge);stroke-width:1.25}
.nbf-g-perhaps{stroke-dasharray:4 3.5}
.nbf-g-arrow{fill:var(--nbf-edge)}
.nbf-g-reach{fill:none;stroke:transparent;stroke-width:12;pointer-events:stroke}
.nbf-g-edge.nbf-g-lit .nbf-g-line{stroke:var(--nbf-muted);stroke-width:1.75}
.nbf-g-edge.nbf-g-lit .nbf-g-arrow{fill:var(--nbf-muted)}
.nbf-g-lifting .nbf-g-card:not(.nbf-g-lit),.nbf-g-lifting .nbf-g-edge:not(.nbf-g-lit){opacity:.28}
.nbf-g-lifting .nbf-g-label:not(.nbf-g-lit,.nbf-g-loud){opacity:.28}
.nbf-g-circle{fill:var(--nbf-surface);stroke:var(--nbf-border);stroke-opacity:.55}
.nbf-g-odd{fill:var(--nbf-frame)}
.nbf-g-middle{fill:var(--nbf-edge)}
.nbf-g-bond{fill:none;stroke:var(--nbf-border);stroke-width:30;stroke-linecap:round;stroke-linejoin:round;stroke-opacity:.5}
.nbf-g-toggle{cursor:pointer}
.nbf-g-hit{fill:transparent;stroke:none}
.nbf-g-knob{fill:var(--nbf-card);stroke:var(--nbf-edge)}
.nbf-g-sign{fill:none;stroke:var(--nbf-muted);stroke-width:1.5;stroke-linecap:round}
.nbf-g-toggle:hover .nbf-g-knob{stroke:var(--nbf-focus);fill:var(--nbf-frame)}
.nbf-g-toggle:hover .nbf-g-sign{stroke:var(--nbf-ink)}
@media (prefers-reduced-motion:no-preference){
  .nbf-g-card,.nbf-g-frame,.nbf-g-title{transition:transform .2s ease,opacity .12s ease .04s}
  .nbf-g-edge,.nbf-g-label{transition:opacity .12s ease .04s}
  .nbf-g-line,.nbf-g-arrow,.nbf-g-reach{transition:d .2s ease}
  .nbf-g-around{transition:width .2s ease,height .2s ease}
  .nbf-g-segment{transition:x .2s ease,width .2s ease}
  .nbf-g-gliding .nbf-g-scene{transition:transform .2s ease}
  .nbf-g-card,.nbf-g-edge{animation:nbf-g-come .2s ease}
}
@keyframes nbf-g-come{from{opacity:0}}
.nbf-g-tools{position:absolute;right:8px;top:8px;max-height:calc(100% - 16px);display:flex;flex-flow:column wrap-reverse;
  align-items:flex-end;gap:6px;pointer-events:none}
.nbf-g-tools>*{pointer-events:auto}
.nbf-g-set{display:flex;flex-direction:column;align-items:center;width:26px;border-radius:7px;border:1px solid var(--nbf-border);
  background:var(--nbf-surface);overflow:hidden;flex:none;color:var(--nbf-muted)}
.nbf-g-tool{display:inline-flex;align-items:center;justify-content:center;width:24px;height:24px;padding:0;border:0;background:none;
  color:inherit;cursor:pointer}
.nbf-g-tool:hover{color:var(--nbf-ink);background:var(--nbf-frame)}
.nbf .nbf-g-tool:focus-visible{outline-offset:-2px;border-radius:6px}
.nbf-g-tool[aria-pressed=true]{color:var(--nbf-accent);background:color-mix(in srgb,var(--nbf-accent) 12%,transparent)}
.nbf-g-set svg{fill:none;stroke:currentColor;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round;display:block;flex:none}
.nbf-g-find{display:flex;align-items:center;gap:6px;height:26px;width:26px;justify-content:flex-end}
.nbf-g-search{flex-direction:row;height:26px;cursor:text}
.nbf-g-search>svg{margin:0 5px}
.nbf-g-search:hover{color:var(--nbf-ink)}
.nbf-g-search:focus-within,.nbf-g-wide{width:auto}
.nbf-g-search input{width:0;padding:0;height:24px;border:0;background:none;color:var(--nbf-ink);font:12px/22px var(--nbf-ui-font)}
.nbf-g-search:focus-within input,.nbf-g-wide input{width:116px}
.nbf-g-search input::placeholder{color:var(--nbf-faint);opacity:1}
.nbf-g-search input::-webkit-search-cancel-button{display:none}
.nbf .nbf-g-search input:focus-visible{outline:none}
.nbf-g-search:focus-within{border-color:var(--nbf-focus);box-shadow:0 0 0 1px var(--nbf-focus)}
.nbf-g-told{padding:0 8px 0 2px;font-size:11.5px;white-space:nowrap;font-variant-numeric:tabular-nums}
.nbf-g-note{position:absolute;left:8px;bottom:8px;max-width:min(420px,calc(100% - 58px));padding:4px 9px;margin:0;border-radius:7px;
  border:1px solid var(--nbf-border);background:var(--nbf-surface);color:var(--nbf-muted);font-size:12px}
.nbf-g-tip{position:absolute;z-index:2;max-width:min(380px,calc(100% - 16px));padding:8px 11px;border-radius:8px;border:1px solid var(--nbf-border);
  background:var(--nbf-card);box-shadow:0 4px 14px rgb(0 0 0/.18);pointer-events:none;font-size:12px;line-height:1.45}
.nbf-g-tip-name{font-weight:600;font-size:13px;overflow-wrap:anywhere}
.nbf-g-tip-message{margin-top:3px;overflow-wrap:anywhere;display:-webkit-box;-webkit-line-clamp:5;-webkit-box-orient:vertical;overflow:hidden}
.nbf-g-tip-bad{color:var(--nbf-red)}
.nbf-g-tip-state{display:flex;align-items:center;gap:6px;margin-top:3px;font-variant-numeric:tabular-nums}
.nbf-g-tip-times{margin-top:3px;color:var(--nbf-muted);font-variant-numeric:tabular-nums}
.nbf-g-empty{display:flex;align-items:center;justify-content:center;text-align:center;padding:16px;color:var(--nbf-muted)}
.nbf-g-bone{fill:var(--nbf-frame);stroke:var(--nbf-border)}
`;
