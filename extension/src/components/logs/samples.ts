/** Lines for tests. */

import type { LogLine } from "../../api/types";

/** The number is its place and its second. */
export function line(seq: number, text: string, changes: Partial<LogLine> = {}): LogLine {
  const usual = { time: seq * 1000, level: 20, task: null, run: "0a1b2c3d-4e5f", printed: false };
  return { seq, text, ...usual, ...changes };
}

export function printed(seq: number, text: string, changes: Partial<LogLine> = {}): LogLine {
  return line(seq, text, { printed: true, ...changes });
}
