/**
 * The run graph, alive: what the static picture shows, to be moved, searched and asked.
 *
 * Positions come laid out; this module only draws them and decides what part is seen. It must not
 * know where graphs come from.
 */

import {
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from "react";
import type { FlowRun, Graph, GraphNode, Look, TaskRow } from "../../api/types";
import { type Size, useSize } from "../hooks";
import { timeOf } from "./card-words";
import { CARD_HEIGHT } from "./marks";
import { kin } from "./relations";
import { Scene } from "./scene";
import { SearchField } from "./search-field";
import { GraphSkeleton } from "./skeleton";
import { Tip } from "./tip";
import { Toolbar } from "./toolbar";
import { commandsOf, focusCard, onClick } from "./use-commands";
import { type Facts, useFacts } from "./use-facts";
import { useHands } from "./use-hands";
import { cardOf, type Hover, useHover } from "./use-hover";
import { type Commands, onKey } from "./use-keys";
import { type Search, useSearch } from "./use-search";
import { useViewer, type Viewer } from "./use-view";
import { onArea, type Rect } from "./viewport";

export interface GraphViewProps {
  /** null: it has not come yet. */
  graph: Graph | null;
  /** The sender's time, in ms; clocks of running cards tick by it. */
  now: number;
  /** The id of the chosen card. */
  selected: string | null;
  onSelect(node: string | null): void;
  look: Look;
  onLook(look: Look): void;
  /** What graph it is, for readers of screens. */
  label: string;
  /** Pixels; 320 unless given. */
  height?: number;
  /** What is said where there is no card. */
  empty?: string;
  /** With these, the search finds what lies in closed subflows, too. */
  tasks?: readonly TaskRow[];
  subflows?: ReadonlyMap<string, FlowRun>;
}

const TO_COME = "No tasks yet: each appears here when it starts.";

export function GraphView({ graph, height = 320, empty = TO_COME, ...props }: GraphViewProps) {
  if (graph === null) return <GraphSkeleton height={height} />;
  if (graph.nodes.length === 0) {
    return (
      <div className="nbf-g nbf-g-empty" style={{ height }}>
        {graph.note ?? empty}
      </div>
    );
  }
  return <Live {...props} graph={graph} height={height} />;
}

type LiveProps = GraphViewProps & { graph: Graph };

function Live(props: LiveProps) {
  const { graph, selected, look, onLook, label, height } = props;
  const area = useRef<HTMLDivElement>(null);
  const scene = useRef<SVGSVGElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const size = useSize(area);
  const facts = useFacts(graph);
  const viewer = useViewer({ area, scene }, graph, facts.places, size, selected ?? facts.telling);
  const search = useGraphSearch(props, viewer);
  const commands = commandsOf({ ...props, viewer, facts, area, field });
  const hover = useHover();
  const [entry, setEntry] = useState<string | null>(null);
  const stop = firstKnown([entry, selected, facts.telling, graph.nodes[0]?.id], facts);
  const back = () => focusCard(area.current, search.current ?? stop ?? "");
  useRevealed(selected, viewer);
  return (
    <div className="nbf-g" style={{ height }}>
      <Ground
        {...{ area, viewer, hover, commands, label }}
        about={facts.summary}
        onEntry={setEntry}
      >
        <LitScene {...{ props, scene, facts, search, hover, stop }} />
      </Ground>
      <Toolbar look={look} onLook={onLook} viewer={viewer}>
        <SearchField search={search} field={field} onLeave={back} />
      </Toolbar>
      {graph.note && <p className="nbf-g-note">{graph.note}</p>}
      <Told {...{ hover, facts, viewer, size }} now={props.now} />
    </div>
  );
}

const NO_TASKS: readonly TaskRow[] = [];
const NO_SUBFLOWS: ReadonlyMap<string, FlowRun> = new Map();

function useGraphSearch(props: LiveProps, viewer: Viewer): Search {
  const { graph, look, onLook, tasks = NO_TASKS, subflows = NO_SUBFLOWS } = props;
  const reveal = useCallback((id: string) => viewer.reveal(id), [viewer]);
  return useSearch({ graph, tasks, subflows, look, onLook, reveal });
}

/** What is selected elsewhere, such as in the timeline, comes into view. */
function useRevealed(selected: string | null, viewer: Viewer): void {
  const before = useRef(selected);
  useEffect(() => {
    if (selected !== null && selected !== before.current) viewer.reveal(selected);
    before.current = selected;
  }, [selected, viewer]);
}

/** The first of the ids that is drawn. */
function firstKnown(ids: (string | null | undefined)[], { cards }: Facts): string | null {
  return ids.find((id) => id != null && cards.has(id)) ?? null;
}

interface GroundProps {
  area: RefObject<HTMLDivElement>;
  viewer: Viewer;
  hover: Hover;
  commands: Commands;
  label: string;
  /** The graph in words. */
  about: string;
  /** A card got the focus. */
  onEntry(id: string): void;
  children: ReactNode;
}

/** What the cards lie on, and where hands and keys arrive. */
function Ground({ area, viewer, hover, commands, label, about, onEntry, children }: GroundProps) {
  const hands = useHands(area, viewer);
  const words = useId();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset holds a form's fields
    <div
      ref={area}
      className="nbf-g-area"
      role="group"
      aria-label={label}
      aria-describedby={words}
      // Clicked, it takes the keys that move it.
      tabIndex={-1}
      onPointerDown={(event) => {
        hover.onPointerDown();
        hands.onPointerDown(event);
      }}
      onPointerMove={hands.onPointerMove}
      onPointerUp={hands.onPointerUp}
      onPointerCancel={hands.onPointerCancel}
      onPointerOver={hover.onPointerOver}
      onPointerLeave={hover.onPointerLeave}
      onFocus={(event) => {
        const id = cardOf(event.target);
        if (id !== null) onEntry(id);
        hover.onFocus(event);
      }}
      onBlur={hover.onBlur}
      onKeyDown={(event) => onKey(event, commands)}
      onClick={(event) => {
        if (!hands.dragged()) onClick(event, commands);
      }}
    >
      {children}
      <p id={words} className="nbf-hidden">
        {about} Arrow keys go from card to card.
      </p>
    </div>
  );
}

