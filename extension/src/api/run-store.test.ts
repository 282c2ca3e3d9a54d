import { describe, expect, test, vi } from "vitest";
import { MOST_LOGS, RunStore } from "./run-store";
import { card, graphOf, logLine, taskRow } from "./samples";
import type { FlowRun } from "./types";

const now = 1000;

describe("what is known of a run", () => {
  test("nothing, at first", () => {
    expect(new RunStore().snapshot).toMatchObject({
      run: null,
      tasks: [],
      gone: null,
      revision: 0,
    });
  });

  test("what an update does not name stays, as the same object", () => {
    const store = new RunStore();
    store.apply({
      reset: true,
      now,
      run: { id: "r" } as FlowRun,
      tasks: [taskRow("a")],
      logs: [logLine(1)],
    });
    const before = store.snapshot;
    store.apply({ now, progress: { total: 1, done: 0, counts: {}, noun: "task" } });
    const after = store.snapshot;
    for (const name of [
      "run",
      "tasks",
      "taskById",
      "logs",
      "graph",
      "artifacts",
      "subflows",
    ] as const) {
      expect(after[name]).toBe(before[name]);
    }
    expect(after).not.toBe(before);
  });

  test("a snapshot never changes", () => {
    const store = new RunStore();
    store.apply({
      reset: true,
      now,
      tasks: [taskRow("a")],
      graph: graphOf([card("a")]),
      logs: [logLine(1)],
    });
    const before = store.snapshot;
    const copy = structuredClone(before);
    store.apply({
      now,
      tasks: [taskRow("a", { state_name: "Failed" }), taskRow("b")],
      nodes: [card("a", { state_name: "Failed" })],
      logs: [logLine(2)],
    });
    expect(before).toEqual(copy);
  });

  test("rows come anew in their place, new ones in the order of creation", () => {
    const store = new RunStore();
    store.apply({ now, tasks: [taskRow("b", { created: 2 }), taskRow("d", { created: 4 })] });
    store.apply({
      now,
      tasks: [taskRow("c", { created: 3 }), taskRow("b", { created: 2, attempt: 2 })],
    });
    store.apply({ now, tasks: [taskRow("a", { created: 1 })] });
    store.apply({ now, tasks: [taskRow("d", { created: 4, attempt: 3 })] });
    expect(store.snapshot.tasks.map(({ id, attempt }) => [id, attempt])).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 1],
      ["d", 3],
    ]);
    expect(store.snapshot.taskById.get("d")?.attempt).toBe(3);
  });

  test("a reset forgets all that was sent before", () => {
    const store = new RunStore();
    store.apply({
      now,
      tasks: [taskRow("a"), taskRow("b")],
      logs: [logLine(9)],
      failure: null,
      gone: "Gone.",
    });
    store.apply({ reset: true, now, tasks: [taskRow("b")], logs: [logLine(1)] });
    expect(store.snapshot).toMatchObject({ gone: null, revision: 2 });
    expect(store.snapshot.tasks.map(({ id }) => id)).toEqual(["b"]);
    expect(store.snapshot.taskById.size).toBe(1);
    expect(store.snapshot.logs.map(({ seq }) => seq)).toEqual([1]);
  });

  test("a failure or question that is over is null, one that is not named stays", () => {
    const store = new RunStore();
    const question = { message: "Go on?", schema: null, deadline: null };
    store.apply({ now, question });
    store.apply({ now });
    expect(store.snapshot.question).toEqual(question);
    store.apply({ now, question: null });
    expect(store.snapshot.question).toBeNull();
  });

  test("cards say their latest state; the others stay the same objects", () => {
    const store = new RunStore();
    store.apply({ now, graph: graphOf([card("a"), card("b")], [], { frames: [card("frame")] }) });
    const before = store.snapshot.graph;
    const { x: _x, y: _y, ...news } = card("a", { state_name: "Failed" });
    store.apply({ now, nodes: [news, { ...news, id: "frame" }, { ...news, id: "unknown" }] });
    const after = store.snapshot.graph;
    expect(after?.nodes[0]).toMatchObject({ state_name: "Failed", x: 0 });
    expect(after?.nodes[1]).toBe(before?.nodes[1]);
    expect(after?.frames[0]?.state_name).toBe("Failed");
    expect(after?.nodes).toHaveLength(2);
  });

  test("cards without a graph are no graph", () => {
    const store = new RunStore();
    store.apply({ now, nodes: [card("a")] });
    expect(store.snapshot.graph).toBeNull();
  });

  test("lines that come twice stand once, and the oldest go when there are too many", () => {
    const store = new RunStore();
    const first = Array.from({ length: MOST_LOGS }, (_, seq) => logLine(seq));
    store.apply({ now, logs: first, logs_left_out: 7 });
    store.apply({
      now,
      logs: [logLine(MOST_LOGS - 1), logLine(MOST_LOGS), logLine(MOST_LOGS + 1)],
    });
    const { logs, logsLeftOut } = store.snapshot;
    expect(logs).toHaveLength(MOST_LOGS);
    expect(logs.at(0)?.seq).toBe(2);
    expect(logs.at(-1)?.seq).toBe(MOST_LOGS + 1);
    expect(logsLeftOut).toBe(9);
  });

  test("artifacts and results are renewed by their identity", () => {
    const store = new RunStore();
    const artifact = {
      id: "1",
      kind: "progress" as const,
      key: "k",
      description: null,
      run: "r",
      task: null,
      created: 0,
    };
    store.apply({ now, artifacts: [{ ...artifact, data: 10 }] });
    store.apply({
      now,
      artifacts: [
        { ...artifact, data: 20 },
        { ...artifact, id: "2", data: 1 },
      ],
    });
    expect(store.snapshot.artifacts.map(({ data }) => data)).toEqual([20, 1]);
  });
});

