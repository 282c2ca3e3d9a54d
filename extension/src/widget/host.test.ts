import { act } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { flowRun, state } from "../api/samples";
import type { RunUpdate } from "../api/types";
import { NAME } from "./element";
import { FakeModel } from "./fake-model";
import type { Page } from "./page";
import { start } from "./widget";

/** How the browser tells what is in the window. */
let look: (element: Element, visible: boolean) => void = () => {};
vi.stubGlobal(
  "IntersectionObserver",
  class {
    constructor(tell: (entries: object[]) => void) {
      look = (target, isIntersecting) => tell([{ target, isIntersecting }]);
    }
    observe() {}
    unobserve() {}
  },
);

const page: Page = { id: "p", bundles: new Map(), have: null };
const RUN = flowRun({
  id: "r1",
  flow_name: "prepare <img src=x onerror=alert(1)>",
  state: state("RUNNING", "Running"),
  created: "2026-05-06T12:00:00Z",
  start_time: "2026-05-06T12:00:00Z",
  end_time: null,
});

let model: FakeModel;
let end: () => void;
beforeEach(() => {
  vi.useFakeTimers();
  model = new FakeModel();
  end = start({ model, page });
});
afterEach(() => {
  document.body.replaceChildren();
  act(() => {
    vi.advanceTimersByTime(100_000);
  });
  end();
  vi.useRealTimers();
});

function show(attributes: Record<string, string>, inner = "<b>static</b>"): HTMLElement {
  const element = document.createElement(NAME);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.innerHTML = inner;
  act(() => document.body.append(element));
  return element;
}
function tell(update: Partial<RunUpdate>, place = -1): void {
  const watch = model.heard("watch").at(place)?.watch;
  act(() =>
    model.say({ type: "updates", updates: [{ page: "p", watch, update: { now: 1, ...update } }] }),
  );
}
const shown = (element: HTMLElement) => element.shadowRoot?.textContent ?? "";
const isStatic = (element: HTMLElement) => element.shadowRoot?.querySelector("slot") !== null;

describe("an element", () => {
  test("keeps its static form until there is something to show", () => {
    const element = show({ run: "a1" });
    expect(isStatic(element)).toBe(true);
    expect(model.heard("watch")).toMatchObject([{ target: { run: "a1" } }]);
    tell({ reset: true, run: RUN });
    expect(isStatic(element)).toBe(false);
    expect(shown(element)).toContain("brave-otter");
  });

  test("keeps its static form when the run is gone", () => {
    const element = show({ run: "a2" });
    tell({ gone: "There is no such run." });
    expect(isStatic(element)).toBe(true);
  });

  test("without a static form shows the layout of what will come", () => {
    const element = show({ run: "a3" }, "");
    expect(element.shadowRoot?.querySelector("[aria-busy]")).not.toBeNull();
  });

  test("shows text as text, whatever it is made of", () => {
    const element = show({ run: "a4" });
    tell({ reset: true, run: RUN });
    expect(element.shadowRoot?.querySelector("img")).toBeNull();
    expect(shown(element)).toContain("<img src=x onerror=alert(1)>");
  });

  test.each([{}, { kind: "flow" }, { view: "v", kind: "of a later version" }])(
    "with attributes that mean nothing here (%j) is left alone",
    (attributes) => {
      const element = show(attributes as Record<string, string>);
      expect(element.shadowRoot).toBeNull();
    },
  );
});

