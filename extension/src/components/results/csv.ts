/** A table as CSV (RFC 4180), for other programs: whole values, not as they are shown. */

import type { TableForm } from "./forms";

const QUOTED = /[",\r\n]|^\s|\s$/;

export function csvOf({ columns, rows }: Pick<TableForm, "columns" | "rows">): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

function field(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
