/** The camera of a graph in the hands of a reader: drag, pinch, wheel, keys, and by itself. */

import { type PointerEvent, type RefObject, useCallback, useEffect, useRef } from "react";
import type { Graph } from "../../api/types";
import { type Size, useStored } from "../hooks";
import {
  firstView,
  moved,
  revealed,
  type View,
  wholeView,
  kept as within,
  zoomed,
} from "./viewport";

export interface Hands {
  camera: View;
  /** Whether the reader has chosen what is seen: then it stays. */
  held: boolean;
  zoom(factor: number): void;
  /** All of the graph; the camera follows it again. */
  fit(): void;
  /** Bring a card into the window. */
  reveal(id: string): void;
  onPointerDown(event: PointerEvent<HTMLElement>): void;
  onPointerMove(event: PointerEvent<HTMLElement>): void;
  onPointerUp(event: PointerEvent<HTMLElement>): void;
  /** Whether the pointer has just moved the graph, so that its click chooses nothing. */
  dragged(): boolean;
}

/** Pixels a pointer may tremble during a click. */
const TREMBLE = 4;
/** How much one wheel step of 100 pixels zooms. */
const WHEEL = 0.0025;

interface Held {
  camera: View;
  direction: string;
}

export function useCamera(graph: Graph, size: Size, ref: RefObject<HTMLElement | null>): Hands {
  const [held, hold] = useStored<Held | null>("camera", null);
  const kept = held !== null && held.direction === graph.direction ? held.camera : null;
  const camera = kept ?? firstView(graph, size);
  const now = useRef(camera);
  now.current = camera;
  const set = useCallback(
    (next: View) => {
      const seen = within(next, graph, size);
      now.current = seen;
      hold({ camera: seen, direction: graph.direction });
    },
    [hold, graph, size],
  );
  const zoom = (factor: number) =>
    set(zoomed(now.current, factor, { x: size.width / 2, y: size.height / 2 }));
  const reveal = (id: string) => {
    const box = graph.nodes.find((node) => node.id === id) ?? graph.frames.find((f) => f.id === id);
    if (!box) return;
    const next = revealed(now.current, box, size);
    if (next.x !== now.current.x || next.y !== now.current.y) set(next);
  };
  const fit = () => {
    const readable = firstView(graph, size);
    const all = wholeView(graph, size);
    // A second press shows all of what is too large to be read at once.
    if (kept === null && all.scale < readable.scale) set(all);
    else hold(null);
  };
  useWheel(ref, (event) => {
    const box = ref.current?.getBoundingClientRect();
    const [x, y] = [event.clientX - (box?.left ?? 0), event.clientY - (box?.top ?? 0)];
    set(zoomed(now.current, Math.exp(-event.deltaY * WHEEL), { x, y }));
  });
  return { camera, held: kept !== null, zoom, fit, reveal, ...useDrag(now, set) };
}

/** A plain wheel scrolls the notebook; with Ctrl or ⌘, and as a pinch on a pad, it zooms. */
function useWheel(ref: RefObject<HTMLElement | null>, zoom: (event: WheelEvent) => void): void {
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const turned = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault(); // else the page itself is zoomed
      latest.current(event);
    };
    element.addEventListener("wheel", turned, { passive: false });
    return () => element.removeEventListener("wheel", turned);
  }, [ref]);
}

type Fingers = Map<number, { x: number; y: number }>;

function useDrag(now: RefObject<View>, set: (camera: View) => void) {
  const fingers = useRef<Fingers>(new Map());
  const far = useRef(0);
  return {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0) return;
      far.current = fingers.current.size ? Number.POSITIVE_INFINITY : 0;
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      const finger = fingers.current.get(event.pointerId);
      if (finger === undefined) return;
      const [dx, dy] = [event.clientX - finger.x, event.clientY - finger.y];
      far.current += Math.hypot(dx, dy);
      if (far.current <= TREMBLE) return;
      // From here on the pointer belongs to the graph, wherever it goes.
      event.currentTarget.setPointerCapture(event.pointerId);
      const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
      const camera = now.current as View;
      set(
        other ? pinched(camera, finger, event, other, event.currentTarget) : moved(camera, dx, dy),
      );
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerUp(event: PointerEvent<HTMLElement>) {
      fingers.current.delete(event.pointerId);
    },
    dragged: () => far.current > TREMBLE,
  };
}

interface Place {
  x: number;
  y: number;
}

/** One finger moves while another rests: the distance between them is the scale. */
function pinched(
  camera: View,
  from: Place,
  to: { clientX: number; clientY: number },
  other: Place,
  element: HTMLElement,
): View {
  const before = Math.hypot(from.x - other.x, from.y - other.y) || 1;
  const after = Math.hypot(to.clientX - other.x, to.clientY - other.y) || 1;
  const box = element.getBoundingClientRect();
  return zoomed(camera, after / before, { x: other.x - box.left, y: other.y - box.top });
}
