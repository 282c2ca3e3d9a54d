/**
 * What is drawn in a task's row: waiting, attempts, the pauses between them.
 *
 * All times are milliseconds since 1970. `now` stands for the end of what goes on; the caller
 * gives the run's end once nothing goes on any more.
 */

import type { Attempt, StateType, TaskRow } from "../../api/types";

/**
 * wait: created, not started. run: an attempt. gap: between attempts. never: not started, and
 * never will be.
 */
export type PieceKind = "wait" | "run" | "gap" | "never";

export interface Piece {
  kind: PieceKind;
  from: number;
  to: number;
  state_name: string;
  state_type: StateType;
  /** It grows. */
  open: boolean;
}

const FINAL: ReadonlySet<StateType> = new Set(["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]);
/** Names of states that are not final, but in which nothing will happen any more. */
const SETTLED: ReadonlySet<string> = new Set(["NotRun", "NotReady"]);

/** Whether nothing more will happen. */
export function isSettled(state: { state_name: string; state_type: StateType }): boolean {
  return FINAL.has(state.state_type) || SETTLED.has(state.state_name);
}

export function piecesOf(task: TaskRow, now: number): Piece[] {
  if (task.started === null) return [unstarted(task, now)];
  const tries = attemptsOf(task);
  const runs = tries.map((attempt) => ranPiece(attempt, task, now));
  const gaps = tries.slice(1).map((attempt, index) => gapPiece(tries[index] as Attempt, attempt));
  const rest = waitsAgain(task, tries, now);
  return [...waited(task), ...runs, ...gaps, ...rest].sort((one, two) => one.from - two.from);
}

/** All attempts, oldest first. */
export function attemptsOf(task: TaskRow): Attempt[] {
  if (task.attempts?.length) return task.attempts;
  if (task.started === null) return [];
  const { started, ended, state_name, state_type } = task;
  return [{ started, ended, state_name, state_type }];
}

/** Milliseconds of waiting before the first start; of what never started, up to its end. */
export function waitedFor(task: TaskRow, now: number): number {
  const until = task.started === null ? (task.ended ?? (isSettled(task) ? task.created : now)) : 0;
  const first = attemptsOf(task)[0]?.started ?? until;
  return Math.max(0, first - task.created);
}

/** Milliseconds that all attempts ran; null: it was never started. */
export function ranFor(task: TaskRow, now: number): number | null {
  if (task.started === null) return null;
  return attemptsOf(task).reduce(
    (sum, { started, ended }) => sum + Math.max(0, (ended ?? task.ended ?? now) - started),
    0,
  );
}

/** When the first attempt began. */
export function startOf(task: TaskRow): number | null {
  return attemptsOf(task)[0]?.started ?? null;
}

function unstarted(task: TaskRow, now: number): Piece {
  const { created, ended, state_name, state_type } = task;
  const state = { state_name, state_type };
  if (isSettled(task)) {
    const at = ended ?? created;
    return { kind: "never", from: at, to: at, open: false, ...state };
  }
  return { kind: "wait", from: created, to: Math.max(created, now), open: true, ...state };
}

function waited(task: TaskRow): Piece[] {
  const first = startOf(task) as number;
  if (first <= task.created) return [];
  const { state_name, state_type } = task;
  return [{ kind: "wait", from: task.created, to: first, open: false, state_name, state_type }];
}

function ranPiece(attempt: Attempt, task: TaskRow, now: number): Piece {
  const ended = attempt.ended ?? task.ended;
  const { started, state_name, state_type } = attempt;
  return {
    // A task that awaits its retry without a known end has not been running all the time.
    kind: ended === null && state_type === "SCHEDULED" ? "gap" : "run",
    from: started,
    to: Math.max(started, ended ?? now),
    open: ended === null,
    state_name,
    state_type,
  };
}

function gapPiece(before: Attempt, after: Attempt): Piece {
  const { state_name, state_type } = before;
  const from = before.ended ?? after.started;
  return { kind: "gap", from, to: after.started, open: false, state_name, state_type };
}

/** The pause that goes on after the last attempt. */
function waitsAgain(task: TaskRow, tries: Attempt[], now: number): Piece[] {
  const last = tries[tries.length - 1]?.ended;
  if (!last || isSettled(task)) return [];
  const { state_name, state_type } = task;
  return [{ kind: "gap", from: last, to: Math.max(last, now), open: true, state_name, state_type }];
}
