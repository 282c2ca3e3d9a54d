/** How the lines look. */

const ROLES = ["red", "green", "amber", "blue", "violet", "teal", "orange", "ink", "muted"];
const PENS = ROLES.map(
  (role) => `.nbf-log-${role}{--nbf-pen:var(--nbf-${role});color:var(--nbf-pen)}`,
).join("");
/** After the pens: on a coloured ground only the surface's colour is sure to be read. */
const GROUNDS = ROLES.map(
  (role) => `.nbf-log-on-${role}{background:var(--nbf-${role});color:var(--nbf-surface)}`,
).join("");

export const css = `
.nbf-log{display:flex;flex-direction:column;height:100%;min-height:0;container-type:inline-size}
.nbf-log-tools{display:flex;align-items:center;gap:6px;padding:6px 8px;flex:none;min-width:0}
.nbf-log-tools select{flex:0 1 auto;min-width:40px;max-width:150px}
.nbf-log-search{display:flex;align-items:center;gap:8px;flex:0 1 auto;min-width:60px}
.nbf-log-search input{width:170px;min-width:60px;flex:0 1 170px}
.nbf-log-count{color:var(--nbf-muted);font-size:12px;white-space:nowrap;font-variant-numeric:tabular-nums}
.nbf-log-count:empty{display:none}
.nbf-log-room{flex:1 1 0}
.nbf-log-tools .nbf-button{flex:none;padding:0 8px}
.nbf-log-tools .nbf-button[aria-pressed=true]{background:var(--nbf-frame);border-color:var(--nbf-edge);box-shadow:inset 0 -2px var(--nbf-accent)}
.nbf-log-chip{display:inline-flex;align-items:center;min-width:0;height:22px;border-radius:11px;padding-left:10px;font-size:12px;
  background:color-mix(in srgb,var(--nbf-focus) 15%,var(--nbf-surface))}
.nbf-log-chip span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;max-width:180px}
.nbf-log-chip button{border:0;background:none;width:22px;height:22px;border-radius:11px;cursor:pointer;padding:0;flex:none}
.nbf-log-chip button:hover{background:color-mix(in srgb,var(--nbf-focus) 20%,transparent)}
.nbf-log-area{position:relative;flex:1 1 auto;min-height:0;border-top:1px solid var(--nbf-border)}
.nbf-log-lines{height:100%;overflow:auto;position:relative;overscroll-behavior:contain;overflow-anchor:none}
.nbf .nbf-log-lines:focus-visible{outline-offset:-2px}
.nbf-log-sizer{position:relative;min-width:100%}
.nbf-log-line{position:absolute;top:0;left:0;min-width:100%;display:grid;grid-template-columns:66px 62px 118px max-content;
  align-items:start;padding:1px 8px;line-height:18px}
.nbf-log-wraps .nbf-log-line{width:100%;grid-template-columns:66px 62px 118px minmax(0,1fr)}
.nbf-log-line:hover{background:color-mix(in srgb,var(--nbf-ink) 4%,transparent)}
.nbf-log-grave,.nbf-log-grave:hover{background:var(--nbf-alarm)}
.nbf-log-current,.nbf-log-current:hover{background:color-mix(in srgb,var(--nbf-focus) 14%,transparent);box-shadow:inset 3px 0 var(--nbf-focus)}
.nbf-log-time{color:var(--nbf-muted);font-size:11.5px;font-variant-numeric:tabular-nums}
.nbf-log-level{font-size:11.5px;color:var(--nbf-muted)}
.nbf-log-debug,.nbf-log-print{color:var(--nbf-faint)}
.nbf-log-warning{color:var(--nbf-amber);font-weight:600}
.nbf-log-error,.nbf-log-critical{color:var(--nbf-red);font-weight:600}
.nbf-log-task{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-align:left;font-size:12px;line-height:18px;padding-right:10px!important}
.nbf-log button.nbf-log-task{color:var(--nbf-muted)}
.nbf-log button.nbf-log-task:hover{color:var(--nbf-accent)}
.nbf-log-text{font:12px/18px var(--nbf-code-font);white-space:pre;unicode-bidi:isolate;min-width:0;tab-size:8}
.nbf-log-wraps .nbf-log-text{white-space:pre-wrap;overflow-wrap:anywhere}
.nbf-log-text a{color:var(--nbf-accent);text-decoration:underline;text-underline-offset:2px}
.nbf-log-text mark{background:color-mix(in srgb,var(--nbf-amber) 38%,transparent);color:inherit;border-radius:2px}
.nbf-log-left,.nbf-log-empty{margin:0;color:var(--nbf-muted);text-align:center;font-size:12px}
.nbf-log-left{height:26px;padding:0 8px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;line-height:25px;border-bottom:1px dashed var(--nbf-border)}
.nbf-log-empty{position:absolute;left:0;right:0;top:22px;font-size:13px}
.nbf-log-latest{position:absolute;right:20px;bottom:10px;border-radius:12px;box-shadow:0 3px 12px rgb(0 0 0/.16);font-variant-numeric:tabular-nums}
@container (max-width:620px){
  .nbf-log-line{grid-template-columns:62px 62px max-content}
  .nbf-log-wraps .nbf-log-line{grid-template-columns:62px 62px minmax(0,1fr)}
  .nbf-log .nbf-log-task{display:none}
  .nbf-log-tools{flex-wrap:wrap}
  .nbf-log-search{flex:1 1 100%}
  .nbf-log-search input{flex:1}
  .nbf-log-tools select{flex:1 1 90px;max-width:none}
  .nbf-log-room{display:none}
}
${PENS}
${GROUNDS}
.nbf-log-bold{font-weight:700}
.nbf-log-dim{opacity:.7}
.nbf-log-italic{font-style:italic}
.nbf-log-underline{text-decoration:underline}
.nbf-log-strike{text-decoration:line-through}
.nbf-log-inverse{background:var(--nbf-pen,var(--nbf-ink));color:var(--nbf-surface)}
`;
