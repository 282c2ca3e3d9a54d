/**
 * Long lists: which of many rows are in view, and where they stand.
 *
 * Rows are as high as they are thought to be until they have been on the page. This does what
 * views need of a virtual list in a tenth of the size of the usual libraries.
 */

import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react";
import type { Kept } from "./hooks";

type Key = string | number;

/** What is read: a row, and how far the scroller stands below the row's start. */
export interface Place {
  key: Key | undefined;
  offset: number;
}

export interface ListOptions {
  count: number;
  /** What scrolls. */
  scroller: RefObject<HTMLElement>;
  keyOf(index: number): Key;
  /** Pixels: exactly, or as a guess for rows that are `measured`. */
  heightOf(index: number): number;
  /** Rows carry `data-index` and are as high as they turn out; what is read stays where it is. */
  measured?: boolean;
  /** What stands above the rows and scrolls with them, in pixels. */
  above?: number;
  /** What covers the upper end of the scroller. */
  covered?: number;
  /** Rows beyond the edges that are drawn, too. */
  beyond?: number;
  /** Where the reader was when the list was last on the page. */
  place?: Kept<Place>;
}

export interface Item {
  index: number;
  key: Key;
  /** Pixels below the first row's upper edge. */
  start: number;
}

export interface List {
  items: Item[];
  /** The height of all rows. */
  total: number;
  /** Bring a row into view, with as little movement as that takes, or into the middle. */
  reveal(index: number, where?: Where): void;
}

type Where = "near" | "middle";

export function useList(options: ListOptions): List {
  const { count, scroller, keyOf, measured, above = 0, covered = 0, beyond = 6 } = options;
  const seen = useSeen(scroller, () => topOf(options.place?.read(), rows));
  const heights = useRef(new Heights());
  const starts = heights.current.startsOf(count, keyOf, options.heightOf, seen.width);
  const total = starts[count] ?? 0;
  const from = Math.max(0, rowAt(starts, count, seen.top - above) - beyond);
  const to = Math.min(count, rowAt(starts, count, seen.top - above + seen.height) + 1 + beyond);
  // What a tab hides has no height, and needs no rows.
  const items = seen.height > 0 ? range(from, to, starts, keyOf) : [];
  const rows = { count, keyOf, starts, above };
  useAnchor(scroller, measured === true, rows, options.place);
  useMeasured(scroller, measured ? heights.current : null, keyOf, seen.redraw);
  const latest = useRef({ starts, above, covered });
  latest.current = { starts, above, covered };
  const reveal = useCallback(
    (index: number, where: Where = "near") => {
      const element = scroller.current;
      if (element) bringIntoView(element, index, where, latest.current);
    },
    [scroller],
  );
  return { items, total, reveal };
}

/** The part of the scroller that is seen, as it changes. */
function useSeen(scroller: RefObject<HTMLElement>, begin: () => number) {
  const [box, setBox] = useState({ top: 0, height: 0, width: 0 });
  const [, count] = useState(0);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const top = begin();
    if (top > 0) element.scrollTop = top;
    const look = () => setBox((old) => changed(old, element));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
    // Where to begin is asked once.
  }, [scroller]);
  const redraw = useCallback(() => count((number) => number + 1), []);
  return { ...box, redraw };
}

interface Box {
  top: number;
  height: number;
  width: number;
}

function changed(old: Box, element: HTMLElement): Box {
  const { scrollTop: top, offsetHeight: height, offsetWidth: width } = element;
  const same = old.top === top && old.height === height && old.width === width;
  return same ? old : { top, height, width };
}

/** Where each row starts; what was measured is known by the row's key. */
export class Heights {
  #measured = new Map<Key, number>();
  #starts = new Float64Array(1);
  #count = 0;
  #ends: [Key | undefined, Key | undefined] = [undefined, undefined];
  #width = 0;

