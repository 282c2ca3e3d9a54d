/** Why a run did not complete: the loudest thing on the page. */

import { type CSSProperties, useId } from "react";
import type { StateType, Failure as Told } from "../../api/types";
import { useStored } from "../hooks";
import { StateIcon } from "../state/icon";
import { lookOf } from "../state/looks";
import { Command } from "./command";

interface Props {
  failure: Told;
  state: { name: string; type: StateType };
  /** Shows the task that failed; null where there is none. */
  onShow: (() => void) | null;
  /** Commands are typed in a notebook: as magics. */
  magics: boolean;
}

export function Failure({ failure, state, onShow, magics }: Props) {
  const { what, error, source, traceback, next } = failure;
  // What was cancelled is not red.
  const tone = {
    "--nbf-rv-tone": `var(--nbf-${lookOf(state.name, state.type).role})`,
  } as CSSProperties;
  return (
    <section className="nbf-rv-alarm" aria-label="What failed" style={tone}>
      <div className="nbf-rv-what">
        <StateIcon name={state.name} type={state.type} size={15} />
        <strong>{what}</strong>
        {onShow && (
          <button type="button" className="nbf-link nbf-rv-show" onClick={onShow}>
            Show in the graph
          </button>
        )}
      </div>
      {error && <p className="nbf-rv-error">{error}</p>}
      {source && (
        <pre className="nbf-rv-source">
          <span className="nbf-muted">{source.place}</span>
          <code>{source.text.trim()}</code>
        </pre>
      )}
      {next.length > 0 && (
        <ul className="nbf-rv-next">
          {next.map(({ command, purpose }) => (
            <li key={command}>
              <Command text={magics ? asMagic(command) : command} />
              <span className="nbf-muted">{purpose}</span>
            </li>
          ))}
        </ul>
      )}
      {traceback.length > 0 && <Traceback lines={traceback} />}
    </section>
  );
}

function asMagic(command: string): string {
  return command.startsWith("nbflow ") ? `%${command}` : command;
}

function Traceback({ lines }: { lines: string[] }) {
  const [open, setOpen] = useStored("traceback", false);
  const id = useId();
  return (
    <div>
      <button
        type="button"
        className="nbf-rv-more"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        Full traceback
      </button>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <pre id={id} className="nbf-rv-traceback" tabIndex={0}>
          {lines.join("\n")}
        </pre>
      )}
    </div>
  );
}
