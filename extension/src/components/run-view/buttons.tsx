/** What can be done with the run just now. */

import type { Action, ActionName } from "../../api/types";
import type { Acting } from "./acting";

interface Props {
  actions: Action[];
  acting: Acting;
  /** These have a place of their own. */
  except?: ActionName | null;
}

const BUSY: Record<ActionName, string> = {
  cancel: "Cancelling…",
  retry: "Starting…",
  resume: "Resuming…",
  answer: "Sending…",
};

export function Buttons({ actions, acting, except = null }: Props) {
  const { busy, act } = acting;
  const shown = actions.filter(({ name }) => name !== except);
  if (shown.length === 0) return null;
  return (
    <span className="nbf-rv-buttons">
      {shown.map(({ name, label, title }) => (
        <button
          key={name}
          type="button"
          className="nbf-button"
          title={title}
          aria-disabled={busy !== null}
          onClick={() => busy === null && act(name)}
        >
          {busy === name ? BUSY[name] : label}
        </button>
      ))}
    </span>
  );
}
