/** One thing is selected in a run view: a card of the graph, a task, or both as they belong. */

import type { TaskRow } from "../../api/types";

export interface Selection {
  node: string | null;
  task: string | null;
}

export const NOTHING: Selection = { node: null, task: null };

/** A task, and the card that stands for it. */
export function ofTask(task: string | null, tasks: ReadonlyMap<string, TaskRow>): Selection {
  return task === null ? NOTHING : { task, node: tasks.get(task)?.node ?? null };
}

/** A card, and the task it stands for: of many tasks the first that went wrong, else none. */
export function ofNode(node: string | null, tasks: TaskRow[]): Selection {
  if (node === null) return NOTHING;
  const own = tasks.filter((task) => task.node === node);
  const [only] = own.length === 1 ? own : own.filter(isBad);
  return { node, task: only?.id ?? null };
}

function isBad({ state_type }: TaskRow): boolean {
  return state_type === "FAILED" || state_type === "CRASHED";
}
