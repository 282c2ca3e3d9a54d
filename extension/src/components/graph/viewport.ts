/**
 * Which part of the graph is seen, and how large: plain arithmetic, without a page.
 *
 * A point of the graph stands at `point * scale + (x, y)` of the area.
 */

import type { Size } from "../hooks";

export interface View {
  x: number;
  y: number;
  scale: number;
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Room between the graph and the edge of the area. */
export const PADDING = 16;
/** At this scale the words of a card can still be read. */
const READABLE = 0.7;
/** Rings tell by their shape first: here they can just be read. */
const ROUND = 0.45;
const LEAST = 0.1;
const MOST = 3;

/**
 * What is seen before anybody moved anything: all of it while it can be read, else its width,
 * else its beginning. Never larger than drawn.
 */
export function firstView(graph: Size, area: Size, round = false): View {
  const across = (area.width - 2 * PADDING) / Math.max(graph.width, 1);
  const along = (area.height - 2 * PADDING) / Math.max(graph.height, 1);
  const whole = Math.min(1, across, along);
  // What is round begins in its middle.
  if (round) return centred(graph, area, Math.max(ROUND, whole));
  const scale = whole >= READABLE ? whole : Math.min(1, Math.max(READABLE, across));
  return {
    x: placed(graph.width * scale, area.width),
    y: placed(graph.height * scale, area.height),
    scale,
  };
}

/** All of it, however small. */
export function wholeView(graph: Size, area: Size): View {
  const scale = Math.min(
    1,
    (area.width - 2 * PADDING) / Math.max(graph.width, 1),
    (area.height - 2 * PADDING) / Math.max(graph.height, 1),
  );
  return centred(graph, area, bounded(scale));
}

function centred(graph: Size, area: Size, scale: number): View {
  const [x, y] = [area.width - graph.width * scale, area.height - graph.height * scale];
  return { x: x / 2, y: y / 2, scale };
}

/** In the middle if there is room, else from the beginning. */
function placed(length: number, room: number): number {
  return Math.max(PADDING, (room - length) / 2);
}

function bounded(scale: number): number {
  return Math.min(MOST, Math.max(LEAST, scale));
}

/** Larger or smaller, while the point `at` of the area stays where it is. */
export function zoomed(view: View, factor: number, at: { x: number; y: number }): View {
  const scale = bounded(view.scale * factor);
  const by = scale / view.scale;
  return { x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by, scale };
}

export function moved(view: View, x: number, y: number): View {
  return { ...view, x: view.x + x, y: view.y + y };
}

/** Moved no further than until some of the graph can be seen. */
export function kept(view: View, graph: Size, area: Size): View {
  const edge = 3 * PADDING;
  return {
    x: between(view.x, edge - graph.width * view.scale, area.width - edge),
    y: between(view.y, edge - graph.height * view.scale, area.height - edge),
    scale: view.scale,
  };
}

/** Moved as little as must be for the rectangle of the graph to be seen. */
export function revealed(view: View, rect: Rect, area: Size): View {
  const { x, y, scale } = view;
  return {
    x: x + shift(rect.x * scale + x, rect.width * scale, area.width),
    y: y + shift(rect.y * scale + y, rect.height * scale, area.height),
    scale,
  };
}

/** Whether all of the rectangle can be seen. */
export function isSeen(view: View, rect: Rect, area: Size): boolean {
  const { x, y, width, height } = onArea(view, rect);
  return x >= 0 && y >= 0 && x + width <= area.width && y + height <= area.height;
}

/** The rectangle in the middle, as far as there is more of the graph to see around it. */
export function centredOn(view: View, rect: Rect, graph: Size, area: Size): View {
  const { scale } = view;
  const along = (start: number, length: number, all: number, room: number): number => {
    if (all * scale + 2 * PADDING <= room) return (room - all * scale) / 2;
    const middle = room / 2 - (start + length / 2) * scale;
    return between(middle, room - PADDING - all * scale, PADDING);
  };
  return {
    x: along(rect.x, rect.width, graph.width, area.width),
    y: along(rect.y, rect.height, graph.height, area.height),
    scale,
  };
}

function shift(start: number, length: number, room: number): number {
  const edge = Math.min(PADDING, Math.max(0, (room - length) / 2));
  if (start < edge || length > room) return edge - start;
  return Math.min(0, room - edge - length - start);
}

/** Where a rectangle of the graph stands in the area. */
export function onArea(view: View, rect: Rect): Rect {
  return {
    x: rect.x * view.scale + view.x,
    y: rect.y * view.scale + view.y,
    width: rect.width * view.scale,
    height: rect.height * view.scale,
  };
}

/**
 * The view after the cards went to other places: what was in the middle of the area stays there.
 * `held` is what the reader had a hand on, such as the group just opened.
 */
export function following(
  view: View,
  before: ReadonlyMap<string, Rect>,
  after: ReadonlyMap<string, Rect>,
  area: Size,
  held: string | null,
): View {
  const id = held !== null && before.has(held) && after.has(held) ? held : middle();
  const [old, now] = [before.get(id ?? ""), after.get(id ?? "")];
  if (old === undefined || now === undefined) return view;
  // The upper right corner: there a group is opened and closed.
  const [x, y] = [old.x + old.width - now.x - now.width, old.y - now.y];
  return moved(view, x * view.scale, y * view.scale);

  function middle(): string | null {
    const at = { x: area.width / 2, y: area.height / 2 };
    let [found, least] = [null as string | null, Number.POSITIVE_INFINITY];
    for (const [candidate, rect] of before) {
      if (!after.has(candidate)) continue;
      const seen = onArea(view, rect);
      const away = Math.hypot(seen.x + seen.width / 2 - at.x, seen.y + seen.height / 2 - at.y);
      if (away < least) [found, least] = [candidate, away];
    }
    return found;
  }
}

function between(value: number, least: number, most: number): number {
  return Math.max(Math.min(least, most), Math.min(Math.max(least, most), value));
}
