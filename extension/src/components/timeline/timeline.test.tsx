import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { taskRow } from "../../api/samples";
import type { TaskRow } from "../../api/types";
import { type Memory, MemoryContext } from "../hooks";
import { flow, PENDING, RUNNING, running } from "./samples";
import { Timeline } from "./timeline";

const HEIGHT = 320;

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(HEIGHT);
  vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(HEIGHT);
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

interface Options {
  run?: ReturnType<typeof flow> | null;
  subflows?: ReturnType<typeof flow>[];
  selected?: string | null;
}

function show(
  tasks: TaskRow[],
  { run = flow("run"), subflows = [], selected = null }: Options = {},
) {
  const onSelect = vi.fn();
  const memory: Memory = new Map();
  const element = (chosen: string | null) => (
    <MemoryContext.Provider value={memory}>
      <Timeline
        tasks={tasks}
        run={run}
        subflows={new Map(subflows.map((one) => [one.id, one]))}
        selected={chosen}
        onSelect={onSelect}
      />
    </MemoryContext.Provider>
  );
  const view = render(element(selected));
  return { ...view, onSelect, select: (id: string | null) => view.rerender(element(id)) };
}

const grid = () => screen.getByRole("treegrid");
const names = () => screen.queryAllByRole("rowheader").map((cell) => cell.textContent);
const rowOf = (name: string) => {
  const cells = screen.getAllByRole("rowheader");
  const cell = cells.find(({ textContent }) => textContent === name);
  return cell?.closest("[role=row]") as HTMLElement;
};
const bars = (name: string, kind: string) =>
  rowOf(name).querySelectorAll<HTMLElement>(`.nbf-tl-${kind}`);
const press = (...keys: string[]) => {
  for (const key of keys) fireEvent.keyDown(grid(), { key });
};
const choose = (label: string, value: string) =>
  userEvent.selectOptions(screen.getByLabelText(label), value);
const THREE = [
  taskRow("one"),
  taskRow("two", { started: 500 }),
  taskRow("three", { started: 700 }),
];

describe("rows on the page", () => {
  test("of ten thousand tasks only those in view are there", () => {
    show(Array.from({ length: 10_000 }, (_, n) => taskRow(`t${n}`, { started: n })));
    expect(screen.getAllByRole("rowheader").length).toBeGreaterThan(10);
    expect(screen.getAllByRole("rowheader").length).toBeLessThan(40);
    expect(grid().getAttribute("aria-rowcount")).toBe("10001");
  });

  test("say in words what their bars show", () => {
    show([taskRow("train", { started: 1000, ended: 126_000 })]);
    expect(
      within(rowOf("train")).getByLabelText(/completed, ran 2 m 05 s, waited 1.0 s/),
    ).toBeTruthy();
    expect(rowOf("train").textContent).toContain("2 m 05 s");
  });

  test("names are text", () => {
    show([taskRow("<img src=x onerror=alert(1)>"), taskRow("b")]);
    expect(names()[0]).toBe("<img src=x onerror=alert(1)>");
    expect(document.querySelector("img")).toBeNull();
  });

  test("no tasks are told", () => {
    show([], { run: running("run") });
    expect(screen.getByText("No tasks yet.")).toBeTruthy();
  });
});

describe("bars", () => {
  test("attempts and pauses stand apart, in the colours of their states", () => {
    const attempts = [
      { started: 0, ended: 200, state_name: "Failed", state_type: "FAILED" as const },
      { started: 500, ended: 1000, state_name: "Completed", state_type: "COMPLETED" as const },
    ];
    show([taskRow("a", { attempts }), taskRow("b", { ...PENDING, state_name: "NotRun" })]);
    const colours = [...bars("a", "run")].map((bar) => bar.style.getPropertyValue("--nbf-bar"));
    expect(colours).toEqual(["var(--nbf-red)", "var(--nbf-green)"]);
    expect(bars("a", "gap")).toHaveLength(1);
    expect(bars("b", "never")).toHaveLength(1);
  });

  test("grow while the run goes on, with a line for now", () => {
    vi.useFakeTimers({ now: 30_000 });
    try {
      show([taskRow("a", RUNNING)], { run: running("run") });
      const width = () => Number.parseFloat(bars("a", "run")[0]?.style.width ?? "");
      const before = width();
      expect(document.querySelector(".nbf-tl-now")).toBeTruthy();
      vi.advanceTimersByTime(3000);
      return Promise.resolve().then(() => expect(width()).toBeGreaterThan(before));
    } finally {
      vi.useRealTimers();
    }
  });

  test("a run that is over has no now", () => {
    show(THREE);
    expect(document.querySelector(".nbf-tl-now")).toBeNull();
  });

  test("many runs of one task are one band, which opens", () => {
    const many = [1, 2, 3].map((n) => taskRow(`score-${n}`, { task_name: "score", node: "score" }));
    show([...many, taskRow("other")]);
    expect(names()).toEqual(["score×3", "other"]);
    expect(rowOf("score×3").textContent).toContain("3/3");
    fireEvent.click(rowOf("score×3"));
    expect(names()).toEqual(["score×3", "score-1", "score-2", "score-3", "other"]);
    expect(rowOf("score×3").getAttribute("aria-expanded")).toBe("true");
  });

  test("subflows stand over what lies in them", () => {
    show([taskRow("a", { run: "sub" })], { subflows: [flow("sub", { parent_id: "run" })] });
    expect(names()).toEqual(["sub", "a"]);
    expect(rowOf("a").getAttribute("aria-level")).toBe("2");
  });
});

