/** The one line above a run: state, name, how far it is, how long it takes, buttons. */

import { type ReactNode, useId } from "react";
import type { RunData } from "../../api/run-store";
import type { FlowRun } from "../../api/types";
import { useNow } from "../hooks";
import { StateChip } from "../state/chip";
import { lookOf } from "../state/looks";
import { ago, duration, exactUtc, ticking } from "../words";
import { farWords } from "./progress";
import { isTicking, secondsOf } from "./times";

interface Props {
  data: RunData;
  /** null: there are no parameters to show. */
  parameters: Disclosure | null;
  children: ReactNode;
}

export interface Disclosure {
  open: boolean;
  label: string;
  controls: string;
  toggle(): void;
}

export function Header({ data, parameters, children }: Props) {
  const { run, progress } = data;
  if (run === null) return null;
  const { name, type, message } = run.state;
  return (
    <header className="nbf-rv-head">
      <span title={message ?? undefined}>
        <StateChip state_name={name} state_type={type} pulse={type === "RUNNING"} />
      </span>
      <Name run={run} />
      {parameters && <ParametersButton {...parameters} />}
      <span className="nbf-rv-side nbf-figures">
        {farWords(progress).map(([words, state]) => (
          <span
            key={state}
            style={state ? { color: `var(--nbf-${lookOf(state, null).role})` } : {}}
          >
            {words}
          </span>
        ))}
        <Elapsed run={run} />
      </span>
      {children}
    </header>
  );
}

function Name({ run }: { run: FlowRun }) {
  const attempt = run.attempt > 1 ? `try ${run.attempt}` : null;
  return (
    <span className="nbf-rv-names">
      <bdi className="nbf-rv-name" title={run.flow_name}>
        {run.flow_name}
      </bdi>
      <bdi className="nbf-rv-run" title={`This run is called ${run.name}`}>
        {run.name}
      </bdi>
      {attempt && <span className="nbf-rv-try">{attempt}</span>}
    </span>
  );
}

function Elapsed({ run }: { run: FlowRun }) {
  const live = isTicking(run);
  const now = useNow(live);
  const seconds = secondsOf(run, now);
  if (seconds === null) return null;
  const begun = Date.parse(run.start_time ?? run.created);
  return (
    <span className="nbf-rv-time" title={`Started ${ago(begun, now)}: ${exactUtc(begun)}`}>
      {live ? ticking(seconds) : duration(seconds)}
    </span>
  );
}

function ParametersButton({ open, label, controls, toggle }: Disclosure) {
  const id = useId();
  return (
    <button
      id={id}
      type="button"
      className="nbf-rv-more"
      aria-expanded={open}
      aria-controls={open ? controls : undefined}
      onClick={toggle}
    >
      {label}
    </button>
  );
}