describe("the sender's clock", () => {
  const told = (differences: number[]) => {
    let here = 1_000_000;
    const store = new RunStore(() => here);
    for (const difference of differences) {
      store.apply({ now: here + difference });
      here += 1000;
    }
    return store.snapshot.skew;
  };

  test.each([
    ["small differences are none", [-300, 400], 0],
    ["a clock ahead", [5000], 5000],
    ["a late message does not set it back", [5000, 2000, 4000], 5000],
    ["a truer one corrects it", [-9000, -6000], -6000],
    ["the first was late", [-9000, -100], 0],
    ["a clock that was set counts anew", [300_000, 10_000], 10_000],
  ])("%s", (_, differences, skew) => {
    expect(told(differences)).toBe(skew);
  });
});

test("listeners hear of every update until they leave, also from within", () => {
  const store = new RunStore();
  const other = vi.fn();
  const leave = store.subscribe(() => leave());
  store.subscribe(other);
  store.apply({ now });
  store.apply({ now });
  expect(other).toHaveBeenCalledTimes(2);
});

test("an update of a run with 10,000 tasks takes a few milliseconds", () => {
  const store = new RunStore();
  const rows = Array.from({ length: 10_000 }, (_, n) => taskRow(`t${n}`, { created: n }));
  store.apply({ reset: true, now, tasks: rows, graph: graphOf(rows.map(({ id }) => card(id))) });
  const begun = performance.now();
  for (let n = 0; n < 50; n++) {
    store.apply({
      now,
      tasks: rows.slice(n * 20, n * 20 + 20),
      nodes: rows.slice(n * 20, n * 20 + 20).map(({ id }) => card(id)),
      logs: [logLine(n)],
    });
  }
  const each = (performance.now() - begun) / 50;
  console.info(`an update of 20 rows among 10,000 took ${each.toFixed(2)} ms`);
  expect(each).toBeLessThan(30);
});
