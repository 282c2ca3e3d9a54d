/** Graphs for tests. */

import type { Graph, GraphEdge, GraphNode } from "../../api/types";

export function card(id: string, more: Partial<GraphNode> = {}): GraphNode {
  return {
    id,
    x: 0,
    y: 0,
    width: 120,
    height: 28,
    label: id,
    name: id,
    kind: "task",
    group: null,
    cell_index: null,
    stacked: false,
    state_name: "Completed",
    state_type: "COMPLETED",
    started: 1_790_000_000_000,
    duration: 1.2,
    attempt: 1,
    counts: {},
    message: null,
    ...more,
  };
}

export function edge(source: string, target: string, more: Partial<GraphEdge> = {}): GraphEdge {
  const points: GraphEdge["points"] = [
    [0, 0],
    [0, 10],
    [0, 20],
    [0, 30],
  ];
  return {
    source,
    target,
    label: "df",
    certain: true,
    points,
    tip: [0, 35],
    label_at: null,
    ...more,
  };
}

export function graphOf(nodes: GraphNode[], edges: GraphEdge[], more: Partial<Graph> = {}): Graph {
  return {
    version: 1,
    direction: "down",
    width: 400,
    height: 300,
    nodes,
    frames: [],
    edges,
    center: null,
    rings: [],
    bonds: [],
    groups: [],
    closed: [],
    total: nodes.length,
    note: null,
    ...more,
  };
}

/** load → clean → train, and train → report, which is not sure; beside them a note. */
export function chain(): Graph {
  return graphOf(
    [
      card("load", { x: 140, y: 0 }),
      card("clean", { x: 140, y: 60 }),
      card("train", {
        x: 140,
        y: 120,
        state_name: "Running",
        state_type: "RUNNING",
        duration: null,
        attempt: 2,
      }),
      card("report", {
        x: 140,
        y: 180,
        state_name: "NotRun",
        state_type: "PENDING",
        started: null,
        duration: null,
      }),
      card("aside", { x: 300, y: 60 }),
    ],
    [
      edge("load", "clean"),
      edge("clean", "train", { label: "table" }),
      edge("train", "report", { certain: false }),
    ],
  );
}

/** before → [etl: extract → store] → after; `etl` is open. */
export function grouped(): Graph {
  return graphOf(
    [
      card("before", { x: 100, y: 0 }),
      card("extract", { x: 100, y: 80, group: "etl" }),
      card("store", { x: 100, y: 140, group: "etl" }),
      card("after", { x: 100, y: 220 }),
    ],
    [edge("before", "etl"), edge("extract", "store"), edge("etl", "after")],
    {
      frames: [card("etl", { x: 90, y: 50, width: 140, height: 130, kind: "flow" })],
      groups: ["etl"],
    },
  );
}
