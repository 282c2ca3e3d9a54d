/** How far a run is, as segments and words. */

import type { Progress } from "../../api/types";
import { lookOf } from "../state/looks";
import { doneOf, progressParts, stateWord } from "../words";

export interface Segment {
  state: string;
  role: string;
  count: number;
}

/** Order on the bar: what is done, what went wrong, what moves; what has not begun is empty. */
const RANKS: Record<string, number> = { green: 0, teal: 0, red: 1, orange: 1, stone: 1 };
const STILL: ReadonlySet<string> = new Set(["clock", "hourglass", "dot"]);

export function segmentsOf({ counts }: Progress): Segment[] {
  return Object.entries(counts)
    .filter(([state, count]) => count > 0 && hasMoved(state))
    .map(([state, count]) => ({ state, count, role: lookOf(state, null).role }))
    .sort((a, b) => rank(a) - rank(b) || a.state.localeCompare(b.state));
}

function hasMoved(state: string): boolean {
  // A timeout has a clock, but has ended.
  return state === "TimedOut" || state === "Skipped" || !STILL.has(lookOf(state, null).icon);
}

function rank({ role }: Segment): number {
  return RANKS[role] ?? 2;
}

/** `12 of 40`, and what went wrong, each with the state it tells of. */
export function farWords(progress: Progress | null): [words: string, state: string][] {
  if (progress === null || progress.total === 0) return [];
  const [, ...bad] = progressParts(progress.counts);
  return [[`${doneOf(progress.counts)} of ${progress.total}`, ""], ...bad];
}

/** The whole of it, for those who cannot see the bar. */
export function spokenProgress(progress: Progress): string {
  const { total, counts, noun } = progress;
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  const words = parts.map(([state, count]) => `${count} ${stateWord(state)}`);
  return `${total} ${noun}${total === 1 ? "" : "s"}: ${words.join(", ") || "none has begun"}`;
}
