/** Runs, and a service that lists them, to test with. */

import { flowRun } from "../../api/samples";
import { type FlowRun, type RunRow, type Service, ServiceError } from "../../api/types";

/** A run of `train` that took two seconds. */
export function run(id: string, change: Partial<FlowRun> = {}): FlowRun {
  return flowRun({
    id,
    name: `run-${id}`,
    flow_name: "train",
    created: "2026-01-01T00:00:00+00:00",
    start_time: "2026-01-01T00:00:01+00:00",
    end_time: "2026-01-01T00:00:03+00:00",
    ...change,
  });
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
