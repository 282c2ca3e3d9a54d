/** Lines as plain text: for the clipboard, and as a file. Nothing leaves the page. */

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

/** Whether the clipboard took it. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not there without HTTPS, or forbidden by the page around.
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.cssText = "position:fixed;opacity:0";
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
  }
}

export function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken hold of it only after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** `run-1b2c3d4e.log` */
export function fileName(lines: LogLine[]): string {
  const id = (lines[0]?.run ?? "").replace(/[^\w]/g, "").slice(0, 8);
  return id ? `run-${id}.log` : "run.log";
}
