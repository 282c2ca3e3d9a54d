import { describe, expect, test } from "vitest";
import { taskRow } from "../../api/samples";
import type { FlowRun, TaskRow } from "../../api/types";
import { layersOf } from "./density";
import { longestWords } from "./extent";
import { hiding, type Row, rowsOf, type Wish } from "./rows";
import { flow, PENDING, RUNNING } from "./samples";

const WISH: Wish = { order: "start", text: "", state: null, toggled: new Set() };
const mapped = (n: number, changes: Partial<TaskRow> = {}) =>
  taskRow(`score-${n}`, { task_name: "score", node: "score", started: 100 + n, ...changes });
const SUBFLOWS = [flow("train"), flow("inner", { parent_id: "train" })];
const TASKS = [
  taskRow("late", { started: 900 }),
  taskRow("early", { started: 5, ended: 20 }),
  mapped(0),
  mapped(1, { state_name: "Failed", state_type: "FAILED" }),
  taskRow("fit", { run: "train", started: 300 }),
  taskRow("deep", { run: "inner", started: 400 }),
  taskRow("never", PENDING),
];

function source(tasks: TaskRow[] = TASKS, subflows: FlowRun[] = SUBFLOWS) {
  return { tasks, run: null, subflows: new Map(subflows.map((f) => [f.id, f])), now: 2000 };
}
const shown = (rows: Row[]) => rows.map(({ name, depth }) => `${"> ".repeat(depth)}${name}`);
const rows = (wish: Partial<Wish>, from = source()) => shown(rowsOf(from, { ...WISH, ...wish }));

describe("rows", () => {
  test.each<[string, Partial<Wish>, string[]]>([
    ["by start", {}, ["train", "> inner", "> > deep", "> fit", "early", "score", "late", "never"]],
    [
      "an open band",
      { toggled: new Set(["band:run:score", "flow:train"]) },
      ["train", "early", "score", "> score-0", "> score-1", "late", "never"],
    ],
    [
      "by name",
      { order: "name", toggled: new Set(["flow:train"]) },
      ["early", "late", "never", "score", "train"],
    ],
    [
      "by duration",
      { order: "duration", toggled: new Set(["flow:train"]) },
      ["train", "score", "late", "early", "never"],
    ],
    ["of one state", { state: "Failed" }, ["score-1"]],
    ["with a text", { text: "EAR" }, ["early"]],
    ["with the name of a subflow", { text: "train" }, ["train", "> fit"]],
    ["with a text that lies deep", { text: "deep" }, ["train", "> inner", "> > deep"]],
    ["nothing matches", { text: "nowhere" }, []],
  ])("%s", (_, wish, expected) => {
    expect(rows(wish)).toEqual(expected);
  });

  test("numbers in names count", () => {
    const tasks = [taskRow("t10"), taskRow("t9"), taskRow("t1")];
    expect(rows({ order: "name" }, source(tasks, []))).toEqual(["t1", "t9", "t10"]);
  });

  test("a subflow of an unknown or circular parent is not lost", () => {
    const odd = [flow("a", { parent_id: "gone" }), flow("b", { parent_id: "b" })];
    expect(rows({}, source([], odd))).toEqual(["a", "b"]);
  });

  test("what hides a task is opened, and only that", () => {
    const wish = { ...WISH, toggled: new Set(["flow:train"]) };
    const of = (id: string) => TASKS.find((row) => row.id === id) as TaskRow;
    expect(hiding(of("score-1"), source(), wish)).toEqual(["band:run:score"]);
    expect(hiding(of("deep"), source(), wish)).toEqual(["flow:train"]);
    expect(hiding(of("late"), source(), wish)).toEqual([]);
  });

  test("ten thousand tasks are put in order in no time", () => {
    const tasks = Array.from({ length: 10_000 }, (_, n) =>
      taskRow(`t${n}`, { started: 10_000 - n }),
    );
    const begun = performance.now();
    expect(rowsOf(source(tasks), { ...WISH, order: "name" })).toHaveLength(10_002);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});

describe("the picture of many", () => {
  test("has a layer per colour, failures at the bottom", () => {
    const members = [mapped(0), mapped(1, { state_name: "Failed", state_type: "FAILED" })];
    const layers = layersOf(members, { from: 100, to: 1000 }, 2000, 4);
    expect(layers.map(({ role }) => role)).toEqual(["red", "green"]);
    expect(layers[0]?.path).toMatch(/^M0 1L0 0\.5\d*H1/);
  });

  test("is empty when nothing ran", () => {
    expect(layersOf([taskRow("a", PENDING)], { from: 0, to: 1 }, 2000, 4)).toEqual([]);
  });
});

describe("what took longest", () => {
  test("is told of what ran and of what runs", () => {
    expect(longestWords(TASKS, 0, 2000)).toBe(
      "longest: early, 15 ms of 2.0 s".replace("early, 15 ms", "score-0, 900 ms"),
    );
    expect(longestWords([...TASKS, taskRow("on", RUNNING)], 0, 125_000)).toBe(
      "longest: on, 2 m 05 s of 2 m 05 s",
    );
  });

  test("is not told when nothing ran, or of a single task", () => {
    expect(longestWords([taskRow("a", PENDING), taskRow("b", PENDING)], 0, 2000)).toBe("");
    expect(longestWords([taskRow("a")], 0, 2000)).toBe("");
  });
});
