/** Levels in words. */

import type { LogLine } from "../../api/types";

/** From the highest. */
const LEVELS: [least: number, word: string][] = [
  [50, "Critical"],
  [40, "Error"],
  [30, "Warning"],
  [20, "Info"],
  [Number.NEGATIVE_INFINITY, "Debug"],
];

export function levelWord(level: number): string {
  return (LEVELS.find(([least]) => level >= least) as [number, string])[1];
}

/** What was printed has no level, unless it came as an error. */
export function kindWord({ level, printed }: LogLine): string {
  return printed && level < 30 ? "Print" : levelWord(level);
}
