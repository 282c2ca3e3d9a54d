/** From when to when a run's timeline goes, and what is worth saying about it. */

import type { FlowRun, TaskRow } from "../../api/types";
import { duration } from "../words";
import type { Span } from "./axis";
import { isSettled, ranFor } from "./pieces";

/** When the run began: the zero of the axis. Milliseconds since 1970. */
export function originOf(run: FlowRun | null, tasks: TaskRow[]): number {
  if (run) return Date.parse(run.start_time ?? run.created);
  return tasks.reduce((least, task) => Math.min(least, task.created), Infinity);
}

/** Whether anything still happens, so that the clock is worth looking at. */
export function isLive(run: FlowRun | null, tasks: TaskRow[]): boolean {
  if (run) return !isSettled({ state_name: run.state.name, state_type: run.state.type });
  return tasks.some((task) => !isSettled(task));
}

/** When all that is known was over: what a run that ended leaves open, ended with it. */
export function endOf(run: FlowRun | null, tasks: TaskRow[]): number {
  const ends = tasks.reduce((most, task) => Math.max(most, latest(task)), -Infinity);
  return run?.end_time ? Math.max(Date.parse(run.end_time), ends) : ends;
}

/** From the first to the last that is known, counted from the origin. */
export function boundsOf(tasks: TaskRow[], origin: number, end: number): Span {
  const first = tasks.reduce((least, task) => Math.min(least, earliest(task)), origin);
  return { from: first - origin, to: Math.max(end - origin, first - origin + 1) };
}

/** `longest: train, 2 m 05 s of 3 m 10 s`; empty while nothing ran. */
export function longestWords(tasks: TaskRow[], origin: number, now: number): string {
  let longest: TaskRow | null = null;
  let length = 0;
  for (const task of tasks) {
    const ran = ranFor(task, now) ?? 0;
    if (ran > length) [longest, length] = [task, ran];
  }
  if (!longest || tasks.length < 2) return "";
  return `longest: ${longest.name}, ${duration(length / 1000)} of ${duration((now - origin) / 1000)}`;
}

function latest(task: TaskRow): number {
  return task.ended ?? task.started ?? task.created;
}

function earliest(task: TaskRow): number {
  return Math.min(task.created, task.started ?? task.created);
}
