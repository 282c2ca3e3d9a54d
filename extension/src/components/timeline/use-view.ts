/** The stretch of time that is seen: kept, zoomed by wheel and buttons, moved. */

import { type RefObject, useEffect, useRef } from "react";
import { useStored } from "../hooks";
import type { Span } from "./axis";
import { panned, place, whole, zoomed } from "./zoom";

export interface View {
  /** Milliseconds since the run's start. */
  seen: Span;
  all: Span;
  zoomedIn: boolean;
  /** A factor around a place (default: the middle); null: all of it. */
  zoom(factor: number | null, around?: number): void;
  /** By a part of what is seen. */
  pan(share: number): void;
  show(span: Span | null): void;
  /** The time at a place of the page. */
  timeAt(clientX: number): number;
}

/** `plot` is as wide as the bars' column. */
export function useView(bounds: Span, growing: boolean, plot: RefObject<HTMLElement | null>): View {
  const [chosen, show] = useStored<Span | null>("timeline.seen", null);
  const all = whole(bounds, growing);
  const seen = chosen ?? all;
  return {
    seen,
    all,
    zoomedIn: chosen !== null,
    show,
    zoom: (factor, around = (seen.from + seen.to) / 2) =>
      show(factor === null ? null : zoomed(seen, all, factor, around)),
    pan: (share) => chosen && show(panned(seen, all, share)),
    timeAt: (clientX) => {
      const { left = 0, width = 1 } = plot.current?.getBoundingClientRect() ?? {};
      return seen.from + ((clientX - left) / (width || 1)) * (seen.to - seen.from);
    },
  };
}

/** Ctrl and the wheel zoom; sideways or with Shift it moves what is seen. */
export function useWheel(target: RefObject<HTMLElement | null>, view: View): void {
  const latest = useRef(view);
  latest.current = view;
  useEffect(() => {
    const element = target.current;
    const turned = (event: WheelEvent) => turn(event, latest.current);
    // Only a listener that says so may keep the page from zooming.
    element?.addEventListener("wheel", turned, { passive: false });
    return () => element?.removeEventListener("wheel", turned);
  }, [target]);
}

function turn(event: WheelEvent, view: View): void {
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    view.zoom(
      Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 100),
      view.timeAt(event.clientX),
    );
    return;
  }
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (view.zoomedIn && Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
    event.preventDefault();
    view.pan(sideways / 600);
  }
}

/** Where a time stands, as CSS wants it. */
export function percent(at: number, seen: Span): string {
  return `${place(at, seen).toFixed(3)}%`;
}
