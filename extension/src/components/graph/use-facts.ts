/** What follows from a graph, found once for each of its versions. */

import { useMemo } from "react";
import type { Graph, GraphNode } from "../../api/types";
import { isBad, summaryOf } from "./card-words";
import { type Relations, relationsOf } from "./relations";
import type { Places } from "./use-view";

export interface Facts {
  /** Cards and frames by id. */
  cards: ReadonlyMap<string, GraphNode>;
  frames: ReadonlySet<string>;
  labels: ReadonlyMap<string, string>;
  /** Where each stands; of an open group, where its frame does. */
  places: Places;
  relations: Relations;
  summary: string;
  /** What to look at first: what went wrong, else what runs. */
  telling: string | null;
}

export function useFacts(graph: Graph): Facts {
  const { frames, nodes, edges } = graph;
  // Edges and names change with the layout only; states come many times a second.
  const lasting = useMemo(
    () => ({
      frames: new Set(frames.map(({ id }) => id)),
      labels: new Map([...frames, ...nodes].map(({ id, label }) => [id, label])),
      places: new Map([...frames, ...nodes].map((node) => [node.id, node])),
      relations: relationsOf(graph),
    }),
    [graph.version, edges],
  );
  return useMemo(
    () => ({
      ...lasting,
      cards: new Map([...frames, ...nodes].map((node) => [node.id, node])),
      summary: summaryOf(graph),
      telling: tellingOf(nodes),
    }),
    [lasting, frames, nodes, graph],
  );
}

function tellingOf(nodes: readonly GraphNode[]): string | null {
  const busy = nodes.find(({ state_type }) => state_type === "RUNNING");
  return (nodes.find(isBad) ?? busy)?.id ?? null;
}
