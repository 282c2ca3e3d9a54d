/** Finds cards by name: those drawn, and tasks inside closed groups. */

import type { FlowRun, GraphNode, TaskRow } from "../../api/types";

/** The cards whose names hold the text, in the order of the graph. */
export function matchesOf(text: string, nodes: readonly GraphNode[]): string[] {
  const wanted = plain(text);
  if (wanted === "") return [];
  return nodes.filter(({ label }) => plain(label).includes(wanted)).map(({ id }) => id);
}

function plain(text: string): string {
  return text.trim().toLocaleLowerCase();
}

/** The closed groups to open until the first task with such a name is drawn; empty: there is none. */
export function hiddenPath(
  text: string,
  tasks: readonly TaskRow[],
  subflows: ReadonlyMap<string, FlowRun>,
  closed: readonly string[],
): string[] {
  const wanted = plain(text);
  if (wanted === "" || closed.length === 0) return [];
  const shut = new Set(closed);
  for (const { name, run } of tasks) {
    if (!plain(name).includes(wanted)) continue;
    const path = pathTo(run, subflows).filter((id) => shut.has(id));
    if (path.length) return path;
  }
  return [];
}

/** A subflow and those around it. */
function pathTo(run: string, subflows: ReadonlyMap<string, FlowRun>): string[] {
  const path = new Set<string>();
  let at: string | null = run;
  while (at !== null && !path.has(at)) {
    path.add(at);
    at = subflows.get(at)?.parent_id ?? null;
  }
  return [...path];
}
