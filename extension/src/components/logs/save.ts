/** Lines as plain text: for the clipboard, and as a file. */

import type { LogLine, TaskRow } from "../../api/types";
import { kindWord } from "./levels";
import { plainOf } from "./line-text";

/** `2026-05-06T06:00:07.250Z  Warning   train  text`, a record a line; its further lines as they are. */
export function asText(lines: LogLine[], tasks: ReadonlyMap<string, TaskRow>): string {
  return lines.map((line) => `${oneRecord(line, tasks)}\n`).join("");
}

function oneRecord(line: LogLine, tasks: ReadonlyMap<string, TaskRow>): string {
  const name = line.task === null ? "" : (tasks.get(line.task)?.name ?? "");
  const kind = kindWord(line).padEnd(8);
  const parts = [new Date(line.time).toISOString(), kind, ...(name ? [name] : []), plainOf(line)];
  return parts.join("  ").trimEnd();
}

/** Has the browser keep the text as a file. */
export function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken hold of it only after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** After the run of the first line: `run-1b2c3d4e.log`. */
export function fileName(lines: LogLine[]): string {
  const id = (lines[0]?.run ?? "").replace(/[^\w]/g, "").slice(0, 8);
  return id ? `run-${id}.log` : "run.log";
}
