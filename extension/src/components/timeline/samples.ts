/** Rows for tests: times are milliseconds since the run's start. */

import type { FlowRun, TaskRow } from "../../api/types";

export function task(id: string, changes: Partial<TaskRow> = {}): TaskRow {
  return {
    id,
    name: id,
    task_name: id,
    run: "run",
    kind: "function",
    node: id,
    state_name: "Completed",
    state_type: "COMPLETED",
    message: null,
    attempt: 1,
    created: 0,
    started: 0,
    ended: 1000,
    map_index: null,
    ...changes,
  };
}

export function flow(id: string, changes: Partial<FlowRun> = {}): FlowRun {
  return {
    id,
    name: `a run of ${id}`,
    flow_name: id,
    state: {
      type: "COMPLETED",
      name: "Completed",
      message: null,
      timestamp: "1970-01-01T00:00:00Z",
      scheduled_time: null,
    },
    kind: "function",
    flow_version: null,
    parameters: {},
    tags: [],
    attempt: 1,
    parent_id: null,
    created: "1970-01-01T00:00:00Z",
    start_time: "1970-01-01T00:00:00Z",
    end_time: "1970-01-01T00:01:00Z",
    source: null,
    output: null,
    deployment_id: null,
    ...changes,
  };
}

/** A run that goes on. */
export function running(id: string, changes: Partial<FlowRun> = {}): FlowRun {
  const state = { ...flow(id).state, type: "RUNNING" as const, name: "Running" };
  return flow(id, { state, end_time: null, ...changes });
}

export const RUNNING = { state_name: "Running", state_type: "RUNNING", ended: null } as const;
export const PENDING = {
  state_name: "Pending",
  state_type: "PENDING",
  started: null,
  ended: null,
} as const;