  /** One more than there are rows: the last is the height of all. */
  startsOf(
    count: number,
    keyOf: (index: number) => Key,
    heightOf: (index: number) => number,
    width: number,
  ): Float64Array {
    // Lines break elsewhere then.
    if (width !== this.#width) this.#forget(width);
    const known = this.#isLonger(count, keyOf) ? this.#count : 0;
    if (known === count && count > 0) return this.#starts;
    const starts = new Float64Array(count + 1);
    starts.set(this.#starts.subarray(0, known + 1));
    for (let index = known; index < count; index++) {
      const height = this.#measured.get(keyOf(index)) ?? heightOf(index);
      starts[index + 1] = (starts[index] as number) + height;
    }
    this.#starts = starts;
    this.#count = count;
    this.#ends = count > 0 ? [keyOf(0), keyOf(count - 1)] : [undefined, undefined];
    return starts;
  }

  /** Take the true height of a row; how much it is off from what was thought. */
  measure(index: number, key: Key, height: number): number {
    const [start = 0, end = 0] = this.#starts.subarray(index, index + 2);
    const difference = height - (end - start);
    if (Math.abs(difference) < 0.5) return 0;
    this.#measured.set(key, height);
    this.#ends = [undefined, undefined];
    return difference;
  }

  /** Whether these are the rows of before, and perhaps more after them. */
  #isLonger(count: number, keyOf: (index: number) => Key): boolean {
    const [first, last] = this.#ends;
    if (this.#count === 0 || count < this.#count || first === undefined) return false;
    return keyOf(0) === first && keyOf(this.#count - 1) === last;
  }

  #forget(width: number): void {
    this.#width = width;
    this.#measured.clear();
    this.#ends = [undefined, undefined];
  }
}

/** The row at a height, by halves. */
export function rowAt(starts: Float64Array, count: number, y: number): number {
  let [low, high] = [0, count];
  while (low < high - 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= y) low = middle;
    else high = middle;
  }
  return low;
}

function range(
  from: number,
  to: number,
  starts: Float64Array,
  keyOf: (index: number) => Key,
): Item[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, place) => {
    const index = from + place;
    return { index, key: keyOf(index), start: starts[index] as number };
  });
}

interface Rows extends Pick<ListOptions, "count" | "keyOf"> {
  starts: Float64Array;
  above: number;
}

/** Rows that leave or come before what is read do not move it; what is read is kept. */
function useAnchor(
  scroller: RefObject<HTMLElement>,
  wanted: boolean,
  rows: Rows,
  place: Kept<Place> | undefined,
): void {
  const before = useRef<Anchor | null>(null);
  useLayoutEffect(() => {
    const element = scroller.current;
    // What a tab hides stands nowhere.
    if (element === null || element.offsetHeight === 0) return;
    const { count, keyOf, starts, above } = rows;
    const first = count > 0 ? keyOf(0) : undefined;
    if (wanted && before.current !== null && before.current.first !== first) {
      const top = topOf(before.current, rows);
      if (top >= 0) element.scrollTop = top;
    }
    const at = rowAt(starts, count, element.scrollTop - above);
    const offset = element.scrollTop - (starts[at] as number);
    before.current = { first, key: count > 0 ? keyOf(at) : undefined, offset };
    place?.keep(before.current);
  });
}

interface Anchor extends Place {
  /** The first row's. */
  first: Key | undefined;
}

/** How far to scroll for a place; negative where its row is no more. */
function topOf(place: Place | undefined, rows: Rows): number {
  const index = place === undefined ? -1 : indexOf(place.key, rows);
  return index < 0 ? -1 : (rows.starts[index] as number) + (place?.offset ?? 0);
}

function indexOf(key: Key | undefined, { count, keyOf }: Rows): number {
  for (let index = 0; index < count; index++) if (keyOf(index) === key) return index;
  return -1;
}

/** After drawing, before it is painted: what rows turned out to be. */
function useMeasured(
  scroller: RefObject<HTMLElement>,
  heights: Heights | null,
  keyOf: (index: number) => Key,
  redraw: () => void,
): void {
  const ended = useRef(false);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || heights === null || element.offsetHeight === 0) return;
    // Who was at the end stays there.
    if (ended.current) element.scrollTop = element.scrollHeight;
    const { off, higher } = measureRows(element, heights, keyOf);
    ended.current = off && isAtEnd(element);
    // What lies above what is read must not move it.
    if (higher !== 0 && !ended.current) element.scrollTop += higher;
    if (off) redraw();
  });
}

function isAtEnd({ scrollTop, scrollHeight, offsetHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - offsetHeight < 2;
}

/** Whether a height was off, and by how much all above the window together. */
function measureRows(element: HTMLElement, heights: Heights, keyOf: (index: number) => Key) {
  const { top } = element.getBoundingClientRect();
  let off = false;
  let higher = 0;
  for (const row of element.querySelectorAll<HTMLElement>("[data-index]")) {
    const index = Number(row.dataset.index);
    const difference = heights.measure(index, keyOf(index), row.offsetHeight);
    off ||= difference !== 0;
    if (difference !== 0 && row.getBoundingClientRect().top < top) higher += difference;
  }
  return { off, higher };
}

interface Places {
  starts: Float64Array;
  above: number;
  covered: number;
}

function bringIntoView(element: HTMLElement, index: number, where: Where, places: Places): void {
  const { starts, above, covered } = places;
  const begin = (starts[index] ?? 0) + above;
  const end = (starts[index + 1] ?? 0) + above;
  const { scrollTop, offsetHeight } = element;
  if (where === "middle") element.scrollTop = (begin + end + covered - offsetHeight) / 2;
  else if (begin < scrollTop + covered) element.scrollTop = begin - covered;
  else if (end > scrollTop + offsetHeight) element.scrollTop = end - offsetHeight;
}
