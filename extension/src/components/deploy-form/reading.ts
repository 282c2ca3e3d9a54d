/** What a text that somebody typed means for a field, and how a value reads as text. */

import type { Control, Field, JsonSchema } from "./schema";
import { limitsOf } from "./schema";

/** A value, or why the text means none. */
export type Reading = { value: unknown; problem: null } | { value: undefined; problem: string };

const unset: Reading = { value: undefined, problem: null };

/** What the text means; an empty one leaves the field to its default. */
export function read(control: Control, text: string): Reading {
  // A blank is a text, too: of a separator, say.
  if ((control.kind === "text" ? text : text.trim()) === "") return unset;
  switch (control.kind) {
    case "number":
      return readNumber(text, control.whole, control.schema);
    case "mixed":
      return readMixed(text, control.types);
    case "json":
      return readJson(text, control.type);
    default:
      return good(text);
  }
}

function good(value: unknown): Reading {
  return { value, problem: null };
}

function bad(problem: string): Reading {
  return { value: undefined, problem };
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function readNumber(text: string, whole: boolean, schema: JsonSchema): Reading {
  // `1_000` is a number in Python.
  const bare = text.trim().replace(/(?<=\d)_(?=\d)/g, "");
  const value = Number(bare);
  const kind = whole ? "a whole number" : "a number";
  if (!NUMBER.test(bare) || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    return bad(`This must be ${kind}, such as ${whole ? 3 : 0.5}.`);
  }
  if (whole && !Number.isSafeInteger(value)) {
    return bad("This number has more digits than a form can carry: give it on the command line.");
  }
  return within(value, schema) ? good(value) : bad(`This must be ${kind} ${limitsOf(schema)}.`);
}

function within(value: number, schema: JsonSchema): boolean {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  return (
    (minimum === undefined || value >= minimum) &&
    (maximum === undefined || value <= maximum) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

/** Numbers, true and false are what they look like; anything else is text where that may be. */
function readMixed(text: string, types: string[]): Reading {
  const parsed = parse(text);
  if (types.length === 0) return good(parsed === undefined ? text : parsed);
  if (
    types.some((type) => isOf(type, parsed)) &&
    (isExact(parsed, text) || !types.includes("string"))
  ) {
    return good(parsed);
  }
  return types.includes("string") ? good(text) : bad(`This must be ${listed(types)}.`);
}

/** Whether the text comes back as it was typed: `1.50` says more than 1.5. */
function isExact(value: unknown, text: string): boolean {
  return JSON.stringify(value) === text.trim();
}

function isOf(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isSafeInteger(value);
  return typeof value === type && value !== null;
}

const WORDS: Record<string, string> = {
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

function listed(types: string[]): string {
  return types.map((type) => WORDS[type] ?? type).join(" or ");
}

function readJson(text: string, type: "array" | "object" | null): Reading {
  const value = parse(text);
  if (value === undefined)
    return bad(`This is no JSON. Write it such as ${EXAMPLES[type ?? "any"]}.`);
  if (type === "array" && !Array.isArray(value)) return bad("This must be a list, such as [1, 2].");
  if (type === "object" && !isObject(value)) {
    return bad('This must be an object, such as {"key": 1}.');
  }
  return good(value);
}

const EXAMPLES = { array: "[1, 2]", object: '{"key": 1}', any: '{"key": [1, "text"]}' };

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How a value stands in a field: text as it is, all else as JSON. */
export function textOf(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** What a value that is not given comes to, for the reader. */
export function fallbackWords(field: Field): string {
  if (field.fallback === undefined) return field.required ? "" : "default";
  if (field.fallback === null) return "None";
  return field.fallback === "" ? "empty text" : textOf(field.fallback);
}

/** The first field that an object needs and has not; null when it has all. */
export function lacking(fields: Field[], value: Record<string, unknown>): string | null {
  const needed = fields.find(({ name, required }) => required && !Object.hasOwn(value, name));
  return needed?.label ?? null;
}

/** Whether two JSON values are the same. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
  );
}
