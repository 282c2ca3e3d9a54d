/** How the run view looks. */

const frame = `
.nbf-rv{position:relative;background:var(--nbf-surface);border:1px solid var(--nbf-border);border-radius:10px;
  margin:2px 0;overflow:hidden;container-type:inline-size}
.nbf-rv :focus-visible{outline-offset:-2px}
`;

const header = `
.nbf-rv-head{display:flex;align-items:center;gap:10px;min-height:42px;padding:8px 12px}
.nbf-rv-names{display:flex;align-items:baseline;gap:8px;min-width:0;overflow:hidden}
.nbf-rv-name{font-weight:600;font-size:15px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.nbf-rv-run{color:var(--nbf-muted);white-space:nowrap;overflow:hidden;text-overflow:ellipsis;flex-shrink:4}
.nbf-rv-try{color:var(--nbf-muted);font-size:11px;border:1px solid var(--nbf-border);border-radius:8px;padding:0 6px;white-space:nowrap}
.nbf-rv-side{margin-left:auto;display:flex;gap:6px;color:var(--nbf-muted);white-space:nowrap;flex:none}
.nbf-rv-side>*+*::before{content:"·";color:var(--nbf-faint);margin-right:6px}
.nbf-rv-time{color:var(--nbf-ink)}
.nbf-rv-buttons{display:flex;gap:6px;flex:none}
.nbf-rv-open{flex:none;text-decoration:none;line-height:22px}
.nbf-rv-buttons [aria-disabled=true]{color:var(--nbf-muted);cursor:default}
.nbf .nbf-rv-more{border:0;background:none;padding:2px 4px;font-size:12px;color:var(--nbf-muted);cursor:pointer;white-space:nowrap;
  display:inline-flex;align-items:center;gap:4px;border-radius:4px;flex:none}
.nbf .nbf-rv-more:hover{color:var(--nbf-ink)}
.nbf-rv-more::before{content:"";width:5px;height:5px;border:solid currentColor;border-width:0 1.5px 1.5px 0;
  transform:rotate(-45deg);margin:0 3px 0 1px}
.nbf-rv-more[aria-expanded=true]::before{transform:translateY(-2px) rotate(45deg)}
@container (max-width:620px){.nbf-rv-run,.nbf-rv-head .nbf-rv-more{display:none}}
@container (max-width:440px){.nbf-rv-head{flex-wrap:wrap}.nbf-rv-names{flex:1}.nbf-rv-side{order:3;margin-left:0;width:100%}}
`;

const bar = `
.nbf-rv-bar{display:flex;gap:1px;height:3px;background:var(--nbf-border)}
.nbf-rv-bar i{flex:0 0 3px;transition:flex-grow .4s ease}
.nbf-rv-bar .nbf-rv-rest{flex-basis:0}
@media (prefers-reduced-motion:reduce){.nbf-rv-bar i{transition:none}}
`;

const parameters = `
.nbf-rv-parameters{margin:0;padding:10px 14px;display:grid;gap:4px;max-height:180px;overflow:auto;
  border-bottom:1px solid var(--nbf-border);background:var(--nbf-frame)}
.nbf-rv-parameters>div{display:flex;gap:12px;align-items:baseline}
.nbf-rv-parameters dt{color:var(--nbf-muted);flex:0 0 auto;min-width:110px}
.nbf-rv-parameters dd{margin:0;min-width:0;overflow-wrap:anywhere}
`;

const notes = `
.nbf-rv-note{display:flex;align-items:baseline;gap:8px;padding:6px 12px;font-size:12.5px;border-bottom:1px solid var(--nbf-border);
  box-shadow:inset 3px 0 var(--nbf-edge);background:var(--nbf-frame)}
.nbf-rv-note>span{flex:1;min-width:0;overflow-wrap:anywhere}
.nbf-rv-wrong{box-shadow:inset 3px 0 var(--nbf-red);background:var(--nbf-alarm)}
.nbf-rv-wait{box-shadow:inset 3px 0 var(--nbf-amber)}
.nbf-rv-quiet{color:var(--nbf-muted)}
.nbf .nbf-rv-close{border:0;background:none;padding:0 4px;font-size:15px;line-height:16px;color:var(--nbf-muted);cursor:pointer;border-radius:4px}
.nbf .nbf-rv-close:hover{color:var(--nbf-ink)}
.nbf-rv-command{display:inline-flex;align-items:center;gap:2px;vertical-align:middle;margin:0 4px;max-width:100%}
.nbf-rv-command code{background:var(--nbf-surface);border:1px solid var(--nbf-border);border-radius:5px;padding:1px 7px;
  overflow-wrap:anywhere;user-select:all}
`;

