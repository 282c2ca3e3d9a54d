/**
 * Which rows a timeline has, and in which order: tasks, subflows, and bands of many.
 *
 * Tasks that one card of the graph stands for (a map, a loop) are one band until it is opened.
 * Knows nothing of widths or colours.
 */

import type { FlowRun, TaskRow } from "../../api/types";
import { isSettled, ranFor, startOf } from "./pieces";

interface Line {
  key: string;
  name: string;
  depth: number;
}

export interface TaskLine extends Line {
  kind: "task";
  task: TaskRow;
}

/** Many runs of one task. */
export interface BandLine extends Line {
  kind: "band";
  members: TaskRow[];
  open: boolean;
}

/** A subflow, over what lies in it. */
export interface FlowLine extends Line {
  kind: "flow";
  flow: FlowRun;
  members: TaskRow[];
  open: boolean;
}

export type Row = TaskLine | BandLine | FlowLine;

export type Order = "start" | "duration" | "name";

export interface Wish {
  order: Order;
  /** Part of a name, any case. */
  text: string;
  /** A state's name; null: all. */
  state: string | null;
  /** Keys of the bands and subflows that the reader opened or closed. */
  toggled: ReadonlySet<string>;
}

export interface Source {
  tasks: TaskRow[];
  run: FlowRun | null;
  subflows: ReadonlyMap<string, FlowRun>;
  now: number;
}

/** All rows that stand open, top to bottom. */
export function rowsOf(source: Source, wish: Wish): Row[] {
  const rows: Row[] = [];
  append(rows, trunkOf(source, wish), 0, source, wish);
  return rows;
}

/** What must be open for a task's row to be there; what is open already is left out. */
export function hiding(task: TaskRow, source: Source, wish: Wish): string[] {
  const flows = lineage(task.run, source).map((id) => `flow:${id}`);
  const closedFlows = flows.filter((key) => wish.toggled.has(key));
  const shared = source.tasks.some((other) => other.node === task.node && other.id !== task.id);
  const band = bandKey(task);
  return shared && !wish.toggled.has(band) ? [...closedFlows, band] : closedFlows;
}

