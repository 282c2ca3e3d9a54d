/** The curves between cards, their labels, and what the radial view has behind them. */

import { memo } from "react";
import type { Graph, GraphEdge, Point } from "../../api/types";
import { edgeWords } from "./card-words";

/** Half of an arrowhead's width. */
const ARROW = 2.6;

interface EdgesProps {
  edges: readonly GraphEdge[];
  /** What is lifted; null: nothing is. */
  lifted: ReadonlySet<string> | null;
  /** The edge under the pointer. */
  hovered: string | null;
  labels: ReadonlyMap<string, string>;
}

/** One name for each edge: two cards may be linked by several variables. */
export function edgeKey({ source, target, label }: GraphEdge): string {
  return JSON.stringify([source, target, label]);
}

export const Edges = memo(function Edges({ edges, lifted, hovered, labels }: EdgesProps) {
  return (
    <g>
      {edges.map((edge) => {
        const key = edgeKey(edge);
        const lit = key === hovered || isLit(edge, lifted);
        return <Edge key={key} id={key} edge={edge} lit={lit} words={edgeWords(edge, labels)} />;
      })}
    </g>
  );
});

export function isLit({ source, target }: GraphEdge, lifted: ReadonlySet<string> | null): boolean {
  return lifted?.has(source) === true && lifted.has(target);
}

interface EdgeProps {
  id: string;
  edge: GraphEdge;
  lit: boolean;
  words: string;
}

const Edge = memo(function Edge({ id, edge, lit, words }: EdgeProps) {
  const line = lineOf(edge.points);
  const last = edge.points[edge.points.length - 1];
  return (
    <g className={lit ? "nbf-g-edge nbf-g-lit" : "nbf-g-edge"} data-edge={id}>
      <title>{words}</title>
      <path className="nbf-g-reach" d={line} />
      <path className={edge.certain ? "nbf-g-line" : "nbf-g-line nbf-g-perhaps"} d={line} />
      {edge.tip && last && <path className="nbf-g-arrow" d={arrow(last, edge.tip)} />}
    </g>
  );
});

export function lineOf([start, ...rest]: readonly Point[]): string {
  if (start === undefined) return "";
  return `M${start.join(" ")}C${rest.map((point) => point.join(" ")).join(" ")}`;
}

function arrow(base: Point, tip: Point): string {
  const [dx, dy] = [tip[0] - base[0], tip[1] - base[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [x, y] = [(-dy / length) * ARROW, (dx / length) * ARROW];
  const [left, right] = [`${base[0] + x} ${base[1] + y}`, `${base[0] - x} ${base[1] - y}`];
  return `M${left}L${tip.join(" ")}L${right}Z`;
}

interface LabelsProps {
  edges: readonly GraphEdge[];
  lifted: ReadonlySet<string> | null;
}

/** Labels that always stand in the picture: the layout left room for them. */
export const Labels = memo(function Labels({ edges, lifted }: LabelsProps) {
  return (
    <g>
      {edges.map((edge) => {
        if (edge.label_at === null) return null;
        const style = isLit(edge, lifted) ? "nbf-g-label nbf-g-lit" : "nbf-g-label";
        return <Label key={edgeKey(edge)} words={edge.label} at={edge.label_at} style={style} />;
      })}
    </g>
  );
});

/** The label of an edge that the reader points at. */
export function HoverLabel({ edge }: { edge: GraphEdge }) {
  if (!edge.label || edge.label_at !== null) return null;
  return <Label words={edge.label} at={middleOf(edge.points)} style="nbf-g-label nbf-g-loud" />;
}

function Label({ words, at: [x, y], style }: { words: string; at: Point; style: string }) {
  return (
    <text className={style} x={x} y={y + 3.7}>
      {words}
    </text>
  );
}

/** The middle of the middle piece of a curve. */
export function middleOf(points: readonly Point[]): Point {
  const pieces = Math.floor((points.length - 1) / 3);
  const start = 3 * Math.floor((pieces - 1) / 2);
  const four = points.slice(Math.max(start, 0), Math.max(start, 0) + 4);
  if (four.length < 4) return points[0] ?? [0, 0];
  const mean = (axis: 0 | 1) =>
    [1, 3, 3, 1].reduce((sum, weight, place) => sum + weight * (four[place]?.[axis] ?? 0), 0) / 8;
  // Of an even number of pieces, the middle is where two of them meet.
  return pieces % 2 === 0 ? (points[start + 3] ?? [0, 0]) : [mean(0), mean(1)];
}

/** Quiet circles around the middle, tinted in turn, and bands from subflows to what lies in them. */
export const Rings = memo(function Rings({
  graph,
}: {
  graph: Pick<Graph, "center" | "rings" | "bonds">;
}) {
  return (
    <>
      {graph.center && <Circles center={graph.center} rings={graph.rings} />}
      {[...bands(graph.bonds)].map(([source, line]) => (
        <path key={source} className="nbf-g-bond" d={line} />
      ))}
    </>
  );
});

function Circles({ center: [x, y], rings }: { center: Point; rings: readonly number[] }) {
  const outer = rings.map((radius, number) => ({ radius, odd: number % 2 === 0 })).reverse();
  return (
    <g>
      {outer.map(({ radius, odd }) => (
        <circle
          key={radius}
          className={odd ? "nbf-g-circle nbf-g-odd" : "nbf-g-circle"}
          cx={x}
          cy={y}
          r={radius}
        />
      ))}
      <circle className="nbf-g-middle" cx={x} cy={y} r={4} />
    </g>
  );
}

/** One band for each subflow, so that its parts do not darken each other. */
function bands(bonds: readonly GraphEdge[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { source, points } of bonds) {
    found.set(source, (found.get(source) ?? "") + lineOf(points));
  }
  return found;
}
