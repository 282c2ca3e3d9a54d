/** The graph of a run, or of a flow that has not run: laid out elsewhere, drawn here. */

import { useId, useRef } from "react";
import type { FlowRun, Graph, Look, TaskRow } from "../../api/types";
import { useSize } from "../hooks";
import { timeOf } from "./card-words";
import { kin } from "./relations";
import { Scene } from "./scene";
import { SearchField } from "./search-field";
import { GraphSkeleton } from "./skeleton";
import { Tip } from "./tip";
import { Toolbar } from "./toolbar";
import { commandsOf, focusCard, onClick } from "./use-commands";
import { type Facts, useFacts } from "./use-facts";
import { useHands } from "./use-hands";
import { type Hover, useHover } from "./use-hover";
import { onKey } from "./use-keys";
import { useSearch } from "./use-search";
import { useViewer, type Viewer } from "./use-view";
import { onArea } from "./viewport";

export interface GraphViewProps {
  /** null: not there yet. */
  graph: Graph | null;
  /** The present, in ms since 1970, as the sender's clock goes. */
  now: number;
  /** The id of the chosen card. */
  selected: string | null;
  onSelect(node: string | null): void;
  look: Look;
  onLook(look: Look): void;
  /** What readers of screens call it. */
  label: string;
  /** Pixels; 320 unless given. */
  height?: number;
  /** With these, the search finds what lies in closed subflows. */
  tasks?: readonly TaskRow[];
  subflows?: ReadonlyMap<string, FlowRun>;
}

const NO_TASKS: readonly TaskRow[] = [];
const NO_SUBFLOWS: ReadonlyMap<string, FlowRun> = new Map();

export function GraphView({ graph, height = 320, ...props }: GraphViewProps) {
  if (graph === null) return <GraphSkeleton height={height} />;
  if (graph.nodes.length + graph.frames.length === 0) {
    return (
      <div className="nbf-g nbf-g-empty" style={{ height }}>
        {graph.note ?? "No tasks yet. They stand here as soon as the first one begins."}
      </div>
    );
  }
  return <Drawn graph={graph} height={height} {...props} />;
}

type DrawnProps = GraphViewProps & { graph: Graph };

function Drawn(props: DrawnProps) {
  const { graph, now, selected, look, onLook, label, height } = props;
  const { tasks = NO_TASKS, subflows = NO_SUBFLOWS } = props;
  const area = useRef<HTMLDivElement>(null);
  const scene = useRef<SVGGElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const summary = useId();
  const size = useSize(area);
  const facts = useFacts(graph);
  // What was chosen elsewhere comes into view; else what counts, until the reader takes over.
  const viewer = useViewer({ area, scene }, graph, facts.places, size, selected ?? facts.telling);
  const hands = useHands(area, viewer);
  const hover = useHover();
  const search = useSearch({ graph, tasks, subflows, look, onLook, reveal: useReveal(viewer) });
  const commands = commandsOf({ ...props, viewer, facts, area, field });
  const { card } = hover.target;
  const lifted = card === null ? search.matches : kin(card, facts.relations);
  const entry = selected !== null && facts.cards.has(selected) ? selected : firstOf(graph);
  return (
    <div className="nbf-g" style={{ height }}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset holds a form's fields */}
      <div
        ref={area}
        className="nbf-g-area"
        role="group"
        aria-label={label}
        aria-describedby={summary}
        onKeyDown={(event) => onKey(event, commands)}
        onClick={(event) => hands.dragged() || onClick(event, commands)}
        onPointerDown={both(hover.onPointerDown, hands.onPointerDown)}
        onPointerMove={hands.onPointerMove}
        onPointerUp={hands.onPointerUp}
        onPointerCancel={hands.onPointerCancel}
        onPointerOver={hover.onPointerOver}
        onPointerLeave={hover.onPointerLeave}
        onFocus={hover.onFocus}
        onBlur={hover.onBlur}
      >
        <svg className="nbf-g-svg" role="presentation">
          <Scene
            {...{ graph, scene, now, selected, lifted, entry }}
            found={search.current}
            hovered={hover.target}
            labels={facts.labels}
          />
        </svg>
      </div>
      <Toolbar look={look} onLook={onLook} viewer={viewer}>
        <SearchField
          search={search}
          field={field}
          onLeave={() => entry !== null && focusCard(area.current, entry)}
        />
      </Toolbar>
      {graph.note && <p className="nbf-g-note">{graph.note}</p>}
      <Told {...{ hover, facts, viewer, now }} />
      <p id={summary} className="nbf-hidden">
        {facts.summary}
      </p>
    </div>
  );
}

function firstOf({ nodes, frames }: Graph): string | null {
  return nodes[0]?.id ?? frames[0]?.id ?? null;
}

/** The same function while the viewer is the same: an effect depends on it. */
function useReveal(viewer: Viewer): (id: string) => void {
  const latest = useRef({ viewer, reveal: (id: string) => viewer.reveal(id) });
  if (latest.current.viewer !== viewer) {
    latest.current = { viewer, reveal: (id) => viewer.reveal(id) };
  }
  return latest.current.reveal;
}

function both<E>(first: () => void, second: (event: E) => void): (event: E) => void {
  return (event) => {
    first();
    second(event);
  };
}

interface ToldProps {
  hover: Hover;
  facts: Facts;
  viewer: Viewer;
  now: number;
}

/** More of the card at which the reader rests. */
function Told({ hover: { target, slow }, facts, viewer, now }: ToldProps) {
  const node = slow && target.card !== null ? facts.cards.get(target.card) : undefined;
  const place = node && facts.places.get(node.id);
  if (node === undefined || place === undefined) return null;
  return (
    <Tip
      node={node}
      time={timeOf(node, now)}
      place={onArea(viewer.view, place)}
      area={viewer.size}
    />
  );
}