const alarm = `
.nbf-rv-alarm{padding:12px 14px 12px 16px;background:color-mix(in srgb,var(--nbf-rv-tone) var(--nbf-rv-tint,7%),var(--nbf-surface));
  box-shadow:inset 4px 0 var(--nbf-rv-tone);
  border-bottom:1px solid var(--nbf-border);display:grid;gap:6px;justify-items:start}
.nbf-rv-alarm>*{max-width:100%;min-width:0}
.nbf-rv-what{display:flex;align-items:center;gap:8px;font-size:14px;flex-wrap:wrap}
.nbf[data-theme=dark] .nbf-rv-alarm{--nbf-rv-tint:16%}
.nbf-rv-alarm strong{color:var(--nbf-rv-tone);font-weight:600;overflow-wrap:anywhere}
.nbf .nbf-rv-show{font-size:12px;margin-left:4px}
.nbf-rv-error{margin:0;font-size:14px;overflow-wrap:anywhere;white-space:pre-wrap;max-height:120px;overflow:auto}
.nbf-rv-source{margin:0;padding:6px 10px;border-radius:6px;background:var(--nbf-surface);border:1px solid var(--nbf-border);
  font:12px/1.5 var(--nbf-code-font);display:flex;flex-wrap:wrap;gap:0 14px;white-space:pre-wrap;overflow-wrap:anywhere;color:inherit}
.nbf-rv-source code{font:inherit;color:inherit;background:none}
.nbf-rv-next{list-style:none;margin:2px 0 0;padding:0;display:grid;grid-template-columns:auto auto 1fr;gap:4px 6px;align-items:center;justify-items:start}
@container (max-width:520px){.nbf-rv-next{grid-template-columns:auto 1fr}.nbf-rv-next .nbf-muted{grid-column:1/-1;margin-bottom:4px}}
.nbf-rv-next li{display:contents}
.nbf-rv-next .nbf-rv-command{display:contents}
.nbf-rv-traceback{margin:6px 0 0;padding:8px 10px;max-height:260px;overflow:auto;border-radius:6px;background:var(--nbf-surface);
  border:1px solid var(--nbf-border);font:12px/1.5 var(--nbf-code-font);color:inherit;white-space:pre;tab-size:4}
.nbf .nbf-rv-alarm .nbf-rv-more{margin-left:-4px}
`;

const question = `
.nbf-rv-question{padding:12px 14px 12px 16px;display:grid;gap:10px;justify-items:start;border-bottom:1px solid var(--nbf-border);
  box-shadow:inset 4px 0 var(--nbf-violet);background:color-mix(in srgb,var(--nbf-violet) 7%,var(--nbf-surface))}
.nbf-rv-question>*{max-width:100%}
.nbf-rv-send{display:flex;align-items:center;gap:12px}
.nbf-rv-send .nbf-button{height:28px;padding:0 14px}
`;

const panels = `
.nbf-rv-tabs{display:flex;align-items:center;border-bottom:1px solid var(--nbf-border);padding:0 6px}
.nbf-rv-tabs [role=tablist]{display:flex;min-width:0;overflow-x:auto;scrollbar-width:none}
.nbf .nbf-rv-tab{position:relative;border:0;background:none;padding:0 10px;height:34px;font-size:13px;color:var(--nbf-muted);cursor:pointer;
  display:flex;align-items:center;gap:6px;white-space:nowrap}
.nbf .nbf-rv-tab:hover{color:var(--nbf-ink)}
.nbf .nbf-rv-tab[aria-selected=true]{color:var(--nbf-ink);font-weight:600}
.nbf-rv-tab[aria-selected=true]::after{content:"";position:absolute;left:8px;right:8px;bottom:-1px;height:2px;border-radius:2px 2px 0 0;
  background:var(--nbf-accent)}
.nbf-rv-count{font-size:11px;font-weight:500;font-variant-numeric:tabular-nums;color:var(--nbf-muted);background:var(--nbf-frame);
  border:1px solid var(--nbf-border);border-radius:8px;padding:0 5px;line-height:15px}
.nbf-rv-panel{position:relative;overflow:hidden;display:flex;flex-direction:column}
.nbf-rv-panel>:first-child{flex:1;min-height:0;min-width:0}
.nbf-rv-results{overflow:auto}
.nbf .nbf-rv-strip{display:block;width:100%;flex:none;text-align:left;border:0;border-top:1px solid var(--nbf-border);background:var(--nbf-frame);
  padding:6px 12px;cursor:pointer;overflow:hidden}
.nbf-rv-line{display:flex;gap:8px;height:18px;font:11.5px/18px var(--nbf-code-font);white-space:pre;color:var(--nbf-muted)}
.nbf-rv-line time{flex:none;color:var(--nbf-faint)}
.nbf-rv-from{flex:none;max-width:30%;overflow:hidden;text-overflow:ellipsis;color:var(--nbf-ink)}
.nbf-rv-text{min-width:0;overflow:hidden;text-overflow:ellipsis}
.nbf-rv-strip:hover .nbf-rv-line{color:var(--nbf-ink)}
.nbf-rv-bad .nbf-rv-text{color:var(--nbf-red)}
.nbf-rv-odd .nbf-rv-text{color:var(--nbf-amber)}
`;

const edge = `
.nbf-rv-edge{position:absolute;left:0;right:0;bottom:0;height:8px;cursor:ns-resize;touch-action:none;z-index:2}
.nbf-rv-edge::after{content:"";position:absolute;left:50%;bottom:2px;width:36px;height:3px;margin-left:-18px;border-radius:2px;
  background:var(--nbf-edge);opacity:0;transition:opacity .15s}
.nbf-rv-edge:hover::after,.nbf-rv-edge:focus-visible::after,.nbf-rv-edge:active::after{opacity:1}
.nbf .nbf-rv-edge:focus-visible{outline:none}
.nbf-rv-edge:focus-visible::after{background:var(--nbf-focus);width:60px;margin-left:-30px}
@media (prefers-reduced-motion:reduce){.nbf-rv-edge::after{transition:none}}
`;

const skeleton = `
.nbf-rv-skeleton i{display:block;height:12px;width:60px;border-radius:6px;background:var(--nbf-border);opacity:.7}
@media (prefers-reduced-motion:no-preference){.nbf-rv-skeleton i{animation:nbf-pulse 2s ease-in-out infinite}}
`;

export const css = [
  frame,
  header,
  bar,
  parameters,
  notes,
  alarm,
  question,
  panels,
  edge,
  skeleton,
].join("");
