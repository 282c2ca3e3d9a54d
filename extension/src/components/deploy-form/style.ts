/** How forms look: labels beside their fields, above them where there is little room. */

export const css = `
.nbf-deploy{container-type:inline-size;max-width:820px;padding:16px 18px 14px;border:1px solid var(--nbf-border);
  border-radius:10px;background:var(--nbf-card);display:flex;flex-direction:column;gap:14px}
.nbf-deploy fieldset,.nbf-fields fieldset,.nbf-group fieldset{border:0;margin:0;padding:0;min-width:0}
.nbf-deploy p,.nbf-fields p{margin:0}
.nbf-deploy-head{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 12px;padding-bottom:12px;
  border-bottom:1px solid var(--nbf-border)}
.nbf-deploy-head h3{margin:0;font-size:15px;font-weight:600;overflow-wrap:anywhere}
.nbf-deploy-head p{flex-basis:100%}
.nbf-fields{container-type:inline-size;display:flex;flex-direction:column;gap:12px}
.nbf-field{display:grid;grid-template-columns:150px minmax(0,1fr);gap:3px 14px;align-items:start}
.nbf-field-label{font-weight:500;line-height:28px;overflow-wrap:anywhere;padding:0}
.nbf-fields .nbf-field-label{font:500 12px/28px var(--nbf-code-font)}
.nbf-schedule legend{float:left}
.nbf-field-body{display:flex;flex-direction:column;gap:4px;min-width:0}
.nbf-field-line{display:flex;align-items:flex-start;gap:10px}
.nbf-field-required{color:var(--nbf-red)}
.nbf-field-hint{color:var(--nbf-muted);font-size:12px;overflow-wrap:anywhere;display:flex;flex-wrap:wrap;gap:2px 10px}
.nbf-field-error{color:var(--nbf-red);font-size:12px;font-weight:500;overflow-wrap:anywhere}
.nbf .nbf-field-quiet,.nbf-field-hint .nbf-link{font-size:12px;color:var(--nbf-accent);flex:none;white-space:nowrap}
.nbf .nbf-field-quiet{line-height:28px}
@media (hover:hover){.nbf-field:not(:hover):not(:focus-within) .nbf-field-rare{opacity:0}}
.nbf-deploy .nbf-input,.nbf-fields .nbf-input{height:28px;font-size:13px;line-height:26px;min-width:0;width:100%;max-width:360px;
  transition:border-color .12s}
.nbf-fields .nbf-input{font-family:var(--nbf-code-font);font-size:12px}
.nbf-deploy .nbf-input:hover:not(:disabled),.nbf-fields .nbf-input:hover:not(:disabled){border-color:var(--nbf-edge)}
.nbf-input::placeholder{color:var(--nbf-faint);opacity:1}
.nbf-input[aria-invalid=true]{border-color:var(--nbf-red);box-shadow:0 0 0 1px var(--nbf-red)}
.nbf-input:disabled{opacity:.65}
.nbf-fields .nbf-input-number{max-width:160px;font-variant-numeric:tabular-nums}
.nbf-fields .nbf-input-mixed{max-width:220px}
.nbf-field-words{font-size:12px;line-height:16px;padding-top:6px;color:var(--nbf-muted)}
.nbf-input-unset{color:var(--nbf-faint)}
.nbf-fields input[type=date],.nbf-fields input[type=time]{max-width:160px}
.nbf-fields input[type=datetime-local]{max-width:220px}
.nbf-fields .nbf-area{height:auto;line-height:1.5;padding:4px 8px;resize:vertical}
.nbf-deploy .nbf-select,.nbf-fields .nbf-select{width:auto;padding-right:4px;cursor:pointer}
.nbf-deploy fieldset.nbf-deploy-parameters{border-width:1px 0;border-style:solid;border-color:var(--nbf-border);padding:12px 0 14px}
.nbf-deploy-parameters legend{float:left;width:100%;font-weight:600;padding:0;margin-bottom:8px}
.nbf-deploy-parameters legend+*{clear:both}
.nbf-deploy-parameters>.nbf-field-hint{margin-bottom:10px}
.nbf-group>summary{display:flex;align-items:center;gap:12px;cursor:pointer;list-style:none;border-radius:6px}
.nbf-group>summary::-webkit-details-marker{display:none}
.nbf-group>summary::before{content:"";width:6px;height:6px;margin:0 2px 2px 3px;flex:none;border:solid var(--nbf-muted);border-width:0 1.5px 1.5px 0;
  transform:rotate(-45deg)}
.nbf-group[open]>summary::before{transform:rotate(45deg)}
.nbf-group-default{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.nbf-deploy .nbf-group>fieldset,.nbf-fields .nbf-group>fieldset{border-left:2px solid var(--nbf-border);margin:4px 0 0 5px;padding:2px 0 2px 16px;
  display:flex;flex-direction:column;gap:8px}
.nbf .nbf-group>fieldset>.nbf-field-quiet{align-self:flex-start;line-height:18px}
.nbf-fields .nbf-group .nbf-field{grid-template-columns:128px minmax(0,1fr)}
.nbf-list{display:flex;flex-direction:column;gap:6px;align-items:flex-start;flex:1;min-width:0;max-width:400px}
.nbf-list-row{display:flex;gap:8px;width:100%;align-items:flex-start}
.nbf-list-row>.nbf-fields{flex:1;padding:8px 10px;border:1px solid var(--nbf-border);border-radius:6px}
.nbf .nbf-list-row>.nbf-field-quiet{font-size:16px;width:24px;height:28px;color:var(--nbf-muted);text-align:center}
.nbf .nbf-list-row>.nbf-field-quiet:hover{color:var(--nbf-red);text-decoration:none}
.nbf-switch{display:inline-flex;align-items:center;gap:8px;height:28px;cursor:pointer;position:relative}
.nbf-switch input{position:absolute;opacity:0;width:30px;height:18px;margin:0;cursor:pointer}
.nbf-switch-track{width:30px;height:18px;border-radius:9px;background:var(--nbf-edge);position:relative;transition:background .15s;flex:none}
.nbf-switch-track::after{content:"";position:absolute;left:2px;top:2px;width:14px;height:14px;border-radius:50%;background:var(--nbf-surface);
  transition:transform .15s}
.nbf-switch input:checked+.nbf-switch-track{background:var(--nbf-accent)}
.nbf-switch input:checked+.nbf-switch-track::after{transform:translateX(12px)}
.nbf-switch input:focus-visible+.nbf-switch-track{outline:2px solid var(--nbf-focus);outline-offset:2px}
.nbf-pills{display:inline-flex;flex-wrap:wrap;gap:2px;align-self:flex-start;padding:2px;border-radius:8px;
  background:color-mix(in srgb,var(--nbf-ink) 8%,transparent)}
.nbf-pill{position:relative}
.nbf-pill input{position:absolute;inset:0;opacity:0;margin:0;cursor:pointer}
.nbf-pill span{display:block;padding:0 10px;border-radius:6px;line-height:24px;font-size:12px;font-weight:500;color:var(--nbf-muted);white-space:nowrap}
.nbf-pill:hover span{color:var(--nbf-ink)}
.nbf-pill input:checked+span{background:var(--nbf-surface);color:var(--nbf-ink);box-shadow:0 0 0 1px var(--nbf-border),0 1px 2px rgba(0,0,0,.12)}
.nbf-pill input:focus-visible+span{outline:2px solid var(--nbf-focus);outline-offset:1px}
.nbf-schedule-details{display:flex;flex-wrap:wrap;align-items:center;gap:6px 10px;padding-top:4px}
.nbf-named{display:inline-flex;align-items:center;gap:8px;color:var(--nbf-muted);position:relative}
.nbf-deploy .nbf-named .nbf-input{width:auto}
.nbf-deploy .nbf-named .nbf-zone{width:210px}
.nbf-deploy .nbf-named .nbf-cron{width:170px;font:12px/26px var(--nbf-code-font)}
.nbf-preview{margin-top:4px;padding:9px 12px 10px;border-radius:8px;background:var(--nbf-frame);border:1px solid var(--nbf-border);transition:opacity .15s}
.nbf-preview[data-waiting=true]{opacity:.6}
.nbf-preview-words{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:2px 12px;font-weight:600}
.nbf-preview-words code{font-weight:400}
.nbf-preview-next{list-style:none;margin:5px 0 0;padding:0;font-variant-numeric:tabular-nums;font-size:12px;display:grid;
  grid-template-columns:repeat(auto-fill,minmax(122px,max-content));gap:1px 18px}
.nbf-preview-next li:first-child{grid-column:1/-1}
.nbf-preview-next li{white-space:nowrap}
.nbf-preview-next time{cursor:help}
.nbf-preview .nbf-preview-zone{margin-top:5px;font-size:11.5px;color:var(--nbf-muted)}
.nbf-deploy-foot{display:flex;align-items:flex-start;gap:14px;padding-top:14px;border-top:1px solid var(--nbf-border)}
.nbf-deploy-foot .nbf-button.nbf-button-main{color:var(--nbf-on)}
.nbf-deploy-foot .nbf-button{height:30px;padding:0 16px;font-size:13px;font-weight:600;flex:none}
.nbf-deploy-foot .nbf-button[aria-disabled=true]{opacity:.7;cursor:progress}
.nbf-deploy-result{display:flex;flex-direction:column;gap:3px;min-width:0;padding-top:5px;overflow-wrap:anywhere}
.nbf-deploy-done::before{content:"";display:inline-block;width:5px;height:9px;margin:0 9px 1px 3px;border:solid var(--nbf-green);
  border-width:0 2px 2px 0;transform:rotate(45deg)}
.nbf-deploy-command{padding:1px 6px;border-radius:4px;background:color-mix(in srgb,var(--nbf-ink) 8%,transparent);user-select:all}
.nbf-deploy-refused{align-items:flex-start}
.nbf-deploy-bone{height:18px;border-radius:6px;background:color-mix(in srgb,var(--nbf-ink) 8%,transparent)}
@container (max-width:520px){
  .nbf-field,.nbf-fields .nbf-group .nbf-field{grid-template-columns:minmax(0,1fr)}
  .nbf-field-label,.nbf-fields .nbf-field-label{line-height:20px}
  .nbf-deploy-foot{flex-direction:column}
}
@media (prefers-reduced-motion:reduce){.nbf-switch-track,.nbf-switch-track::after,.nbf-preview,.nbf-deploy .nbf-input{transition:none}}
`;
