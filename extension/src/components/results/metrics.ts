/**
 * The numbers that a run logged, as curves: one metric per name, one series per task.
 *
 * Several runs of tasks that log one name are compared in one plot; when each logged it just
 * once, as the tasks of a map do, their numbers make one series.
 */

import type { Artifact, TaskRow } from "../../api/types";
import { figure } from "./figures";
import { metricOf } from "./forms";

export interface Reading {
  x: number;
  /** May be NaN or infinite: a gap in the curve. */
  y: number;
  /** Where on the curve, in words: `step 3`. */
  place: string;
}

export interface Series {
  name: string;
  /** By `x`, which never repeats. */
  readings: Reading[];
}

export interface Metric {
  name: string;
  series: Series[];
  /** What was logged last. */
  latest: Reading;
  /** Dots only: its readings are of different tasks, and nothing lies between them. */
  scattered: boolean;
  /** Changes with what was logged: of equal marks, the older metric is kept. */
  mark: string;
}

interface Logged {
  value: number;
  step: number | null;
  created: number;
}

type Names = (task: string | null) => string;

/** The metrics; those of `before` that have not changed are the same objects. */
export function metricsOf(
  artifacts: Artifact[],
  tasks: Map<string, TaskRow>,
  before: Metric[] = [],
): Metric[] {
  const named: Names = (task) => (task === null ? "the flow" : (tasks.get(task)?.name ?? "a task"));
  const known = new Map(before.map((each) => [each.name, each]));
  return [...logged(artifacts)].map(([name, byTask]) => {
    const mark = markOf(byTask, named);
    const old = known.get(name);
    return old?.mark === mark ? old : { ...metric(name, byTask, named), mark };
  });
}

/** Metrics are only ever added: their number and the last one tell of every change. */
function markOf(byTask: Map<string | null, Logged[]>, named: Names): string {
  const marks = [...byTask].map(([task, all]) => [named(task), all.length, all.at(-1)?.created]);
  return JSON.stringify(marks);
}

/** What was logged, by name and task. */
function logged(artifacts: Artifact[]): Map<string, Map<string | null, Logged[]>> {
  const found = new Map<string, Map<string | null, Logged[]>>();
  for (const { kind, key, task, data, created } of artifacts) {
    const form = kind === "metric" ? metricOf(data) : null;
    if (form === null) continue;
    const byTask = entry(found, key ?? "metric", () => new Map<string | null, Logged[]>());
    entry(byTask, task, () => [] as Logged[]).push({ ...form, created });
  }
  return found;
}

export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}

function metric(
  name: string,
  byTask: Map<string | null, Logged[]>,
  named: Names,
): Omit<Metric, "mark"> {
  const each = [...byTask].map(([task, all]) => ({ name: named(task), readings: curve(all) }));
  const scattered = each.length > 1 && each.every(({ readings }) => readings.length === 1);
  const series = scattered ? [joined(each)] : each;
  return { name, series, latest: latest(byTask, named), scattered };
}

/** By step when every number has one, else in the order of logging. */
function curve(all: Logged[]): Reading[] {
  const inOrder = [...all].sort((a, b) => a.created - b.created);
  if (!inOrder.every(({ step }) => step !== null))
    return inOrder.map(({ value }, index) => reading(index + 1, value, ordinal(index + 1)));
  // A retried task logs its steps again: the last word counts.
  const bySteps = new Map(inOrder.map(({ step, value }) => [step as number, value]));
  return [...bySteps]
    .sort(([a], [b]) => a - b)
    .map(([step, value]) => reading(step, value, `step ${figure(step, 9)}`));
}

function joined(each: Series[]): Series {
  const readings = each.map(({ name, readings: [only] }, index) =>
    reading(index + 1, only?.y ?? Number.NaN, name),
  );
  return { name: "", readings };
}

function latest(byTask: Map<string | null, Logged[]>, named: Names): Reading {
  let last: [string | null, Logged] | null = null;
  for (const [task, all] of byTask)
    for (const one of all) if (last === null || one.created >= last[1].created) last = [task, one];
  const [task, { value, step }] = last ?? [null, { value: Number.NaN, step: null }];
  const place = step === null ? "" : `step ${figure(step, 9)}`;
  return reading(0, value, byTask.size > 1 ? named(task) : place);
}

function reading(x: number, y: number, place: string): Reading {
  return { x, y, place };
}

function ordinal(number: number): string {
  return `no. ${number}`;
}
