import { describe, expect, it } from "vitest";
import { read, same, textOf } from "./reading";
import { type Control, fieldsOf, type JsonSchema } from "./schema";

function controlOf(schema: JsonSchema): Control {
  const [field] = fieldsOf({ properties: { x: schema } });
  if (field === undefined) throw new Error("there is no field");
  return field.control;
}

const GOOD: [JsonSchema, string, unknown][] = [
  [{ type: "integer" }, "12", 12],
  [{ type: "integer" }, " -3 ", -3],
  [{ type: "integer" }, "1_000", 1000],
  [{ type: "integer" }, "1e3", 1000],
  [{ type: "integer", minimum: 1, maximum: 9 }, "9", 9],
  [{ type: "number" }, ".5", 0.5],
  [{ type: "number" }, "1e-3", 0.001],
  [{ type: "string" }, " ", " "],
  [{ type: "string" }, "12", "12"],
  [{ type: "string" }, "<b>", "<b>"],
  [{ anyOf: [{ type: "integer" }, { type: "string" }] }, "12", 12],
  [{ anyOf: [{ type: "integer" }, { type: "string" }] }, "1.5", "1.5"],
  [{ anyOf: [{ type: "number" }, { type: "string" }] }, "1.50", "1.50"],
  [{ anyOf: [{ type: "number" }, { type: "boolean" }] }, "true", true],
  [{}, "12", 12],
  [{}, '{"a": [1]}', { a: [1] }],
  [{}, "plain", "plain"],
  [{ type: "object" }, '{"a": 1}', { a: 1 }],
  [{ type: "array" }, "[1, 2]", [1, 2]],
];

const BAD: [JsonSchema, string, RegExp][] = [
  [{ type: "integer" }, "1.5", /whole number, such as 3/],
  [{ type: "integer" }, "many", /whole number/],
  [{ type: "integer" }, "0x10", /whole number/],
  [{ type: "integer" }, "9007199254740993", /more digits/],
  [{ type: "integer", minimum: 1, maximum: 9 }, "0", /at least 1, at most 9/],
  [{ type: "integer", maximum: 9 }, "10", /at most 9/],
  [{ type: "number", exclusiveMinimum: 0 }, "0", /more than 0/],
  [{ type: "number", exclusiveMaximum: 1 }, "1", /less than 1/],
  [{ type: "number" }, "Infinity", /a number/],
  [{ type: "number" }, "1e999", /a number/],
  [
    { anyOf: [{ type: "integer" }, { type: "boolean" }] },
    "soon",
    /a whole number or true or false/,
  ],
  [{ type: "object" }, "[1]", /must be an object/],
  [{ type: "object" }, "{a: 1}", /no JSON/],
  [{ type: "array" }, '{"a": 1}', /must be a list/],
];

describe("what was typed", () => {
  it.each(GOOD)("%j takes %j", (schema, text, value) => {
    expect(read(controlOf(schema), text)).toEqual({ value, problem: null });
  });

  it.each(BAD)("%j refuses %j", (schema, text, said) => {
    const { value, problem } = read(controlOf(schema), text);
    expect(value).toBeUndefined();
    expect(problem).toMatch(said);
  });

  it.each(["", "  "])("%j leaves a number to its default", (text) => {
    expect(read(controlOf({ type: "integer" }), text)).toEqual({ value: undefined, problem: null });
  });
});

it("text stands as it is, all else as JSON", () => {
  expect([undefined, "a", 1, true, { a: [1] }].map(textOf)).toEqual([
    "",
    "a",
    "1",
    "true",
    '{"a":[1]}',
  ]);
});

it.each([
  [{ a: [1, { b: null }] }, { a: [1, { b: null }] }, true],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [{ a: undefined }, { b: undefined }, false],
  [[1], [1, 2], false],
  [[], {}, false],
  [null, {}, false],
  [1, "1", false],
])("%j and %j: %s", (a, b, equal) => {
  expect(same(a, b)).toBe(equal);
});
