/** Which lines are shown. */

import type { LogLine } from "../../api/types";
import { plainOf, searchOf } from "./line-text";

export type Origin = "all" | "printed" | "logged";

export interface Filter {
  /** The least level, as Python's logging counts; 0: all. */
  level: number;
  origin: Origin;
  text: string;
}

export const NO_FILTER: Filter = { level: 0, origin: "all", text: "" };

/** Lines that pass; `task` null: of all tasks. */
export function filtered(lines: LogLine[], filter: Filter, task: string | null): LogLine[] {
  const search = searchOf(filter.text);
  if (!search && task === null && filter.level === 0 && filter.origin === "all") return lines;
  return lines.filter(
    (line) =>
      line.level >= filter.level &&
      (task === null || line.task === task) &&
      (filter.origin === "all" || line.printed === (filter.origin === "printed")) &&
      (!search || plainOf(line).search(search) >= 0),
  );
}

/**
 * Without the lines that were written over: one that ends with a carriage return (a progress bar)
 * stands until the same task prints the next.
 */
export function settled(lines: LogLine[]): LogLine[] {
  // Nearly all runs have none, so it pays.
  if (!lines.some(isHeld)) return lines;
  const held = new Map<string, LogLine>();
  const gone = new Set<LogLine>();
  for (const line of lines) {
    if (!line.printed) continue;
    const writer = `${line.run} ${line.task}`;
    const before = held.get(writer);
    if (before) gone.add(before);
    if (isHeld(line)) held.set(writer, line);
    else held.delete(writer);
  }
  return gone.size > 0 ? lines.filter((line) => !gone.has(line)) : lines;
}

function isHeld({ printed, text }: LogLine): boolean {
  return printed && text.endsWith("\r");
}
