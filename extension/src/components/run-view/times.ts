/** How long a run takes, and whether its clock goes on. */

import type { FlowRun, State } from "../../api/types";

const FINAL: ReadonlySet<string> = new Set(["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]);
const NEVER: ReadonlySet<string> = new Set(["NotReady", "NotRun"]);

/** Whether nothing more will happen. */
export function isSettled({ type, name }: State): boolean {
  return FINAL.has(type) || NEVER.has(name);
}

/** Whether the time that the run takes still grows. */
export function isTicking(run: FlowRun | null): boolean {
  return run !== null && run.start_time !== null && !isSettled(run.state) && run.end_time === null;
}

/** Seconds so far, or in all; null before the start. */
export function secondsOf(run: FlowRun, now: number): number | null {
  if (run.start_time === null) return null;
  const end = isTicking(run) ? now : Date.parse(run.end_time ?? run.state.timestamp);
  return Math.max(0, (end - Date.parse(run.start_time)) / 1000);
}
