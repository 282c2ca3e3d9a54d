/**
 * Which part of the graph is seen, kept outside of what is rendered: moving it is one attribute
 * of one element, however many cards there are.
 *
 * Until the reader moves it, the view keeps all of the graph in sight, or follows what happens.
 * From then on it stays where it was put, whatever grows around it.
 */

import { type RefObject, useContext, useLayoutEffect, useMemo, useRef } from "react";
import type { Direction, Graph } from "../../api/types";
import { MemoryContext, type Size } from "../hooks";
import type { Rect, View } from "./viewport";
import * as views from "./viewport";

export type Places = ReadonlyMap<string, Rect>;

interface Parts {
  area: RefObject<HTMLDivElement>;
  scene: RefObject<SVGSVGElement>;
}

/** What outlives that the graph is taken off the page. */
interface Kept {
  view: View | null;
  /** The reader put it there. */
  own: boolean;
  direction: Direction;
}

const KEY = "graph-view";
/** The tools stand at the right: nothing that is to be seen is put behind them. */
const TOOLS = 34;
/** How long the scene takes to glide to another place, in ms; a little more than in the style. */
const GLIDE = 260;

/** Moves the view; one object for the life of the component. */
export class Viewer {
  view: View = { x: 0, y: 0, scale: 1 };
  own = false;
  size: Size = { width: 0, height: 0 };
  graph: Size = { width: 0, height: 0 };
  places: Places = new Map();
  direction: Direction = "down";
  /** What the reader has a hand on: it stays where it is when the graph changes. */
  held: string | null = null;
  private timer = 0;

  constructor(
    private readonly parts: Parts,
    private readonly memory: Map<string, unknown>,
  ) {
    const kept = memory.get(KEY) as Kept | undefined;
    if (kept?.view && kept.own) {
      this.view = kept.view;
      this.own = true;
      this.direction = kept.direction;
    }
  }

  /** Take over what the reader did. */
  put(view: View, glide = false): void {
    this.own = true;
    this.show(views.kept(view, this.graph, this.size), glide);
  }

  zoom(factor: number, at = this.middle(), glide = false): void {
    this.put(views.zoomed(this.view, factor, at), glide);
  }

  /** Relative to the upper left corner of what is drawn. */
  pan(x: number, y: number, glide = false): void {
    this.put(views.moved(this.view, x, y), glide);
  }

  /** All of it; and from now on the view is ours again. */
  fit(): void {
    this.show(views.wholeView(this.graph, this.size), true);
    this.own = false;
  }

  /** Move as little as must be for the card to be seen. */
  reveal(id: string): void {
    const place = this.places.get(id);
    if (place === undefined || this.size.width === 0) return;
    const view = views.revealed(this.view, place, this.size);
    if (view.x !== this.view.x || view.y !== this.view.y) this.put(view, true);
  }

  /** The graph or the area changed. */
  settle(graph: Graph, places: Places, size: Size, focus: string | null): void {
    if (size.width === 0 || size.height === 0) return;
    const first = this.size.width === 0;
    const room = { width: size.width - TOOLS, height: size.height };
    const [before, turned] = [this.places, !first && graph.direction !== this.direction];
    Object.assign(this, { graph, places, size: room, direction: graph.direction });
    if (turned) this.own = false;
    if (!this.own) this.show(this.ours(focus, first || turned), !first);
    else if (first) this.show(this.view);
    else this.show(views.following(this.view, before, places, room, this.held), true);
    this.held = null;
  }

  /** What is to be looked at, in sight; nothing moves while it is. */
  private ours(focus: string | null, anew: boolean): View {
    const first = views.firstView(this.graph, this.size, this.direction === "radial");
    const place = focus === null ? undefined : this.places.get(focus);
    const here = { ...this.view, scale: first.scale };
    const tries = anew || this.view.scale !== first.scale ? [first] : [first, here];
    const sees = (view: View) => place === undefined || views.isSeen(view, place, this.size);
    return tries.find(sees) ?? views.centredOn(first, place as Rect, this.graph, this.size);
  }

  private middle(): { x: number; y: number } {
    return { x: this.size.width / 2, y: this.size.height / 2 };
  }

  private show(view: View, glide = false): void {
    this.view = view;
    this.memory.set(KEY, { view, own: this.own, direction: this.direction } satisfies Kept);
    if (glide) this.glide();
    const { x, y, scale } = view;
    const scene = this.parts.scene.current;
    if (scene !== null) scene.style.transform = `translate(${x}px,${y}px) scale(${scale})`;
  }

  /** The scene eases for this one move; under a hand it must not. */
  private glide(): void {
    const style = this.parts.area.current?.classList;
    style?.add("nbf-g-gliding");
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => style?.remove("nbf-g-gliding"), GLIDE);
  }

  stopGliding(): void {
    clearTimeout(this.timer);
    this.parts.area.current?.classList.remove("nbf-g-gliding");
  }
}

/** The viewer of a graph, told whenever the graph or the area changes. */
export function useViewer(
  parts: Parts,
  graph: Graph,
  places: Places,
  size: Size,
  focus: string | null,
): Viewer {
  const memory = useContext(MemoryContext);
  const { area, scene } = parts;
  const viewer = useMemo(() => new Viewer({ area, scene }, memory), [area, scene, memory]);
  const latest = useRef({ graph, places });
  latest.current = { graph, places };
  const key = `${graph.version} ${graph.direction} ${size.width} ${size.height} ${focus}`;
  // Cards that change without moving move nothing.
  useLayoutEffect(() => {
    viewer.settle(latest.current.graph, latest.current.places, size, focus);
  }, [viewer, key]);
  useLayoutEffect(() => () => viewer.stopGliding(), [viewer]);
  return viewer;
}
