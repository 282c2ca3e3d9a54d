/**
 * The data of an artifact, read with care: whatever does not have its form is null.
 *
 * Artifacts come from users' code, of this version of nbflow or another; a view must not fall
 * over one of them.
 */

export interface TableForm {
  columns: string[];
  rows: unknown[][];
  /** All rows there were; `rows` may be the first of them only. */
  total: number;
}

export interface LinkForm {
  url: string;
  text: string;
}

export interface MetricForm {
  /** May be NaN or infinite. */
  value: number;
  step: number | null;
}

export function tableOf(data: unknown): TableForm | null {
  const { columns, rows, total } = fields(data);
  if (!Array.isArray(columns) || !Array.isArray(rows)) return null;
  if (!rows.every((row) => Array.isArray(row))) return null;
  const counted = typeof total === "number" && total > rows.length ? total : rows.length;
  return { columns: columns.map(String), rows, total: counted };
}

export function linkOf(data: unknown): LinkForm | null {
  const { url, text } = fields(data);
  if (typeof url !== "string") return null;
  return { url, text: typeof text === "string" && text.trim() ? text : url };
}

export function addressOf(data: unknown): string | null {
  const { url } = fields(data);
  return typeof url === "string" && url ? url : null;
}

/** 0 to 100. */
export function percentOf(data: unknown): number | null {
  if (typeof data !== "number" || !Number.isFinite(data)) return null;
  return Math.min(100, Math.max(0, data));
}

export function metricOf(data: unknown): MetricForm | null {
  const { value, step } = fields(data);
  const number = numberOf(value);
  if (number === null) return null;
  return { value: number, step: typeof step === "number" && Number.isFinite(step) ? step : null };
}

/** A number as JSON says it: NaN and infinities are texts. Null for what is no number. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" && UNUSUAL.has(value) ? Number(value) : null;
}

const UNUSUAL = new Set(["NaN", "Infinity", "-Infinity"]);

function fields(data: unknown): Record<string, unknown> {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}