describe("what the reader does", () => {
  test("keys move and choose", () => {
    const { onSelect } = show(THREE);
    press("ArrowDown", "ArrowDown", "Enter");
    expect(onSelect).toHaveBeenLastCalledWith("two");
    expect(document.getElementById(grid().getAttribute("aria-activedescendant") ?? "")).toBe(
      rowOf("two"),
    );
    press("End", "Enter");
    expect(onSelect).toHaveBeenLastCalledWith("three");
    press("Home", "ArrowUp", "Enter");
    expect(onSelect).toHaveBeenLastCalledWith("one");
    press("Escape");
    expect(onSelect).toHaveBeenLastCalledWith(null);
  });

  test("keys open and close", () => {
    show([1, 2].map((n) => taskRow(`score-${n}`, { task_name: "score", node: "score" })));
    press("ArrowDown", "ArrowRight");
    expect(names()).toHaveLength(3);
    press("ArrowRight", "ArrowLeft", "ArrowLeft");
    expect(names()).toHaveLength(1);
  });

  test("keys of the page behind stay its own with a modifier, and never reach it without", () => {
    show(THREE);
    expect(fireEvent.keyDown(grid(), { key: "ArrowDown", ctrlKey: true })).toBe(true);
    expect(fireEvent.keyDown(grid(), { key: "ArrowDown" })).toBe(false);
  });

  test("a click selects", () => {
    const { onSelect, select } = show(THREE);
    fireEvent.click(rowOf("two"));
    expect(onSelect).toHaveBeenCalledWith("two");
    select("two");
    expect(rowOf("two").getAttribute("aria-selected")).toBe("true");
  });

  test("what is selected elsewhere is shown, its band opened", () => {
    const many = [1, 2].map((n) => taskRow(`score-${n}`, { task_name: "score", node: "score" }));
    const { select } = show(many);
    select("score-2");
    expect(rowOf("score-2").getAttribute("aria-selected")).toBe("true");
  });

  test("filters leave what matches, and say when nothing does", async () => {
    show([...THREE, taskRow("bad", { state_name: "Failed", state_type: "FAILED" })]);
    const field = screen.getByLabelText("Filter tasks by name");
    fireEvent.input(field, { target: { value: "T" } });
    expect(names()).toEqual(["two", "three"]);
    await choose("Filter tasks by state", "Failed");
    expect(names()).toEqual([]);
    fireEvent.click(screen.getByRole("button", { name: "show all" }));
    expect(names()).toHaveLength(4);
  });

  test("the order is chosen", async () => {
    show(THREE);
    await choose("Order of the tasks", "name");
    expect(names()).toEqual(["one", "three", "two"]);
  });

  test("zoomed in, what lies outside is not drawn; a double click shows all", () => {
    show([taskRow("start", { ended: 100 }), taskRow("end", { started: 59_000, ended: 60_000 })]);
    press("+", "+");
    expect(bars("start", "run")).toHaveLength(0);
    fireEvent.dblClick(grid());
    expect(bars("start", "run")).toHaveLength(1);
  });

  test("ctrl and the wheel zoom instead of the page", () => {
    show(THREE);
    const turn = (keys: { ctrlKey?: boolean }) => {
      const event = new WheelEvent("wheel", { deltaY: -50, bubbles: true, cancelable: true });
      // The document of the tests knows no modifiers of wheels.
      return fireEvent(grid(), Object.assign(event, keys));
    };
    expect(turn({})).toBe(true);
    expect(turn({ ctrlKey: true })).toBe(false);
    expect(screen.getByRole("button", { name: "Zoom out" })).toHaveProperty("disabled", false);
  });

  test("a stretch drawn on the axis is shown", () => {
    show(THREE);
    const axis = screen.getByRole("columnheader", { name: "Time since the start" });
    vi.spyOn(axis, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 800, 26));
    fireEvent.pointerDown(axis, { clientX: 200, button: 0, pointerId: 1 });
    fireEvent.pointerMove(axis, { clientX: 400, pointerId: 1 });
    fireEvent.pointerUp(axis, { clientX: 400, pointerId: 1 });
    expect(screen.getByRole("button", { name: "Zoom out" })).toHaveProperty("disabled", false);
  });

  test("the names are widened by keys, within limits", () => {
    show(THREE);
    const edge = screen.getByRole("separator");
    fireEvent.keyDown(edge, { key: "ArrowRight" });
    expect(edge.getAttribute("aria-valuenow")).toBe("206");
    for (let n = 0; n < 20; n++) fireEvent.keyDown(edge, { key: "ArrowLeft" });
    expect(edge.getAttribute("aria-valuenow")).toBe("80");
  });

  test("what is under the pointer is told exactly", () => {
    show([taskRow("train", { message: "all is well" }), taskRow("b")]);
    fireEvent.mouseMove(rowOf("train"), { clientX: 300, clientY: 60 });
    const tip = screen.getByRole("tooltip");
    expect(tip.textContent).toMatch(/train.*completed.*all is well.*1970-01-01 00:00:01.000 UTC/);
    fireEvent.mouseLeave(grid().parentElement as Element);
    expect(screen.queryByRole("tooltip")).toBeNull();
  });
});
