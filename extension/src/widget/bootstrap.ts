/**
 * The small module that every page runs: it asks the kernel for the bundle, and starts it.
 *
 * Pages that never answer, as those of a program that executes notebooks, so never carry the
 * bundle. Nothing is imported here but types: this module stays under 3 kB.
 */

import type { Model } from "./model";
import type { Bundle, Page } from "./page";

const KEY = Symbol.for("nbflow.page");

interface BundleMessage {
  type: string;
  page: string;
  hash: string;
  code: string | null;
}

function pageHere(): Page {
  const shared = globalThis as { [KEY]?: Page };
  shared[KEY] ??= { id: newId(), bundles: new Map(), have: null };
  return shared[KEY];
}

/** `crypto.randomUUID` is there only where the page came by HTTPS or from this machine. */
function newId(): string {
  const numbers = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(numbers, (number) => number.toString(16).padStart(8, "0")).join("");
}

/** How long until the next hello: the first may wait behind a running cell, or be lost. */
function pause(hellos: number): number | null {
  if (hellos < 100) return 300;
  return hellos < 200 ? 3000 : null;
}

/** Say hello until the bundle comes; what comes back ends it. */
function greet(model: Model, page: Page, found: (bundle: Bundle) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const receive = (content: unknown) => {
    const message = content as BundleMessage;
    if (message?.type !== "bundle" || message.page !== page.id) return;
    const bundle = imported(page, message);
    if (bundle === undefined) return;
    stop();
    bundle.then(found, (error) => {
      page.bundles.delete(message.hash);
      console.error("nbflow: the live views cannot start.", error);
    });
  };
  const stop = () => {
    clearTimeout(timer);
    model.off("msg:custom", receive);
  };
  const hello = (hellos: number) => {
    model.send({ type: "hello", page: page.id, have: page.have });
    const next = pause(hellos);
    if (next !== null) timer = setTimeout(hello, next, hellos + 1);
  };
  model.on("msg:custom", receive);
  hello(0);
  return stop;
}

/** The bundle of a message; undefined where this page was believed to have it, and has not. */
function imported(page: Page, { hash, code }: BundleMessage): Promise<Bundle> | undefined {
  if (!page.bundles.has(hash)) {
    if (code === null) {
      page.have = null;
      return undefined;
    }
    page.bundles.set(hash, evaluated(code));
  }
  page.have = hash;
  return page.bundles.get(hash);
}

async function evaluated(code: string): Promise<Bundle> {
  const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ address);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** A widget with a target is a view; one without is the bridge, which is never displayed. */
interface Shown {
  run?: string;
  view?: string;
  kind?: string;
}

export default {
  initialize({ model }: { model: Model }): (() => void) | undefined {
    if (model.get("target")) return undefined;
    const page = pageHere();
    let ended = false;
    let end = () => {};
    const stop = greet(model, page, (bundle) => {
      if (!ended) end = bundle.start({ model, page });
    });
    return () => {
      ended = true;
      stop();
      end();
    };
  },

  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const element = document.createElement("nbflow-view");
    for (const [name, value] of Object.entries((model.get("target") ?? {}) as Shown)) {
      if (typeof value === "string") element.setAttribute(name, value);
    }
    el.append(element);
    return () => element.remove();
  },
};
