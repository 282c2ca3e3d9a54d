/**
 * What all views of one target share while their elements come and go: data, memory, one watch.
 *
 * Notebooks take outputs off the page when they scroll away and make them anew: a view that
 * comes back finds everything as it was.
 */

import { RunStore } from "../api/run-store";
import type { Look, Target, Watch } from "../api/types";
import type { Memory } from "../components/hooks";
import type { Route } from "./route";

/** How long a target without an element is still watched, unseen. */
const LINGER = 60_000;
const LOOK: Look = { closed: null, direction: null };

export class Subject {
  readonly target: Target;
  readonly store = new RunStore();
  readonly memory: Memory = new Map();
  readonly route: Route;
  #watched: boolean;
  #watch: Watch | null = null;
  #elements = new Map<object, boolean>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(target: Target, watched: boolean, route: Route) {
    this.target = target;
    this.#watched = watched;
    this.route = route;
  }

  get shown(): boolean {
    return this.#elements.size > 0;
  }

  /** An element shows it; whether anybody sees that is not known yet. */
  show(element: object): void {
    clearTimeout(this.#timer);
    this.#elements.set(element, true);
    if (this.#watched) {
      this.#watch ??= this.route.watch(this.target, this.#look(), (update) =>
        this.store.apply(update),
      );
    }
    this.#tellSeen();
  }

  hide(element: object): void {
    this.#elements.delete(element);
    this.#tellSeen();
    if (this.shown) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), LINGER);
  }

  see(element: object, visible: boolean): void {
    if (!this.#elements.has(element)) return;
    this.#elements.set(element, visible);
    this.#tellSeen();
  }

  look = (look: Look): void => {
    this.memory.set("look", look);
    this.#watch?.look(look);
  };

  close(): void {
    clearTimeout(this.#timer);
    this.#watch?.close();
    this.#watch = null;
  }

  #look(): Look {
    return (this.memory.get("look") as Look | undefined) ?? LOOK;
  }

  #tellSeen(): void {
    this.#watch?.seen([...this.#elements.values()].includes(true));
  }
}
