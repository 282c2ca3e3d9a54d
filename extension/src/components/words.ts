/** How numbers and times are put into words: the wording of `nbflow.wording`. */

const SECOND = 1;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

export const DONE: ReadonlySet<string> = new Set(["Completed", "Cached", "Skipped", "RolledBack"]);
export const BAD: readonly string[] = ["Failed", "TimedOut", "Crashed", "Cancelled"];

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** A length of time: `340 ms`, `1.2 s`, `2 m 05 s`, `1 h 02 m`, `3 d 04 h`; null gives nothing. */
export function duration(seconds: number | null): string {
  if (seconds === null) return "";
  const length = Math.max(0, seconds);
  if (length < 0.9995) return `${evenly(length * 1000)} ms`;
  if (length < 9.95) return `${tenths(length)} s`;
  return longDuration(Math.floor(length + 0.5));
}

/** Halves go to the even neighbour, as in Python. */
function evenly(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

function tenths(value: number): string {
  // Only quarters lie in the middle of two tenths; three quarters go up in both languages.
  return value % 1 === 0.25 ? `${Math.floor(value)}.2` : value.toFixed(1);
}

function longDuration(seconds: number): string {
  if (seconds < MINUTE) return `${seconds} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} m ${two(seconds % MINUTE)} s`;
  const minutes = Math.floor(seconds / MINUTE);
  if (seconds < DAY) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  return `${Math.floor(seconds / DAY)} d ${two(Math.floor((seconds % DAY) / HOUR))} h`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** A length of time that goes on: tenths would only flicker. */
export function ticking(seconds: number | null): string {
  if (seconds === null) return "";
  return seconds < MINUTE ? `${Math.floor(Math.max(0, seconds))} s` : duration(seconds);
}

/** A state's name inside a sentence: `TimedOut` becomes `timed out`. */
export function stateWord(name: string): string {
  return name
    .replace(/\p{Lu}/gu, (letter) => ` ${letter}`)
    .trim()
    .toLowerCase();
}

/** A number with its noun: `1 task`, `12 tasks`, `2 retries`. */
export function counted(number: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(number)} ${number === 1 ? noun : plural}`;
}

/** A whole number, its thousands apart. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** `187/200`, `3 failed`, …: each with the name of the state that it tells of, if any. */
export function progressParts(counts: Record<string, number>): [words: string, state: string][] {
  const all = Object.values(counts).reduce((sum, number) => sum + number, 0);
  const bad = BAD.filter((name) => counts[name]).map((name): [string, string] => [
    `${counts[name]} ${stateWord(name)}`,
    name,
  ]);
  return [[`${doneOf(counts)}/${all}`, ""], ...bad];
}

/** How many runs went well. */
export function doneOf(counts: Record<string, number>): number {
  return Object.entries(counts).reduce((sum, [name, n]) => sum + (DONE.has(name) ? n : 0), 0);
}

/** When something happened: `3 minutes ago`, `Tuesday 06:00`, `3 May 2024`; local times. */
export function ago(ms: number, now: number): string {
  const seconds = (now - ms) / 1000;
  if (Math.abs(seconds) < 6 * HOUR) return near(seconds);
  const [local, today] = [new Date(ms), new Date(now)];
  const day = dayWord(local, today);
  if (day !== null) return `${day} ${two(local.getHours())}:${two(local.getMinutes())}`;
  const year = local.getFullYear() === today.getFullYear() ? "" : ` ${local.getFullYear()}`;
  return `${local.getDate()} ${MONTHS[local.getMonth()]}${year}`;
}

function near(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  const [unit, noun] =
    size >= HOUR ? [HOUR, "hour"] : size >= MINUTE ? [MINUTE, "minute"] : [SECOND, "second"];
  const words = counted(Math.floor(size / (unit as number)), noun as string);
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function dayWord(local: Date, today: Date): string | null {
  const days = dayNumber(today) - dayNumber(local);
  if (days === 0) return "today";
  if (days === 1) return "yesterday";
  if (days === -1) return "tomorrow";
  // Within a week the weekday is unambiguous.
  return Math.abs(days) < 7 ? (WEEKDAYS[local.getDay()] ?? null) : null;
}

function dayNumber(date: Date): number {
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000;
}

/** The local time of day: `06:00:07`. */
export function clock(ms: number): string {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The exact time: `2026-05-06 06:00:07.250 UTC`. */
export function exactUtc(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC");
}

/** A value that was too large for the record, or no JSON: its type, its `repr`, and how large. */
interface Preview {
  $type: string;
  repr: string;
  size?: number | number[];
}

/** A parameter: JSON; of what was not kept a table's or array's shape, else how Python writes it. */
export function valueText(value: unknown, indent = 0): string {
  if (!isPreview(value)) return JSON.stringify(value, null, indent) ?? "undefined";
  const { $type, repr, size } = value;
  return Array.isArray(size)
    ? `${$type} ${size.join(" × ")}`.trim()
    : repr.replace(/\s*\n\s*/g, " ");
}

function isPreview(value: unknown): value is Preview {
  const { $type, repr } = (value ?? {}) as Partial<Preview>;
  return typeof $type === "string" && typeof repr === "string";
}

const UNITS = ["kB", "MB", "GB", "TB", "PB"];

/** A size: `812 B`, `1.2 kB`, `34 MB`. */
export function bytes(number: number): string {
  if (number < 1000) return `${number} B`;
  let [size, unit] = [number / 1000, 0];
  // What would read `1000 kB` is `1.0 MB`.
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

const ESC = "\u001b";
const BEL = "\u0007";
/** What steers terminals: colours and the like, strings (titles, links) up to their end, the rest. */
const ESCAPES = new RegExp(
  [
    `${ESC}\\[[0-?]*[ -/]*[@-~]`,
    `${ESC}[\\]PX^_][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\|$)`,
    `${ESC}[ -/]*[0-~]?`,
  ].join("|"),
  "g",
);

/** Text without colours and the other control sequences of terminals. */
export function withoutEscapes(text: string): string {
  return text.replace(ESCAPES, "");
}
