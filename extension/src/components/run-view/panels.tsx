/** The tabs of a run, and what stands in each. */

import { useMemo, useRef } from "react";
import type { RunData } from "../../api/run-store";
import type { Artifact, Look } from "../../api/types";
import { GraphView } from "../graph/graph-view";
import { useKeptScroll, useNow, useStored } from "../hooks";
import { Logs } from "../logs/logs";
import { Results } from "../results/results";
import { Timeline } from "../timeline/timeline";
import { grouped } from "../words";
import { NOTHING, ofNode, ofTask, type Selection } from "./selection";
import { Strip } from "./strip";
import { Tabs } from "./tabs";
import { isSettled, isTicking } from "./times";

export type PanelName = "graph" | "timeline" | "logs" | "results";

interface Props {
  data: RunData;
  /** Of the panel below the tabs, in pixels. */
  height: number;
  tab: PanelName;
  setTab(tab: PanelName): void;
  selection: Selection;
  setSelection(selection: Selection): void;
  onLook: ((look: Look) => void) | undefined;
}

export function Panels(props: Props) {
  const { data, height, tab, setTab } = props;
  const tabs = useMemo(() => tabsOf(data), [data]);
  const panel = useRef<HTMLDivElement>(null);
  useKeptScroll(panel, `scroll.${tab}`);
  return (
    <Tabs label="Views of the run" tabs={tabs} chosen={tab} onChoose={setTab}>
      <div ref={panel} className={`nbf-rv-panel nbf-rv-${tab}`} style={{ height }}>
        <Panel {...props} />
      </div>
    </Tabs>
  );
}

function tabsOf({ tasks, logs, logsLeftOut, artifacts, results }: RunData) {
  const count = (number: number) => (number > 0 ? grouped(number) : null);
  return [
    { name: "graph" as const, label: "Graph" },
    { name: "timeline" as const, label: "Timeline", count: count(tasks.length) },
    { name: "logs" as const, label: "Logs", count: count(logs.length + logsLeftOut) },
    {
      name: "results" as const,
      label: "Results",
      count: count(exhibits(artifacts) + results.length),
    },
  ];
}

/** What is shown as one thing counts once: a metric's values are a curve. */
function exhibits(artifacts: Artifact[]): number {
  const one = ({ kind, key, id, run, task }: Artifact) => `${kind} ${key ?? id} ${run} ${task}`;
  return new Set(artifacts.map(one)).size;
}

function Panel(props: Props) {
  const { data, tab, selection, setSelection } = props;
  const { tasks, taskById, run, subflows } = data;
  const onTask = (task: string | null) => setSelection(ofTask(task, taskById));
  if (tab === "graph") return <GraphPanel {...props} />;
  if (tab === "timeline") {
    return <Timeline {...{ tasks, run, subflows }} selected={selection.task} onSelect={onTask} />;
  }
  if (tab === "logs") {
    return (
      <Logs
        lines={data.logs}
        leftOut={data.logsLeftOut}
        tasks={taskById}
        task={selection.task}
        onTask={onTask}
      />
    );
  }
  return (
    <Results
      artifacts={data.artifacts}
      results={data.results}
      tasks={taskById}
      subflows={subflows}
    />
  );
}

const USUAL: Look = { closed: null, direction: null };
/** Pixels of one line of the strip, and around all of them. */
const LINE = 18;
const AROUND = 13;

function GraphPanel({ data, height, setTab, selection, setSelection, onLook }: Props) {
  const { graph, run, logs, tasks, taskById } = data;
  const [look, setLook] = useStored<Look>("look", USUAL);
  const now = useNow(isTicking(run));
  const lines = Math.min(3, logs.length);
  const change = (wanted: Look) => {
    setLook(wanted);
    onLook?.(wanted);
  };
  return (
    <>
      <GraphView
        graph={graph}
        now={now}
        selected={selection.node}
        onSelect={(node) => setSelection(node === null ? NOTHING : ofNode(node, tasks))}
        look={look}
        onLook={change}
        label={`Graph of ${run?.flow_name ?? "the run"}`}
        empty={run && isSettled(run.state) ? "This run had no tasks." : undefined}
        tasks={tasks}
        subflows={data.subflows}
        height={height - (lines ? lines * LINE + AROUND : 0)}
      />
      <Strip lines={logs} tasks={taskById} onOpen={() => setTab("logs")} />
    </>
  );
}
