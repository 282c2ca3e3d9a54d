/** What a run left behind: its numbers first, then what each task made, then kept values. */

import { useMemo } from "react";
import type { Artifact, FlowRun, ResultRow, TaskRow } from "../../api/types";
import { useNow, useStored } from "../hooks";
import { counted } from "../words";
import { ExhibitFigure } from "./exhibit-figure";
import { type Section, sectionsOf } from "./exhibits";
import { KeptResults } from "./kept-results";
import { MetricsGrid } from "./metrics-grid";

interface Props {
  artifacts: Artifact[];
  results: ResultRow[];
  tasks: Map<string, TaskRow>;
  /** They name what was left behind by subflows themselves, outside their tasks. */
  subflows?: ReadonlyMap<string, FlowRun>;
}

const NONE: ReadonlyMap<string, FlowRun> = new Map();
const AT_FIRST = 12;

export function Results({ artifacts, results, tasks, subflows = NONE }: Props) {
  const sections = useMemo(
    () => sectionsOf(artifacts, { tasks, subflows }),
    [artifacts, tasks, subflows],
  );
  const now = useNow(true, 60_000);
  if (artifacts.length === 0 && results.length === 0) return <Empty />;
  return (
    <div className="nbf-results">
      <MetricsGrid artifacts={artifacts} tasks={tasks} />
      {sections.map((section) => (
        <TaskSection key={section.id} section={section} tasks={tasks} now={now} />
      ))}
      <KeptResults results={results} />
    </div>
  );
}

interface SectionProps {
  section: Section;
  tasks: Map<string, TaskRow>;
  now: number;
}

function TaskSection({ section: { id, title, exhibits }, tasks, now }: SectionProps) {
  const [most, setMost] = useStored(`results.most.${id}`, AT_FIRST);
  const rest = exhibits.length - most;
  return (
    <section className="nbf-results-section" aria-label={title}>
      <h4 className="nbf-results-section-title" title={title}>
        {title}
      </h4>
      <div className="nbf-exhibits">
        {exhibits.slice(0, most).map((exhibit) => (
          <ExhibitFigure key={exhibit.id} exhibit={exhibit} tasks={tasks} now={now} />
        ))}
      </div>
      {rest > 0 && (
        <button type="button" className="nbf-button" onClick={() => setMost(most + 4 * AT_FIRST)}>
          Show {counted(Math.min(rest, 4 * AT_FIRST), "more", "more")}
        </button>
      )}
    </section>
  );
}

function Empty() {
  return (
    <div className="nbf-nothing">
      <p>
        <b>Nothing is here yet.</b> Tables, pictures, texts and numbers that the run keeps stand
        here. Keep one in a task:
      </p>
      <pre className="nbf-code">
        {
          'from nbflow import create_table_artifact, log_metric\n\ncreate_table_artifact(frame, key="scores")\nlog_metric("loss", 0.31, step=1)'
        }
      </pre>
    </div>
  );
}
