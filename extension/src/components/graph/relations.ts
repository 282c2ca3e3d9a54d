/** What leads to a card, and what follows from it; what lies in what. */

import type { Graph, GraphEdge } from "../../api/types";

type Links = Map<string, string[]>;

export interface Relations {
  /** Right before and right after each card. */
  before: Links;
  after: Links;
  /** What lies right inside each group. */
  members: Links;
  groupOf: Map<string, string>;
}

export type Edges = readonly Pick<GraphEdge, "source" | "target">[];
type Lying = Pick<Graph, "nodes" | "frames">;

export function relationsOf(graph: Lying & { edges: Edges }): Relations {
  const relations: Relations = {
    before: new Map(),
    after: new Map(),
    members: new Map(),
    groupOf: new Map(),
  };
  for (const { source, target } of graph.edges) {
    add(relations.after, source, target);
    add(relations.before, target, source);
  }
  for (const { id, group } of [...graph.frames, ...graph.nodes]) {
    if (group === null) continue;
    add(relations.members, group, id);
    relations.groupOf.set(id, group);
  }
  return relations;
}

function add(links: Links, from: string, to: string): void {
  const known = links.get(from);
  if (known === undefined) links.set(from, [to]);
  else known.push(to);
}

/** The card itself, all that leads to it and all that follows from it. */
export function kin(id: string, relations: Relations): Set<string> {
  return new Set([
    ...reached(id, relations.before, relations),
    ...reached(id, relations.after, relations),
  ]);
}

/** What leads to a group leads to all that lies in it; what follows from a part follows from it. */
function reached(start: string, links: Links, relations: Relations): Set<string> {
  const found = new Set([start]);
  const passed = new Set<string>();
  // The set grows while it is walked, and so is walked to its end.
  for (const id of found) {
    for (const member of relations.members.get(id) ?? []) found.add(member);
    for (const next of links.get(id) ?? []) found.add(next);
    for (const group of around(id, relations)) {
      const beyond = links.get(group) ?? [];
      if (beyond.length) passed.add(group);
      for (const next of beyond) found.add(next);
    }
  }
  return new Set([...found, ...passed]);
}

/** The groups around a card, from the inside out. */
export function around(id: string, { groupOf }: Pick<Relations, "groupOf">): string[] {
  const found = new Set<string>();
  let group = groupOf.get(id);
  while (group !== undefined && !found.has(group)) {
    found.add(group);
    group = groupOf.get(group);
  }
  return [...found];
}
