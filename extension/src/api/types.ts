/**
 * The records that views are made of, as JSON brings them.
 *
 * A view watches a target and receives updates; `RunUpdate` is the difference to what was sent
 * before. Whoever sends them (a kernel through a comm, a server over HTTP) sends the same.
 * Instants are milliseconds since 1970 in UTC where a record was made for views, and ISO 8601
 * text in records of the API.
 */

export type StateType =
  | "SCHEDULED"
  | "PENDING"
  | "RUNNING"
  | "PAUSED"
  | "CANCELLING"
  | "COMPLETED"
  | "FAILED"
  | "CANCELLED"
  | "CRASHED";

export interface State {
  type: StateType;
  name: string;
  message: string | null;
  timestamp: string;
  scheduled_time: string | null;
}

/** A flow run as the API tells it. */
export interface FlowRun {
  id: string;
  name: string;
  flow_name: string;
  state: State;
  kind: "function" | "notebook";
  flow_version: string | null;
  parameters: Record<string, unknown>;
  tags: string[];
  attempt: number;
  parent_id: string | null;
  created: string;
  start_time: string | null;
  end_time: string | null;
  source: string | null;
  output: string | null;
  deployment_id: string | null;
}

/** One attempt of a task: when it began and ended, and how. */
export interface Attempt {
  started: number;
  /** null: it goes on. */
  ended: number | null;
  state_name: string;
  state_type: StateType;
}

/** A task run or a cell, for lists and timelines. */
export interface TaskRow {
  id: string;
  name: string;
  task_name: string;
  /** The flow run that it belongs to: the watched one, or a subflow. */
  run: string;
  kind: "function" | "cell";
  /** The card of the graph that stands for it, when all groups are open. */
  node: string;
  state_name: string;
  state_type: StateType;
  message: string | null;
  attempt: number;
  created: number;
  started: number | null;
  ended: number | null;
  map_index: number | null;
  /** Only of tasks that were started more than once: all attempts, oldest first. */
  attempts?: Attempt[];
}

/** What changes about a card while its place stays. */
export interface NodeState {
  id: string;
  /** null: a flow that is only drawn. */
  state_name: string | null;
  state_type: StateType | null;
  /** When it began; with `duration` null and a running state, the clock ticks from here. */
  started: number | null;
  /** Seconds; null before the end. */
  duration: number | null;
  attempt: number;
  /** Of a map, a loop or a closed subflow: how many runs are in each named state. */
  counts: Record<string, number>;
  message: string | null;
}

