/** A flow before it runs: what would run after what. */

import type { RunStore } from "../../api/run-store";
import { useRun } from "../../api/run-store";
import type { Look } from "../../api/types";
import { GraphView } from "../graph/graph-view";
import { useStored } from "../hooks";
import { counted } from "../words";
import { Resizer, useHeight } from "./resizer";

interface Props {
  store: RunStore;
  onLook(look: Look): void;
}

export function FlowView({ store, onLook }: Props) {
  const { graph } = useRun(store);
  const [height, setHeight] = useHeight();
  const [selected, setSelected] = useStored<string | null>("selected", null);
  const [look, setLook] = useStored<Look>("look", { closed: null, direction: null });
  const change = (wanted: Look) => {
    setLook(wanted);
    onLook(wanted);
  };
  return (
    <section className="nbf-rv" aria-label="Flow">
      <header className="nbf-rv-head">
        <span className="nbf-rv-name">What will run</span>
        <span className="nbf-rv-side">{counted(graph?.total ?? 0, "step")}</span>
      </header>
      <div className="nbf-rv-panel nbf-rv-flow" style={{ height }}>
        <GraphView
          graph={graph}
          now={0}
          selected={selected}
          onSelect={setSelected}
          look={look}
          onLook={change}
          label="Graph of the flow"
          empty="This flow calls no tasks."
          height={height}
        />
      </div>
      <Resizer height={height} onHeight={setHeight} />
    </section>
  );
}
