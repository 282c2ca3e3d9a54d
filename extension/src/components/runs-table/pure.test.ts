/** Queries, columns, and the words of a row. */

import { describe, expect, it } from "vitest";
import { state } from "../../api/samples";
import { columnsAt, directionOf, nextOrder } from "./columns";
import { isFiltered, queryOf, whereOf } from "./query";
import {
  exactTimes,
  isMoving,
  isRunning,
  parameterLines,
  parameterWords,
  whenWords,
} from "./run-words";
import { row, run } from "./samples";

describe("a query", () => {
  const all = queryOf({});

  it("asks for all runs, newest first, unless something is picked", () => {
    expect([whereOf(all), all.order, isFiltered(all)]).toEqual([{}, "-created", false]);
  });

  it("asks for the types of the states that are picked", () => {
    const query = {
      ...all,
      text: "  otter ",
      states: ["Running", "Failed"],
      flow: "f",
      tags: ["t"],
    };
    expect(whereOf(query)).toEqual({
      text: "otter",
      states: ["RUNNING", "PENDING", "CANCELLING", "FAILED"],
      flow: "f",
      tags: ["t"],
    });
    expect(isFiltered(query)).toBe(true);
  });

  it("begins with what it is given", () => {
    const query = queryOf({ states: ["FAILED"], flow: "f" });
    expect(whereOf(query)).toEqual({ states: ["FAILED"], flow: "f" });
  });
});

describe("columns", () => {
  const named = (id: string) => columnsAt(0).find((column) => column.id === id) ?? expect.fail(id);

  it.each([
    [0, 8],
    [1100, 8],
    [800, 6],
    [600, 4],
    [400, 3],
  ])("at %d pixels are %d", (width, count) => {
    expect(columnsAt(width)).toHaveLength(count);
  });

  it.each([
    ["when", "-created", "created"],
    ["when", "created", "-created"],
    ["when", "-duration", "-created"],
    ["duration", "-created", "-duration"],
    ["duration", "-duration", "duration"],
    ["duration", "duration", "-created"],
    ["name", "-created", "name"],
    ["name", "name", "-created"],
  ] as const)("%s turns %s into %s", (id, order, next) => {
    expect(nextOrder(named(id), order)).toBe(next);
  });

  it.each([
    ["when", "-created", "descending"],
    ["when", "created", "ascending"],
    ["name", "name", "ascending"],
    ["name", "-created", "none"],
  ] as const)("%s by %s is %s", (id, order, direction) => {
    expect(directionOf(named(id), order)).toBe(direction);
  });
});

describe("the words of a row", () => {
  const now = Date.parse("2026-01-01T00:05:00Z");

  it.each([
    [{}, ""],
    [{ lr: 0.1, n: 3 }, "lr=0.1, n=3"],
    [{ rate: 0.1 + 0.2, big: 12345678 }, "rate=0.3, big=12345678"],
    [{ name: "x", flag: true, none: null }, 'name="x", flag=true, none=null'],
    [{ text: "a very long text that goes on" }, 'text="a very long text that goes…'],
  ])("tell parameters %j", (parameters, words) => {
    expect(parameterWords(parameters)).toBe(words);
  });

  it("bound what a row and its tooltip hold", () => {
    const many = Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [`p${i}`, "x".repeat(900)]),
    );
    expect(parameterWords(many).length).toBeLessThan(300);
    expect(parameterLines(many).length).toBeLessThan(5000);
  });

  it.each([
    ["since it began", {}, "4 minutes ago"],
    ["since it was made", { start_time: null }, "5 minutes ago"],
    [
      "until it is due",
      {
        start_time: null,
        state: state("SCHEDULED", "Scheduled", { scheduled_time: "2026-01-01T01:05:00Z" }),
      },
      "in 1 hour",
    ],
    ["nothing of nonsense", { start_time: "soon" }, ""],
  ])("tell the time %s", (_, change, words) => {
    expect(whenWords(run("1", change), now)).toBe(words);
  });

  it("tell all its times exactly", () => {
    expect(exactTimes(run("1", { end_time: null }))).toBe(
      "made 2026-01-01 00:00:00.000 UTC\nstarted 2026-01-01 00:00:01.000 UTC",
    );
  });

  it.each([
    ["Running", "RUNNING", true],
    ["Pending", "PENDING", true],
    ["NotRun", "PENDING", false],
    ["Cancelling", "CANCELLING", true],
    ["Paused", "PAUSED", false],
    ["Completed", "COMPLETED", false],
  ] as const)("whether %s may change: %j", (name, type, moving) => {
    expect(isMoving(row("1", { state: state(type, name) }), now)).toBe(moving);
  });

  it.each([
    ["2026-01-01T00:04:00Z", true],
    ["2026-01-01T00:05:03Z", true],
    ["2026-01-01T00:06:00Z", false],
    [null, false],
  ])("whether a run due at %s may change: %j", (due, moving) => {
    expect(
      isMoving(row("1", { state: state("SCHEDULED", "Late", { scheduled_time: due }) }), now),
    ).toBe(moving);
  });

  it("tick while a run goes on", () => {
    const going = { state: state("RUNNING", "Running"), end_time: null };
    expect([
      isRunning(run("1", going)),
      isRunning(run("1")),
      isRunning(run("1", { ...going, start_time: null })),
    ]).toEqual([true, false, false]);
  });
});
