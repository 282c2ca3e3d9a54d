import { describe, expect, it } from "vitest";
import { card, graphOf } from "../../api/samples";
import type { FlowRun, GraphNode, TaskRow } from "../../api/types";
import { cardName, edgeWords, summaryOf, timeOf } from "./card-words";
import { lineOf, middleOf } from "./edges";
import { around, kin, relationsOf } from "./relations";
import { chain, edge, grouped } from "./samples";
import { hiddenPath, matchesOf } from "./search";
import { segmentsOf } from "./segments";
import { type Arrow, stepFrom } from "./steps";
import { spotFor } from "./tip";
import * as views from "./viewport";

const AREA = { width: 800, height: 320 };
const placesOf = (nodes: GraphNode[]) => new Map(nodes.map((node) => [node.id, node]));

describe("what is seen at first", () => {
  it.each([
    ["small: at its size, in the middle", 400, 100, { x: 200, y: 110, scale: 1 }],
    ["a little too high: all of it, smaller", 400, 360, { x: 240, y: 16, scale: 0.8 }],
    ["much too high: its width, from the top", 400, 3000, { x: 200, y: 16, scale: 1 }],
    ["too wide: as small as can be read, from the left", 5000, 200, { x: 16, y: 90, scale: 0.7 }],
    ["huge: as small as can be read, from the corner", 9000, 9000, { x: 16, y: 16, scale: 0.7 }],
    ["nothing: nothing divides by zero", 0, 0, { x: 400, y: 160, scale: 1 }],
  ])("%s", (_, width, height, view) => {
    expect(views.firstView({ width, height }, AREA)).toEqual(view);
  });

  it.each([
    ["all of it, as long as its words can be guessed", 500, { x: 256, y: 16 }],
    ["the middle of what is larger", 2000, { x: -50, y: -290 }],
  ])("of rings: %s", (_, length, place) => {
    const view = views.firstView({ width: length, height: length }, AREA, true);
    expect({ x: view.x, y: view.y }).toEqual({
      x: expect.closeTo(place.x),
      y: expect.closeTo(place.y),
    });
  });

  it("shows all of it when asked, however small", () => {
    const view = views.wholeView({ width: 7680, height: 100 }, AREA);
    expect(view.scale).toBeCloseTo(0.1);
    expect(view.y).toBeCloseTo(155);
  });
});

describe("moving the view", () => {
  const view = { x: 10, y: 20, scale: 1 };

  it("zooms at the pointer", () => {
    const at = { x: 110, y: 70 };
    const nearer = views.zoomed(view, 2, at);
    expect(nearer).toEqual({ x: -90, y: -30, scale: 2 });
    expect(views.zoomed(nearer, 0.5, at)).toEqual(view);
  });

  it.each([
    [1e9, 3],
    [1e-9, 0.1],
  ])("keeps to sensible scales", (factor, scale) => {
    expect(views.zoomed(view, factor, { x: 0, y: 0 }).scale).toBe(scale);
  });

  it.each([
    ["already seen", { x: 100, y: 100, width: 120, height: 28 }, 10, 20],
    ["below", { x: 100, y: 400, width: 120, height: 28 }, 10, -124],
    ["left", { x: -200, y: 100, width: 120, height: 28 }, 216, 20],
    ["larger than the area: its beginning", { x: 0, y: 0, width: 2000, height: 28 }, 0, 20],
  ])("reveals as little as must be: %s", (_, rect, x, y) => {
    expect(views.revealed(view, rect, AREA)).toEqual({ x, y, scale: 1 });
  });

  it("does not lose the graph", () => {
    const graph = { width: 400, height: 300 };
    const away = views.kept({ x: -9999, y: 9999, scale: 1 }, graph, AREA);
    expect(away).toEqual({ x: 48 - 400, y: 320 - 48, scale: 1 });
  });

  it("centres a card, without showing emptiness beside the graph", () => {
    const graph = { width: 2000, height: 100 };
    const at = (x: number) =>
      views.centredOn({ x: 0, y: 0, scale: 1 }, { x, y: 0, width: 100, height: 28 }, graph, AREA);
    expect(at(1000)).toEqual({ x: -650, y: 110, scale: 1 });
    expect(at(0).x).toBe(16);
    expect(at(1900).x).toBe(800 - 16 - 2000);
  });
});

