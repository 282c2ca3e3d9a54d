/** Runs, and a service that lists them, to test with. */

import {
  type FlowRun,
  type RunRow,
  type Service,
  ServiceError,
  type StateType,
} from "../../api/types";

export function run(id: string, change: Partial<FlowRun> = {}): FlowRun {
  return {
    id,
    name: `run-${id}`,
    flow_name: "train",
    state: state("Completed", "COMPLETED"),
    kind: "function",
    flow_version: null,
    parameters: {},
    tags: [],
    attempt: 1,
    parent_id: null,
    created: "2026-01-01T00:00:00+00:00",
    start_time: "2026-01-01T00:00:01+00:00",
    end_time: "2026-01-01T00:00:03+00:00",
    source: null,
    output: null,
    deployment_id: null,
    ...change,
  };
}

export function state(name: string, type: StateType, scheduled_time: string | null = null) {
  return { name, type, message: null, timestamp: "2026-01-01T00:00:00+00:00", scheduled_time };
}

export function row(id: string, change: Partial<FlowRun> = {}, rest: Partial<RunRow> = {}): RunRow {
  return { run: run(id, change), duration: 2, deployment: null, ...rest };
}

type Asked = Parameters<Service["ask"]>[1];

/** Answers `runs.list` from `rows`, which tests change; all that was asked is in `asked`. */
export class FakeService implements Service {
  rows: RunRow[];
  total: number | null = null;
  refusal: string | null = null;
  asked: Asked[] = [];

  constructor(...rows: RunRow[]) {
    this.rows = rows;
  }

  watch(): never {
    throw new Error("Lists of runs watch nothing.");
  }

  onConnection(): () => void {
    return () => {};
  }

  ask = (async (_: string, params: Asked) => {
    this.asked.push(params);
    if (this.refusal !== null) throw new ServiceError(this.refusal);
    const { limit } = params as { limit: number };
    return { items: this.rows.slice(0, limit), total: this.total ?? this.rows.length };
  }) as Service["ask"];
}
