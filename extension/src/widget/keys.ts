/**
 * Keeps keys that are meant for a view from the notebook's own shortcuts.
 *
 * JupyterLab decides in the capture phase at the document, by an attribute of the element that
 * the event comes from; other front ends listen where events end up. Keys with Ctrl or ⌘ stay the
 * notebook's, so that it can be saved from here, unless somebody writes.
 */

const SUPPRESS = "data-lm-suppress-shortcuts";
const TEXT = "input:not([type=checkbox]):not([type=radio]):not([type=button]),textarea,select";

/** Begin; what comes back ends it. */
export function keepKeys(element: HTMLElement): () => void {
  element.setAttribute(SUPPRESS, "true");
  const before = (event: KeyboardEvent) => {
    if (event.composedPath().includes(element)) element.toggleAttribute(SUPPRESS, isOurs(event));
  };
  const after = (event: KeyboardEvent) => {
    if (isOurs(event)) event.stopPropagation();
  };
  window.addEventListener("keydown", before, true);
  for (const name of KEYS) element.addEventListener(name, after);
  return () => {
    window.removeEventListener("keydown", before, true);
    for (const name of KEYS) element.removeEventListener(name, after);
  };
}

const KEYS = ["keydown", "keypress", "keyup"] as const;

function isOurs(event: KeyboardEvent): boolean {
  if (!event.ctrlKey && !event.metaKey) return true;
  const inner = event.composedPath()[0];
  return inner instanceof Element && inner.matches(TEXT);
}
