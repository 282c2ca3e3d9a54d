/**
 * The time axis: where its marks stand and what they say.
 *
 * All times are milliseconds since the run's start. Knows nothing of tasks or of the screen.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps that people count in, of milliseconds. */
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 364].map((n) => n * DAY),
];
const LONGEST_STEP = STEPS[STEPS.length - 1] as number;

/** A stretch of time. */
export interface Span {
  from: number;
  to: number;
}

export interface Tick {
  at: number;
  words: string;
}

/** The smallest readable step that puts at most `most` marks on the stretch. */
export function stepOf(length: number, most: number): number {
  const least = length / Math.max(1, most);
  const step = STEPS.find((candidate) => candidate >= least);
  return step ?? Math.ceil(least / LONGEST_STEP) * LONGEST_STEP;
}

/** Marks at whole steps within the stretch. */
export function ticksOf(span: Span, most: number): Tick[] {
  const step = stepOf(span.to - span.from, most);
  const first = Math.ceil(span.from / step);
  const last = Math.floor(span.to / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const at = (first + index) * step;
    return { at, words: tickWords(at, step) };
  });
}

/** What a mark says, no finer than its step: `0`, `500 ms`, `1.5 s`, `2 m 30 s`, `3 h`. */
export function tickWords(at: number, step: number): string {
  if (at === 0) return "0";
  const words = wordsOf(Math.abs(at), step);
  return at < 0 ? `−${words}` : words;
}

function wordsOf(size: number, step: number): string {
  if (size < SECOND) return `${round(size, 0)} ms`;
  if (size < MINUTE) return `${round(size / SECOND, decimals(step))} s`;
  if (size < HOUR) return joined([size, MINUTE, "m"], [SECOND, "s", decimals(step)]);
  if (size < DAY) return joined([size, HOUR, "h"], [MINUTE, "m", 0], [SECOND, "s", decimals(step)]);
  return joined([size, DAY, "d"], [HOUR, "h", 0], [MINUTE, "m", 0]);
}

/** The largest unit, then the smaller ones up to the last that is not zero. */
function joined(
  [size, unit, letter]: [number, number, string],
  ...smaller: [number, string, number][]
): string {
  let rest = size % unit;
  const parts = [{ text: `${Math.floor(size / unit)} ${letter}`, filled: true }];
  for (const [part, name, places] of smaller) {
    const amount = places > 0 ? rest / part : Math.floor(rest / part + 1e-9);
    const text = round(amount, places);
    parts.push({ text: `${amount < 10 ? "0" : ""}${text} ${name}`, filled: amount > 1e-9 });
    rest %= part;
  }
  const end = parts.findLastIndex((part) => part.filled);
  return parts
    .slice(0, end + 1)
    .map((part) => part.text)
    .join(" ");
}

function decimals(step: number): number {
  if (step >= SECOND) return 0;
  return step >= 100 ? 1 : step >= 10 ? 2 : 3;
}

function round(value: number, places: number): string {
  return value.toFixed(places);
}
