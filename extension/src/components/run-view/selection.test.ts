import { expect, test } from "vitest";
import { task } from "./samples";
import { NOTHING, ofNode, ofTask } from "./selection";

const tasks = [
  task("a"),
  task("m1", { node: "map" }),
  task("m2", { node: "map", state_type: "FAILED" }),
  task("l1", { node: "loop" }),
  task("l2", { node: "loop" }),
];
const byId = new Map(tasks.map((one) => [one.id, one]));

test("a task has its card", () => {
  expect(ofTask("m1", byId)).toEqual({ task: "m1", node: "map" });
  expect(ofTask("unknown", byId)).toEqual({ task: "unknown", node: null });
  expect(ofTask(null, byId)).toEqual(NOTHING);
});

test.each([
  ["node-a", "a"],
  ["map", "m2"],
  ["loop", null],
  ["subflow", null],
])("the card %s stands for the task %s", (node, id) => {
  expect(ofNode(node, tasks)).toEqual({ node, task: id });
});
