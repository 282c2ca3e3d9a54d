import { beforeAll, describe, expect, test } from "vitest";
import {
  ago,
  bytes,
  clock,
  counted,
  duration,
  exactUtc,
  progressParts,
  stateWord,
  ticking,
  valueText,
  withoutEscapes,
} from "./words";
import cases from "./words-cases.json";

beforeAll(() => {
  // Node reads it anew at the next date.
  process.env.TZ = "UTC";
});

interface Case<T> {
  of: T;
  told: string;
}

function check<T>(name: string, all: Record<string, Case<T>>, tell: (of: T) => string): void {
  test.each(Object.values(all))(`${name} of $of is $told, as Python says`, ({ of, told }) => {
    expect(tell(of)).toBe(told);
  });
}

describe("the words of nbflow.wording", () => {
  check("duration", cases.duration, duration);
  check("ticking", cases.ticking, ticking);
  check("stateWord", cases.stateWord, stateWord);
  check("withoutEscapes", cases.withoutEscapes, withoutEscapes);
  check("progress", cases.progress as Record<string, Case<Record<string, number>>>, (counts) =>
    progressParts(counts)
      .map(([words]) => words)
      .join(" · "),
  );
  check("ago", cases.ago.cases, (seconds) => ago(cases.ago.now - seconds * 1000, cases.ago.now));
  test.each(Object.values(cases.counted))("$of $noun is $told", ({ of, noun, told }) => {
    expect(counted(of, noun)).toBe(told);
  });
});

test("a plural of its own", () => {
  expect(counted(2, "retry", "retries")).toBe("2 retries");
});

test("an instant has a local clock, and an exact time", () => {
  const at = Date.UTC(2026, 4, 6, 4, 5, 6, 70);
  expect(clock(at)).toBe("04:05:06");
  expect(exactUtc(at)).toBe("2026-05-06 04:05:06.070 UTC");
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [9940, "9.9 kB"],
  [9960, "10 kB"],
  [999_400, "999 kB"],
  [999_600, "1.0 MB"],
  [3.4e10, "34 GB"],
])("%d bytes are %s", (number, told) => {
  expect(bytes(number)).toBe(told);
});

test.each([
  [0.1, "0.1"],
  ["a\nb", '"a\\nb"'],
  [null, "null"],
  [undefined, "undefined"],
  [{ $type: "a type", rate: 1 }, '{"$type":"a type","rate":1}'],
  [{ $type: "pandas.DataFrame", repr: "  a\n0 1", size: [1000, 3] }, "pandas.DataFrame 1000 × 3"],
  [{ $type: "numpy.ndarray", repr: "array(1)", size: [] }, "numpy.ndarray"],
  [{ $type: "list", repr: "[0, 1, ...]", size: 1000 }, "[0, 1, ...]"],
  [{ $type: "Config", repr: "Config(\n  rate=1)" }, "Config( rate=1)"],
])("the parameter %j reads %s", (value, told) => {
  expect(valueText(value)).toBe(told);
});
