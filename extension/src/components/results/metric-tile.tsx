/** A metric as a small tile: its name, its latest value, and its curve. */

import { memo, useState } from "react";
import { counted } from "../words";
import { figure, shortFigure } from "./figures";
import type { Metric, Reading } from "./metrics";
import { Cursor, Curves, isCurve, placeOf, type Scales, scalesOf } from "./plot";
import { nearest } from "./scale";

interface Props {
  metric: Metric;
  open: boolean;
  onToggle: (name: string) => void;
}

/** Drawn anew only when its metric has changed: there may be hundreds. */
export const MetricTile = memo(function MetricTile({ metric, open, onToggle }: Props) {
  const [read, setRead] = useState<Reading | null>(null);
  const scales = isCurve(metric) ? scalesOf(metric) : null;
  const words = <Words metric={metric} read={read} />;
  if (scales === null) return <div className="nbf-tile">{words}</div>;
  return (
    <button
      type="button"
      className="nbf-tile nbf-tile-button"
      aria-expanded={open}
      title={open ? "Close the plot" : "Show it large"}
      onClick={() => onToggle(metric.name)}
    >
      {words}
      <Spark metric={metric} scales={scales} read={read} onRead={setRead} />
    </button>
  );
});

function Words({ metric, read }: { metric: Metric; read: Reading | null }) {
  const { y, place } = read ?? metric.latest;
  return (
    <>
      <span className="nbf-tile-name" title={metric.name}>
        {metric.name}
      </span>
      <span className="nbf-tile-value">
        <b title={String(y)}>{figure(y)}</b>
        <span className="nbf-tile-place">{place || crowd(metric)}</span>
      </span>
    </>
  );
}

function crowd({ series }: Metric): string {
  return series.length > 1 ? counted(series.length, "task") : "";
}

interface SparkProps {
  metric: Metric;
  scales: Scales;
  read: Reading | null;
  onRead: (reading: Reading | null) => void;
}

function Spark({ metric, scales, read, onRead }: SparkProps) {
  // With several curves, the one that was logged last is read.
  const readings = metric.series.at(-1)?.readings ?? [];
  const [first, last] = [readings[0], readings.at(-1)];
  const [low, high] = scales.y.extent;
  return (
    <span className="nbf-spark">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the large plot reads by keyboard */}
      <span
        className="nbf-spark-room"
        onMouseMove={(event) =>
          onRead(readings[nearest(readings, scales.x, placeOf(event))] ?? null)
        }
        onMouseLeave={() => onRead(null)}
      >
        <Curves metric={metric} scales={scales} />
        {read && <Cursor at={read} scales={scales} />}
      </span>
      <span className="nbf-axis-hint nbf-axis-hint-high">{shortFigure(high)}</span>
      <span className="nbf-axis-hint nbf-axis-hint-low">
        {low === high ? "" : shortFigure(low)}
      </span>
      <span className="nbf-axis-hint nbf-axis-hint-first">{first?.place}</span>
      <span className="nbf-axis-hint nbf-axis-hint-last">{last?.place}</span>
    </span>
  );
}
