/**
 * Which control asks for what a JSON Schema allows.
 *
 * Schemas are those that pydantic writes for Python's types: references into `$defs`, `anyOf`
 * with null for what may be None. Whatever has no control of its own is asked for as JSON.
 */

import { held } from "./held";

export interface JsonSchema {
  type?: string | string[];
  format?: string;
  title?: string;
  description?: string;
  default?: unknown;
  position?: number;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  prefixItems?: JsonSchema[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

export type Control =
  | { kind: "text"; input: "text" | "password" | "date" | "time" | "datetime-local" }
  | { kind: "number"; whole: boolean; schema: JsonSchema }
  | { kind: "switch" }
  | { kind: "choice"; options: unknown[] }
  | { kind: "list"; item: Field }
  | { kind: "group"; fields: Field[] }
  /** Text that may mean several types of JSON values; `types` empty: any. */
  | { kind: "mixed"; types: string[] }
  | { kind: "json"; type: "array" | "object" | null };

/** One thing that is asked for. */
export interface Field {
  name: string;
  label: string;
  description: string | null;
  required: boolean;
  /** undefined: there is none, or only the code knows it. */
  fallback: unknown;
  nullable: boolean;
  control: Control;
  /** What is allowed, in a few words; empty where the control shows it. */
  words: string;
}

/** Deeper than this a structure is written as JSON; schemas may contain themselves. */
const DEEPEST = 3;

/** The fields of an object's schema, in the order of its author. */
export function fieldsOf(schema: JsonSchema, root: JsonSchema = schema, depth = 0): Field[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {})
    .sort(([, a], [, b]) => (a.position ?? 0) - (b.position ?? 0))
    .map(([name, each]) => fieldOf(name, each, root, required.has(name), depth));
}

function fieldOf(
  name: string,
  stated: JsonSchema,
  root: JsonSchema,
  required: boolean,
  depth: number,
): Field {
  const { schema, nullable } = plain(stated, root);
  const control = controlOf(schema, root, depth, stated.default);
  return {
    name,
    label: labelOf(name, stated.title),
    description: stated.description ?? schema.description ?? null,
    required,
    fallback: stated.default,
    nullable,
    control: nullable && control.kind === "switch" ? yesOrNo : control,
    words: wordsOf(schema, control),
  };
}

const yesOrNo: Control = { kind: "choice", options: [true, false] };

/** The title where its author wrote one: pydantic makes titles of names. */
function labelOf(name: string, title: string | undefined): string {
  const bare = (text: string) => text.toLowerCase().replace(/[\s_-]/g, "");
  return title === undefined || bare(title) === bare(name) ? name : title;
}

/** A schema without references, and whether null is allowed beside it. */
function plain(stated: JsonSchema, root: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  const schema = resolved(stated, root);
  const options = schema.anyOf ?? schema.oneOf;
  if (options === undefined) return { schema, nullable: false };
  const others = options.filter((option) => option.type !== "null");
  const [only] = others;
  const nullable = others.length < options.length;
  if (others.length === 1 && only) return { schema: resolved(only, root), nullable };
  return { schema: { ...schema, anyOf: others }, nullable };
}

function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const [single] = schema.allOf?.length === 1 ? schema.allOf : [];
  const reference = schema.$ref ?? single?.$ref;
  const found = reference && held(root.$defs, reference.split("/").pop() ?? "");
  return found ? resolved(found, root) : schema;
}

function controlOf(
  schema: JsonSchema,
  root: JsonSchema,
  depth: number,
  fallback: unknown,
): Control {
  const options = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (options) return { kind: "choice", options };
  if (schema.anyOf) return mixed(schema.anyOf, root);
  switch (schema.type) {
    case "boolean":
      return typeof fallback === "boolean" ? { kind: "switch" } : yesOrNo;
    case "integer":
    case "number":
      return { kind: "number", whole: schema.type === "integer", schema };
    case "string":
      return { kind: "text", input: inputOf(schema.format, fallback) };
    case "array":
      return listOf(schema, root, depth);
    case "object":
      return groupOf(schema, root, depth);
    default:
      return { kind: "mixed", types: [] };
  }
}

const INPUTS: Record<string, "password" | "date" | "time" | "datetime-local"> = {
  date: "date",
  time: "time",
  "date-time": "datetime-local",
  password: "password",
};

/** The browser's own pickers know no zones: times with an offset are written as text. */
function inputOf(format: string | undefined, fallback: unknown) {
  const zoned = typeof fallback === "string" && /(Z|[+-]\d\d:?\d\d)$/.test(fallback);
  if (zoned && format !== "date") return "text";
  return INPUTS[format ?? ""] ?? "text";
}

function mixed(options: JsonSchema[], root: JsonSchema): Control {
  const types = options.map((option) => resolved(option, root).type ?? "");
  const scalar = types.every((type) => typeof type === "string" && SCALARS.has(type));
  return scalar ? { kind: "mixed", types: types as string[] } : { kind: "json", type: null };
}

const SCALARS = new Set(["string", "integer", "number", "boolean"]);

function listOf(schema: JsonSchema, root: JsonSchema, depth: number): Control {
  if (!schema.items || schema.prefixItems || depth >= DEEPEST)
    return { kind: "json", type: "array" };
  const item = fieldOf("", schema.items, root, true, depth + 1);
  return item.control.kind === "json" || item.control.kind === "list"
    ? { kind: "json", type: "array" }
    : { kind: "list", item };
}

function groupOf(schema: JsonSchema, root: JsonSchema, depth: number): Control {
  const fields = depth < DEEPEST ? fieldsOf(schema, root, depth + 1) : [];
  return fields.length > 0 ? { kind: "group", fields } : { kind: "json", type: "object" };
}

// ── words ──────────────────────────────────────────────────────────────────────────────────

const FORMATS: Record<string, string> = {
  "date-time": "such as 2026-01-31T09:30:00+00:00",
  time: "such as 09:30:00+00:00",
  binary: "",
  duration: "length of time, such as PT1H30M",
  path: "path",
  "file-path": "path of a file",
  "directory-path": "path of a folder",
  uuid: "UUID",
  uri: "address",
  email: "e-mail address",
};

function wordsOf(schema: JsonSchema, control: Control): string {
  switch (control.kind) {
    case "number":
      return [control.whole ? "whole number" : "number", limitsOf(schema)]
        .filter(Boolean)
        .join(" ");
    case "text":
      return control.input === "text" ? (FORMATS[schema.format ?? ""] ?? "") : "";
    case "mixed":
      return control.types.length > 0
        ? control.types.map((type) => TYPES[type] ?? type).join(" or ")
        : "text or JSON";
    case "json":
      return control.type ? `${TYPES[control.type]} as JSON` : "JSON";
    default:
      return "";
  }
}

const TYPES: Record<string, string> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  array: "list",
  object: "object",
};

/** `at least 1, less than 10`; empty where nothing is limited. */
export function limitsOf(schema: JsonSchema): string {
  const limits: [string, number | undefined][] = [
    ["at least", schema.minimum],
    ["more than", schema.exclusiveMinimum],
    ["at most", schema.maximum],
    ["less than", schema.exclusiveMaximum],
  ];
  return limits
    .filter(([, limit]) => limit !== undefined)
    .map(([words, limit]) => `${words} ${limit}`)
    .join(", ");
}
