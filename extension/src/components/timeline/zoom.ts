/**
 * Which stretch of time is seen, and how it moves.
 *
 * `null` means all of it, growing with the run; a stretch that was chosen stays where it is.
 */

import { type Span, stepOf } from "./axis";

/** Nothing that is recorded is finer than a millisecond. */
const SHORTEST = 5;

/** All there is: while it grows, up to the next round time, so that bars grow and nothing jumps. */
export function whole(bounds: Span, growing: boolean): Span {
  const length = Math.max(bounds.to - bounds.from, SHORTEST);
  if (!growing) return { from: bounds.from, to: bounds.from + length * 1.01 };
  const step = stepOf(length, 5);
  return { from: bounds.from, to: (Math.floor((bounds.from + length) / step) + 1) * step };
}

/** Zoomed by a factor (below 1: closer) around a place that stays under the pointer. */
export function zoomed(seen: Span, all: Span, factor: number, around: number): Span | null {
  const length = (seen.to - seen.from) * factor;
  if (length >= all.to - all.from) return null;
  const size = Math.max(SHORTEST, length);
  const share = (around - seen.from) / (seen.to - seen.from);
  const from = around - share * size;
  return within({ from, to: from + size }, all);
}

/** Moved by a part of what is seen, not past the ends. */
export function panned(seen: Span, all: Span, share: number): Span {
  const shift = (seen.to - seen.from) * share;
  return within({ from: seen.from + shift, to: seen.to + shift }, all);
}

/** The stretch between two places in any order; null when it is too short to be meant. */
export function chosen(one: number, other: number, all: Span): Span | null {
  const from = Math.max(all.from, Math.min(one, other));
  const to = Math.min(all.to, Math.max(one, other));
  return to - from < SHORTEST ? null : { from, to };
}

/** Where a time stands, in percent of what is seen. */
export function place(at: number, seen: Span): number {
  return ((at - seen.from) / (seen.to - seen.from)) * 100;
}

function within(span: Span, all: Span): Span {
  const length = span.to - span.from;
  const from = Math.max(all.from, Math.min(span.from, all.to - length));
  return { from, to: from + length };
}
