/** What a card, an edge and a whole graph say in words, for tooltips and for readers of screens. */

import type { Graph, GraphEdge, GraphNode } from "../../api/types";
import { lookOf } from "../state/looks";
import { clock, counted, duration, progressParts, stateWord, ticking } from "../words";

/** Whether its clock ticks. */
export function isTicking(node: GraphNode): boolean {
  if (node.duration !== null || node.started === null) return false;
  return node.state_type === "RUNNING" || node.state_type === "CANCELLING";
}

export function isBad({ state_type }: Pick<GraphNode, "state_type">): boolean {
  return state_type === "FAILED" || state_type === "CRASHED";
}

/** Nothing ran: outline only. */
export function isHollow({ state_name, state_type }: GraphNode): boolean {
  return state_name !== null && lookOf(state_name, state_type).hollow;
}

/** What stands at the right of a card; of what never ran, nothing. */
export function timeOf(node: GraphNode, now: number): string {
  if (node.state_name === null || isHollow(node)) return "";
  if (!isTicking(node)) return duration(node.duration);
  return ticking((now - (node.started as number)) / 1000);
}

/** `187/200 · 3 failed`. */
export function progressOf({ counts }: Pick<GraphNode, "counts">): string {
  return progressParts(counts)
    .map(([words]) => words)
    .join(" · ");
}

/**
 * A card's name for those who do not see it: `train, running since 12:30:07, attempt 2`. A clock
 * that ticks is not told: it would be read aloud every second.
 */
export function cardName(node: GraphNode, group: "open" | "closed" | null): string {
  const parts = [node.label || "(unnamed)"];
  if (group !== null) parts.push(group === "open" ? "open subflow" : "closed subflow");
  parts.push(...stateParts(node));
  if (node.message) parts.push(node.message);
  return parts.join(", ");
}

function stateParts(node: GraphNode): string[] {
  if (node.state_name === null) return [];
  const word = stateWord(node.state_name);
  const parts = [
    isTicking(node) ? `${word} since ${clock(node.started as number)}` : word,
    isTicking(node) ? "" : timeOf(node, 0),
    Object.keys(node.counts).length ? progressOf(node) : "",
    node.attempt > 1 ? `attempt ${node.attempt}` : "",
  ];
  return parts.filter((part) => part !== "");
}

/** `df: load → clean (perhaps)`. */
export function edgeWords(edge: GraphEdge, labels: ReadonlyMap<string, string>): string {
  const [from, to] = [labels.get(edge.source) ?? "", labels.get(edge.target) ?? ""];
  const told = `${edge.label ? `${edge.label}: ` : ""}${from} → ${to}`;
  return edge.certain ? told : `${told} (perhaps)`;
}

/** Nobody listens to more. */
const NAMED = 5;

/** The whole graph in a few sentences. */
export function summaryOf({ nodes, closed, note }: Graph): string {
  const sentences = [`${counted(nodes.length, "card")}${statesOf(nodes)}.`];
  const bad = nodes.filter(isBad).map(({ label }) => label);
  if (bad.length) sentences.push(`Went wrong: ${some(bad)}.`);
  const busy = nodes.filter(({ state_type }) => state_type === "RUNNING").map(({ label }) => label);
  if (busy.length) sentences.push(`Running now: ${some(busy)}.`);
  if (closed.length) sentences.push(`${counted(closed.length, "subflow")} closed.`);
  if (note) sentences.push(note);
  return sentences.join(" ");
}

function statesOf(nodes: GraphNode[]): string {
  const counts = new Map<string, number>();
  for (const { state_name } of nodes) {
    if (state_name !== null) counts.set(state_name, (counts.get(state_name) ?? 0) + 1);
  }
  const parts = [...counts].map(([name, number]) => `${number} ${stateWord(name)}`);
  return parts.length ? `: ${parts.join(", ")}` : "";
}

function some(names: string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
