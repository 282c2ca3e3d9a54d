/** All metrics of a run, a tile each; the one that is looked at stands large below its row. */

import { Fragment, useCallback, useMemo, useRef } from "react";
import type { Artifact, TaskRow } from "../../api/types";
import { useStored } from "../hooks";
import { MetricPlot } from "./metric-plot";
import { MetricTile } from "./metric-tile";
import { type Metric, metricsOf } from "./metrics";

interface Props {
  artifacts: Artifact[];
  tasks: Map<string, TaskRow>;
}

export function MetricsGrid({ artifacts, tasks }: Props) {
  const before = useRef<Metric[]>([]);
  const metrics = useMemo(() => {
    before.current = metricsOf(artifacts, tasks, before.current);
    return before.current;
  }, [artifacts, tasks]);
  const [open, setOpen] = useStored<string | null>("results.metric", null);
  const grid = useRef<HTMLDivElement>(null);
  const toggle = useCallback(
    (name: string) => setOpen(open === name ? null : name),
    [open, setOpen],
  );
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
            <MetricTile metric={metric} open={open === metric.name} onToggle={toggle} />
            {open === metric.name && <MetricPlot metric={metric} onClose={close} />}
          </Fragment>
        ))}
      </div>
    </section>
  );
}
