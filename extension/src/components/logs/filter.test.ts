import { describe, expect, test } from "vitest";
import { logLine } from "../../api/samples";
import type { LogLine } from "../../api/types";
import { type Filter, filtered, NO_FILTER, settled } from "./filter";
import { levelWord } from "./levels";
import { piecesOf, plainOf, searchOf } from "./line-text";
import { printed } from "./samples";
import { asText, fileName } from "./save";
import { countAfter } from "./use-follow";

const LINES = [
  logLine(1, "Reading", { level: 10, task: "a" }),
  printed(2, "rows: 12", { task: "a" }),
  logLine(3, "\u001b[31mHigh\u001b[0m rate", { level: 30, task: "b" }),
  logLine(4, "Failed (a+b)", { level: 40 }),
];
const numbers = (lines: { seq: number }[]) => lines.map(({ seq }) => seq);

describe("filters", () => {
  test.each<[Partial<Filter>, string | null, number[]]>([
    [{}, null, [1, 2, 3, 4]],
    [{ level: 20 }, null, [2, 3, 4]],
    [{ level: 40 }, null, [4]],
    [{ origin: "printed" }, null, [2]],
    [{ origin: "logged" }, null, [1, 3, 4]],
    [{}, "a", [1, 2]],
    [{ text: "R" }, "a", [1, 2]],
    [{ text: "high rate" }, null, [3]],
    [{ text: "[31m" }, null, []],
    [{ text: "(a+b)" }, null, [4]],
    [{ text: ".*" }, null, []],
    [{ text: "rows", level: 30 }, null, []],
  ])("%o of task %s", (filter, task, expected) => {
    expect(numbers(filtered(LINES, { ...NO_FILTER, ...filter }, task))).toEqual(expected);
  });

  test("no filter is no work", () => {
    expect(filtered(LINES, NO_FILTER, null)).toBe(LINES);
  });
});

describe("lines that were written over", () => {
  test.each<[string, LogLine[], number[]]>([
    [
      "a progress bar",
      [printed(1, "10%\r"), printed(2, "50%\r"), printed(3, "100%"), printed(4, "x")],
      [3, 4],
    ],
    ["one that still stands", [printed(1, "10%\r"), printed(2, "50%\r")], [2]],
    [
      "of two tasks side by side",
      [
        printed(1, "a1\r", { task: "a" }),
        printed(2, "b1\r", { task: "b" }),
        printed(3, "a2", { task: "a" }),
      ],
      [2, 3],
    ],
    [
      "logged lines overwrite nothing",
      [printed(1, "10%\r"), logLine(2, "note"), printed(3, "20%\r")],
      [2, 3],
    ],
  ])("%s", (_, lines, expected) => {
    expect(numbers(settled(lines))).toEqual(expected);
  });

  test("without any, the list is the same", () => {
    expect(settled(LINES)).toBe(LINES);
  });
});

describe("pieces of a line", () => {
  const pieces = (text: string, search = "", most = 1000) =>
    piecesOf(logLine(1, text), searchOf(search), most).map(
      ({ text: part, href, hit, style }) =>
        `${style ? `<${style}>` : ""}${part}${href ? ` -> ${href}` : ""}${hit ? " !" : ""}`,
    );

  test.each<[string, string, string[]]>([
    ["nothing special", "", ["nothing special"]],
    ["find It, find IT", "it", ["find ", "It !", ", find ", "IT !"]],
    ["see https://x.org/a_(b).", "", ["see ", "https://x.org/a_(b) -> https://x.org/a_(b)", "."]],
    ["(http://x.org/), ok", "", ["(", "http://x.org/ -> http://x.org/", "), ok"]],
    [
      "javascript:alert(1) file:///etc data:text/html,x",
      "",
      ["javascript:alert(1) file:///etc data:text/html,x"],
    ],
    ["http://[bad", "", ["http://[bad"]],
    [
      "\u001b[31mgo https://x.org/\u001b[0mend",
      "org",
      [
        "<nbf-log-red>go ",
        "<nbf-log-red>https://x. -> https://x.org/end",
        "<nbf-log-red>org -> https://x.org/end !",
        "<nbf-log-red>/ -> https://x.org/end",
        "end -> https://x.org/end",
      ],
    ],
    ['"https://x.org"onclick=1', "", ['"', "https://x.org -> https://x.org", '"onclick=1']],
  ])("%j looking for %j", (text, search, expected) => {
    expect(pieces(text, search)).toEqual(expected);
  });

  test("only what is asked for of a long line", () => {
    expect(pieces("x".repeat(5000), "", 10)).toEqual(["xxxxxxxxxx"]);
  });

  test("together are the line, whatever is looked for", () => {
    const text = "\u001b[1mabc https://a.b/c?d=ab \u001b[32mababab\u001b[0m ab.";
    for (const search of ["", "a", "ab", "b h", "."]) {
      const parts = piecesOf(logLine(1, text), searchOf(search), 1000);
      expect(parts.map((part) => part.text).join("")).toBe(plainOf(logLine(1, text)));
    }
  });
});

describe("words and files", () => {
  test.each([
    [10, "Debug"],
    [20, "Info"],
    [25, "Info"],
    [30, "Warning"],
    [40, "Error"],
    [50, "Critical"],
    [-1, "Debug"],
  ])("level %d is %s", (level, word) => expect(levelWord(level)).toBe(word));

  test("the text of lines is plain", () => {
    const tasks = new Map([["b", { name: "train" }]]) as never;
    expect(asText(LINES.slice(1, 3), tasks)).toBe(
      "1970-01-01T00:00:02.000Z  Print     rows: 12\n1970-01-01T00:00:03.000Z  Warning   train  High rate\n",
    );
    expect(fileName([logLine(1, "", { run: "0a1b2c3d-4e5f" })])).toBe("run-0a1b2c3d.log");
    expect(fileName([logLine(1, "", { run: "../../etc" })])).toBe("run-etc.log");
  });

  test("lines after a number are counted", () => {
    expect([0, 1, 3, 4, 9].map((seq) => countAfter(LINES, seq))).toEqual([4, 3, 1, 0, 0]);
  });
});
