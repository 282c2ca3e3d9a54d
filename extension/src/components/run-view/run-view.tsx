/** A run, while it happens and after: header, failure, graph, timeline, logs, results. */

import { type ReactElement, useEffect, useState } from "react";
import { type RunData, type RunStore, useRun } from "../../api/run-store";
import type { Look, Service, Target } from "../../api/types";
import { Skew, useKept, useStored } from "../hooks";
import { stateWord } from "../words";
import { type Acting, useActing } from "./acting";
import { Buttons } from "./buttons";
import { Failure } from "./failure";
import { Header } from "./header";
import { NotebookLink } from "./notebook-link";
import { Notes, useConnection } from "./notes";
import { type PanelName, Panels } from "./panels";
import { Parameters, useParameters } from "./parameters";
import { ProgressBar } from "./progress-bar";
import { Question } from "./question";
import { Resizer, useHeight } from "./resizer";
import { NOTHING, ofNode, type Selection } from "./selection";
import { Skeleton } from "./skeleton";
import { isSettled } from "./times";

export interface RunViewProps {
  service: Service;
  target: Target;
  store: RunStore;
  /** The reader wants another look at the graph. */
  onLook?: (look: Look) => void;
  /** It stands in a notebook: what to type next is told as magics. */
  magics?: boolean;
}

export function RunView({ service, store, onLook, magics = false }: RunViewProps): ReactElement {
  const data = useRun(store);
  const [height, setHeight] = useHeight();
  if (data.run === null && data.gone === null) return <Skeleton height={height} />;
  return (
    <Skew.Provider value={data.skew}>
      <section className="nbf-rv" aria-label={`Run ${data.run?.name ?? ""}`}>
        <Shown {...{ service, data, height, onLook, magics }} />
        {data.run && <Resizer height={height} onHeight={setHeight} />}
      </section>
    </Skew.Provider>
  );
}

interface ShownProps extends Pick<RunViewProps, "service" | "onLook"> {
  data: RunData;
  height: number;
  magics: boolean;
}

function Shown({ service, data, height, onLook, magics }: ShownProps) {
  const { run, failure, gone } = data;
  const [selection, setSelection] = useStored<Selection>("selection", NOTHING);
  const [tab, setTab] = useStored<PanelName>("tab", "graph");
  const acting = useActing(service, run);
  const settled = run !== null && isSettled(run.state);
  const node = failure?.node ?? null;
  const show = () => {
    setTab("graph");
    setSelection({ ...ofNode(node, data.tasks), node });
  };
  return (
    <>
      <Top data={data} acting={acting} />
      <Notes
        note={acting.note}
        onDismiss={acting.dismiss}
        connection={useConnection(service)}
        gone={gone}
        settled={settled}
      />
      {run && failure && (
        <Failure
          failure={failure}
          state={run.state}
          onShow={node === null ? null : show}
          magics={magics}
        />
      )}
      {run && <Asked data={data} acting={acting} />}
      {run && <Panels {...{ data, height, tab, setTab, selection, setSelection, onLook }} />}
      <Spoken data={data} />
    </>
  );
}

/** The header, the bar, and the parameters when they are wanted. */
function Top({ data, acting }: { data: RunData; acting: Acting }) {
  const { run, progress, question, actions, gone } = data;
  const parameters = useParameters(run);
  return (
    <>
      <Header data={data} parameters={parameters}>
        {gone === null && (
          <Buttons actions={actions} acting={acting} except={question ? "answer" : null} />
        )}
        <NotebookLink output={run?.output ?? null} />
      </Header>
      {progress !== null && progress.total > 0 && <ProgressBar progress={progress} />}
      {parameters?.open && run && <Parameters id={parameters.controls} values={run.parameters} />}
    </>
  );
}

function Asked({ data, acting }: { data: RunData; acting: Acting }) {
  const { question, actions, run } = data;
  const action = actions.find(({ name }) => name === "answer");
  if (question === null || action === undefined) return null;
  // Another question is another form.
  const key = `${run?.id} ${question.message} ${question.deadline}`;
  return <Question key={key} question={question} label={action.label} acting={acting} />;
}

/**
 * What changes, said to those who do not see it; the state only, or it would never be silent.
 *
 * A notebook puts outputs on the page anew, often at a run's very end: what was said is kept.
 */
function Spoken({ data: { run } }: { data: RunData }) {
  const [words, setWords] = useState("");
  const said = useKept<string>("said");
  const { name, flow } = { name: run?.state.name, flow: run?.flow_name };
  useEffect(() => {
    if (name === undefined) return;
    const before = said.read();
    said.keep(name);
    // What it was when the view appeared is no news.
    if (before !== undefined && before !== name) setWords(`${flow} is ${stateWord(name)}`);
  }, [name, flow, said]);
  return (
    <div className="nbf-hidden" role="status">
      {words}
    </div>
  );
}
