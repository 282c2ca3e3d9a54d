/** From readings to places in a plot: extents, ticks, paths. Places are 0 to 100, y downwards. */

import type { Reading, Series } from "./metrics";

export type Extent = [number, number];

export interface Scale {
  extent: Extent;
  /** Where a value stands, 0 to 100; not finite for what has no place. */
  at(value: number): number;
  ticks(most: number): number[];
}

/** More points than this cannot be told apart in a plot. */
const MOST_COLUMNS = 400;

export function extentOf(values: Iterable<number>): Extent | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

export function* values(series: Series[], of: (reading: Reading) => number): Iterable<number> {
  for (const { readings } of series) for (const reading of readings) yield of(reading);
}

/** A straight scale; one value alone stands in the middle. */
export function straight([low, high]: Extent): Scale {
  // Halves first: the whole extent of the largest numbers is infinite.
  const half = high / 2 - low / 2;
  return {
    extent: [low, high],
    at: (value) => (half === 0 ? 50 : ((value / 2 - low / 2) / half) * 100),
    ticks: (most) => ticks(low, high, most),
  };
}

/** A logarithmic scale, for positive extents. */
export function logarithmic([low, high]: Extent): Scale {
  const inner = straight([Math.log10(low), Math.log10(high)]);
  const tens = ticks(...inner.extent, 6).filter(Number.isInteger);
  return {
    extent: [low, high],
    at: (value) => inner.at(Math.log10(value)),
    ticks: (most) => (tens.length > 1 ? tens.map((ten) => 10 ** ten) : ticks(low, high, most)),
  };
}

/** Round numbers within an extent, at most about so many. */
export function ticks(low: number, high: number, most: number): number[] {
  if (low === high) return [low];
  const step = roundStep((high / most - low / most) * 1);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  if (!(last - first < 100)) return [low, high];
  const digits = Math.max(0, Math.ceil(-Math.log10(step)) + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const exact = (first + index) * step;
    return digits > 15 ? exact : Number(exact.toFixed(digits));
  });
}

/** The next 1, 2 or 5 times a power of ten. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** The path of a curve: a line through neighbours, a dot where one has none. */
export function pathOf(readings: Reading[], x: Scale, y: Scale, dotsOnly = false): string {
  const parts: string[] = [];
  let drawing = false;
  const places = thinned(readings).map((reading) => placeOf(reading, x, y));
  places.forEach((place, index) => {
    const next = places[index + 1];
    if (place === null) drawing = false;
    else if (drawing && !dotsOnly) parts.push(`L${place}`);
    else {
      // A line of no length with round ends is a dot.
      parts.push(`M${place}${next && !dotsOnly ? "" : "h0"}`);
      drawing = true;
    }
  });
  return parts.join("");
}

function placeOf(reading: Reading, x: Scale, y: Scale): string | null {
  const [right, down] = [x.at(reading.x), 100 - y.at(reading.y)];
  return Number.isFinite(right) && Number.isFinite(down) ? `${short(right)} ${short(down)}` : null;
}

function short(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Of very many readings the lowest and highest of each column, so that no peak is lost. */
export function thinned(readings: Reading[]): Reading[] {
  if (readings.length <= 2 * MOST_COLUMNS) return readings;
  const size = readings.length / MOST_COLUMNS;
  return Array.from({ length: MOST_COLUMNS }, (_, column) =>
    extremes(readings.slice(Math.floor(column * size), Math.floor((column + 1) * size))),
  ).flat();
}

function extremes(readings: Reading[]): Reading[] {
  const seen = readings.filter(({ y }) => Number.isFinite(y));
  const [first] = seen;
  if (first === undefined) return readings.slice(0, 1);
  let [low, high] = [first, first];
  for (const reading of seen) {
    if (reading.y < low.y) low = reading;
    if (reading.y > high.y) high = reading;
  }
  return low === high ? [low] : low.x < high.x ? [low, high] : [high, low];
}

/** The index of the reading nearest to a place, 0 to 100. */
export function nearest(readings: Reading[], x: Scale, place: number): number {
  let best = 0;
  let distance = Number.POSITIVE_INFINITY;
  readings.forEach((reading, index) => {
    const away = Math.abs(x.at(reading.x) - place);
    if (away < distance) [best, distance] = [index, away];
  });
  return best;
}
