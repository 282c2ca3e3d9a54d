/** What a column holds, and so how it is written, aligned, sorted, and how wide it is. */

import { cellText, columnFigures } from "./figures";
import { numberOf, type TableForm } from "./forms";

export interface Column {
  name: string;
  index: number;
  /** Numbers stand right-aligned. */
  numeric: boolean;
  write: (value: unknown) => string;
  /** In widths of a digit. */
  width: number;
}

export interface Sorting {
  index: number;
  direction: "ascending" | "descending";
}

/** More columns than this are left out: they cannot be read side by side. */
export const MOST_COLUMNS = 100;
const SAMPLED_ROWS = 500;
const NARROWEST = 4;
const WIDEST = 44;

export function columnsOf({ columns, rows }: TableForm): Column[] {
  return columns.slice(0, MOST_COLUMNS).map((name, index) => column(name, index, rows));
}

function column(name: string, index: number, rows: unknown[][]): Column {
  const present = rows.map((row) => row[index]).filter((value) => !isMissing(value));
  const numbers = present.map(numberOf).filter((number) => number !== null);
  const numeric = numbers.length > 0 && numbers.length === present.length;
  const figures = numeric ? columnFigures(numbers) : null;
  const write = (value: unknown) => {
    const number = figures === null ? null : numberOf(value);
    return figures === null || number === null ? cellText(value) : figures(number);
  };
  const lengths = present.slice(0, SAMPLED_ROWS).map((value) => write(value).length);
  // Names are bold, and an arrow may stand beside them.
  const longest = Math.ceil(Math.max(NARROWEST, name.length * 1.15 + 2, ...lengths));
  return { name, index, numeric, write, width: Math.min(WIDEST, longest) };
}

function isMissing(value: unknown): boolean {
  return value === null || value === undefined;
}

/** The next order when a column's name is clicked: up, down, as it came. */
export function nextSorting(sorting: Sorting | null, index: number): Sorting | null {
  if (sorting?.index !== index) return { index, direction: "ascending" };
  return sorting.direction === "ascending" ? { index, direction: "descending" } : null;
}

/** The rows in an order; what is missing comes last in both directions. */
export function ordered(rows: unknown[][], sorting: Sorting | null): unknown[][] {
  if (sorting === null) return rows;
  const sign = sorting.direction === "ascending" ? 1 : -1;
  const keyed = rows.map((row) => ({ row, key: sortKey(row[sorting.index]) }));
  keyed.sort((a, b) => a.key.rank - b.key.rank || sign * compared(a.key, b.key));
  return keyed.map(({ row }) => row);
}

interface SortKey {
  /** Numbers before words before what is missing or no number. */
  rank: number;
  number: number;
  text: string;
}

function sortKey(value: unknown): SortKey {
  const number = numberOf(value);
  if (number !== null)
    return {
      rank: Number.isNaN(number) ? 2 : 0,
      number: Number.isNaN(number) ? 0 : number,
      text: "",
    };
  return { rank: isMissing(value) ? 3 : 1, number: 0, text: cellText(value) };
}

const words = new Intl.Collator(undefined, { numeric: true });

function compared(a: SortKey, b: SortKey): number {
  if (a.number !== b.number) return a.number < b.number ? -1 : 1;
  return words.compare(a.text, b.text);
}
