import { describe, expect, test } from "vitest";
import { ticksOf, tickWords } from "./axis";
import { chosen, panned, place, whole, zoomed } from "./zoom";

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

describe("what marks say", () => {
  test.each([
    [0, 1, "0"],
    [500, 100, "500 ms"],
    [1500, 500, "1.5 s"],
    [1020, 10, "1.02 s"],
    [30 * S, 30 * S, "30 s"],
    [M, 30 * S, "1 m"],
    [90 * S, 30 * S, "1 m 30 s"],
    [M + 2500, 500, "1 m 02.5 s"],
    [H, 30 * M, "1 h"],
    [90 * M, 30 * M, "1 h 30 m"],
    [H + 5 * S, 5 * S, "1 h 00 m 05 s"],
    [D, 12 * H, "1 d"],
    [D + 12 * H, 12 * H, "1 d 12 h"],
    [-30 * S, 30 * S, "−30 s"],
  ])("%d by %d: %s", (at, step, words) => {
    expect(tickWords(at, step)).toBe(words);
  });
});

describe("marks", () => {
  test.each([
    [{ from: 0, to: 60 * S }, 6, ["0", "10 s", "20 s", "30 s", "40 s", "50 s", "1 m"]],
    [{ from: 0, to: 95 * S }, 4, ["0", "30 s", "1 m", "1 m 30 s"]],
    [{ from: -20, to: 45 }, 4, ["−20 ms", "0", "20 ms", "40 ms"]],
  ])("%o", (span, most, words) => {
    expect(ticksOf(span, most).map((tick) => tick.words)).toEqual(words);
  });

  test.each([3, 50, 999, 12_345, 3 * H, 400 * D, 40_000 * D])("few over %d ms", (length) => {
    const ticks = ticksOf({ from: 0, to: length }, 6);
    expect(ticks.length).toBeLessThanOrEqual(7);
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(new Set(ticks.map((tick) => tick.words)).size).toBe(ticks.length);
  });
});

describe("zoom", () => {
  const all = { from: 0, to: 1000 };

  test("keeps the place under the pointer where it is", () => {
    const seen = zoomed(all, all, 0.5, 250) as { from: number; to: number };
    expect(seen.to - seen.from).toBe(500);
    expect(place(250, seen)).toBe(25);
  });

  test("out of everything is everything", () => {
    expect(zoomed({ from: 400, to: 900 }, all, 2, 600)).toBeNull();
  });

  test("never closer than can be recorded, nor past the ends", () => {
    expect(zoomed({ from: 0, to: 6 }, all, 0.01, 0)).toEqual({ from: 0, to: 5 });
    expect(panned({ from: 700, to: 900 }, all, 5)).toEqual({ from: 800, to: 1000 });
    expect(panned({ from: 100, to: 300 }, all, -5)).toEqual({ from: 0, to: 200 });
  });

  test("a chosen stretch may be drawn either way, and is no click", () => {
    expect(chosen(600, -50, all)).toEqual({ from: 0, to: 600 });
    expect(chosen(600, 602, all)).toBeNull();
  });

  test("while a run grows the axis ends at a round time ahead, and does not move each second", () => {
    const ends = [61, 65, 70, 74].map((second) => whole({ from: 0, to: second * S }, true).to);
    expect(new Set(ends).size).toBe(1);
    expect(ends[0]).toBeGreaterThan(74 * S);
  });
});
