/** How numbers and cells are written, so that they can be read and compared. */

import { grouped } from "../words";

const LONGEST_CELL = 300;
const MOST_DECIMALS = 6;

/** A number in few digits: `0.9312`, `12 346`, `1.23e-5`, `NaN`, `−∞` as `-∞`. */
export function figure(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return exponential(value, digits);
  if (Number.isInteger(value)) return spaced(value);
  return spaced(size >= 10 ** digits ? Math.round(value) : Number(value.toPrecision(digits)));
}

/** A number in the least room: three digits, and no more than six places. */
export function shortFigure(value: number): string {
  const long = Number.isFinite(value) && Math.abs(value) >= 1e6;
  return long ? exponential(value, 3) : figure(value, 3);
}

function exponential(value: number, digits: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential(digits - 1).split("e");
  return `${Number(mantissa)}e${exponent.replace("+", "")}`;
}

/** Up to four digits no spaces are needed; a year has none. */
function spaced(value: number): string {
  return Number.isInteger(value) && Math.abs(value) >= 10_000 ? grouped(value) : String(value);
}

/** A value of a table as one line of text; empty for what is missing. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL)}…` : text;
}

/** Writes the numbers of one column alike, so that their points stand below each other. */
export function columnFigures(numbers: number[]): (value: number) => string {
  const finite = numbers.filter(Number.isFinite);
  const largest = finite.reduce((size, value) => Math.max(size, Math.abs(value)), 0);
  if (largest >= 1e12 || (largest > 0 && largest < 1e-3))
    return (value) => figure(value, MOST_DECIMALS);
  const decimals = decimalsOf(finite);
  const least = 0.5 / 10 ** decimals;
  // What would read 0.000000 is no zero.
  const plain = (value: number) => value === 0 || Math.abs(value) >= least;
  return (value) =>
    Number.isFinite(value) && plain(value) ? value.toFixed(decimals) : figure(value);
}

/** How many decimals the numbers need for six digits of each. */
function decimalsOf(numbers: number[]): number {
  return numbers.reduce((most, value) => {
    const written = String(Number(value.toPrecision(MOST_DECIMALS)));
    return Math.max(most, Math.min(MOST_DECIMALS, written.split(".")[1]?.length ?? 0));
  }, 0);
}