describe("elements that come and go", () => {
  test("one that is moved keeps its view, and is watched once", () => {
    const element = show({ run: "b1" });
    tell({ reset: true, run: RUN });
    const view = element.shadowRoot?.querySelector(".nbf");
    const box = document.createElement("div");
    document.body.append(box);
    act(() => {
      box.append(element);
      vi.advanceTimersByTime(10);
    });
    expect(element.shadowRoot?.querySelector(".nbf")).toBe(view);
    expect(model.heard("watch")).toHaveLength(1);
  });

  test("one made anew for the same run shows everything at once", () => {
    const first = show({ run: "b2" });
    tell({ reset: true, run: RUN });
    const tabs = [...(first.shadowRoot?.querySelectorAll<HTMLElement>("[role=tab]") ?? [])];
    act(() => tabs[1]?.click());
    act(() => {
      first.remove();
      vi.advanceTimersByTime(10);
    });
    expect(model.heard("seen").at(-1)).toMatchObject({ visible: false });
    const second = show({ run: "b2" });
    expect(isStatic(second)).toBe(false);
    expect(second.shadowRoot?.querySelector("[aria-selected=true]")?.textContent).toMatch(
      /Timeline/,
    );
    expect(model.heard("watch")).toHaveLength(1);
    expect(model.heard("seen").at(-1)).toMatchObject({ visible: true });
  });

  test("two of one run share a watch, which is seen while one of them is", () => {
    const [one, two] = [show({ run: "b3" }), show({ run: "b3" })];
    act(() => look(one, false));
    expect(model.heard("seen")).toEqual([]);
    act(() => look(two, false));
    act(() => look(one, true));
    expect(model.heard("watch")).toHaveLength(1);
    expect(model.heard("seen").map(({ visible }) => visible)).toEqual([false, true]);
  });

  test("a run that nobody shows is given back after a while, and asked for again", () => {
    const element = show({ run: "b4" });
    act(() => {
      element.remove();
      vi.advanceTimersByTime(70_000);
    });
    expect(model.heard("unwatch")).toHaveLength(1);
    show({ run: "b4" });
    expect(model.heard("watch")).toHaveLength(2);
  });

  test("one in a hidden tab is not seen", () => {
    show({ run: "b5" });
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    act(() => {
      document.dispatchEvent(new Event("visibilitychange"));
    });
    expect(model.heard("seen").at(-1)).toMatchObject({ visible: false });
    hidden.mockRestore();
  });
});

describe("keys", () => {
  test("meant for the view do not reach the notebook", () => {
    const element = show({ run: "c1" });
    tell({ reset: true, run: RUN });
    const notebook = vi.fn();
    document.body.addEventListener("keydown", notebook);
    const tab = element.shadowRoot?.querySelector("[role=tab]");
    const press = (key: string, more = {}) =>
      tab?.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, composed: true, ...more }),
      );
    act(() => void press("x"));
    expect(notebook).not.toHaveBeenCalled();
    expect(element.getAttribute("data-lm-suppress-shortcuts")).not.toBeNull();
    act(() => void press("s", { ctrlKey: true }));
    expect(notebook).toHaveBeenCalledOnce();
    expect(element.getAttribute("data-lm-suppress-shortcuts")).toBeNull();
    document.body.removeEventListener("keydown", notebook);
  });
});

describe("kernels", () => {
  test("an element waits for one: the next that comes is asked", () => {
    end();
    const element = show({ run: "d1" });
    expect(isStatic(element)).toBe(true);
    model = new FakeModel();
    end = start({ model, page });
    expect(model.heard("watch")).toMatchObject([{ target: { run: "d1" } }]);
  });

  test("one that went is told of, and what it told stays", () => {
    const element = show({ run: "d2" });
    tell({ reset: true, run: RUN });
    act(() => end());
    expect(shown(element)).toMatch(/No word from the kernel/);
    expect(shown(element)).toContain("brave-otter");
    model = new FakeModel();
    act(() => {
      end = start({ model, page });
    });
    tell({ reset: true, run: { ...RUN, name: "still-here" } });
    expect(shown(element)).toContain("still-here");
    expect(shown(element)).not.toMatch(/No word/);
  });

  test("another version of the bundle takes over new elements, and knows all kernels", () => {
    const host = page.stage?.host;
    const lines = page.stage?.lines;
    expect(lines?.size).toBe(1);
    end();
    expect(lines?.size).toBe(0);
    end = start({ model: new FakeModel(), page });
    expect(page.stage?.host).toBe(host);
    expect(page.stage?.hosts.size).toBe(1);
  });
});
