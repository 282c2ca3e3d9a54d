/** What a row says: in its cells, to readers of screens, and in its tooltip. */

import type { TaskRow } from "../../api/types";
import { clock, counted, duration, exactUtc, progressParts, stateWord, ticking } from "../words";
import { attemptsOf, isSettled, ranFor, startOf, waitedFor } from "./pieces";
import { countsOf, type Row, reachOf } from "./rows";

/** The last column: how long it ran, or why it did not; of many, how far they are. */
export function ranWords(row: Row, now: number): string {
  if (row.kind === "band") return progressWords(row.members);
  if (row.kind === "flow") return flowDuration(row.flow, now);
  const ran = ranFor(row.task, now);
  if (ran === null) return stateWord(row.task.state_name);
  return isSettled(row.task) ? duration(ran / 1000) : ticking(ran / 1000);
}

export function progressWords(tasks: TaskRow[]): string {
  return progressParts(countsOf(tasks))
    .map(([words]) => words)
    .join(" · ");
}

/** The row's bars in words. */
export function rowWords(row: Row, now: number): string {
  if (row.kind === "task") return taskWords(row.task, now).join(", ");
  if (row.kind === "flow") return `subflow, ${stateWord(row.flow.state.name)}`;
  const { from, to } = reachOf(row.members, now);
  return `${counted(row.members.length, "run")}, ${duration((to - from) / 1000)} from first to last`;
}

function taskWords(task: TaskRow, now: number): string[] {
  const ran = ranFor(task, now);
  const tries = attemptsOf(task).length;
  return [
    stateWord(task.state_name),
    ...(ran === null ? [] : [`ran ${duration(ran / 1000)}`]),
    `waited ${duration(waitedFor(task, now) / 1000)}`,
    ...(tries > 1 ? [counted(tries, "attempt")] : []),
  ];
}

/** A fact for the tooltip: its name and what it is. */
export type Fact = [name: string, value: string];

export function factsOf(row: Row, now: number): Fact[] {
  if (row.kind === "task") return taskFacts(row.task, now);
  const { from, to } = row.kind === "flow" ? flowReach(row.flow, now) : reachOf(row.members, now);
  return [
    [row.kind === "flow" ? "tasks" : "runs", progressWords(row.members)],
    ["took", duration((to - from) / 1000)],
    ["first start", exactUtc(from)],
    ["last end", exactUtc(to)],
  ];
}

function taskFacts(task: TaskRow, now: number): Fact[] {
  const ran = ranFor(task, now);
  const tries = attemptsOf(task);
  const started = startOf(task);
  const facts: (Fact | null)[] = [
    ["waited", duration(waitedFor(task, now) / 1000)],
    ran === null ? null : ["ran", duration(ran / 1000)],
    tries.length > 1 ? ["attempts", attemptWords(tries, now)] : null,
    ["created", exactUtc(task.created)],
    started === null ? null : ["started", exactUtc(started)],
    task.ended === null ? null : ["ended", exactUtc(task.ended)],
  ];
  return facts.filter((fact) => fact !== null);
}

/** `3: failed 1.2 s, failed 1.1 s, completed 2 s`; of many only the last ones. */
function attemptWords(tries: ReturnType<typeof attemptsOf>, now: number): string {
  const told = tries.slice(-4).map(({ started, ended, state_name }) => {
    return `${stateWord(state_name)} ${duration(((ended ?? now) - started) / 1000)}`;
  });
  const skipped = tries.length > told.length ? "…, " : "";
  return `${tries.length}: ${skipped}${told.join(", ")}`;
}

/** Milliseconds since 1970 from start to end; to now while it goes on. */
export function flowReach(
  flow: { start_time: string | null; created: string; end_time: string | null },
  now: number,
): { from: number; to: number } {
  const from = Date.parse(flow.start_time ?? flow.created);
  return { from, to: Math.max(from, flow.end_time ? Date.parse(flow.end_time) : now) };
}

function flowDuration(flow: Parameters<typeof flowReach>[0], now: number): string {
  if (flow.start_time === null) return "";
  const { from, to } = flowReach(flow, now);
  return (flow.end_time ? duration : ticking)((to - from) / 1000);
}

/** A place on the axis: time since the start, and the local clock. */
export function momentWords(at: number, origin: number): string {
  return `${at < 0 ? "−" : ""}${duration(Math.abs(at) / 1000)} · ${clock(origin + at)}`;
}
