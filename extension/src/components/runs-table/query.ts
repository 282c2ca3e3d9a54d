/** What a reader wants to see of all runs: which, and in which order. */

import type { RunOrder, RunsWhere, StateType } from "../../api/types";

export interface Query {
  text: string;
  /** Names of groups of states; none: all. */
  states: string[];
  flow: string | null;
  tags: string[];
  order: RunOrder;
}

/** States as they are filtered, in the order of a run's life; the first type gives the look. */
export const STATE_GROUPS: { name: string; types: StateType[] }[] = [
  { name: "Scheduled", types: ["SCHEDULED"] },
  { name: "Running", types: ["RUNNING", "PENDING", "CANCELLING"] },
  { name: "Paused", types: ["PAUSED"] },
  { name: "Completed", types: ["COMPLETED"] },
  { name: "Failed", types: ["FAILED"] },
  { name: "Crashed", types: ["CRASHED"] },
  { name: "Cancelled", types: ["CANCELLED"] },
];

export const NEWEST: RunOrder = "-created";
const EVERYTHING: Query = { text: "", states: [], flow: null, tags: [], order: NEWEST };

/** The query that starts with conditions given from outside. */
export function queryOf({ text, states, flow, tags }: RunsWhere): Query {
  const groups = STATE_GROUPS.filter(({ types }) => types.some((type) => states?.includes(type)));
  return {
    ...EVERYTHING,
    text: text ?? "",
    states: groups.map(({ name }) => name),
    flow: flow ?? null,
    tags: tags ?? [],
  };
}

export function whereOf({ text, states, flow, tags }: Query): RunsWhere {
  const where: RunsWhere = {};
  if (text.trim()) where.text = text.trim();
  if (states.length > 0) where.states = typesOf(states);
  if (flow !== null) where.flow = flow;
  if (tags.length > 0) where.tags = tags;
  return where;
}

function typesOf(names: string[]): StateType[] {
  return STATE_GROUPS.filter(({ name }) => names.includes(name)).flatMap(({ types }) => types);
}

/** Whether some runs are left out. */
export function isFiltered(query: Query): boolean {
  return Object.keys(whereOf(query)).length > 0;
}

/** The list with an entry more, or without it. */
export function toggled(entries: string[], entry: string): string[] {
  return entries.includes(entry) ? entries.filter((each) => each !== entry) : [...entries, entry];
}
