/**
 * Brings elements to life: which view stands in which element, and from when to when.
 *
 * This module decides when the live view takes the place of the static form, which is as soon as
 * there is something to show, and never before. It must not know how views are drawn.
 */

import type { Target } from "../api/types";
import { keepKeys } from "./keys";
import type { Host, Line } from "./page";
import { Route } from "./route";
import { Subject } from "./subject";
import { type Kind, type Mount, mount } from "./view";

/** So many targets are remembered after the last element that showed them has gone. */
const REMEMBERED = 50;

interface Live {
  subject: Subject;
  end(): void;
  /** Unmounts later: an element that is only moved comes back at once. */
  leaving?: ReturnType<typeof setTimeout>;
}

export class ElementHost implements Host {
  #lines: ReadonlySet<Line>;
  #subjects = new Map<string, Subject>();
  #live = new Map<HTMLElement, Live>();
  #mount: Mount;
  #sight = new Sight((element, visible) => this.#live.get(element)?.subject.see(element, visible));

  constructor(lines: ReadonlySet<Line>, mounting: Mount = mount) {
    this.#lines = lines;
    this.#mount = mounting;
  }

  connect(element: HTMLElement): void {
    const known = this.#live.get(element);
    if (known !== undefined) {
      clearTimeout(known.leaving);
      return;
    }
    const shown = shownIn(element);
    if (shown !== null) this.#live.set(element, this.#begin(element, shown));
  }

  disconnect(element: HTMLElement): void {
    const live = this.#live.get(element);
    if (live === undefined) return;
    clearTimeout(live.leaving);
    live.leaving = setTimeout(() => {
      this.#live.delete(element);
      live.end();
    });
  }

  joined(line: Line): void {
    for (const subject of this.#subjects.values()) subject.route.joined(line);
  }

  left(line: Line): void {
    for (const subject of this.#subjects.values()) subject.route.left(line);
  }

  #begin(element: HTMLElement, { target, kind }: Shown): Live {
    const subject = this.#subject(target, kind);
    subject.show(element);
    const unmount = this.#mount(element, {
      kind,
      subject,
      subjectOf: (run) => this.#subject({ run }, "run"),
    });
    const freeKeys = keepKeys(element);
    this.#sight.watch(element);
    return {
      subject,
      end: () => {
        this.#sight.unwatch(element);
        freeKeys();
        unmount();
        subject.hide(element);
      },
    };
  }

  #subject(target: Target, kind: Kind): Subject {
    const key = "run" in target ? `run ${target.run}` : `view ${target.view}`;
    const watched = kind === "run" || kind === "flow";
    const subject = this.#subjects.get(key) ?? new Subject(target, watched, new Route(this.#lines));
    // The one used last stands last.
    this.#subjects.delete(key);
    this.#subjects.set(key, subject);
    this.#forget();
    return subject;
  }

  #forget(): void {
    for (const [key, subject] of this.#subjects) {
      if (this.#subjects.size <= REMEMBERED) return;
      if (subject.shown) continue;
      subject.close();
      subject.route.close();
      this.#subjects.delete(key);
    }
  }
}

/** What is about to be scrolled to counts as seen, also inside of what scrolls by itself. */
const NEAR = { rootMargin: "400px", scrollMargin: "400px" };

/** Which elements somebody may see: those in the window, of a tab that is not hidden. */
class Sight {
  #tell: (element: HTMLElement, visible: boolean) => void;
  #inside = new Map<HTMLElement, boolean>();
  #observer: IntersectionObserver | null = null;

  constructor(tell: (element: HTMLElement, visible: boolean) => void) {
    this.#tell = tell;
  }

  watch(element: HTMLElement): void {
    if (this.#inside.size === 0) document.addEventListener("visibilitychange", this.#all);
    this.#inside.set(element, true);
    this.#observer ??= new IntersectionObserver((entries) => this.#entered(entries), NEAR);
    this.#observer.observe(element);
    this.#one(element);
  }

  unwatch(element: HTMLElement): void {
    this.#inside.delete(element);
    this.#observer?.unobserve(element);
    if (this.#inside.size === 0) document.removeEventListener("visibilitychange", this.#all);
  }

  #entered(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const element = target as HTMLElement;
      if (!this.#inside.has(element)) continue;
      this.#inside.set(element, isIntersecting);
      this.#one(element);
    }
  }

  #all = (): void => {
    for (const element of this.#inside.keys()) this.#one(element);
  };

  #one(element: HTMLElement): void {
    this.#tell(element, (this.#inside.get(element) ?? false) && !document.hidden);
  }
}

interface Shown {
  target: Target;
  kind: Kind;
}

const KINDS: ReadonlySet<string> = new Set<Kind>(["flow", "runs", "deploy"]);

/** What an element is to show, by its attributes; null where this version does not know it. */
function shownIn(element: HTMLElement): Shown | null {
  const [run, view] = [element.getAttribute("run"), element.getAttribute("view")];
  if (run) return { target: { run }, kind: "run" };
  const kind = element.getAttribute("kind") ?? "flow";
  return view && KINDS.has(kind) ? { target: { view }, kind: kind as Kind } : null;
}
