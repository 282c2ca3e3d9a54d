/**
 * Pointers and wheels on the graph: dragging moves it, two fingers or the wheel with Ctrl zoom.
 *
 * The plain wheel is the page's, always: who scrolls through a notebook must not be caught by a
 * graph that happens to pass under the pointer, and whether a graph has the focus cannot be seen
 * while scrolling. On touch screens an upright swipe scrolls the page for the same reason.
 */

import { type PointerEvent, type RefObject, useEffect, useMemo } from "react";
import type { Viewer } from "./use-view";

/** Pixels that a hand may shake while it clicks. */
const SHAKE = 4;
/** How much one notch of a wheel zooms; pinching on a touchpad comes as many small ones. */
const PER_PIXEL = 0.0022;
const PIXELS_PER_LINE = 16;

export interface Hands {
  onPointerDown(event: PointerEvent): void;
  onPointerMove(event: PointerEvent): void;
  onPointerUp(event: PointerEvent): void;
  onPointerCancel(event: PointerEvent): void;
  /** Whether what just ended was a drag and not a click. */
  dragged(): boolean;
}

export function useHands(area: RefObject<HTMLDivElement>, viewer: Viewer): Hands {
  useWheel(area, viewer);
  return useMemo(() => handsOn(area, viewer), [area, viewer]);
}

function useWheel(area: RefObject<HTMLDivElement>, viewer: Viewer): void {
  useEffect(() => {
    const element = area.current;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      viewer.stopGliding();
      viewer.zoom(factorOf(event), at(element as HTMLElement, event));
    };
    // Attached by hand: a listener that may keep the page from zooming must say so.
    element?.addEventListener("wheel", onWheel, { passive: false });
    return () => element?.removeEventListener("wheel", onWheel);
  }, [area, viewer]);
}

function factorOf({ deltaY, deltaMode }: WheelEvent): number {
  const pixels = deltaMode === 0 ? deltaY : deltaY * PIXELS_PER_LINE;
  return Math.exp(-Math.max(-120, Math.min(120, pixels)) * PER_PIXEL);
}

interface Spot {
  x: number;
  y: number;
}

function at(
  element: HTMLElement,
  { clientX, clientY }: { clientX: number; clientY: number },
): Spot {
  const { left, top } = element.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

function handsOn(area: RefObject<HTMLDivElement>, viewer: Viewer): Hands {
  const down = new Map<number, Spot>();
  let [start, dragging] = [null as Spot | null, false];

  function press(event: PointerEvent): void {
    if (event.button > 1 || area.current === null) return;
    down.set(event.pointerId, at(area.current, event));
    if (down.size === 1) [start, dragging] = [at(area.current, event), false];
  }

  function move(event: PointerEvent): void {
    const before = down.get(event.pointerId);
    const element = area.current;
    if (before === undefined || start === null || element === null) return;
    const now = at(element, event);
    if (!dragging && Math.hypot(now.x - start.x, now.y - start.y) < SHAKE) return;
    if (!dragging) begin(element, event.pointerId);
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other !== undefined) pinch(before, now, other);
    else viewer.pan(now.x - before.x, now.y - before.y);
    down.set(event.pointerId, now);
  }

  function begin(element: HTMLElement, pointer: number): void {
    dragging = true;
    viewer.stopGliding();
    element.classList.add("nbf-g-panning");
    element.setPointerCapture?.(pointer);
  }

  /** One finger moved while the other stood still. */
  function pinch(before: Spot, now: Spot, other: Spot): void {
    const [old, wide] = [apart(before, other), apart(now, other)];
    viewer.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    if (old > 0) viewer.zoom(wide / old, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  function release(event: PointerEvent): void {
    down.delete(event.pointerId);
    if (down.size === 0) area.current?.classList.remove("nbf-g-panning");
  }

  return {
    onPointerDown: press,
    onPointerMove: move,
    onPointerUp: release,
    onPointerCancel: release,
    dragged: () => dragging,
  };
}

function apart(one: Spot, other: Spot): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
