/** How the list of runs looks; tables in general look as those of results. */

export const css = `
.nbf-runs{container-type:inline-size;display:flex;flex-direction:column;gap:8px;padding:10px 12px;min-width:0}
.nbf-runs-filters{display:flex;flex-wrap:wrap;align-items:center;gap:6px 8px}
.nbf-runs-text{width:190px}
.nbf-runs-states{display:flex;flex-wrap:wrap;gap:4px;margin:0;padding:0;border:0;min-width:0}
.nbf-runs-toggle{display:inline-flex;align-items:center;gap:5px;height:24px;padding:0 8px;border-radius:12px;
  border:1px solid var(--nbf-border);background:none;white-space:nowrap;cursor:pointer;max-width:100%}
.nbf .nbf-runs-toggle{font-size:12px;color:var(--nbf-muted)}
.nbf .nbf-runs-toggle:hover{border-color:var(--nbf-edge);color:var(--nbf-ink)}
.nbf .nbf-runs-toggle[aria-pressed=true]{border-color:var(--nbf-accent);color:var(--nbf-ink);
  background:color-mix(in srgb,var(--nbf-accent) 12%,transparent)}
@container (max-width:719px){
  .nbf-runs-states{order:1;flex-basis:100%}
  .nbf .nbf-runs-toggle{font-size:11.5px;padding:0 6px;gap:4px}
}
.nbf-runs-toggle-name{overflow:hidden;text-overflow:ellipsis;max-width:24ch;unicode-bidi:isolate}

.nbf-runs-table{table-layout:fixed;width:100%;border:1px solid var(--nbf-border);border-radius:8px;
  background:var(--nbf-card)}
.nbf-runs-table>caption{caption-side:top}
.nbf-runs-table>thead th{height:28px;position:static}
.nbf-runs-table>thead th:first-child{border-top-left-radius:7px}
.nbf-runs-table>thead th:last-child{border-top-right-radius:7px}
.nbf-runs-table>tbody>tr>td,.nbf-runs-table>tbody>tr>th{height:36px;padding:4px 10px;line-height:1.4;vertical-align:middle;
  border-bottom:1px solid color-mix(in srgb,var(--nbf-border) 55%,transparent)}
.nbf-runs-table>tbody>tr:last-child>*{border-bottom:0}
.nbf-runs-table>tbody>tr>th{position:static;background:none;color:inherit;font-weight:400}
.nbf-runs-table[aria-busy=true]>tbody>.nbf-run>*{transition:opacity .2s .3s;opacity:.75}
.nbf-run{cursor:pointer}
.nbf-runs-table>tbody>.nbf-run:hover>*,.nbf-runs-table>tbody>.nbf-run-open>*{background:var(--nbf-frame)}
.nbf-run:focus-within>:first-child{box-shadow:inset 2px 0 var(--nbf-focus)}
.nbf-run .nbf-chip{max-width:100%;height:20px;line-height:20px;padding:0 8px 0 7px;font-size:11.5px;gap:5px;vertical-align:middle}
.nbf .nbf-run-name{display:block;max-width:100%;padding:0;border:0;background:none;overflow:hidden;text-overflow:ellipsis;
  white-space:nowrap;font-weight:600;text-align:left;cursor:pointer;unicode-bidi:isolate}
.nbf-run-name:focus-visible{outline-offset:-1px}
.nbf-run-below{display:block;font-size:11.5px;color:var(--nbf-muted);overflow:hidden;text-overflow:ellipsis;
  white-space:nowrap;unicode-bidi:isolate}
.nbf-run-parameters{font:11.5px/1.4 var(--nbf-code-font);color:var(--nbf-muted)}
.nbf .nbf-pick{max-width:100%;padding:0;border:0;background:none;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;
  text-align:left;cursor:pointer;unicode-bidi:isolate;vertical-align:middle}
.nbf-pick:hover{text-decoration:underline;text-underline-offset:2px}
.nbf-run-tags{display:flex;gap:4px;overflow:hidden}
.nbf .nbf-pick-tag{flex:0 1 auto;min-width:30px;padding:0 6px;border-radius:5px;background:var(--nbf-frame);font-size:11.5px;
  line-height:18px;box-shadow:inset 0 0 0 1px var(--nbf-border)}
.nbf-runs-table>tbody>.nbf-run-detail>td{padding:0;white-space:normal;line-height:inherit;overflow:visible;cursor:auto;
  unicode-bidi:normal;background:var(--nbf-surface)}
.nbf-runs-table>tbody>.nbf-run-detail:hover>td{background:var(--nbf-surface)}

.nbf-bone{display:block;height:10px;border-radius:5px;background:var(--nbf-border)}
.nbf-bone-state{width:84px;height:20px;border-radius:10px}
@media (prefers-reduced-motion:no-preference){.nbf-runs-skeleton{animation:nbf-pulse 1.8s ease-in-out infinite}}

.nbf-runs-foot{display:flex;flex-wrap:wrap;align-items:center;gap:10px;font-size:12px;color:var(--nbf-muted)}
.nbf-refusal{display:flex;align-items:center;gap:12px;padding:6px 10px;border-left:3px solid var(--nbf-red);
  border-radius:4px;background:var(--nbf-alarm)}
.nbf-refusal span{flex:1;overflow-wrap:anywhere}
`;