export interface Box {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A card of the graph, in its place. */
export interface GraphNode extends Box, NodeState {
  /** The whole name. */
  label: string;
  /** The name as it fits on the card. */
  name: string;
  kind: "task" | "cell" | "map" | "flow";
  /** The subflow it lies in. */
  group: string | null;
  cell_index: number | null;
  /** Drawn as a stack with a segmented bar and counts. */
  stacked: boolean;
}

export type Point = [number, number];

export interface GraphEdge {
  source: string;
  target: string;
  /** The variable or parameter. */
  label: string;
  /** false: inferred, and not sure. Dashed. */
  certain: boolean;
  /** A start, then three points (two handles, an end) per Bézier piece. */
  points: Point[];
  /** Where the arrow ends; null: no arrowhead. */
  tip: Point | null;
  /** Where the label stands; null: only on hover. */
  label_at: Point | null;
}

export type Direction = "down" | "right" | "radial";

/** The laid-out graph: clients only draw. Lengths are CSS pixels, y grows downwards. */
export interface Graph {
  /** Grows whenever cards, edges or places change. */
  version: number;
  direction: Direction;
  width: number;
  height: number;
  nodes: GraphNode[];
  /** Open subflows: frames around what lies in them, outer ones first. Drawn under all else. */
  frames: GraphNode[];
  edges: GraphEdge[];
  /** Radial only: the middle, and the radii of the rings around it. */
  center: Point | null;
  rings: number[];
  /** Radial only: from a subflow's card to what lies in it, drawn as broad bands. */
  bonds: GraphEdge[];
  /** Ids of all subflows that could be closed, and those that are. */
  groups: string[];
  closed: string[];
  /** How many cards there are when all groups are open. */
  total: number;
  /** Why nothing, or not all, is drawn: one sentence for the reader. */
  note: string | null;
}

/** What a reader wants to see of a graph. */
export interface Look {
  /** Closed groups; null: nbflow decides (large graphs are closed). */
  closed: string[] | null;
  /** null: nbflow decides by the graph's shape. */
  direction: Direction | null;
}

export interface LogLine {
  /** Grows; unique. */
  seq: number;
  time: number;
  /** As Python's logging counts: 10 debug, 20 info, 30 warning, 40 error. */
  level: number;
  /** The task run; null: the flow's own. */
  task: string | null;
  /** The flow run: the watched one or a subflow. */
  run: string;
  /** true: printed, not logged. */
  printed: boolean;
  /** May have several lines and ANSI colours; never HTML. */
  text: string;
}

export type ArtifactKind = "markdown" | "table" | "link" | "image" | "progress" | "metric";

export interface Artifact {
  id: string;
  kind: ArtifactKind;
  key: string | null;
  description: string | null;
  /**
   * By kind. markdown: the text. table: `{columns: string[], rows: unknown[][], total: number}`.
   * link: `{url, text}`. image: `{url}` (often a data: address). progress: 0 to 100.
   * metric: `{value, step}`, NaN and infinities as text.
   */
  data: unknown;
  run: string | null;
  task: string | null;
  created: number;
}

/** A kept result of a task or flow: what is known of it without loading it. */
export interface ResultRow {
  /** The task run, or the flow run itself. */
  owner: string;
  name: string;
  serializer: string;
  /** Bytes. */
  size: number;
  key: string;
}

export interface Failure {
  /** `Task 'score' failed on attempt 3`. */
  what: string;
  /** The exception's last line. */
  error: string;
  /** The user's own source line. */
  source: { place: string; text: string } | null;
  traceback: string[];
  /** What to type, and what it gives. */
  next: { command: string; purpose: string }[];
  /** The task run that failed first, and its card. */
  task: string | null;
  node: string | null;
}

/** How far a run is. */
export interface Progress {
  total: number;
  done: number;
  counts: Record<string, number>;
  noun: "task" | "cell";
}

export type ActionName = "cancel" | "retry" | "resume" | "answer";

/** A button that applies just now. */
export interface Action {
  name: ActionName;
  label: string;
  /** What it does, for the tooltip. */
  title: string;
}

/** What a paused run asks. */
export interface Question {
  message: string | null;
  /** JSON Schema of the answer; null: only the word to go on. */
  schema: Record<string, unknown> | null;
  deadline: number | null;
}

/** What is new since the last update; what is absent has not changed. */
export interface RunUpdate {
  /** Forget what was sent before: this is everything. */
  reset?: boolean;
  /** The sender's clock. */
  now: number;
  run?: FlowRun;
  subflows?: FlowRun[];
  progress?: Progress;
  failure?: Failure | null;
  actions?: Action[];
  question?: Question | null;
  /** Whole rows of the tasks that changed. */
  tasks?: TaskRow[];
  graph?: Graph;
  /** Cards of the graph last sent that changed without moving. */
  nodes?: NodeState[];
  /** In order of `seq`. */
  logs?: LogLine[];
  /** How many of the oldest lines are not sent because there are too many. */
  logs_left_out?: number;
  artifacts?: Artifact[];
  results?: ResultRow[];
  /** The target is gone: it was deleted, or the store cannot be reached. One sentence. */
  gone?: string;
}

/** What a view shows. `view` names an object that lives in the sender, such as a flow not run. */
export type Target = { run: string } | { view: string };

/** One thing that is being watched. */
export interface Watch {
  /** Ask for another look at the graph; the answer comes as an update. */
  look(look: Look): void;
  /** While nobody sees it, nothing is sent; when it is seen again, what was missed is. */
  seen(visible: boolean): void;
  close(): void;
}

/** A refusal with a sentence for the reader. */
export class ServiceError extends Error {}

/** Where views get everything from: a kernel, a server. */
export interface Service {
  watch(target: Target, look: Look, receive: (update: RunUpdate) => void): Watch;
  /** Rejects with `ServiceError`: the sender's sentence, or why there was no answer in time. */
  ask<M extends Method>(
    method: M,
    params: Asks[M][0],
    options?: { seconds?: number },
  ): Promise<Asks[M][1]>;
  /** Whether the other side answers. Calls back at once, and at every change. */
  onConnection(receive: (connection: Connection) => void): () => void;
}

export type Connection = "connecting" | "live" | "lost";

export interface RunRow {
  run: FlowRun;
  /** Seconds; null before the start; to now while it goes on. */
  duration: number | null;
  /** The deployment's full name. */
  deployment: string | null;
}

export type RunOrder =
  | "-created"
  | "created"
  | "-start_time"
  | "start_time"
  | "-duration"
  | "duration"
  | "name";

export interface RunsWhere {
  text?: string;
  states?: StateType[];
  flow?: string;
  tags?: string[];
}

/** A deployable flow, as the form needs it. */
export interface Deployable {
  flow_name: string;
  /** What will be deployed: a notebook, or `file.py:flow`. */
  target: string;
  kind: "function" | "notebook";
  description: string | null;
  /** JSON Schema of the parameters. */
  schema: Record<string, unknown>;
  /** Names of deployments of this flow that exist already. */
  taken: string[];
  /** What those deployments say: a form can start from one. */
  existing?: ExistingDeployment[];
  queues: string[];
  /** IANA names; the first is this machine's. */
  zones: string[];
}

/** What a form can start from. */
export interface ExistingDeployment {
  name: string;
  version: number;
  parameters: Record<string, unknown>;
  /** In words. */
  schedules: string[];
  /** Of its only schedule, when that is a cron text. */
  cron: string | null;
  timezone: string | null;
  queue: string;
  tags: string[];
}

export interface SchedulePreview {
  /** `every weekday at 06:00, Europe/Paris`. */
  words: string;
  /** The next instants, ISO 8601 in UTC. */
  next: string[];
}

export interface DeployRequest {
  view: string;
  name: string;
  parameters: Record<string, unknown>;
  /** Cron text; null: no schedule. */
  cron: string | null;
  timezone: string | null;
  queue: string;
  tags: string[];
  /** With `cron` null: the schedules of the deployment of this name stay as they are. */
  keep_schedules?: boolean;
}

export interface Deployed {
  full_name: string;
  version: number;
  /** What was done: `keep` when nothing differed. */
  outcome?: "create" | "change" | "keep";
  /** What to do next, in one sentence. */
  next: string;
}

/** By method: what is sent, and what comes back. */
export interface Asks {
  "run.act": [{ run: string; action: ActionName; answer?: unknown }, { told: string }];
  "runs.list": [
    { where: RunsWhere; order: RunOrder; limit: number; offset: number; view?: string },
    { items: RunRow[]; total: number },
  ];
  "deploy.describe": [{ view: string }, Deployable];
  "deploy.preview": [{ cron: string; timezone: string | null }, SchedulePreview];
  "deploy.create": [DeployRequest, Deployed];
}
export type Method = keyof Asks;
