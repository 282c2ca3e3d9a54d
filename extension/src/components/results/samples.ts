/** Artifacts and tasks to test with. */

import { taskRow } from "../../api/samples";
import type { Artifact, ArtifactKind, TaskRow } from "../../api/types";

let made = 0;

/** The next artifact; each is a second younger than the one before. */
export function artifact(
  kind: ArtifactKind,
  data: unknown,
  change: Partial<Artifact> = {},
): Artifact {
  made += 1;
  const created = Date.UTC(2026, 0, 1) + made * 1000;
  const own = { key: null, description: null, run: "run", task: null, created };
  return { id: `artifact-${made}`, kind, data, ...own, ...change };
}

export function metric(
  key: string,
  value: unknown,
  step: number | null = null,
  task: string | null = null,
): Artifact {
  return artifact("metric", { value, step }, { key, task });
}

/** A task of a name of its own, or of one that it shares. */
export function task(id: string, name = id, task_name = name): TaskRow {
  return taskRow(id, { name, task_name, ended: 0 });
}

export function byId(...tasks: TaskRow[]): Map<string, TaskRow> {
  return new Map(tasks.map((each) => [each.id, each]));
}

/** What must stay text wherever it stands. */
export const HOSTILE =
  '<img src=x onerror="globalThis.broken=1"><script>globalThis.broken=1</script>';
