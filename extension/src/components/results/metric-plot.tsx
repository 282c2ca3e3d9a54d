/** One metric, large: ticks, a legend, and a reader that the pointer or the arrow keys move. */

import { type KeyboardEvent, useState } from "react";
import { useStored } from "../hooks";
import { counted } from "../words";
import { figure } from "./figures";
import type { Metric, Reading } from "./metrics";
import { Cursor, Curves, colourOf, isToldApart, placeOf, type Scales, scalesOf } from "./plot";
import { extentOf, nearest, values } from "./scale";

interface Props {
  metric: Metric;
  onClose: () => void;
}

const MOST_IN_LEGEND = 8;

export function MetricPlot({ metric, onClose }: Props) {
  const [logarithms, setLogarithms] = useStored(`results.log.${metric.name}`, false);
  const [at, setAt] = useState<number | null>(null);
  const scales = scalesOf(metric, logarithms);
  if (scales === null) return null;
  return (
    <figure
      className="nbf-plot"
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <figcaption className="nbf-exhibit-head">
        <b>{metric.name}</b>
        <span className="nbf-spread" />
        {isPositive(metric) && (
          <button
            type="button"
            className="nbf-button"
            aria-pressed={logarithms}
            onClick={() => setLogarithms(!logarithms)}
          >
            log scale
          </button>
        )}
        <button type="button" className="nbf-button" onClick={onClose}>
          Close
        </button>
      </figcaption>
      <Room metric={metric} scales={scales} at={at} onRead={setAt} />
      <Legend metric={metric} at={at} />
    </figure>
  );
}

function isPositive({ series }: Metric): boolean {
  const extent = extentOf(values(series, (reading) => reading.y));
  return extent !== null && extent[0] > 0 && extent[0] < extent[1];
}

// ── the drawing and its reader ───────────────────────────────────────────────────────────

interface RoomProps {
  metric: Metric;
  scales: Scales;
  /** The index of the reading that is read, in the curve with the most. */
  at: number | null;
  onRead: (at: number | null) => void;
}

function Room({ metric, scales, at, onRead }: RoomProps) {
  const readings = longest(metric);
  const read = at === null ? null : (readings[at] ?? null);
  const levels = scales.y.ticks(5);
  const widest = Math.max(...levels.map((level) => figure(level, 6).length));
  return (
    <div className="nbf-plot-frame" style={{ paddingLeft: `${widest + 2}ch` }}>
      <div
        className="nbf-plot-room"
        role="slider"
        tabIndex={0}
        aria-label={`${metric.name}, read along its curve`}
        aria-valuemin={1}
        aria-valuemax={readings.length}
        aria-valuenow={(at ?? readings.length - 1) + 1}
        aria-valuetext={told(read ?? metric.latest)}
        onMouseMove={(event) => onRead(nearest(readings, scales.x, placeOf(event)))}
        onMouseLeave={() => onRead(null)}
        onKeyDown={(event) => onRead(moved(event, at, readings.length))}
        onBlur={() => onRead(null)}
      >
        <Ticks scales={scales} steps={metric.scattered ? [] : scales.x.ticks(8)} levels={levels} />
        <Curves metric={metric} scales={scales} />
        {read && <Cursor at={read} scales={scales} />}
      </div>
    </div>
  );
}

function longest({ series }: Metric): Reading[] {
  return series.reduce<Reading[]>(
    (best, { readings }) => (readings.length > best.length ? readings : best),
    [],
  );
}

function told({ y, place }: Reading): string {
  return place ? `${place}: ${figure(y, 6)}` : figure(y, 6);
}

function moved(event: KeyboardEvent, at: number | null, count: number): number | null {
  const from = at ?? count - 1;
  const steps: Record<string, number> = {
    ArrowLeft: at === null ? from : from - 1,
    ArrowRight: from + 1,
    PageUp: from - Math.ceil(count / 10),
    PageDown: from + Math.ceil(count / 10),
    Home: 0,
    End: count - 1,
  };
  const to = steps[event.key];
  if (to === undefined) return at;
  event.preventDefault();
  return Math.min(count - 1, Math.max(0, to));
}

function Ticks({ scales, steps, levels }: { scales: Scales; steps: number[]; levels: number[] }) {
  return (
    <>
      {levels.map((level) => (
        <span
          key={level}
          className="nbf-plot-level"
          style={{ top: `${100 - scales.y.at(level)}%` }}
        >
          <span className="nbf-axis-hint">{figure(level, 6)}</span>
        </span>
      ))}
      {steps.filter(Number.isInteger).map((step) => (
        <span key={step} className="nbf-plot-step" style={{ left: `${scales.x.at(step)}%` }}>
          <span className="nbf-axis-hint">{figure(step, 9)}</span>
        </span>
      ))}
    </>
  );
}

// ── the legend ───────────────────────────────────────────────────────────────────────────

function Legend({ metric, at }: { metric: Metric; at: number | null }) {
  const { series, scattered } = metric;
  const place = at === null ? null : (longest(metric)[at] ?? null);
  return (
    <div className="nbf-legend">
      <span className="nbf-muted">{placeWords(place, scattered)}</span>
      {series.slice(0, MOST_IN_LEGEND).map(({ name, readings }, index) => (
        <span key={`${index} ${name}`} className="nbf-legend-item">
          {isToldApart(series) && <i style={{ background: colourOf(series, index) }} />}
          {series.length > 1 && <span className="nbf-legend-name">{name}</span>}
          <b className="nbf-figures">{valueAt(readings, place)}</b>
        </span>
      ))}
      {series.length > MOST_IN_LEGEND && (
        <span className="nbf-muted">
          and {counted(series.length - MOST_IN_LEGEND, "more", "more")}
        </span>
      )}
    </div>
  );
}

function placeWords(place: Reading | null, scattered: boolean): string {
  return place?.place ?? (scattered ? "last" : "at the end");
}

function valueAt(readings: Reading[], place: Reading | null): string {
  const found = place === null ? readings.at(-1) : readings.find(({ x }) => x === place.x);
  return found === undefined ? "–" : figure(found.y, 6);
}
