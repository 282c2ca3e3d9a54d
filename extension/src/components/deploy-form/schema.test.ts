import { describe, expect, it } from "vitest";
import { type Field, fieldsOf, type JsonSchema } from "./schema";

function fieldOf(schema: JsonSchema, $defs: Record<string, JsonSchema> = {}): Field {
  const [field] = fieldsOf({ properties: { rows: schema }, $defs });
  if (field === undefined) throw new Error("there is no field");
  return field;
}

const KINDS: [string, JsonSchema, string][] = [
  ["int", { type: "integer" }, "number"],
  ["str", { type: "string" }, "text"],
  ["bool with a default", { type: "boolean", default: false }, "switch"],
  ["bool without", { type: "boolean" }, "choice"],
  ["bool | None", { anyOf: [{ type: "boolean" }, { type: "null" }], default: true }, "choice"],
  ["Literal", { enum: ["a", "b", 3] }, "choice"],
  ["Literal of one", { const: "a" }, "choice"],
  ["list[int]", { type: "array", items: { type: "integer" } }, "list"],
  ["list", { type: "array" }, "json"],
  ["list[list[int]]", { type: "array", items: { type: "array", items: {} } }, "json"],
  ["tuple[int, str]", { type: "array", prefixItems: [{ type: "integer" }] }, "json"],
  ["dict", { type: "object", additionalProperties: true } as JsonSchema, "json"],
  ["model", { type: "object", properties: { a: { type: "integer" } } }, "group"],
  ["Any", {}, "mixed"],
  ["int | str", { anyOf: [{ type: "integer" }, { type: "string" }] }, "mixed"],
  ["int | list", { anyOf: [{ type: "integer" }, { type: "array" }] }, "json"],
];

describe("which control asks for it", () => {
  it.each(KINDS)("%s", (_, schema, kind) => {
    expect(fieldOf(schema).control.kind).toBe(kind);
  });

  it.each([
    ["date", undefined, "date"],
    ["time", undefined, "time"],
    ["date-time", undefined, "datetime-local"],
    ["date-time", "2026-01-31T09:30:00", "datetime-local"],
    ["date-time", "2026-01-31T09:30:00+01:00", "text"],
    ["date-time", "2026-01-31T09:30:00Z", "text"],
    ["date", "2026-01-31", "date"],
    ["password", undefined, "password"],
    ["path", "data", "text"],
  ])("a %s whose default is %s: %s", (format, fallback, input) => {
    const { control } = fieldOf({ type: "string", format, default: fallback });
    expect(control).toEqual({ kind: "text", input });
  });
});

describe("references", () => {
  const $defs = { Colour: { enum: ["red", "blue"], title: "Colour" } };

  it.each<[string, JsonSchema, boolean]>([
    ["plain", { $ref: "#/$defs/Colour" }, false],
    ["optional", { anyOf: [{ $ref: "#/$defs/Colour" }, { type: "null" }] }, true],
    ["with a default", { allOf: [{ $ref: "#/$defs/Colour" }], default: "red" }, false],
  ])("%s", (_, schema, nullable) => {
    const field = fieldOf(schema, $defs);
    expect(field.control).toEqual({ kind: "choice", options: ["red", "blue"] });
    expect(field.nullable).toBe(nullable);
    expect(field.fallback).toBe(schema.default);
  });

  it("to nothing allow anything", () => {
    expect(fieldOf({ $ref: "#/$defs/Gone" }).control.kind).toBe("mixed");
  });

  it("of a schema to itself come to an end", () => {
    const next = { anyOf: [{ $ref: "#/$defs/Node" }, { type: "null" }] };
    const Node = { type: "object", properties: { next, value: { type: "integer" } } };
    let field = fieldOf({ $ref: "#/$defs/Node" }, { Node });
    let depth = 0;
    while (field.control.kind === "group" && depth < 99) {
      field = field.control.fields[0] as Field;
      depth += 1;
    }
    expect(depth).toBeLessThan(5);
    expect(field.control.kind).toBe("json");
  });
});

it("lists of themselves come to an end", () => {
  const Tree: JsonSchema = { type: "array", items: { $ref: "#/$defs/Tree" } };
  expect(fieldOf({ $ref: "#/$defs/Tree" }, { Tree }).control.kind).toBe("json");
});

it("fields keep their author's order and titles, and say what is allowed", () => {
  const fields = fieldsOf({
    properties: {
      b: { type: "integer", position: 1, title: "b", minimum: 1, exclusiveMaximum: 9 },
      a_b: { type: "string", position: 0, title: "A B", description: "why" },
      c: { type: "string", position: 2, title: "How many?", format: "uuid" },
    },
    required: ["b"],
  });
  expect(
    fields.map(({ label, required, words, description }) => [label, required, words, description]),
  ).toEqual([
    ["a_b", false, "", "why"],
    ["b", true, "whole number at least 1, less than 9", null],
    ["How many?", false, "UUID", null],
  ]);
});

it("a schema that says nothing asks for nothing", () => {
  expect(fieldsOf({})).toEqual([]);
});
