/** For tests: runs as a kernel tells them, and a kernel that is the test. */

import { RunStore } from "../../api/run-store";
import type {
  Connection,
  Failure,
  FlowRun,
  LogLine,
  RunUpdate,
  Service,
  State,
  StateType,
  TaskRow,
} from "../../api/types";

export const NOW = Date.UTC(2026, 4, 6, 12, 0, 30);

export const state = (type: StateType, name: string, message: string | null = null): State => ({
  type,
  name,
  message,
  timestamp: "2026-05-06T12:00:20Z",
  scheduled_time: null,
});

export const flowRun = (more: Partial<FlowRun> = {}): FlowRun => ({
  id: "0b5f7c1e-5a3a-4a83-9d5f-1f0e12345678",
  name: "brave-otter",
  flow_name: "nightly",
  state: state("RUNNING", "Running"),
  kind: "function",
  flow_version: null,
  parameters: {},
  tags: [],
  attempt: 1,
  parent_id: null,
  created: "2026-05-06T12:00:00Z",
  start_time: "2026-05-06T12:00:10Z",
  end_time: null,
  source: null,
  output: null,
  deployment_id: null,
  ...more,
});

export const task = (id: string, more: Partial<TaskRow> = {}): TaskRow => ({
  id,
  name: id,
  task_name: id,
  run: "r",
  kind: "function",
  node: `node-${id}`,
  state_name: "Running",
  state_type: "RUNNING",
  message: null,
  attempt: 1,
  created: NOW,
  started: NOW,
  ended: null,
  map_index: null,
  ...more,
});

export const line = (seq: number, text: string, more: Partial<LogLine> = {}): LogLine => ({
  seq,
  time: NOW,
  level: 20,
  task: null,
  run: "r",
  printed: false,
  text,
  ...more,
});

export const FAILURE: Failure = {
  what: "Task 'score' failed on attempt 3",
  error: "ZeroDivisionError: division by zero",
  source: { place: "cell 4, line 2", text: "    return a / b" },
  traceback: ["Traceback:", "  return a / b"],
  next: [
    { command: "nbflow resume 12345678", purpose: "mend it, then go on" },
    { command: "jupyter console", purpose: "open on its kernel" },
  ],
  task: "score",
  node: "node-score",
};

export const CANCEL = { name: "cancel", label: "Cancel", title: "End the run." } as const;
export const ANSWER = { name: "answer", label: "Go on", title: "Answer the run." } as const;

/** A store that knows what an update tells. */
export function storeOf(update: Partial<RunUpdate> = {}): RunStore {
  const store = new RunStore(() => NOW);
  store.apply({ reset: true, now: NOW, run: flowRun(), ...update });
  return store;
}

interface Question {
  method: string;
  params: unknown;
  answer(told: string): Promise<void>;
  refuse(sentence: string): Promise<void>;
}

/** Answers when the test says so. */
export class FakeService implements Service {
  asked: Question[] = [];
  connect: (connection: Connection) => void = () => {};

  watch() {
    return { look() {}, seen() {}, close() {} };
  }

  ask(method: string, params: unknown): Promise<never> {
    return new Promise((resolve, reject) => {
      const settled = async () => {
        await Promise.resolve();
      };
      this.asked.push({
        method,
        params,
        answer: (told) => {
          resolve({ told } as never);
          return settled();
        },
        refuse: (sentence) => {
          reject(new Error(sentence));
          return settled();
        },
      });
    });
  }

  onConnection(receive: (connection: Connection) => void): () => void {
    this.connect = receive;
    receive("live");
    return () => {};
  }
}