describe("when the graph grows", () => {
  const at = (x: number, y: number, width = 100) => ({ x, y, width, height: 28 });
  const before = new Map([
    ["middle", at(350, 140)],
    ["corner", at(0, 0)],
  ]);

  it("keeps what is in the middle where it is", () => {
    const after = new Map([...before, ["middle", at(550, 240)] as const]);
    const view = views.following({ x: 0, y: 0, scale: 2 }, before, after, AREA, null);
    expect(view).toEqual({ x: 0, y: 0, scale: 2 });
    const one = views.following({ x: 0, y: 0, scale: 1 }, before, after, AREA, null);
    expect(one).toEqual({ x: -200, y: -100, scale: 1 });
  });

  it("keeps the corner of what is opened where it is", () => {
    const after = new Map([...before, ["corner", at(40, 10, 300)] as const]);
    const view = views.following({ x: 5, y: 5, scale: 1 }, before, after, AREA, "corner");
    expect(view).toEqual({ x: 5 - 240, y: -5, scale: 1 });
  });

  it("stays when nothing is left of what was there", () => {
    const view = { x: 5, y: 5, scale: 1 };
    expect(views.following(view, before, new Map(), AREA, "gone")).toEqual(view);
  });
});

describe("relations", () => {
  it.each([
    ["clean", ["clean", "load", "report", "train"]],
    ["report", ["clean", "load", "report", "train"]],
    ["aside", ["aside"]],
  ])("lifts all that leads to %s and follows from it", (id, expected) => {
    expect([...kin(id, relationsOf(chain()))].sort()).toEqual(expected);
  });

  it.each([
    ["extract", ["after", "before", "etl", "extract", "store"]],
    ["after", ["after", "before", "etl", "extract", "store"]],
    ["etl", ["after", "before", "etl", "extract", "store"]],
  ])("passes through groups, for %s", (id, expected) => {
    expect([...kin(id, relationsOf(grouped()))].sort()).toEqual(expected);
  });

  it("ends in circles of edges and of groups", () => {
    const nodes = [card("a", { group: "b" }), card("b", { group: "a" })];
    const relations = relationsOf(graphOf(nodes, [edge("a", "b"), edge("b", "a")]));
    expect([...kin("a", relations)].sort()).toEqual(["a", "b"]);
    expect(around("a", relations)).toEqual(["b", "a"]);
  });
});

describe("steps", () => {
  const places = placesOf(chain().nodes);
  const relations = relationsOf(chain());
  it.each([
    ["load", "ArrowDown", "clean"],
    ["clean", "ArrowUp", "load"],
    ["clean", "ArrowRight", "aside"],
    ["aside", "ArrowLeft", "clean"],
    ["load", "ArrowUp", null],
    ["clean", "ArrowLeft", null],
    ["gone", "ArrowDown", null],
  ] as [string, Arrow, string | null][])("from %s, %s leads to %s", (from, key, to) => {
    expect(stepFrom(from, key, places, relations)).toBe(to);
  });

  it("prefers what is linked to what is only near", () => {
    const graph = graphOf(
      [card("a"), card("near", { x: 20, y: 50 }), card("linked", { x: 60, y: 90 })],
      [edge("a", "linked")],
    );
    const step = stepFrom("a", "ArrowDown", placesOf(graph.nodes), relationsOf(graph));
    expect(step).toBe("linked");
  });
});

describe("words", () => {
  const running = { state_name: "Running", state_type: "RUNNING", duration: null } as const;
  it.each([
    [card("a"), "1.2 s"],
    [card("a", running), "7 s"],
    [card("a", { ...running, started: null }), ""],
    [card("a", { state_name: null, state_type: null }), ""],
    [card("a", { state_name: "NotRun", state_type: "PENDING" }), ""],
    [card("a", { state_name: "Pending", state_type: "PENDING", duration: null }), ""],
    [card("a", { state_name: "Paused", state_type: "PAUSED", duration: null }), ""],
  ])("tell the time of a card", (node, told) => {
    expect(timeOf(node, 1_790_000_007_400)).toBe(told);
  });

  it("name a card without its ticking clock", () => {
    const train = card("train", { ...running, attempt: 2 });
    expect(cardName(train, null)).toMatch(/^train, running since \d\d:\d\d:\d\d, attempt 2$/);
    const failed = card("", { state_name: "TimedOut", state_type: "FAILED", message: "late" });
    expect(cardName(failed, "closed")).toBe("(unnamed), closed subflow, timed out, 1.2 s, late");
    const map = card("m", { counts: { Completed: 187, Failed: 3, Running: 10 } });
    expect(cardName(map, null)).toBe("m, completed, 1.2 s, 187/200 · 3 failed");
    expect(cardName(card("drawn", { state_name: null, state_type: null }), null)).toBe("drawn");
  });

  it("say what an edge means", () => {
    const labels = new Map([["a", "load"]]);
    expect(edgeWords(edge("a", "b", { certain: false }), labels)).toBe("df: load →  (perhaps)");
  });

  it("sum a graph up", () => {
    const bad = [1, 2, 3, 4, 5, 6].map((id) =>
      card(`b${id}`, { state_name: "Failed", state_type: "FAILED" }),
    );
    expect(summaryOf(graphOf(bad, [], { note: "Too many." }))).toBe(
      "6 cards: 6 failed. Went wrong: b1, b2, b3, b4, b5 and 1 more. Too many.",
    );
    expect(summaryOf(chain())).toContain("Running now: train.");
  });
});

