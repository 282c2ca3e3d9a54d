/** What all components share: the root, buttons, inputs, the focus ring. */

export const css = `
.nbf,.nbf *,.nbf *::before,.nbf *::after{box-sizing:border-box}
.nbf{font:13px/1.45 var(--nbf-ui-font);color:var(--nbf-ink);text-align:left;-webkit-font-smoothing:antialiased}
.nbf :focus{outline:none}
.nbf :focus-visible{outline:2px solid var(--nbf-focus);outline-offset:1px}
:where(.nbf button){font:inherit;color:inherit;margin:0}
.nbf-button{display:inline-flex;align-items:center;gap:6px;height:24px;padding:0 10px;border-radius:6px;
  border:1px solid var(--nbf-border);background:var(--nbf-card);color:var(--nbf-ink);font-size:12px;font-weight:500;
  white-space:nowrap;cursor:pointer}
.nbf-button:hover:not(:disabled){border-color:var(--nbf-edge);background:var(--nbf-frame)}
.nbf-button:disabled{cursor:default;color:var(--nbf-muted)}
.nbf-button-main{background:var(--nbf-accent);border-color:var(--nbf-accent);color:var(--nbf-on)}
.nbf-button-main:hover:not(:disabled){background:var(--nbf-accent);border-color:var(--nbf-accent);filter:brightness(1.08)}
.nbf-link{border:0;background:none;padding:0;color:var(--nbf-accent);cursor:pointer;text-decoration:none}
.nbf-link:hover{text-decoration:underline}
.nbf-input{height:24px;padding:0 8px;border-radius:6px;border:1px solid var(--nbf-border);background:var(--nbf-surface);
  color:var(--nbf-ink);font:12px/22px var(--nbf-ui-font)}
.nbf-muted{color:var(--nbf-muted)}
.nbf-figures{font-variant-numeric:tabular-nums}
.nbf-code{font:12px/1.5 var(--nbf-code-font)}
.nbf-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`;
