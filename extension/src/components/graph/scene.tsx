/** Everything that is drawn of a graph, in its places. */

import { memo } from "react";
import type { Graph } from "../../api/types";
import { Card } from "./card";
import { timeOf } from "./card-words";
import { Edges, edgeKey, HoverLabel, isLit, Labels, Rings } from "./edges";
import { FrameGround, FrameTitle } from "./frame";

interface Props {
  graph: Graph;
  now: number;
  selected: string | null;
  /** What stands out while the rest fades; null: nothing fades. */
  lifted: ReadonlySet<string> | null;
  found: string | null;
  entry: string | null;
  hovered: { card: string | null; edge: string | null };
  labels: ReadonlyMap<string, string>;
}

export const Scene = memo(function Scene(props: Props) {
  const { graph, lifted, hovered, labels } = props;
  return (
    <g className={lifted ? "nbf-g-lifting" : undefined}>
      <Rings graph={graph} />
      {graph.frames.map((node) => (
        <FrameGround key={node.id} node={node} />
      ))}
      <Edges edges={graph.edges} lifted={lifted} hovered={hovered.edge} labels={labels} />
      <Labels edges={graph.edges} lifted={lifted} />
      {graph.frames.map((node) => (
        <FrameTitle key={node.id} {...cardProps(node, props)} group="open" />
      ))}
      <Cards {...props} />
      <Pointed edges={graph.edges} hovered={hovered} lifted={lifted} />
    </g>
  );
});

function cardProps(node: Graph["nodes"][number], { now, selected, lifted, found, entry }: Props) {
  return {
    node,
    time: timeOf(node, now),
    selected: node.id === selected,
    lit: lifted?.has(node.id) === true,
    found: node.id === found,
    entry: node.id === entry,
  };
}

/** In the order of the graph, which is the order in which readers of screens hear them. */
function Cards(props: Props) {
  const { nodes, groups, closed } = props.graph;
  const [all, shut] = [new Set(groups), new Set(closed)];
  const groupOf = (id: string) => (shut.has(id) ? "closed" : all.has(id) ? "open" : null);
  return (
    <>
      {nodes.map((node) => (
        <Card key={node.id} {...cardProps(node, props)} group={groupOf(node.id)} />
      ))}
    </>
  );
}

/** A card with more links than this would drown in their names. */
const NAMED = 8;

/** The names of the edges that the reader points at, or that begin or end at the card pointed at. */
function Pointed({
  edges,
  hovered,
  lifted,
}: Pick<Props, "hovered" | "lifted"> & Pick<Graph, "edges">) {
  const { card, edge } = hovered;
  if (card === null && edge === null) return null;
  const meant = edges.filter((each) =>
    edge !== null
      ? edgeKey(each) === edge
      : (each.source === card || each.target === card) && isLit(each, lifted),
  );
  if (meant.length > NAMED) return null;
  return (
    <>
      {meant.map((each) => (
        <HoverLabel key={edgeKey(each)} edge={each} />
      ))}
    </>
  );
}