describe("segments", () => {
  it.each([
    [{}, []],
    [{ Pending: 10 }, []],
    [{ Completed: 10 }, [["green", 0, 98.5]]],
    [{ Scheduled: 1, Late: 2, NotRun: 3, Nonsense: 4 }, []],
  ])("of %j", (counts, expected) => {
    const told = segmentsOf(counts, 100).map(({ role, x, width }) => [role, x, width]);
    expect(told).toEqual(expected);
  });

  it("are ordered: done, wrong, busy; and none vanishes", () => {
    const counts = { Running: 1, Crashed: 1, Failed: 1, Cached: 1, Completed: 9996 };
    const segments = segmentsOf(counts, 200);
    expect(segments.map(({ role }) => role)).toEqual(["green", "teal", "red", "orange", "blue"]);
    expect(Math.min(...segments.map(({ width }) => width))).toBeGreaterThan(2);
    const last = segments[4];
    expect((last?.x ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual(200);
  });
});

describe("search", () => {
  it.each([
    ["", []],
    ["  ", []],
    ["LOAD ", ["a", "b"]],
    ["nothing", []],
  ])("finds %j", (text, expected) => {
    const nodes = [card("a", { label: "Load" }), card("b", { label: "reload" }), card("c")];
    expect(matchesOf(text, nodes)).toEqual(expected);
  });

  const task = (name: string, run: string) => ({ name, run }) as TaskRow;
  const flow = (id: string, parent_id: string | null) => ({ id, parent_id }) as FlowRun;
  const subflows = new Map([
    ["outer", flow("outer", "top")],
    ["inner", flow("inner", "outer")],
    ["loop", flow("loop", "loop")],
  ]);
  it.each([
    ["fit", ["inner", "outer"], ["inner", "outer"]],
    ["fit", ["outer"], ["outer"]],
    ["fit", ["other"], []],
    ["fit", [], []],
    ["seen", ["inner", "outer"], []],
    ["round", ["loop"], ["loop"]],
  ])("knows what to open for %s while %j are closed", (text, closed, path) => {
    const tasks = [task("fit_model", "inner"), task("seen", "top"), task("round", "loop")];
    expect(hiddenPath(text, tasks, subflows, closed)).toEqual(path);
  });
});

describe("curves", () => {
  it("are written as paths", () => {
    expect(lineOf(edge("a", "b").points)).toBe("M0 0C0 10 0 20 0 30");
    expect(lineOf([])).toBe("");
  });

  it.each([
    ["nothing", [], [0, 0]],
    ["one piece", edge("a", "b").points, [0, 15]],
    [
      "two pieces",
      [
        [0, 0],
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [5, 5],
        [6, 6],
      ] as [number, number][],
      [3, 3],
    ],
  ])("have a middle: %s", (_, points, middle) => {
    expect(middleOf(points as [number, number][])).toEqual(middle);
  });
});

describe("the tip", () => {
  const size = { width: 200, height: 90 };
  it.each([
    ["beside", { x: 100, y: 50, width: 120, height: 28 }, { x: 228, y: 50 }],
    ["below", { x: 600, y: 50, width: 120, height: 28 }, { x: 592, y: 86 }],
    ["above", { x: 600, y: 280, width: 120, height: 28 }, { x: 592, y: 182 }],
    ["beside, but inside", { x: 100, y: 300, width: 120, height: 28 }, { x: 228, y: 222 }],
  ])("stands %s", (_, place, spot) => {
    expect(spotFor(size, place, AREA)).toEqual(spot);
  });
});
