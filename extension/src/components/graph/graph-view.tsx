/** The graph of a run, or of a flow that has not run: laid out elsewhere, drawn here. */

import { type KeyboardEvent, type MouseEvent, useEffect, useMemo, useRef, useState } from "react";
import type { Graph, GraphNode, Look } from "../../api/types";
import { useSize } from "../hooks";
import { Card, type CardProps } from "./card";
import { isBad, summaryOf, timeOf } from "./card-words";
import { Edges, edgeKey, HoverLabel, Labels, Rings } from "./edges";
import { Frame } from "./frame";
import { kin, type Relations, relationsOf } from "./relations";
import { matchesOf } from "./search";
import { type Arrow, isArrow, stepFrom } from "./steps";
import { Toolbar } from "./toolbar";
import { type Hands, useCamera } from "./use-camera";
import type { Rect } from "./viewport";

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
}

export function GraphView({ graph, height = 320, ...props }: GraphViewProps) {
  if (graph === null || graph.nodes.length === 0) {
    return (
      <div className="nbf-g-empty" style={{ height }} aria-busy={graph === null}>
        {graph?.note ?? (graph && "No tasks yet. They stand here as soon as the first one begins.")}
      </div>
    );
  }
  return <Drawn graph={graph} height={height} {...props} />;
}

type DrawnProps = GraphViewProps & { graph: Graph };

function Drawn({ graph, now, selected, onSelect, look, onLook, label, height }: DrawnProps) {
  const area = useRef<HTMLElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const size = useSize(area);
  const hands = useCamera(graph, size, area);
  const [text, setText] = useState("");
  const matches = useMemo(() => matchesOf(text, graph.nodes), [text, graph.nodes]);
  const turn = useRef(0);
  useAttention(graph, selected, hands, size.width > 0);
  const toggle = (id: string) => {
    const closed = graph.closed.filter((each) => each !== id);
    onLook({ ...look, closed: closed.length < graph.closed.length ? closed : [...closed, id] });
  };
  const next = () => {
    const match = matches[turn.current % Math.max(1, matches.length)];
    turn.current += 1;
    if (match !== undefined) hands.reveal(match);
    // What is looked for may lie in a subflow that is closed.
    else if (graph.closed.length) onLook({ ...look, closed: [] });
  };
  const pressed = (event: KeyboardEvent<HTMLElement>) => {
    if (event.target instanceof HTMLInputElement) return;
    if (!keyed(event, { graph, hands, selected, onSelect, toggle, field: field.current })) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const clicked = (event: MouseEvent<HTMLElement>) => {
    const id = idOf(event.target);
    if (hands.dragged()) return;
    if (id !== null && isToggle(event.target)) toggle(id);
    else onSelect(id === selected ? null : id);
  };
  return (
    <div className="nbf-g" style={{ height }}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: keys are heard below */}
      {/* biome-ignore lint/a11y/noNoninteractiveElementInteractions: its cards are what is pressed */}
      <section
        ref={area}
        className="nbf-g-area"
        aria-label={`${label}. ${summaryOf(graph)}`}
        onPointerDown={hands.onPointerDown}
        onPointerMove={hands.onPointerMove}
        onPointerUp={hands.onPointerUp}
        onPointerCancel={hands.onPointerUp}
        onClick={clicked}
        onKeyDown={pressed}
      >
        <Scene {...{ graph, now, selected, hands }} found={matches} />
      </section>
      <Toolbar
        graph={graph}
        look={look}
        onLook={onLook}
        onZoom={hands.zoom}
        onFit={hands.fit}
        field={field}
        search={{
          text,
          found: matches.length,
          onText(wanted) {
            turn.current = 0;
            setText(wanted);
          },
          onNext: next,
          onLeave() {
            setText("");
            area.current?.querySelector<SVGElement>(`[${ID}][tabindex="0"]`)?.focus();
          },
        }}
      />
      {graph.note && <p className="nbf-g-note">{graph.note}</p>}
    </div>
  );
}

// ── what is drawn ───────────────────────────────────────────────────────────────────────

interface SceneProps {
  graph: Graph;
  now: number;
  selected: string | null;
  hands: Hands;
  found: string[];
}

