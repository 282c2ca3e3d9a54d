/** All metrics of a run, a tile each; the one that is looked at stands large below its row. */

import { Fragment, useMemo, useRef } from "react";
import type { Artifact, TaskRow } from "../../api/types";
import { useStored } from "../hooks";
import { MetricPlot } from "./metric-plot";
import { MetricTile } from "./metric-tile";
import { metricsOf } from "./metrics";

interface Props {
  artifacts: Artifact[];
  tasks: Map<string, TaskRow>;
}

export function MetricsGrid({ artifacts, tasks }: Props) {
  const metrics = useMemo(() => metricsOf(artifacts, tasks), [artifacts, tasks]);
  const [open, setOpen] = useStored<string | null>("results.metric", null);
  const grid = useRef<HTMLDivElement>(null);
  if (metrics.length === 0) return null;
  const close = () => {
    grid.current?.querySelector<HTMLElement>("[aria-expanded=true]")?.focus();
    setOpen(null);
  };
  return (
    <section className="nbf-results-section" aria-label="Metrics">
      <div className="nbf-tiles" ref={grid}>
        {metrics.map((metric) => (
          <Fragment key={metric.name}>
            <MetricTile
              metric={metric}
              open={open === metric.name}
              onToggle={() => setOpen(open === metric.name ? null : metric.name)}
            />
            {open === metric.name && <MetricPlot metric={metric} onClose={close} />}
          </Fragment>
        ))}
      </div>
    </section>
  );
}
