/** How the timeline looks. */

export const css = `
.nbf-tl{display:flex;flex-direction:column;height:100%;min-height:0;position:relative}
.nbf-tl-tools{display:flex;align-items:center;gap:6px;padding:6px 8px;flex:none;min-width:0}
.nbf-tl-search{width:150px;flex:0 1 150px;min-width:60px}
.nbf-tl-tools select{flex:0 1 auto;min-width:40px;max-width:140px}
.nbf-tl-words{flex:1 1 0;min-width:0;color:var(--nbf-muted);font-size:12px;font-variant-numeric:tabular-nums;
  overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-align:right;padding:0 6px}
.nbf-tl-zoom{display:flex;flex:none}
.nbf-tl-zoom .nbf-button{padding:0 8px;border-radius:0;margin-left:-1px}
.nbf-tl-zoom .nbf-button:first-child{border-radius:6px 0 0 6px}
.nbf-tl-zoom .nbf-button:last-child{border-radius:0 6px 6px 0}
.nbf-tl-area{position:relative;flex:1 1 auto;min-height:0;overflow:hidden;border-top:1px solid var(--nbf-border)}
.nbf-tl-grid{height:100%;overflow-x:hidden;overflow-y:auto;position:relative;overscroll-behavior:contain}
.nbf .nbf-tl-grid:focus-visible{outline-offset:-2px}
.nbf-tl-head,.nbf-tl-row{display:grid;grid-template-columns:min(var(--nbf-tl-names),45%) minmax(0,1fr) 118px}
.nbf-tl-head{position:sticky;top:0;z-index:3;height:26px;line-height:25px;background:var(--nbf-surface);
  border-bottom:1px solid var(--nbf-border);color:var(--nbf-muted);font-size:11.5px}
.nbf-tl-head .nbf-tl-name{padding-left:8px;position:relative}
.nbf-tl-divider{position:absolute;right:-4px;top:0;bottom:0;width:9px;cursor:col-resize;touch-action:none;z-index:1}
.nbf-tl-divider::after{content:"";position:absolute;left:4px;top:6px;bottom:6px;width:1px;background:var(--nbf-border)}
.nbf-tl-divider:hover::after,.nbf-tl-divider:focus-visible::after{background:var(--nbf-focus);top:0;bottom:0;width:2px}
.nbf-tl-axis{position:relative;cursor:crosshair;touch-action:none;user-select:none;overflow:hidden}
.nbf-tl-tick{position:absolute;top:0;padding-left:5px;white-space:nowrap;font-variant-numeric:tabular-nums}
.nbf-tl-tick::before{content:"";position:absolute;left:0;bottom:0;height:6px;border-left:1px solid var(--nbf-edge)}
.nbf-tl-stretch{position:absolute;top:0;bottom:0;background:var(--nbf-focus);opacity:.22;min-width:1px}
.nbf-tl-rows{position:relative}
.nbf-tl-marks{position:absolute;top:0;bottom:0;left:min(var(--nbf-tl-names),45%);right:118px;overflow:hidden;pointer-events:none}
.nbf-tl-marks i{position:absolute;top:0;bottom:0;border-left:1px solid var(--nbf-border);opacity:.55}
.nbf-tl-marks .nbf-tl-now{border-left:1px solid var(--nbf-blue);opacity:.8;z-index:1}
.nbf-tl-row{position:absolute;top:0;left:0;right:0;height:26px;line-height:26px;cursor:pointer}
.nbf-tl-row::before{content:"";position:absolute;inset:0;background:var(--nbf-ink);opacity:0;pointer-events:none}
.nbf-tl-row:hover::before{opacity:.04}
.nbf-tl-selected::before,.nbf-tl-selected:hover::before{background:var(--nbf-focus);opacity:.13}
.nbf-tl-selected::after{content:"";position:absolute;left:0;top:3px;bottom:3px;width:3px;border-radius:0 2px 2px 0;background:var(--nbf-focus)}
.nbf-tl-grid:focus-visible .nbf-tl-active{box-shadow:inset 0 0 0 1px var(--nbf-focus);border-radius:4px}
.nbf-tl-row .nbf-tl-name{display:flex;align-items:center;gap:6px;min-width:0;padding-right:8px}
.nbf-tl-twisty{flex:none;width:12px;display:inline-flex;justify-content:center}
.nbf-tl-chevron{fill:none;stroke:var(--nbf-muted);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.nbf-tl-label{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0}
.nbf-tl-flow-row .nbf-tl-label{font-weight:600}
.nbf-tl-times{flex:none;color:var(--nbf-muted);font-size:11px;font-variant-numeric:tabular-nums}
.nbf-tl-plot{position:relative;overflow:hidden;min-width:0}
.nbf-tl-ran{padding:0 10px 0 8px;text-align:right;color:var(--nbf-muted);font-size:11.5px;font-variant-numeric:tabular-nums;
  overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0}
.nbf-tl-head .nbf-tl-ran{color:inherit}
.nbf-tl-bar{position:absolute;box-sizing:border-box;top:7px;height:12px;min-width:3px;border-radius:3px}
.nbf-tl-run{background:var(--nbf-bar)}
.nbf-tl-wait{top:10px;height:6px;min-width:0;border:1px solid var(--nbf-edge);border-right-width:0;border-radius:3px 0 0 3px}
.nbf-tl-gap{top:9px;height:8px;min-width:0;border-radius:0;opacity:.75;
  background:repeating-linear-gradient(-45deg,var(--nbf-bar) 0 1.5px,transparent 1.5px 5px)}
.nbf-tl-never{top:8px;height:10px;width:16px!important;border:1px dashed var(--nbf-muted);border-radius:3px}
.nbf-tl-flow{top:11px;height:4px;border-radius:2px;background:var(--nbf-bar);opacity:.65}
.nbf-tl-flow::before,.nbf-tl-flow::after{content:"";position:absolute;top:-2px;width:2px;height:8px;background:var(--nbf-bar);border-radius:1px}
.nbf-tl-flow::before{left:0}
.nbf-tl-flow::after{right:0}
.nbf-tl-reach{top:4px;height:18px;background:var(--nbf-bar);opacity:.18}
.nbf-tl-density{position:absolute;top:4px;height:18px;display:block;min-width:3px;border-radius:3px;overflow:hidden}
.nbf-tl-run.nbf-tl-live{border-radius:3px 0 0 3px;background:linear-gradient(to left,var(--nbf-bar),var(--nbf-bar)) left/100% 100%}
@media (prefers-reduced-motion:no-preference){
  .nbf-tl-run.nbf-tl-live::after{content:"";position:absolute;right:0;top:0;bottom:0;width:24px;max-width:100%;
    background:linear-gradient(to right,transparent,var(--nbf-surface));opacity:.45;animation:nbf-pulse 2.4s ease-in-out infinite}
}
.nbf-tl-moment{position:absolute;top:0;bottom:0;border-left:1px solid var(--nbf-muted);opacity:.9;pointer-events:none;z-index:4}
.nbf-tl-moment span{position:absolute;top:3px;left:4px;padding:0 6px;border-radius:4px;background:var(--nbf-ink);color:var(--nbf-surface);
  font-size:11px;line-height:19px;white-space:nowrap;font-variant-numeric:tabular-nums}
.nbf-tl-moment-left span{left:auto;right:5px}
.nbf-tl-tip{position:absolute;z-index:5;pointer-events:none;max-width:340px;padding:8px 10px;border-radius:8px;background:var(--nbf-card);
  border:1px solid var(--nbf-border);box-shadow:0 6px 20px rgb(0 0 0/.16);font-size:12px;line-height:1.5}
.nbf-tl-tip-head{display:flex;align-items:center;gap:10px;margin-bottom:4px}
.nbf-tl-tip-head b{font-weight:600;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.nbf-tl-tip .nbf-chip{height:18px;line-height:18px;font-size:11px;padding:0 8px 0 6px}
.nbf-tl-tip p{margin:0 0 4px;color:var(--nbf-muted);display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden;overflow-wrap:anywhere}
.nbf-tl-tip dl{margin:0}
.nbf-tl-tip dl div{display:flex;gap:8px}
.nbf-tl-tip dt{flex:none;width:66px;color:var(--nbf-muted)}
.nbf-tl-tip dd{margin:0;font-variant-numeric:tabular-nums;min-width:0}
.nbf-tl-empty{margin:0;padding:18px;color:var(--nbf-muted);text-align:center}
.nbf-tl-area>.nbf-tl-empty{position:absolute;left:0;right:0;top:40px}
@container (max-width:620px){
  .nbf-tl-words{display:none}
  .nbf-tl-search{flex:1 1 60px}
  .nbf-tl-tools select{flex:none;max-width:104px}
}
`;
