/** How results look. */

export const css = `
.nbf-results{container-type:inline-size;display:flex;flex-direction:column;gap:18px;padding:12px}
.nbf-results-section{display:flex;flex-direction:column;gap:8px;align-items:flex-start;min-width:0}
.nbf-results-section>*{max-width:100%}
.nbf-results-section-title{margin:0;font-size:12px;font-weight:600;color:var(--nbf-muted);overflow:hidden;
  text-overflow:ellipsis;white-space:nowrap;unicode-bidi:isolate}
.nbf-spread{flex:1}
.nbf-quiet{display:inline-flex;align-items:center;height:20px;padding:0 6px;border:0;border-radius:5px;background:none;
  color:var(--nbf-muted);font-size:12px;white-space:nowrap;cursor:pointer}
.nbf .nbf-quiet{color:var(--nbf-muted);font-size:12px}
.nbf .nbf-quiet:hover{color:var(--nbf-ink);background:var(--nbf-frame)}
.nbf .nbf-quiet[aria-disabled=true]{color:var(--nbf-faint);background:none;cursor:default}
.nbf-axis-hint{font-size:10.5px;line-height:1;color:var(--nbf-muted);font-variant-numeric:tabular-nums;white-space:nowrap}

.nbf-tiles{width:100%;display:grid;grid-template-columns:repeat(auto-fill,minmax(168px,1fr));gap:8px;grid-auto-flow:row dense}
.nbf-tile{display:flex;flex-direction:column;min-width:0;padding:8px 10px;border:1px solid var(--nbf-border);
  border-radius:8px;background:var(--nbf-card);text-align:left}
.nbf-tile-button{cursor:pointer}
.nbf-tile-button:hover{border-color:var(--nbf-edge)}
.nbf-tile-button[aria-expanded=true]{border-color:var(--nbf-accent);box-shadow:inset 0 0 0 1px var(--nbf-accent)}
.nbf-tile-name{font-size:12px;color:var(--nbf-muted);overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
  max-width:100%;unicode-bidi:isolate}
.nbf-tile-value{display:flex;align-items:baseline;gap:7px;min-width:0}
.nbf-tile-value b{font-size:19px;line-height:1.35;font-weight:600;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.nbf-tile-place{font-size:11px;color:var(--nbf-muted);overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
  font-variant-numeric:tabular-nums}
.nbf-spark{display:grid;grid-template-columns:auto 1fr auto auto;grid-template-rows:auto 1fr auto auto;column-gap:6px;
  width:100%;margin-top:4px}
.nbf-spark-room{grid-area:1/1/4/4;position:relative;display:block;height:38px;border-bottom:1px solid var(--nbf-border)}
.nbf-axis-hint-high{grid-area:1/4}
.nbf-axis-hint-low{grid-area:3/4}
.nbf-axis-hint-first{grid-area:4/1;padding-top:4px}
.nbf-axis-hint-last{grid-area:4/3;padding-top:4px;text-align:right}

.nbf-curves{position:absolute;inset:0;width:100%;height:100%;overflow:visible;display:block}
.nbf-curve{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.nbf-dots{stroke-width:4.5}
.nbf-curves-crowd .nbf-curve{stroke-opacity:.3}
.nbf-curves-crowd .nbf-dots{stroke-opacity:.8}
.nbf-plot-cursor{position:absolute;top:0;bottom:0;width:1px;background:var(--nbf-edge);pointer-events:none}
.nbf-plot-cursor-dot{position:absolute;width:7px;height:7px;margin:-3.5px;border-radius:50%;background:var(--nbf-ink);
  box-shadow:0 0 0 2px var(--nbf-card);pointer-events:none}

.nbf-plot{grid-column:1/-1;margin:0;padding:10px 12px 12px;border:1px solid var(--nbf-border);border-radius:8px;
  background:var(--nbf-card);min-width:0}
.nbf-plot .nbf-button[aria-pressed=true]{border-color:var(--nbf-accent);color:var(--nbf-accent)}
.nbf-plot-frame{padding:14px 14px 22px 0;font-size:10.5px}
.nbf-plot-room{position:relative;height:190px;border-radius:2px;cursor:crosshair}
.nbf-plot-level{position:absolute;left:0;right:0;height:1px;margin-top:-.5px;background:var(--nbf-border);opacity:.75}
.nbf-plot-level .nbf-axis-hint{position:absolute;right:100%;top:-5px;padding-right:8px}
.nbf-plot-step{position:absolute;bottom:0;height:4px;width:1px;background:var(--nbf-edge)}
.nbf-plot-step .nbf-axis-hint{position:absolute;top:10px;left:0;transform:translateX(-50%)}
.nbf-legend{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:12px;min-height:18px}
.nbf-legend-item{display:inline-flex;align-items:baseline;gap:6px;min-width:0}
.nbf-legend-item i{width:10px;height:3px;border-radius:2px;align-self:center;flex:none}
.nbf-legend-name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;max-width:22ch;unicode-bidi:isolate}

.nbf-exhibits{width:100%;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:16px 20px;
  align-items:start}
.nbf-exhibit{margin:0;min-width:0}
.nbf-exhibit-table,.nbf-exhibit-markdown{grid-column:1/-1}
.nbf-exhibit-table{width:fit-content;max-width:100%;min-width:min(100%,360px)}
.nbf-exhibit-table>.nbf-exhibit-head{contain:inline-size}
.nbf-exhibit-head{display:flex;align-items:center;gap:8px;min-height:22px;margin-bottom:4px;min-width:0;font-size:13px}
.nbf-exhibit-name{font-weight:600;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;flex:0 1 auto;min-width:4ch;
  unicode-bidi:isolate}
.nbf-exhibit-words{color:var(--nbf-muted);font-size:12px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
  flex:0 100 auto;min-width:0;unicode-bidi:isolate}
.nbf-exhibit-origin{font-size:12px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;min-width:0}
.nbf-stepper{display:inline-flex;align-items:center;font-size:12px;white-space:nowrap;color:var(--nbf-muted);flex:none}
.nbf-exhibit p{margin:0}
.nbf-results .nbf-left-out{margin:5px 0 0;font-size:12px;color:var(--nbf-muted)}

.nbf-table-window{max-height:286px;max-width:100%;width:fit-content;overflow:auto;border:1px solid var(--nbf-border);
  border-radius:8px;background:var(--nbf-card);scrollbar-width:thin}
.nbf-exhibit .nbf-table{table-layout:fixed}
.nbf-table{border-collapse:separate;border-spacing:0;font-size:12px;margin:0;color:inherit}
.nbf-table tr{height:26px}
.nbf-table th,.nbf-table td{height:26px;padding:0 10px;text-align:left;line-height:25px;overflow:hidden;text-overflow:ellipsis;
  white-space:nowrap;unicode-bidi:isolate}
.nbf-table td{border-bottom:1px solid color-mix(in srgb,var(--nbf-border) 55%,transparent)}
.nbf-table tr:last-child td{border-bottom:0}
.nbf-table tbody tr:hover td{background:var(--nbf-frame)}
.nbf-table th{position:sticky;top:0;z-index:1;background:var(--nbf-frame);border-bottom:1px solid var(--nbf-border);
  font-weight:600;color:var(--nbf-muted)}
.nbf-table .nbf-number{text-align:right;font-variant-numeric:tabular-nums}
.nbf-table .nbf-missing{color:var(--nbf-faint)}
.nbf .nbf-sort{display:flex;align-items:center;gap:4px;width:100%;height:25px;padding:0;border:0;background:none;
  font-weight:600;color:inherit;cursor:pointer;text-align:inherit}
.nbf-sort span{overflow:hidden;text-overflow:ellipsis;unicode-bidi:isolate}
.nbf-sort:focus-visible{outline-offset:-2px}
.nbf-number .nbf-sort{flex-direction:row-reverse}
.nbf-sort:hover,[aria-sort=ascending] .nbf-sort,[aria-sort=descending] .nbf-sort{color:var(--nbf-ink)}
.nbf-arrow{flex:none;width:8px;height:8px;fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;
  stroke-linejoin:round;opacity:0}
.nbf-sort:hover .nbf-arrow{opacity:.5}
.nbf-sort .nbf-ascending,.nbf-sort .nbf-descending{opacity:1}
.nbf-descending{transform:rotate(180deg)}

.nbf-markdown{max-width:76ch;overflow-wrap:anywhere}
.nbf-markdown>:first-child{margin-top:0}
.nbf-markdown>:last-child{margin-bottom:0}
.nbf-markdown p,.nbf-markdown ul,.nbf-markdown ol,.nbf-markdown pre,.nbf-markdown blockquote,.nbf-markdown table{margin:0 0 8px}
.nbf-markdown h4,.nbf-markdown h5,.nbf-markdown h6{margin:14px 0 6px;font-size:13px;line-height:1.3;font-weight:600}
.nbf-markdown .nbf-title-1{font-size:17px}
.nbf-markdown .nbf-title-2{font-size:15px}
.nbf-markdown ul,.nbf-markdown ol{padding-left:22px}
.nbf-markdown li{margin:2px 0}
.nbf-markdown li>p{margin:0}
.nbf-markdown code{font:12px/1.5 var(--nbf-code-font);padding:1px 4px;border-radius:4px;background:var(--nbf-frame)}
.nbf-markdown pre,.nbf-kept{padding:8px 10px;border-radius:6px;background:var(--nbf-frame);overflow:auto;white-space:pre-wrap}
.nbf-markdown pre{font:12px/1.5 var(--nbf-code-font);white-space:pre}
.nbf-markdown pre code{padding:0;background:none}
.nbf-markdown blockquote{padding-left:12px;border-left:3px solid var(--nbf-border);color:var(--nbf-muted)}
.nbf-markdown hr{border:0;border-top:1px solid var(--nbf-border);margin:14px 0}
.nbf-markdown table{display:block;width:fit-content;max-width:100%;overflow-x:auto;border-collapse:collapse;font-size:12px;
  font-variant-numeric:tabular-nums}
.nbf-markdown th,.nbf-markdown td{padding:3px 10px;border-bottom:1px solid var(--nbf-border);text-align:left}
.nbf-markdown img{max-width:100%}
.nbf-results a{color:var(--nbf-accent);text-decoration:none}
.nbf-results a:hover{text-decoration:underline}
.nbf-link-line{display:flex;gap:10px;min-width:0;overflow-wrap:anywhere}
.nbf-link-place{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:12px;line-height:1.6;min-width:0}

.nbf-picture{display:block;padding:0;border:0;background:none;max-width:100%;overflow:auto;cursor:zoom-in;border-radius:6px}
.nbf-picture img{display:block;max-width:100%;max-height:260px;border-radius:6px}
.nbf-exhibit-image:has(.nbf-picture-large){grid-column:1/-1}
.nbf-picture-large{cursor:zoom-out}
.nbf-picture-large img{max-width:none;max-height:none}
.nbf-elsewhere{display:flex;flex-direction:column;gap:8px;align-items:center;justify-content:center;min-height:96px;padding:12px;
  border:1px dashed var(--nbf-border);border-radius:8px;text-align:center;overflow-wrap:anywhere}
.nbf-elsewhere-ways{display:flex;gap:12px;align-items:center;font-size:12px}

.nbf-progress-line{display:flex;align-items:center;gap:10px;font-size:12px}
.nbf-progress{flex:1;height:6px;border-radius:3px;background:var(--nbf-border);overflow:hidden}
.nbf-progress i{display:block;height:100%;border-radius:3px;background:var(--nbf-blue)}
.nbf-progress .nbf-whole{background:var(--nbf-green)}
@media (prefers-reduced-motion:no-preference){.nbf-progress i{transition:width .3s ease-out}}

.nbf-kept-results summary{cursor:pointer;font-size:12px;font-weight:600;color:var(--nbf-ink);width:fit-content}
.nbf-kept-results summary span{font-weight:400;margin-left:6px}
.nbf-kept-results[open] summary{margin-bottom:6px}
.nbf-nothing{padding:20px 16px;color:var(--nbf-muted);max-width:64ch}
.nbf-nothing p{margin:0 0 8px}
.nbf-nothing b{color:var(--nbf-ink);font-weight:600}
.nbf-nothing pre{margin:0;padding:8px 10px;border-radius:6px;background:var(--nbf-frame);color:var(--nbf-ink);overflow:auto}
`;
