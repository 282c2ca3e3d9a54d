/** How columns are sorted and written, and how artifacts are put in order. */

import { describe, expect, it } from "vitest";
import { columnsOf, MOST_COLUMNS, nextSorting, ordered, type Sorting } from "./columns";
import { sectionsOf } from "./exhibits";
import { artifact, byId, task } from "./samples";

describe("columns", () => {
  const values = [3, null, "NaN", 10, "Infinity", 2];

  it.each([
    ["ascending", [2, 3, 10, "Infinity", "NaN", null]],
    ["descending", ["Infinity", 10, 3, 2, "NaN", null]],
  ] as const)("sort %s, what is missing last", (direction, expected) => {
    const rows = values.map((value) => [value]);
    expect(ordered(rows, { index: 0, direction }).map(([value]) => value)).toEqual(expected);
  });

  it("sort words as people do, after numbers, and leave equals in their order", () => {
    const rows = [["item 10"], ["item 9"], [1], ["a", 1], ["a", 2]];
    const sorted = ordered(rows, { index: 0, direction: "ascending" });
    expect(sorted).toEqual([[1], ["a", 1], ["a", 2], ["item 9"], ["item 10"]]);
  });

  it("leave the given rows alone", () => {
    const rows = [[2], [1]];
    ordered(rows, { index: 0, direction: "ascending" });
    expect(rows).toEqual([[2], [1]]);
  });

  it("go up, down, and back by clicks", () => {
    let sorting: Sorting | null = null;
    const seen = [0, 0, 0, 1].map((index) => {
      sorting = nextSorting(sorting, index);
      return sorting && `${sorting.index} ${sorting.direction}`;
    });
    expect(seen).toEqual(["0 ascending", "0 descending", null, "1 ascending"]);
  });

  it.each([
    [[1, 2, null], true],
    [[1, "NaN"], true],
    [["NaN", "NaN"], true],
    [[1, "one"], false],
    [[null, null], false],
    [[true, false], false],
  ])("of %j are numbers: %j", (column, numeric) => {
    const [first] = columnsOf({ columns: ["c"], rows: column.map((value) => [value]), total: 0 });
    expect(first?.numeric).toBe(numeric);
  });

  it("are wide enough for what they hold, within reason", () => {
    const form = {
      columns: ["n", "a long name", "text"],
      rows: [[1, 2, "x".repeat(500)]],
      total: 1,
    };
    const [narrow, named, text] = columnsOf(form).map(({ width }) => width);
    expect(narrow).toBe(4);
    expect(named).toBeGreaterThan("a long name".length);
    expect(text).toBeLessThan(60);
  });

  it("are cut where nobody reads on", () => {
    const columns = Array.from({ length: 5000 }, (_, index) => `c${index}`);
    expect(columnsOf({ columns, rows: [], total: 0 })).toHaveLength(MOST_COLUMNS);
  });
});

describe("sections", () => {
  const names = {
    tasks: byId(task("a", "load"), task("b0", "fit[0]", "fit"), task("b1", "fit[1]", "fit")),
    subflows: new Map(),
  };
  const sections = (...all: Parameters<typeof sectionsOf>[0]) =>
    sectionsOf(all, names).map(({ title, exhibits }) => [
      title,
      exhibits.map(({ versions }) => versions.map(({ data }) => data)),
    ]);

  it("stand in the order in which their tasks first kept something", () => {
    const of = (data: string, task: string | null) => artifact("markdown", data, { task });
    expect(sections(of("1", "b0"), of("2", null), of("3", "a"), of("4", "b0"))).toEqual([
      ["fit", [["1"], ["4"]]],
      ["The flow itself", [["2"]]],
      ["load", [["3"]]],
    ]);
  });

  it("hold what has one key as versions, also from several runs of a task", () => {
    const of = (data: string, task: string, created: number) =>
      artifact("markdown", data, { key: "report", task, created });
    expect(sections(of("new", "b1", 9), of("old", "b0", 3), of("other", "a", 5))).toEqual([
      ["fit", [["old", "new"]]],
      ["load", [["other"]]],
    ]);
  });

  it("keep kinds of one key apart, and leave metrics to the tiles", () => {
    const all = (["markdown", "link", "metric"] as const).map((kind) =>
      artifact(kind, kind, { key: "k", task: "a" }),
    );
    expect(sections(...all)).toEqual([["load", [["markdown"], ["link"]]]]);
  });

  it("name tasks that are not known, and subflows", () => {
    const subflows = new Map([["sub", { flow_name: "clean" } as never]]);
    const all = [
      artifact("markdown", "1", { task: "?" }),
      artifact("markdown", "2", { run: "sub" }),
    ];
    const titles = sectionsOf(all, { ...names, subflows }).map(({ title }) => title);
    expect(titles).toEqual(["A task", "clean"]);
  });
});
