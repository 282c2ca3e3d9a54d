/** Graphs for tests. */

import { card, graphOf } from "../../api/samples";
import type { Graph, GraphEdge } from "../../api/types";

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
