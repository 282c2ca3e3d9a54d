import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { card, graphOf } from "../../api/samples";
import type { Graph, GraphNode, Look, TaskRow } from "../../api/types";
import { MemoryContext } from "../hooks";
import { cardName } from "./card-words";
import { GraphView, type GraphViewProps } from "./graph-view";
import { chain, edge, grouped } from "./samples";

// A card is named whenever it is drawn: that can be counted.
vi.mock("./card-words", async (original) => {
  const real = await original<typeof import("./card-words")>();
  return { ...real, cardName: vi.fn(real.cardName) };
});

const NOW = 1_790_000_007_000;
const USUAL: Look = { closed: null, direction: null };

beforeEach(() => {
  // There is no layout here: the area is as large as a notebook's would be.
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(834);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(320);
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function shown(graph: Graph | null, more: Partial<GraphViewProps> = {}) {
  const props = {
    graph,
    now: NOW,
    selected: null,
    onSelect: vi.fn(),
    look: USUAL,
    onLook: vi.fn(),
    label: "Graph of daily",
    ...more,
  };
  const memory = new Map<string, unknown>();
  const put = (changes: Partial<GraphViewProps> = {}) => (
    <MemoryContext.Provider value={memory}>
      <GraphView {...props} {...changes} />
    </MemoryContext.Provider>
  );
  const view = render(put());
  const again = (changes: Partial<GraphViewProps>) => view.rerender(put(changes));
  return { ...props, ...view, again };
}

function cardNamed(name: RegExp | string): HTMLElement {
  return screen.getByRole("button", { name });
}

function sceneOf(container: Element): SVGSVGElement {
  return container.querySelector(".nbf-g-scene") as SVGSVGElement;
}

function place(container: Element): { x: number; y: number; scale: number } {
  const found = /translate\((.*)px,(.*)px\) scale\((.*)\)/.exec(sceneOf(container).style.transform);
  const [x, y, scale] = (found?.slice(1) ?? []).map(Number) as [number, number, number];
  return { x, y, scale };
}

function area(container: Element): HTMLElement {
  return container.querySelector(".nbf-g-area") as HTMLElement;
}

describe("before there is a graph", () => {
  it("keeps the place", () => {
    const { container } = shown(null, { height: 200 });
    expect(screen.getByRole("status", { name: "The graph is on its way" })).toBeTruthy();
    expect((container.firstElementChild as HTMLElement).style.height).toBe("200px");
  });

  it.each([
    [null, "No tasks yet: each appears here when it starts."],
    ["900 cards are more than can be drawn.", "900 cards are more than can be drawn."],
  ])("says why it is empty", (note, words) => {
    shown(graphOf([], [], { note }));
    expect(screen.getByText(words)).toBeTruthy();
  });
});

describe("what is drawn", () => {
  it("is named for those who do not see it", () => {
    shown(chain());
    expect(cardNamed("load, completed, 1.2 s")).toBeTruthy();
    expect(cardNamed(/^train, running since .*, attempt 2$/)).toBeTruthy();
    const group = screen.getByRole("group", { name: "Graph of daily" });
    const words = document.getElementById(group.getAttribute("aria-describedby") ?? "");
    expect(words?.textContent).toMatch(/^5 cards: 3 completed, 1 running, 1 not run\./);
  });

  it("shows times, attempts, counts and notes", () => {
    const counts = { Completed: 187, Failed: 3, Running: 10 };
    const map = card("fetch", { kind: "map", stacked: true, height: 48, counts });
    const graph = graphOf([map, ...chain().nodes], [], { note: "Subflows are closed." });
    const { container } = shown(graph);
    expect(cardNamed(/^fetch/).textContent).toContain("187/200 · 3 failed");
    expect(container.querySelectorAll(".nbf-g-segment")).toHaveLength(3);
    expect(cardNamed(/^train/).textContent).toContain("try 2");
    expect(cardNamed(/^train/).textContent).toContain("7 s");
    expect(screen.getByText("Subflows are closed.")).toBeTruthy();
  });

  it.each([
    ["Failed", "FAILED", "nbf-g-bad"],
    ["NotRun", "PENDING", "nbf-g-hollow"],
    ["Running", "RUNNING", "nbf-g-busy"],
    ["Invented", "CRASHED", "nbf-g-bad"],
  ] as const)("tells %s apart", (state_name, state_type, style) => {
    shown(graphOf([card("a", { state_name, state_type })], []));
    expect(cardNamed(/^a,/).classList.contains(style)).toBe(true);
  });

  it("is text, whatever it says", () => {
    const nasty = '<img src=x onerror="alert(1)"> & </text>';
    const { container } = shown(
      graphOf([card("a", { label: nasty, name: nasty, message: nasty })], []),
    );
    expect(container.querySelector("img")).toBeNull();
    expect(cardNamed(/^<img/).textContent).toContain(nasty);
  });

  it("dashes what is not sure, and leads arrows", () => {
    const { container } = shown(chain());
    expect(container.querySelectorAll(".nbf-g-perhaps")).toHaveLength(1);
    expect(container.querySelectorAll(".nbf-g-arrow")).toHaveLength(3);
  });

  it("has rings and bands around a middle", () => {
    const graph = graphOf([card("a")], [], {
      direction: "radial",
      center: [50, 50],
      rings: [40, 80],
      bonds: [edge("a", "b"), edge("a", "c")],
    });
    const { container } = shown(graph);
    expect(container.querySelectorAll(".nbf-g-circle")).toHaveLength(2);
    expect(container.querySelectorAll(".nbf-g-bond")).toHaveLength(1);
  });
});

describe("selecting", () => {
  it("is by click, and the ground deselects", () => {
    const { onSelect, container } = shown(chain());
    fireEvent.click(cardNamed(/^load/));
    expect(onSelect).toHaveBeenLastCalledWith("load");
    fireEvent.click(area(container));
    expect(onSelect).toHaveBeenLastCalledWith(null);
  });

  it("shows what is selected, and a second click takes it back", () => {
    const { onSelect } = shown(chain(), { selected: "load" });
    expect(cardNamed(/^load/).getAttribute("aria-pressed")).toBe("true");
    fireEvent.click(cardNamed(/^load/));
    expect(onSelect).toHaveBeenCalledWith(null);
  });

  it("from outside brings the card into view", () => {
    const far = graphOf([card("near"), card("far", { y: 2000 })], [], { height: 2028 });
    const { container, again } = shown(far);
    expect(place(container).y).toBe(16);
    again({ selected: "far" });
    const y = 2000 * place(container).scale + place(container).y;
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(320 - 28);
  });
});

describe("keys", () => {
  it("make one stop of the Tab key, which stays where it was left", () => {
    const { container } = shown(chain());
    const stops = () => [...container.querySelectorAll('[data-node][tabindex="0"]')];
    expect(stops().map((stop) => stop.getAttribute("data-node"))).toEqual(["train"]);
    act(() => cardNamed(/^load/).focus());
    expect(stops().map((stop) => stop.getAttribute("data-node"))).toEqual(["load"]);
  });

  it("walk along edges and select", () => {
    const { onSelect } = shown(chain());
    act(() => cardNamed(/^load/).focus());
    for (const key of ["ArrowDown", "ArrowDown", "Enter"]) {
      fireEvent.keyDown(document.activeElement as Element, { key });
    }
    expect(document.activeElement).toBe(cardNamed(/^train/));
    expect(onSelect).toHaveBeenCalledWith("train");
    fireEvent.keyDown(document.activeElement as Element, { key: "Escape" });
    expect(onSelect).toHaveBeenLastCalledWith(null);
  });

  it.each([
    ["Home", /^load/],
    ["End", /^aside/],
  ])("%s goes to the end", (key, name) => {
    shown(chain());
    act(() => cardNamed(/^clean/).focus());
    fireEvent.keyDown(cardNamed(/^clean/), { key });
    expect(document.activeElement).toBe(cardNamed(name));
  });

  it.each(["Enter", " "])("%j opens and closes a group", (key) => {
    const { onLook } = shown(grouped());
    fireEvent.keyDown(cardNamed(/^etl, open subflow/), { key });
    expect(onLook).toHaveBeenCalledWith({ closed: ["etl"], direction: null });
  });

  it("move and scale the graph", () => {
    const { container } = shown(chain());
    const before = place(container);
    fireEvent.keyDown(cardNamed(/^load/), { key: "ArrowRight", shiftKey: true });
    expect(place(container)).toEqual({ ...before, x: before.x - 60 });
    fireEvent.keyDown(area(container), { key: "ArrowUp" });
    expect(place(container).y).toBe(before.y + 60);
    fireEvent.keyDown(area(container), { key: "+" });
    expect(place(container).scale).toBeCloseTo(before.scale * 1.3);
    fireEvent.keyDown(area(container), { key: "0" });
    expect(place(container).scale).toBeCloseTo(0.96);
  });

  it("of the page stay the page's", () => {
    shown(chain());
    const pass = (key: string, more = {}) =>
      fireEvent.keyDown(cardNamed(/^load/), { key, ...more });
    expect(pass("s", { ctrlKey: true })).toBe(true);
    expect(pass("0", { metaKey: true })).toBe(true);
    expect(pass("x")).toBe(true);
    expect(pass("0")).toBe(false);
  });

  it("written into the search are letters", () => {
    const { container, onSelect } = shown(chain());
    const before = place(container);
    const field = screen.getByRole("searchbox");
    for (const key of ["0", "-", "/", "ArrowDown", " "]) {
      expect(fireEvent.keyDown(field, { key })).toBe(true);
    }
    expect(place(container)).toEqual(before);
    expect(onSelect).not.toHaveBeenCalled();
  });
});

describe("groups", () => {
  it("close by the mark on their frame", () => {
    const { onLook, onSelect } = shown(grouped());
    const frame = cardNamed(/^etl/);
    expect(frame.getAttribute("aria-expanded")).toBe("true");
    fireEvent.click(frame.querySelector("[data-toggle]") as Element);
    expect(onLook).toHaveBeenCalledWith({ closed: ["etl"], direction: null });
    expect(onSelect).not.toHaveBeenCalled();
  });

  it("open by the mark on their card, others stay closed", () => {
    const graph = graphOf([card("a"), card("b")], [], { groups: ["a", "b"], closed: ["a", "b"] });
    const { onLook } = shown(graph, { look: { closed: null, direction: "right" } });
    expect(cardNamed(/^a, closed/).getAttribute("aria-expanded")).toBe("false");
    fireEvent.click(cardNamed(/^a, closed/).querySelector("[data-toggle]") as Element);
    expect(onLook).toHaveBeenCalledWith({ closed: ["b"], direction: "right" });
  });
});

describe("the pointer", () => {
  const drag = (element: Element, from: [number, number], to: [number, number]) => {
    const spot = ([clientX, clientY]: [number, number]) => ({ clientX, clientY, pointerId: 1 });
    fireEvent.pointerDown(element, { ...spot(from), button: 0 });
    fireEvent.pointerMove(element, spot(to));
    fireEvent.pointerUp(element, spot(to));
    fireEvent.click(element, spot(to));
  };

  it("drags the ground, and a drag is no click", () => {
    const { container, onSelect } = shown(chain());
    const before = place(container);
    drag(area(container), [100, 100], [130, 90]);
    expect(place(container)).toEqual({ ...before, x: before.x + 30, y: before.y - 10 });
    expect(onSelect).not.toHaveBeenCalled();
    drag(cardNamed(/^load/), [100, 100], [102, 101]);
    expect(onSelect).toHaveBeenCalledWith("load");
  });

  it("pinches with two fingers", () => {
    const { container } = shown(chain());
    const before = place(container);
    const at = (pointerId: number, clientX: number) => ({ pointerId, clientX, clientY: 100 });
    fireEvent.pointerDown(area(container), { ...at(1, 100), button: 0 });
    fireEvent.pointerDown(area(container), { ...at(2, 200), button: 0 });
    fireEvent.pointerMove(area(container), at(2, 300));
    expect(place(container).scale).toBeCloseTo(before.scale * 2);
  });

  it.each([
    [{ ctrlKey: true }, true],
    [{ metaKey: true }, true],
    [{}, false],
  ])("zooms by the wheel with %j only: else the page scrolls", (keys, zooms) => {
    const { container } = shown(chain());
    const before = place(container);
    const turn = { deltaY: -100, deltaMode: 0, clientX: 200, clientY: 100, ...keys };
    // The wheel event at hand knows no modifier keys.
    const wheel = Object.assign(new Event("wheel", { bubbles: true, cancelable: true }), turn);
    const passed = fireEvent(area(container), wheel);
    expect(passed).toBe(!zooms);
    expect(place(container).scale > before.scale).toBe(zooms);
  });

  it("lifts what belongs together, and names its edges", () => {
    const { container } = shown(chain());
    const lit = () =>
      [...container.querySelectorAll(".nbf-g-card.nbf-g-lit")].map((each) =>
        each.getAttribute("data-node"),
      );
    fireEvent.pointerOver(cardNamed(/^clean/), { buttons: 0 });
    expect(lit()).toEqual(["load", "clean", "train", "report"]);
    expect(container.querySelector(".nbf-g-lifting")).not.toBeNull();
    expect(
      [...container.querySelectorAll(".nbf-g-loud")].map((label) => label.textContent),
    ).toEqual(["df", "table"]);
    fireEvent.pointerLeave(area(container));
    expect(lit()).toEqual([]);
  });

  it("names the edge it is on", () => {
    const { container } = shown(chain());
    const edges = [...container.querySelectorAll("[data-edge]")];
    expect(edges.map((each) => each.querySelector("title")?.textContent)).toEqual([
      "df: load → clean",
      "table: clean → train",
      "df: train → report (perhaps)",
    ]);
    fireEvent.pointerOver(edges[1] as Element, { buttons: 0 });
    expect(container.querySelector(".nbf-g-loud")?.textContent).toBe("table");
  });

  it("that rests on a card is told more", () => {
    vi.useFakeTimers();
    const graph = graphOf(
      [card("a", { state_name: "Failed", state_type: "FAILED", message: "KeyError: 'x'" })],
      [],
    );
    shown(graph);
    fireEvent.pointerOver(cardNamed(/^a/), { buttons: 0 });
    expect(screen.queryByRole("tooltip")).toBeNull();
    act(() => {
      vi.advanceTimersByTime(1000);
    });
    const told = screen.getByRole("tooltip").textContent;
    expect(told).toContain("failed · after 1.2 s");
    expect(told).toContain("KeyError: 'x'");
    expect(told).toContain("2026-09-21 14:13:20.000 UTC");
  });
});

describe("search", () => {
  const write = (text: string) =>
    fireEvent.input(screen.getByRole("searchbox"), { target: { value: text } });
  const found = (container: Element) =>
    container.querySelector(".nbf-g-found")?.getAttribute("data-node") ?? null;

  it("lifts the matches, and Enter goes on", () => {
    const { container } = shown(chain());
    fireEvent.keyDown(cardNamed(/^load/), { key: "/" });
    const field = screen.getByRole("searchbox");
    expect(document.activeElement).toBe(field);
    write("a");
    expect(screen.getByText("1 of 4")).toBeTruthy();
    expect(found(container)).toBe("load");
    fireEvent.keyDown(field, { key: "Enter" });
    expect(found(container)).toBe("clean");
    fireEvent.keyDown(field, { key: "Enter", shiftKey: true });
    fireEvent.keyDown(field, { key: "Enter", shiftKey: true });
    expect(found(container)).toBe("aside");
    fireEvent.keyDown(field, { key: "Escape" });
    expect(found(container)).toBeNull();
    expect((field as HTMLInputElement).value).toBe("");
  });

  const closed = () => graphOf([card("etl")], [], { groups: ["etl", "x"], closed: ["etl", "x"] });

  it("offers to open what may hide it", () => {
    const { onLook } = shown(closed());
    write("train");
    fireEvent.click(screen.getByRole("button", { name: "Open all subflows" }));
    expect(onLook).toHaveBeenCalledWith({ closed: [], direction: null });
  });

  it("opens the way to a task that is known", () => {
    const tasks = [{ name: "train", run: "etl" }] as TaskRow[];
    const { onLook, again } = shown(closed(), { tasks });
    write("train");
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Enter" });
    expect(onLook).toHaveBeenCalledWith({ closed: ["x"], direction: null });
    again({ graph: graphOf([card("train")], [], { version: 2 }), tasks });
    expect(screen.getByText("1 of 1")).toBeTruthy();
  });

  it("says that there is nothing", () => {
    shown(chain());
    write("nowhere");
    expect(screen.getByText("none")).toBeTruthy();
    expect(screen.queryByRole("button", { name: /^Open/ })).toBeNull();
  });
});

describe("tools", () => {
  it.each([
    ["Top down", "down"],
    ["Left to right", "right"],
    ["From the middle outwards", "radial"],
    ["Direction chosen by the graph's shape", null],
  ])("%s", (name, direction) => {
    const { onLook } = shown(chain(), { look: { closed: ["x"], direction: "right" } });
    const tool = within(screen.getByRole("toolbar")).getByRole("button", { name });
    expect(tool.getAttribute("aria-pressed")).toBe(String(direction === "right"));
    fireEvent.click(tool);
    expect(onLook).toHaveBeenCalledWith({ closed: ["x"], direction });
  });

  it("zoom and show all", () => {
    const { container } = shown(chain());
    const { scale } = place(container);
    fireEvent.click(screen.getByRole("button", { name: /^Zoom in/ }));
    expect(place(container).scale).toBeCloseTo(scale * 1.3);
    fireEvent.click(screen.getByRole("button", { name: /^Zoom out/ }));
    expect(place(container).scale).toBeCloseTo(scale);
    fireEvent.click(screen.getByRole("button", { name: /^Show all/ }));
    expect(place(container).scale).toBeCloseTo(0.96);
  });
});

describe("while it grows", () => {
  const wide = (width: number, more: GraphNode[] = []) =>
    graphOf([card("a"), card("b", { x: 500 }), ...more], [], { width, version: width });

  it("all of it stays in sight until the reader moves it", () => {
    const { container, again } = shown(wide(620));
    expect(place(container).x).toBeCloseTo(102.4);
    again({ graph: wide(768) });
    expect(place(container).x).toBeCloseTo(31.36);
  });

  it("stays where the reader put it", () => {
    const { container, again } = shown(wide(620));
    fireEvent.keyDown(area(container), { key: "ArrowLeft" });
    const put = place(container);
    again({ graph: wide(768, [card("c", { x: 640 })]) });
    expect(place(container)).toEqual(put);
  });

  it("moves along with the cards when all of them go to other places", () => {
    const { container, again } = shown(wide(620));
    fireEvent.keyDown(area(container), { key: "ArrowLeft" });
    const put = place(container);
    const graph = wide(768);
    const nodes = graph.nodes.map((node) => ({ ...node, x: node.x + 100, y: node.y + 50 }));
    again({ graph: { ...graph, nodes } });
    expect(place(container).x).toBeCloseTo(put.x - 100 * put.scale);
    expect(place(container).y).toBeCloseTo(put.y - 50 * put.scale);
  });

  it("comes back as it was when Jupyter takes it off the page and puts it back", () => {
    const memory = new Map<string, unknown>();
    const put = () =>
      render(
        <MemoryContext.Provider value={memory}>
          <GraphView
            graph={chain()}
            now={NOW}
            selected={null}
            onSelect={() => {}}
            look={USUAL}
            onLook={() => {}}
            label="g"
          />
        </MemoryContext.Provider>,
      );
    const first = put();
    fireEvent.keyDown(area(first.container), { key: "ArrowLeft" });
    const where = place(first.container);
    first.unmount();
    expect(place(put().container)).toEqual(where);
  });
});

describe("drawing anew", () => {
  /** The cards that are drawn while something happens. */
  function drawnWhile(happens: () => void): Set<string> {
    vi.mocked(cardName).mockClear();
    happens();
    return new Set(vi.mocked(cardName).mock.calls.map(([node]) => node.id));
  }

  const many = graphOf(
    Array.from({ length: 600 }, (_, place) => card(`t${place}`, { x: 20 * place })),
    [],
  );

  function Page({
    told,
  }: {
    told: { set?: (graph: Graph) => void; tick?: (now: number) => void };
  }) {
    const [graph, set] = useState(many);
    const [now, tick] = useState(NOW);
    Object.assign(told, { set, tick });
    return (
      <GraphView
        graph={graph}
        now={now}
        selected={null}
        onSelect={() => {}}
        look={USUAL}
        onLook={() => {}}
        label="g"
      />
    );
  }

  it("concerns only the card that changed", () => {
    const told: { set?: (graph: Graph) => void; tick?: (now: number) => void } = {};
    render(<Page told={told} />);
    const nodes = many.nodes.map((node) =>
      node.id === "t7"
        ? { ...node, state_name: "Running", state_type: "RUNNING" as const, duration: null }
        : node,
    );
    const changed = drawnWhile(() => act(() => told.set?.({ ...many, nodes })));
    // The one that runs becomes the Tab key's stop, and the first gives that up.
    expect(changed).toEqual(new Set(["t0", "t7"]));
    const ticked = drawnWhile(() => act(() => told.tick?.(NOW + 1000)));
    expect(ticked).toEqual(new Set(["t7"]));
  });

  it("is not needed to move the graph", () => {
    const { container } = render(<Page told={{}} />);
    const drawn = drawnWhile(() => {
      fireEvent.keyDown(area(container), { key: "ArrowLeft" });
      fireEvent.keyDown(area(container), { key: "+" });
    });
    expect(drawn).toEqual(new Set());
  });
});
