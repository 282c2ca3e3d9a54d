import { describe, expect, test } from "vitest";
import { taskRow } from "../../api/samples";
import type { Attempt, TaskRow } from "../../api/types";
import { piecesOf, ranFor, waitedFor } from "./pieces";
import { PENDING, RUNNING } from "./samples";

const NOW = 10_000;
const failed = (started: number, ended: number): Attempt => ({
  started,
  ended,
  state_name: "Failed",
  state_type: "FAILED",
});
const drawn = (row: TaskRow) =>
  piecesOf(row, NOW).map(
    ({ kind, from, to, state_name, open }) =>
      `${kind} ${from}–${to} ${state_name}${open ? " …" : ""}`,
  );

describe("pieces", () => {
  test.each<[string, TaskRow, string[]]>([
    ["at once", taskRow("a"), ["run 0–1000 Completed"]],
    [
      "after waiting",
      taskRow("a", { started: 400 }),
      ["wait 0–400 Completed", "run 400–1000 Completed"],
    ],
    ["still running", taskRow("a", RUNNING), ["run 0–10000 Running …"]],
    ["still waiting", taskRow("a", PENDING), ["wait 0–10000 Pending …"]],
    [
      "never run",
      taskRow("a", { ...PENDING, state_name: "NotRun", created: 50 }),
      ["never 50–50 NotRun"],
    ],
    [
      "cancelled before it began",
      taskRow("a", { started: null, ended: 700, state_name: "Cancelled", state_type: "CANCELLED" }),
      ["never 700–700 Cancelled"],
    ],
    [
      "tried again",
      taskRow("a", {
        started: 500,
        ended: 700,
        attempts: [failed(0, 200), { ...failed(500, 700), state_name: "Completed" }],
      }),
      ["run 0–200 Failed", "gap 200–500 Failed", "run 500–700 Completed"],
    ],
    [
      "about to be tried again",
      taskRow("a", {
        ended: null,
        state_name: "AwaitingRetry",
        state_type: "SCHEDULED",
        attempts: [failed(0, 200)],
      }),
      ["run 0–200 Failed", "gap 200–10000 AwaitingRetry …"],
    ],
    [
      "about to be tried again, of which no end is known",
      taskRow("a", { ended: null, state_name: "AwaitingRetry", state_type: "SCHEDULED" }),
      ["gap 0–10000 AwaitingRetry …"],
    ],
    [
      "a clock that went back",
      taskRow("a", { started: 900, ended: 100, created: 900 }),
      ["run 900–900 Completed"],
    ],
  ])("%s", (_, row, pieces) => {
    expect(drawn(row)).toEqual(pieces);
  });

  test("attempts add up; pauses do not count", () => {
    const row = taskRow("a", { created: -100, attempts: [failed(0, 200), failed(500, 700)] });
    expect(ranFor(row, NOW)).toBe(400);
    expect(waitedFor(row, NOW)).toBe(100);
  });

  test("what never started ran for no time at all", () => {
    expect(ranFor(taskRow("a", PENDING), NOW)).toBeNull();
    expect(waitedFor(taskRow("a", PENDING), NOW)).toBe(NOW);
    expect(waitedFor(taskRow("a", { ...PENDING, state_name: "NotRun" }), NOW)).toBe(0);
  });
});
