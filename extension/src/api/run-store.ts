/** What is known of a run: the sum of all updates, as snapshots that never change. */

import { useSyncExternalStore } from "react";
import type {
  Action,
  Artifact,
  Failure,
  FlowRun,
  Graph,
  GraphNode,
  LogLine,
  NodeState,
  Progress,
  Question,
  ResultRow,
  RunUpdate,
  TaskRow,
} from "./types";

/** More lines than these are not kept: the oldest go first. */
export const MOST_LOGS = 50_000;

export interface RunData {
  readonly run: FlowRun | null;
  readonly subflows: ReadonlyMap<string, FlowRun>;
  /** In the order of creation. */
  readonly tasks: TaskRow[];
  readonly taskById: Map<string, TaskRow>;
  /** Its cards say their latest state. */
  readonly graph: Graph | null;
  readonly progress: Progress | null;
  readonly failure: Failure | null;
  readonly actions: Action[];
  readonly question: Question | null;
  readonly logs: LogLine[];
  readonly logsLeftOut: number;
  readonly artifacts: Artifact[];
  readonly results: ResultRow[];
  readonly gone: string | null;
  /** Milliseconds that the sender's clock is ahead of this one. */
  readonly skew: number;
  /** Grows with every update; 0: nothing came yet. */
  readonly revision: number;
}

const NOTHING: RunData = {
  run: null,
  subflows: new Map(),
  tasks: [],
  taskById: new Map(),
  graph: null,
  progress: null,
  failure: null,
  actions: [],
  question: null,
  logs: [],
  logsLeftOut: 0,
  artifacts: [],
  results: [],
  gone: null,
  skew: 0,
  revision: 0,
};

export class RunStore {
  snapshot: RunData = NOTHING;
  #listeners = new Set<() => void>();
  #clock: () => number;
  /** Where each task stands among `tasks`. */
  #places = new Map<string, number>();

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /** Calls back after every update, until what it returns is called. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  apply(update: RunUpdate): void {
    const { revision } = this.snapshot;
    if (update.reset) this.#places = new Map();
    const old = update.reset ? NOTHING : this.snapshot;
    this.snapshot = {
      ...old,
      ...plain(update, old),
      ...this.#tasks(update, old),
      ...logs(update, old),
      subflows: subflows(update, old),
      graph: graph(update, old),
      skew: skew(this.#clock(), update, revision === 0 ? null : this.snapshot.skew),
      revision: revision + 1,
    };
    for (const listener of [...this.#listeners]) listener();
  }

  #tasks({ tasks: news }: RunUpdate, old: RunData): Pick<RunData, "tasks" | "taskById"> {
    if (!news?.length) return { tasks: old.tasks, taskById: old.taskById };
    const [tasks, taskById] = [old.tasks.slice(), new Map(old.taskById)];
    let late = false;
    for (const row of news) {
      const place = this.#places.get(row.id) ?? tasks.length;
      if (place === tasks.length) {
        late ||= place > 0 && row.created < (tasks[place - 1]?.created ?? 0);
        this.#places.set(row.id, place);
      }
      tasks[place] = row;
      taskById.set(row.id, row);
    }
    if (late) this.#sort(tasks);
    return { tasks, taskById };
  }

  /** A sort is stable: of those made at once, the one told first stays first. */
  #sort(tasks: TaskRow[]): void {
    tasks.sort((a, b) => a.created - b.created);
    this.#places = new Map(tasks.map((row, place) => [row.id, place]));
  }
}

/** What an update replaces as a whole. */
function plain(update: RunUpdate, old: RunData) {
  return {
    run: update.run ?? old.run,
    progress: update.progress ?? old.progress,
    failure: update.failure === undefined ? old.failure : update.failure,
    question: update.question === undefined ? old.question : update.question,
    actions: update.actions ?? old.actions,
    artifacts: joined(old.artifacts, update.artifacts, ({ id }) => id),
    results: joined(old.results, update.results, ({ owner, key }) => `${owner} ${key}`),
    // Whatever comes after it says that the target is there again.
    gone: update.gone ?? null,
  };
}

/** The old ones, renewed where they came again, then the new ones. */
function joined<T>(old: T[], news: T[] | undefined, identity: (item: T) => string): T[] {
  if (!news?.length) return old;
  return [...new Map([...old, ...news].map((item) => [identity(item), item])).values()];
}

function subflows({ subflows: news }: RunUpdate, old: RunData): ReadonlyMap<string, FlowRun> {
  if (!news?.length) return old.subflows;
  return new Map([...old.subflows, ...news.map((run): [string, FlowRun] => [run.id, run])]);
}

function logs(update: RunUpdate, old: RunData): Pick<RunData, "logs" | "logsLeftOut"> {
  const leftOut = update.logs_left_out ?? old.logsLeftOut;
  const last = old.logs.at(-1)?.seq ?? Number.NEGATIVE_INFINITY;
  // A line that comes twice, as after a lost connection, stands once.
  const news = update.logs?.filter((line) => line.seq > last) ?? [];
  if (news.length === 0) return { logs: old.logs, logsLeftOut: leftOut };
  const all = old.logs.concat(news);
  const surplus = Math.max(0, all.length - MOST_LOGS);
  return { logs: surplus ? all.slice(surplus) : all, logsLeftOut: leftOut + surplus };
}

function graph(update: RunUpdate, old: RunData): Graph | null {
  const base = update.graph ?? old.graph;
  if (base === null || !update.nodes?.length) return base;
  const news = new Map(update.nodes.map((node) => [node.id, node]));
  const renewed = (node: GraphNode) => merged(node, news.get(node.id));
  return { ...base, nodes: base.nodes.map(renewed), frames: base.frames.map(renewed) };
}

/** Cards that did not change stay the same object, and need no drawing. */
function merged(node: GraphNode, news: NodeState | undefined): GraphNode {
  return news === undefined ? node : { ...node, ...news };
}

/**
 * The sender's clock against ours. A message takes its time, so the largest difference seen is
 * the truest; of clocks that are less than a second apart nobody would see anything.
 */
function skew(here: number, { now }: RunUpdate, known: number | null): number {
  const difference = now - here;
  if (known !== null && difference <= known && known - difference < 60_000) return known;
  return Math.abs(difference) < 1000 ? 0 : difference;
}

/** The latest snapshot, drawn anew with every update. */
export function useRun(store: RunStore): RunData {
  return useSyncExternalStore(store.subscribe, () => store.snapshot);
}