function Scene({ graph, now, selected, hands, found }: SceneProps) {
  const [pointed, setPointed] = useState<{ node: string | null; edge: string | null }>(NOWHERE);
  const relations = useRelations(graph);
  const lifted = useMemo(
    () => (pointed.node === null ? null : kin(pointed.node, relations)),
    [pointed.node, relations],
  );
  const labels = useMemo(
    () => new Map([...graph.nodes, ...graph.frames].map(({ id, label }) => [id, label])),
    [graph.nodes, graph.frames],
  );
  const edge = graph.edges.find((each) => edgeKey(each) === pointed.edge);
  const { x, y, scale } = hands.camera;
  const shown = new Set([...graph.nodes, ...graph.frames].map(({ id }) => id));
  const entry = selected !== null && shown.has(selected) ? selected : graph.nodes[0]?.id;
  const props = (node: GraphNode, group: CardProps["group"]): CardProps => ({
    node,
    time: timeOf(node, now),
    selected: node.id === selected,
    lit: lifted?.has(node.id) ?? false,
    found: found.includes(node.id),
    entry: node.id === entry,
    group,
  });
  return (
    <svg
      className={hands.held ? "nbf-g-svg" : "nbf-g-svg nbf-g-gliding"}
      role="presentation"
      onPointerOver={(event) =>
        setPointed({ node: idOf(event.target), edge: edgeOf(event.target) })
      }
      onPointerLeave={() => setPointed(NOWHERE)}
    >
      <g
        className={lifted === null ? "nbf-g-scene" : "nbf-g-scene nbf-g-lifting"}
        style={{ transform: `translate(${x}px,${y}px) scale(${scale})` }}
      >
        <Rings graph={graph} />
        {graph.frames.map((node) => (
          <Frame key={node.id} {...props(node, "open")} />
        ))}
        <Edges edges={graph.edges} lifted={lifted} hovered={pointed.edge} labels={labels} />
        <Labels edges={graph.edges} />
        {loudestLast(graph.nodes).map((node) => (
          <Card key={node.id} {...props(node, graph.closed.includes(node.id) ? "closed" : null)} />
        ))}
        {edge && <HoverLabel edge={edge} />}
      </g>
    </svg>
  );
}

const NOWHERE = { node: null, edge: null };

function useRelations(graph: Graph): Relations {
  const { edges, version } = graph;
  // biome-ignore lint/correctness/useExhaustiveDependencies: states do not change who leads to whom
  return useMemo(() => relationsOf(graph), [edges, version]);
}

/** Nothing covers the halo of what went wrong. */
function loudestLast(nodes: GraphNode[]): GraphNode[] {
  if (!nodes.some(isBad)) return nodes;
  return [...nodes].sort((one, other) => Number(isBad(one)) - Number(isBad(other)));
}

// ── what events are about ───────────────────────────────────────────────────────────────

const ID = "data-node";

function idOf(target: EventTarget | null): string | null {
  return closest(target, `[${ID}]`)?.getAttribute(ID) ?? null;
}

function edgeOf(target: EventTarget | null): string | null {
  return closest(target, "[data-edge]")?.getAttribute("data-edge") ?? null;
}

function isToggle(target: EventTarget | null): boolean {
  return closest(target, "[data-toggle]") !== null;
}

function closest(target: EventTarget | null, selector: string): Element | null {
  return target instanceof Element ? target.closest(selector) : null;
}

/** Bring into view what was chosen elsewhere, or, until the reader takes over, what failed. */
function useAttention(graph: Graph, selected: string | null, hands: Hands, ready: boolean): void {
  const failed = graph.nodes.find(isBad)?.id ?? null;
  const shown = useRef<string | null>(null);
  const wanted = selected ?? (hands.held ? null : failed);
  useEffect(() => {
    if (!ready || wanted === shown.current) return;
    shown.current = wanted;
    if (wanted !== null) hands.reveal(wanted);
  });
}

// ── keys ────────────────────────────────────────────────────────────────────────────────

interface Keyed {
  graph: Graph;
  hands: Hands;
  selected: string | null;
  onSelect(node: string | null): void;
  toggle(id: string): void;
  field: HTMLInputElement | null;
}

/** Carry out what a key means here; false for keys that mean nothing. */
function keyed(event: KeyboardEvent<HTMLElement>, told: Keyed): boolean {
  const { graph, hands, selected, onSelect, toggle, field } = told;
  const { key } = event;
  const id = idOf(event.target);
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (key === "+" || key === "=") hands.zoom(1.25);
  else if (key === "-") hands.zoom(1 / 1.25);
  else if (key === "0") hands.fit();
  else if (key === "/") field?.focus();
  else if (key === "Escape") onSelect(null);
  else if (key === "Enter" && id !== null) onSelect(id === selected ? null : id);
  else if (key === " " && id !== null && graph.groups.includes(id)) toggle(id);
  else if (key === " " && id !== null) onSelect(id === selected ? null : id);
  else if (isArrow(key)) walk(event, key, graph, hands);
  else return false;
  return true;
}

function walk(event: KeyboardEvent<HTMLElement>, arrow: Arrow, graph: Graph, hands: Hands): void {
  const from = idOf(event.target) ?? graph.nodes[0]?.id ?? "";
  const places = new Map<string, Rect>(
    [...graph.nodes, ...graph.frames].map((each) => [each.id, each]),
  );
  const to = stepFrom(from, arrow, places, relationsOf(graph));
  if (to === null) return;
  const cards = event.currentTarget.querySelectorAll<SVGElement>(`[${ID}]`);
  const card = [...cards].find((each) => each.getAttribute(ID) === to);
  // The browser would scroll the area's inside, of which the camera knows nothing.
  card?.focus({ preventScroll: true });
  hands.reveal(to);
}
