/** For tests: runs as a kernel tells them, and a kernel that is the test. */

import { RunStore } from "../../api/run-store";
import { flowRun, state, taskRow } from "../../api/samples";
import type { Connection, Failure, FlowRun, RunUpdate, Service, TaskRow } from "../../api/types";

export const NOW = Date.UTC(2026, 4, 6, 12, 0, 30);

/** A run of `nightly` that goes on, since twenty seconds. */
export const nightly = (more: Partial<FlowRun> = {}): FlowRun =>
  flowRun({
    id: "0b5f7c1e-5a3a-4a83-9d5f-1f0e12345678",
    state: state("RUNNING", "Running"),
    created: "2026-05-06T12:00:00Z",
    start_time: "2026-05-06T12:00:10Z",
    end_time: null,
    ...more,
  });

/** A task that has begun now, whose card has an id of its own. */
export const task = (id: string, more: Partial<TaskRow> = {}): TaskRow =>
  taskRow(id, {
    node: `node-${id}`,
    state_name: "Running",
    state_type: "RUNNING",
    created: NOW,
    started: NOW,
    ended: null,
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
  store.apply({ reset: true, now: NOW, run: nightly(), ...update });
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
