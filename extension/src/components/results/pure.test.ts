/** Forms, figures, addresses and CSV: plain values in, plain values out. */

import { describe, expect, it } from "vitest";
import { hostOf, isInnerPicture, linkAddress, outerPicture } from "./addresses";
import { csvOf } from "./csv";
import { cellText, columnFigures, figure, shortFigure } from "./figures";
import { addressOf, linkOf, metricOf, numberOf, percentOf, tableOf } from "./forms";

describe("the form of data", () => {
  const junk = [null, undefined, 3, "text", [], {}, { columns: 1, rows: 2 }, true];

  it.each(junk.map((data, index) => [index, data]))("refuses junk %i", (_, data) => {
    expect([tableOf(data), linkOf(data), addressOf(data), metricOf(data)]).toEqual(
      Array(4).fill(null),
    );
  });

  it.each([
    [{ columns: ["a"], rows: [[1]], total: 7 }, 7],
    [{ columns: ["a"], rows: [[1]], total: 0 }, 1],
    [{ columns: ["a"], rows: [[1]] }, 1],
    [{ columns: ["a"], rows: [[1]], total: "many" }, 1],
  ])("counts the rows of %j", (data, total) => {
    expect(tableOf(data)?.total).toBe(total);
  });

  it("refuses rows that are none", () => {
    expect(tableOf({ columns: ["a"], rows: [[1], 2], total: 2 })).toBeNull();
  });

  it("names columns by text", () => {
    expect(tableOf({ columns: [1, null], rows: [], total: 0 })?.columns).toEqual(["1", "null"]);
  });

  it.each([
    [-3, 0],
    [0, 0],
    [64.5, 64.5],
    [101, 100],
    [Number.NaN, null],
    ["50", null],
  ])("reads %j percent as %j", (data, percent) => {
    expect(percentOf(data)).toBe(percent);
  });

  it.each([
    [1.5, 1.5],
    ["NaN", Number.NaN],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["12", null],
    ["", null],
    [null, null],
    [true, null],
  ])("reads the number %j as %j", (value, number) => {
    expect(numberOf(value)).toEqual(number);
  });

  it("gives a link without words its address as words", () => {
    expect(linkOf({ url: "https://a.org", text: " " })?.text).toBe("https://a.org");
  });
});

describe("figures", () => {
  it.each([
    [0, "0"],
    [-0, "0"],
    [7, "7"],
    [2026, "2026"],
    [12345, "12\u202f345"],
    [-1284231, "-1\u202f284\u202f231"],
    [12345.678, "12\u202f346"],
    [0.31999999999999995, "0.32"],
    [0.93124, "0.9312"],
    [123.456, "123.5"],
    [0.0001234, "0.0001234"],
    [0.0000123456, "1.235e-5"],
    [1.5e21, "1.5e21"],
    [-2e-300, "-2e-300"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "-∞"],
  ])("writes %d as %s", (value, words) => {
    expect(figure(value)).toBe(words);
  });

  it.each([
    [999_995_215, "1e9"],
    [-1_234_567, "-1.23e6"],
    [123_456, "123\u202f456"],
    [0.045678, "0.0457"],
    [Number.POSITIVE_INFINITY, "∞"],
  ])("writes %d shortly as %s", (value, words) => {
    expect(shortFigure(value)).toBe(words);
  });

  it.each([
    [
      [1, 20, 300],
      [1, 20],
      ["1", "20"],
    ],
    [
      [0.5, 1.25, 10],
      [0.5, 10],
      ["0.50", "10.00"],
    ],
    [
      [0.1 + 0.2, 1],
      [0.1 + 0.2, 1],
      ["0.3", "1.0"],
    ],
    [
      [1, 1e-9],
      [1, 1e-9, 0],
      ["1", "1e-9", "0"],
    ],
    [[1e-5, 2e-5], [1e-5], ["1e-5"]],
    [[1, Number.NaN], [Number.NaN], ["NaN"]],
    [[], [3], ["3"]],
  ])("writes the column %j alike", (numbers, values, words) => {
    expect(values.map(columnFigures(numbers))).toEqual(words);
  });

  it.each([
    [null, ""],
    [undefined, ""],
    [true, "true"],
    ["text", "text"],
    [{ a: [1] }, '{"a":[1]}'],
  ])("writes the cell %j as %s", (value, words) => {
    expect(cellText(value)).toBe(words);
  });

  it("cuts a cell that nobody reads to its end", () => {
    expect(cellText("x".repeat(10_000)).length).toBeLessThan(400);
  });
});

describe("addresses", () => {
  const DANGEROUS = [
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "\u0001javascript:alert(1)",
    "vbscript:x",
    "data:text/html,<script>1</script>",
    "file:///etc/passwd",
    "blob:https://a.org/1",
    "//a.org/protocol-relative",
    "relative/page.html",
    "#place",
    "",
    "https://",
  ];

  it.each(DANGEROUS)("%j is no link", (address) => {
    expect(linkAddress(address)).toBeNull();
    expect(outerPicture(address)).toBeNull();
    expect(isInnerPicture(address)).toBe(false);
  });

  it.each([
    ["https://a.org/x?y=1#z", "https://a.org/x?y=1#z"],
    [" HTTP://A.org ", "http://a.org/"],
    ["mailto:me@a.org", "mailto:me@a.org"],
  ])("%j leads to %s", (address, leads) => {
    expect(linkAddress(address)).toBe(leads);
  });

  it.each([
    ["data:image/png;base64,AAAA", true],
    ["DATA:IMAGE/PNG;base64,AAAA", true],
    ["data:image/svg+xml,%3Csvg/%3E", true],
    ["data:image/x-icon;base64,AAAA", false],
    ["data:image/pngx;base64,AAAA", false],
    ["data:text/html;image/png,AAAA", false],
    ["https://a.org/x.png", false],
  ])("whether %j is the picture itself: %j", (address, inner) => {
    expect(isInnerPicture(address)).toBe(inner);
  });

  it("tells whom the browser would ask", () => {
    expect(hostOf("https://user:secret@a.org:8080/x")).toBe("a.org:8080");
    expect(hostOf("nothing")).toBe("");
  });
});

describe("CSV", () => {
  it.each([
    [[["a", "b"]], "a,b\r\n"],
    [[[1.5, null, true]], "1.5,,true\r\n"],
    [[['say "hi"', "a,b"]], '"say ""hi""","a,b"\r\n'],
    [[["two\nlines", " space"]], '"two\nlines"," space"\r\n'],
    [[[{ a: 1 }, "NaN"]], '"{""a"":1}",NaN\r\n'],
  ])("writes %j", (rows, text) => {
    expect(csvOf({ columns: ["x"], rows })).toBe(`x\r\n${text}`);
  });
});
