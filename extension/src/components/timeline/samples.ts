/** Rows for tests: times are milliseconds since the run's start. */

import { flowRun, state } from "../../api/samples";
import type { FlowRun } from "../../api/types";

/** A run of the flow, which took a minute. */
export function flow(id: string, changes: Partial<FlowRun> = {}): FlowRun {
  return flowRun({ id, name: `a run of ${id}`, flow_name: id, ...changes });
}

/** A run that goes on. */
export function running(id: string, changes: Partial<FlowRun> = {}): FlowRun {
  return flow(id, { state: state("RUNNING", "Running"), end_time: null, ...changes });
}

export const RUNNING = { state_name: "Running", state_type: "RUNNING", ended: null } as const;
export const PENDING = {
  state_name: "Pending",
  state_type: "PENDING",
  started: null,
  ended: null,
} as const;
