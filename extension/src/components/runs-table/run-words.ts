/** What a row says of a run. */

import type { FlowRun, RunRow } from "../../api/types";
import { ago, exactUtc, valueText } from "../words";

const LONGEST_VALUE = 28;
const LONGEST = 240;
const SETTLED = new Set(["NotRun", "NotReady"]);
const MOVING = new Set(["RUNNING", "PENDING", "CANCELLING"]);
/** A run that is due is claimed within seconds. */
const SOON_MS = 5000;

/** `lr=0.1, epochs=20`. */
export function parameterWords(parameters: Record<string, unknown>): string {
  const parts = Object.entries(parameters).map(([name, value]) => `${name}=${valueWords(value)}`);
  return cut(parts.join(", "), LONGEST);
}

function valueWords(value: unknown): string {
  // Nobody wants to read 0.30000000000000004.
  const long = typeof value === "number" && !Number.isInteger(value);
  const short = long ? Number(value.toPrecision(6)) : value;
  return cut(valueText(short), LONGEST_VALUE);
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** All parameters, a line each. */
export function parameterLines(parameters: Record<string, unknown>): string {
  const lines = Object.entries(parameters).map(
    ([name, value]) => `${name} = ${cut(valueText(value), 500)}`,
  );
  return cut(lines.join("\n"), 4000);
}

/** When it began; before that when it is due, or was made. */
export function whenWords(run: FlowRun, now: number): string {
  const at = instant(run.start_time ?? dueText(run) ?? run.created);
  return at === null ? "" : ago(at, now);
}

/** All its instants, exactly. */
export function exactTimes(run: FlowRun): string {
  const times: [string, string | null][] = [
    ["made", run.created],
    ["due", dueText(run)],
    ["started", run.start_time],
    ["ended", run.end_time],
  ];
  return times
    .map(([word, text]) => ({ word, at: instant(text) }))
    .filter(({ at }) => at !== null)
    .map(({ word, at }) => `${word} ${exactUtc(at as number)}`)
    .join("\n");
}

function dueText({ state }: FlowRun): string | null {
  return state.type === "SCHEDULED" ? state.scheduled_time : null;
}

function instant(text: string | null): number | null {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Number.isFinite(at) ? at : null;
}

/** Whether it goes on, so that its clock ticks. */
export function isRunning({ state, start_time, end_time }: FlowRun): boolean {
  return MOVING.has(state.type) && start_time !== null && end_time === null;
}

/** Whether it may change at any moment, without anybody doing something. */
export function isMoving({ run }: RunRow, now: number): boolean {
  const { type, name } = run.state;
  if (SETTLED.has(name)) return false;
  if (type !== "SCHEDULED") return MOVING.has(type);
  const due = instant(run.state.scheduled_time);
  return due !== null && due <= now + SOON_MS;
}