interface LitProps {
  props: LiveProps;
  scene: RefObject<SVGSVGElement>;
  facts: Facts;
  search: Search;
  hover: Hover;
  stop: string | null;
}

/** The drawing, with what is looked for or pointed at lifted above the rest. */
function LitScene({ props, scene, facts, search, hover, stop }: LitProps) {
  const { graph, now, selected } = props;
  const { card } = hover.target;
  const { relations, labels } = facts;
  const lifted = useMemo(
    () => search.matches ?? (card === null ? null : kin(card, relations)),
    [search.matches, card, relations],
  );
  return (
    // As an element of the page, and not as a part of a drawing, it can be moved without being
    // drawn anew.
    <svg
      ref={scene}
      className="nbf-g-svg nbf-g-scene"
      role="presentation"
      width={graph.width}
      height={graph.height}
    >
      <Scene
        {...{ graph, now, selected, lifted, labels }}
        found={search.current}
        entry={stop}
        hovered={hover.target}
      />
    </svg>
  );
}

interface ToldProps {
  hover: Hover;
  facts: Facts;
  viewer: Viewer;
  size: Size;
  now: number;
}

/** More of the card at which the reader rests. */
function Told({ hover, facts, viewer, size, now }: ToldProps) {
  const node = hover.target.card === null ? undefined : facts.cards.get(hover.target.card);
  if (node === undefined || !hover.slow) return null;
  const place = onArea(viewer.view, facts.frames.has(node.id) ? titleOf(node) : node);
  return <Tip node={node} time={timeOf(node, now)} place={place} area={size} />;
}

/** Of a frame, only its title line is pointed at. */
function titleOf({ x, y, width }: GraphNode): Rect {
  return { x, y, width, height: CARD_HEIGHT + 4 };
}
