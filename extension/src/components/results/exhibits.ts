/**
 * What a run left behind, put in order: by the task it came from, versions of one thing together.
 *
 * Artifacts of one key and kind are versions of the same thing; those of all runs of one task,
 * such as of a map, are, too. The order is that of first appearance, so nothing ever jumps.
 */

import type { Artifact, FlowRun, TaskRow } from "../../api/types";
import { entry } from "./metrics";

/** One thing that is shown. */
export interface Exhibit {
  id: string;
  /** Oldest first; at least one. */
  versions: Artifact[];
}

/** What one task, or the flow itself, left behind. */
export interface Section {
  id: string;
  title: string;
  exhibits: Exhibit[];
}

interface Names {
  tasks: Map<string, TaskRow>;
  subflows: ReadonlyMap<string, FlowRun>;
}

export function sectionsOf(artifacts: Artifact[], names: Names): Section[] {
  const sections = new Map<string, { title: string; exhibits: Map<string, Exhibit> }>();
  for (const artifact of artifacts) {
    if (artifact.kind === "metric") continue;
    const title = origin(artifact, names);
    const id = `${artifact.task === null ? "flow" : "task"}:${title}`;
    const { exhibits } = entry(sections, id, () => ({ title, exhibits: new Map() }));
    entry(exhibits, identity(artifact), () => exhibit(artifact)).versions.push(artifact);
  }
  return [...sections].map(([id, { title, exhibits }]) => ({
    id,
    title,
    exhibits: [...exhibits.values()].map(inOrder),
  }));
}

function origin({ run, task }: Artifact, { tasks, subflows }: Names): string {
  if (task !== null) return tasks.get(task)?.task_name ?? "A task";
  return (run !== null && subflows.get(run)?.flow_name) || "The flow itself";
}

function identity({ id, kind, key }: Artifact): string {
  return key === null ? `id:${id}` : `${kind}:${key}`;
}

function exhibit({ id }: Artifact): Exhibit {
  return { id, versions: [] };
}

function inOrder({ id, versions }: Exhibit): Exhibit {
  return { id, versions: [...versions].sort((a, b) => a.created - b.created) };
}
