/**
 * The curves of one metric: small, without words, or large, with ticks and a reader.
 *
 * The drawing is stretched to whatever room there is (strokes are not), so nothing is measured;
 * words stand beside it as text, placed by percent.
 */

import type { Metric, Reading, Series } from "./metrics";
import { extentOf, logarithmic, pathOf, type Scale, straight, values } from "./scale";

export interface Scales {
  x: Scale;
  y: Scale;
}

/** More curves than this are drawn in one quiet colour. */
const TOLD_APART = 8;
const COLOURS = ["accent", "violet", "teal", "amber", "orange", "stone", "green", "slate"];

/** The scales of a metric; null when nothing of it can be drawn. */
export function scalesOf({ series }: Metric, logarithms = false): Scales | null {
  const x = extentOf(values(series, (reading) => reading.x));
  const y = extentOf(values(series, (reading) => reading.y));
  if (x === null || y === null) return null;
  return { x: straight(x), y: logarithms && y[0] > 0 ? logarithmic(y) : straight(y) };
}

/** Whether there is more than one number to draw. */
export function isCurve({ series }: Metric): boolean {
  return series.some(({ readings }) => readings.length > 1);
}

/** Whether each curve has a colour of its own. */
export function isToldApart(series: Series[]): boolean {
  return series.length > 1 && series.length <= TOLD_APART;
}

export function colourOf(series: Series[], index: number): string {
  if (series.length > TOLD_APART) return "var(--nbf-accent)";
  return `var(--nbf-${COLOURS[index]})`;
}

export function Curves({ metric, scales }: { metric: Metric; scales: Scales }) {
  const { series, scattered } = metric;
  const crowd = series.length > TOLD_APART ? " nbf-curves-crowd" : "";
  return (
    <svg
      className={`nbf-curves${crowd}`}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {series.map(({ name, readings }, index) => (
        <path
          key={`${index} ${name}`}
          className={scattered ? "nbf-curve nbf-dots" : "nbf-curve"}
          style={{ stroke: colourOf(series, index) }}
          d={pathOf(readings, scales.x, scales.y, scattered)}
        />
      ))}
    </svg>
  );
}

/** A line where the reader is, and a dot on the curve. */
export function Cursor({ at, scales }: { at: Reading; scales: Scales }) {
  const left = `${scales.x.at(at.x)}%`;
  const top = 100 - scales.y.at(at.y);
  return (
    <>
      <span className="nbf-plot-cursor" style={{ left }} />
      {Number.isFinite(top) && (
        <span className="nbf-plot-cursor-dot" style={{ left, top: `${top}%` }} />
      )}
    </>
  );
}

/** How far right in its target a pointer is, 0 to 100. */
export function placeOf(event: { clientX: number; currentTarget: Element }): number {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  return width > 0 ? ((event.clientX - left) / width) * 100 : 0;
}
