/** Records for tests, as a kernel tells them: each test says what of them it is about. */

import type {
  FlowRun,
  Graph,
  GraphEdge,
  GraphNode,
  LogLine,
  State,
  StateType,
  TaskRow,
} from "./types";

export function state(type: StateType, name: string, more: Partial<State> = {}): State {
  const timestamp = "1970-01-01T00:00:00Z";
  return { type, name, message: null, timestamp, scheduled_time: null, ...more };
}

/** A run that took a minute. */
export function flowRun(more: Partial<FlowRun> = {}): FlowRun {
  return {
    id: "run",
    name: "brave-otter",
    flow_name: "nightly",
    state: state("COMPLETED", "Completed"),
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
    ...more,
  };
}

/** A task of the run, which took a second; its card has its id. */
export function taskRow(id: string, more: Partial<TaskRow> = {}): TaskRow {
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
    ...more,
  };
}

/** A line of the run; its number is its second, too. */
export function logLine(seq: number, text = `line ${seq}`, more: Partial<LogLine> = {}): LogLine {
  const usual = { time: seq * 1000, level: 20, task: null, run: "run", printed: false };
  return { seq, text, ...usual, ...more };
}

/** The card of a task that took 1.2 seconds. */
export function card(id: string, more: Partial<GraphNode> = {}): GraphNode {
  return {
    id,
    x: 0,
    y: 0,
    width: 120,
    height: 28,
    label: id,
    name: id,
    kind: "task",
    group: null,
    cell_index: null,
    stacked: false,
    state_name: "Completed",
    state_type: "COMPLETED",
    started: 1_790_000_000_000,
    duration: 1.2,
    attempt: 1,
    counts: {},
    message: null,
    ...more,
  };
}

export function graphOf(
  nodes: GraphNode[],
  edges: GraphEdge[] = [],
  more: Partial<Graph> = {},
): Graph {
  return {
    version: 1,
    direction: "down",
    width: 400,
    height: 300,
    nodes,
    frames: [],
    edges,
    center: null,
    rings: [],
    bonds: [],
    groups: [],
    closed: [],
    total: nodes.length,
    note: null,
    ...more,
  };
}
