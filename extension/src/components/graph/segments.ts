/** The segments of a card's bar: first what is done, then what went wrong, then what is busy. */

import { lookOf } from "../state/looks";
import { BAD, DONE } from "../words";

export interface Segment {
  role: string;
  x: number;
  width: number;
}

const WAITING = new Set(["clock", "hourglass"]);
/** Each can be seen, however few it stands for. */
const LEAST = 4;
const GAP = 1.5;

/** What is still to come is left empty. */
export function segmentsOf(counts: Record<string, number>, width: number): Segment[] {
  const total = Object.values(counts).reduce((sum, number) => sum + number, 0) || 1;
  const roles = rolesOf(counts);
  const room = width - LEAST * roles.size;
  let x = 0;
  return [...roles].map(([role, number]) => {
    const length = LEAST + (room * number) / total;
    const segment = { role, x, width: Math.max(length - GAP, 1) };
    x += length;
    return segment;
  });
}

function rolesOf(counts: Record<string, number>): Map<string, number> {
  const roles = new Map<string, number>();
  const names = Object.keys(counts).filter((name) => counts[name] && isTold(name));
  for (const name of names.sort((one, other) => rank(one) - rank(other) || compare(one, other))) {
    const { role } = lookOf(name, null);
    roles.set(role, (roles.get(role) ?? 0) + (counts[name] ?? 0));
  }
  return roles;
}

function isTold(name: string): boolean {
  const { icon, hollow } = lookOf(name, null);
  return DONE.has(name) || BAD.includes(name) || (!hollow && !WAITING.has(icon));
}

function rank(name: string): number {
  const place = DONE.has(name) ? 0 : BAD.includes(name) ? 2 : 4;
  // What is usual comes first among its like.
  return name === "Completed" || name === "Failed" ? place : place + 1;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : 1;
}
