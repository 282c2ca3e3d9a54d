/** Where the arrow keys lead from a card. */

import type { Relations } from "./relations";
import type { Rect } from "./viewport";

export type Arrow = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight";

const WAYS: Record<Arrow, [x: number, y: number]> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

/** What is linked to the card counts as nearer than what only stands there. */
const LINKED = 0.4;
/** How much a pixel to the side counts against one ahead. */
const ASIDE = 2;

export function isArrow(key: string): key is Arrow {
  return Object.hasOwn(WAYS, key);
}

/** The best card in the direction of the key; null: there is none. */
export function stepFrom(
  from: string,
  key: Arrow,
  places: ReadonlyMap<string, Rect>,
  relations: Relations,
): string | null {
  const start = places.get(from);
  if (start === undefined) return null;
  const linked = new Set([
    ...(relations.before.get(from) ?? []),
    ...(relations.after.get(from) ?? []),
    ...(relations.members.get(from) ?? []),
  ]);
  let [best, least] = [null as string | null, Number.POSITIVE_INFINITY];
  for (const [id, place] of places) {
    const far = id === from ? Number.POSITIVE_INFINITY : distance(start, place, WAYS[key]);
    const price = linked.has(id) ? far * LINKED : far;
    if (price < least) [best, least] = [id, price];
  }
  return best;
}

/** Infinite where the place does not lie ahead. */
function distance(from: Rect, to: Rect, [x, y]: [number, number]): number {
  const [dx, dy] = [middleX(to) - middleX(from), middleY(to) - middleY(from)];
  const ahead = dx * x + dy * y;
  if (ahead <= 1) return Number.POSITIVE_INFINITY;
  return ahead + ASIDE * Math.abs(x === 0 ? gapBetween(from, to) : dy);
}

/** Cards are wide: side by side counts from edge to edge, not from middle to middle. */
function gapBetween(from: Rect, to: Rect): number {
  const gap = Math.max(from.x - to.x - to.width, to.x - from.x - from.width, 0);
  // Of two that overlap, the one whose middle is nearer.
  return gap + Math.abs(middleX(to) - middleX(from)) / 8;
}

function middleX({ x, width }: Rect): number {
  return x + width / 2;
}

function middleY({ y, height }: Rect): number {
  return y + height / 2;
}
