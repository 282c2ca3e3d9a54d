/** From what was logged to what is drawn. */

import { describe, expect, it } from "vitest";
import { metricsOf, type Reading } from "./metrics";
import { byId, metric, task } from "./samples";
import { extentOf, logarithmic, nearest, pathOf, straight, thinned, ticks } from "./scale";

function reading(x: number, y: number): Reading {
  return { x, y, place: "" };
}

function pairs(readings: Reading[] = []): [number, number][] {
  return readings.map(({ x, y }) => [x, y]);
}

describe("metrics", () => {
  it("makes a curve over the steps, in their order", () => {
    const [loss] = metricsOf(
      [metric("loss", 3, 2), metric("loss", 1, 10), metric("loss", 2, 0)],
      byId(),
    );
    expect(pairs(loss?.series[0]?.readings)).toEqual([
      [0, 2],
      [2, 3],
      [10, 1],
    ]);
    // The last that was logged, not that of the highest step.
    expect(loss?.latest).toMatchObject({ y: 2, place: "step 0" });
  });

  it("has as its latest what was logged last, in whatever order it comes", () => {
    const [old, young] = [metric("loss", 1, 0, "a"), metric("loss", 2, 0, "b")];
    expect(metricsOf([young, old], byId(task("a"), task("b")))[0]?.latest.y).toBe(2);
  });

  it("takes the last word of a step that was logged twice", () => {
    const [loss] = metricsOf([metric("loss", 9, 1), metric("loss", 2, 1)], byId());
    expect(pairs(loss?.series[0]?.readings)).toEqual([[1, 2]]);
  });

  it("goes by the order of logging where a step is missing", () => {
    const [loss] = metricsOf(
      [metric("loss", 5, 7), metric("loss", 4), metric("loss", 3, 1)],
      byId(),
    );
    expect(pairs(loss?.series[0]?.readings)).toEqual([
      [1, 5],
      [2, 4],
      [3, 3],
    ]);
  });

  it("keeps what is no finite number as a gap", () => {
    const [loss] = metricsOf([metric("loss", "NaN", 0), metric("loss", "-Infinity", 1)], byId());
    expect(pairs(loss?.series[0]?.readings)).toEqual([
      [0, Number.NaN],
      [1, Number.NEGATIVE_INFINITY],
    ]);
  });

  it("compares tasks that log one name", () => {
    const tasks = byId(task("a"), task("b"));
    const all = ["a", "b"].flatMap((id) => [metric("f1", 1, 0, id), metric("f1", 2, 1, id)]);
    const [f1] = metricsOf(all, tasks);
    expect(f1?.series.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(f1?.scattered).toBe(false);
    expect(f1?.latest.place).toBe("b");
  });

  it("joins the single numbers of a map to one series", () => {
    const tasks = byId(task("a", "score[0]", "score"), task("b", "score[1]", "score"));
    const [score] = metricsOf([metric("s", 5, null, "a"), metric("s", 6, null, "b")], tasks);
    expect(score?.scattered).toBe(true);
    expect(score?.series[0]?.readings.map(({ y, place }) => [y, place])).toEqual([
      [5, "score[0]"],
      [6, "score[1]"],
    ]);
  });

  it("keeps the same object of what has not changed", () => {
    const all = [metric("loss", 1, 0), metric("f1", 2, 0)];
    const before = metricsOf(all, byId());
    const after = metricsOf([...all, metric("f1", 3, 1)], byId(), before);
    expect(after.map((each, index) => each === before[index])).toEqual([true, false]);
    expect(after[1]?.latest.y).toBe(3);
    const [own] = metricsOf([metric("x", 1, 0, "t")], byId());
    const named = metricsOf([metric("x", 1, 0, "t")], byId(task("t")), own ? [own] : []);
    expect(named[0]?.series[0]?.name).toBe("t");
  });

  it("leaves out what is no metric", () => {
    expect(metricsOf([metric("x", "many"), metric("x", null)], byId())).toEqual([]);
  });
});

describe("scales", () => {
  it.each([
    [
      [3, 1, 2],
      [1, 3],
    ],
    [
      [Number.NaN, 4, Number.POSITIVE_INFINITY],
      [4, 4],
    ],
    [[Number.NaN], null],
    [[], null],
  ])("reach over %j", (values, extent) => {
    expect(extentOf(values)).toEqual(extent);
  });

  it.each([
    [0, 10, 5, [0, 2, 4, 6, 8, 10]],
    [0.01, 0.96, 5, [0.2, 0.4, 0.6, 0.8]],
    [-3, 3, 4, [-2, 0, 2]],
    [5, 5, 4, [5]],
    [0, 1e-12, 2, [0, 5e-13, 1e-12]],
    [1e15, 1e15 + 4, 4, [1e15, 1e15 + 1, 1e15 + 2, 1e15 + 3, 1e15 + 4]],
  ])("from %d to %d have round ticks", (low, high, most, expected) => {
    expect(ticks(low, high, most)).toEqual(expected);
  });

  it.each([
    [-Number.MAX_VALUE, Number.MAX_VALUE],
    [0, 1e-300],
    [1, 1 + Number.EPSILON],
  ])("from %d to %d keep their heads", (low, high) => {
    const scale = straight([low, high]);
    expect(scale.at(low)).toBe(0);
    expect(scale.at(high)).toBe(100);
    expect(scale.ticks(5).length).toBeLessThan(100);
  });

  it("put one value alone in the middle", () => {
    expect(straight([4, 4]).at(4)).toBe(50);
  });

  it("of logarithms have powers of ten as ticks", () => {
    const scale = logarithmic([0.002, 300]);
    expect(scale.ticks(5)).toEqual([0.01, 0.1, 1, 10, 100]);
    expect(scale.at(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(logarithmic([2, 5]).ticks(3).length).toBeGreaterThan(1);
  });
});

describe("paths", () => {
  const whole = straight([0, 100]);

  it.each([
    [
      "a line",
      [
        [0, 0],
        [50, 100],
        [100, 50],
      ],
      "M0 100L50 0L100 50",
    ],
    ["one number as a dot", [[50, 50]], "M50 50h0"],
    [
      "a gap",
      [
        [0, 0],
        [10, 10],
        [20, Number.NaN],
        [30, 30],
        [40, 40],
      ],
      "M0 100L10 90M30 70L40 60",
    ],
    [
      "a dot between gaps",
      [
        [0, 0],
        [10, Number.NaN],
        [20, 20],
        [30, Number.NaN],
      ],
      "M0 100h0M20 80h0",
    ],
    [
      "infinities as gaps",
      [
        [0, Number.POSITIVE_INFINITY],
        [10, 10],
        [20, 20],
      ],
      "M10 90L20 80",
    ],
    ["nothing at all", [[0, Number.NaN]], ""],
  ])("draw %s", (_, points, path) => {
    const readings = (points as [number, number][]).map(([x, y]) => reading(x, y));
    expect(pathOf(readings, whole, whole)).toBe(path);
  });

  it("stay short for very many readings, and keep every peak", () => {
    const readings = Array.from({ length: 100_000 }, (_, x) => reading(x, x === 77_777 ? 99 : 0));
    const kept = thinned(readings);
    expect(kept.length).toBeLessThanOrEqual(800);
    expect(kept.some(({ y }) => y === 99)).toBe(true);
    expect(kept.every(({ x }, index) => index === 0 || x > (kept[index - 1]?.x ?? 0))).toBe(true);
  });

  it.each([
    [-5, 0],
    [26, 1],
    [60, 2],
    [500, 2],
  ])("are read at %d", (place, index) => {
    expect(nearest([reading(0, 1), reading(30, 2), reading(70, 3)], whole, place)).toBe(index);
  });
});