/** How many tasks are in each named state. */
export function countsOf(tasks: TaskRow[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { state_name } of tasks) counts.set(state_name, (counts.get(state_name) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** A row and what lies under it, before anything is opened or numbered. */
interface Branch {
  key: string;
  name: string;
  /** For the order by start. */
  start: number;
  /** For the order by duration. */
  length: number;
  tasks: TaskRow[];
  flow: FlowRun | null;
  children: Branch[];
}

function trunkOf(source: Source, wish: Wish): Branch[] {
  const wanted = source.tasks.filter((task) => isWanted(task, source, wish));
  const byRun = groupBy(wanted, (task) => (source.subflows.has(task.run) ? task.run : ""));
  const below = groupBy([...source.subflows.values()], (flow) => homeOf(flow, source));
  return branchesIn("", byRun, below, source, wish);
}

/** What lies directly in a run (empty: the watched one), ordered as wished. */
function branchesIn(
  home: string,
  byRun: Map<string, TaskRow[]>,
  below: Map<string, FlowRun[]>,
  source: Source,
  wish: Wish,
): Branch[] {
  const byNode = groupBy(byRun.get(home) ?? [], bandKey);
  const own = [...byNode].map(([key, tasks]) => taskBranch(key, tasks, source));
  const flows = (below.get(home) ?? [])
    .map((flow) => flowBranch(flow, branchesIn(flow.id, byRun, below, source, wish), byRun, source))
    .filter((branch) => branch.children.length > 0 || isEmptyWish(wish));
  return [...own, ...flows].sort(comparing(wish.order));
}

function taskBranch(key: string, tasks: TaskRow[], source: Source): Branch {
  const [first] = tasks as [TaskRow, ...TaskRow[]];
  if (tasks.length === 1) return leaf(first, source);
  const children = tasks.map((task) => leaf(task, source));
  return {
    key,
    name: first.task_name,
    start: children.reduce((least, child) => Math.min(least, child.start), Infinity),
    length: spanOf(tasks, source.now),
    tasks,
    flow: null,
    children,
  };
}

function leaf(task: TaskRow, source: Source): Branch {
  return {
    key: task.id,
    name: task.name,
    // What never started, or not yet, comes last.
    start: startOf(task) ?? task.ended ?? Infinity,
    length: ranFor(task, source.now) ?? -1,
    tasks: [task],
    flow: null,
    children: [],
  };
}

function flowBranch(
  flow: FlowRun,
  children: Branch[],
  byRun: Map<string, TaskRow[]>,
  source: Source,
): Branch {
  const start = Date.parse(flow.start_time ?? flow.created);
  const end = flow.end_time ? Date.parse(flow.end_time) : source.now;
  return {
    key: `flow:${flow.id}`,
    name: flow.flow_name,
    start,
    length: end - start,
    tasks: byRun.get(flow.id) ?? [],
    flow,
    children,
  };
}

function append(rows: Row[], branches: Branch[], depth: number, source: Source, wish: Wish): void {
  for (const branch of branches) {
    const row = rowOf(branch, depth, wish);
    rows.push(row);
    if (row.kind !== "task" && row.open) {
      const children = [...branch.children].sort(comparing(wish.order));
      append(rows, children, depth + 1, source, wish);
    }
  }
}

function rowOf(branch: Branch, depth: number, wish: Wish): Row {
  const { key, name, tasks, flow } = branch;
  const toggled = wish.toggled.has(key);
  if (flow) return { kind: "flow", key, name, depth, flow, members: tasks, open: !toggled };
  if (branch.children.length > 0)
    return { kind: "band", key, name, depth, members: tasks, open: toggled };
  return { kind: "task", key, name, depth, task: tasks[0] as TaskRow };
}

function isWanted(task: TaskRow, source: Source, wish: Wish): boolean {
  if (wish.state !== null && task.state_name !== wish.state) return false;
  if (!wish.text) return true;
  const text = wish.text.toLowerCase();
  const flow = source.subflows.get(task.run);
  return [task.name, task.task_name, flow?.flow_name ?? ""].some((name) =>
    name.toLowerCase().includes(text),
  );
}

function isEmptyWish(wish: Wish): boolean {
  return wish.text === "" && wish.state === null;
}

function comparing(order: Order): (one: Branch, two: Branch) => number {
  const names = (one: Branch, two: Branch) => compareNames(one.name, two.name);
  if (order === "name") return (one, two) => names(one, two) || startsFirst(one, two);
  if (order === "duration") return (one, two) => two.length - one.length || names(one, two);
  // Array.sort keeps the order of creation where starts are equal.
  return startsFirst;
}

function startsFirst(one: Branch, two: Branch): number {
  return one.start === two.start ? 0 : one.start - two.start;
}

const collator = new Intl.Collator(undefined, { numeric: true });
const compareNames = collator.compare;

/** The subflow that a subflow lies in; empty: the watched run. */
function homeOf(flow: FlowRun, source: Source): string {
  const parent = flow.parent_id;
  return parent !== null && parent !== flow.id && source.subflows.has(parent) ? parent : "";
}

/** The subflows around a run, the run itself included. */
function lineage(run: string, source: Source): string[] {
  const ids: string[] = [];
  let flow = source.subflows.get(run);
  while (flow && !ids.includes(flow.id)) {
    ids.push(flow.id);
    flow = flow.parent_id === null ? undefined : source.subflows.get(flow.parent_id);
  }
  return ids;
}

/** From the first start to the last end. */
function spanOf(tasks: TaskRow[], now: number): number {
  const { from, to } = reachOf(tasks, now);
  return to - from;
}

/** The first start (or creation, if none started) and the last end of many. */
export function reachOf(tasks: TaskRow[], now: number): { from: number; to: number } {
  let from = Infinity;
  let to = -Infinity;
  for (const task of tasks) {
    const start = startOf(task);
    if (start === null) continue;
    from = Math.min(from, start);
    to = Math.max(to, task.ended ?? (isSettled(task) ? start : now));
  }
  if (from <= to) return { from, to };
  const created = tasks.reduce((least, task) => Math.min(least, task.created), Infinity);
  return { from: created, to: created };
}

const bandKey = (task: TaskRow): string => `band:${task.run}:${task.node}`;

function groupBy<T>(items: T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}
