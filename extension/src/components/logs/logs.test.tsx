import { act, cleanup, fireEvent, render, screen } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { logLine } from "../../api/samples";
import type { LogLine, TaskRow } from "../../api/types";
import { type Memory, MemoryContext } from "../hooks";
import { Logs } from "./logs";
import { printed } from "./samples";

const VIEW = 300;
const ROW = 20;

/** A page that lays out: what scrolls is 300 px high, each line 20. */
beforeEach(() => {
  const height = function (this: HTMLElement) {
    return this.classList.contains("nbf-log-line") ? ROW : VIEW;
  };
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockImplementation(height);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(VIEW);
  vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, "scrollHeight", "get").mockImplementation(function (
    this: HTMLElement,
  ) {
    const sizer = this.querySelector<HTMLElement>(".nbf-log-sizer");
    return Number.parseFloat(sizer?.style.height ?? "0");
  });
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const TASKS = new Map([["a", { name: "train" }]]) as unknown as Map<string, TaskRow>;

interface Options {
  leftOut?: number;
  task?: string | null;
  memory?: Memory;
}

function show(lines: LogLine[], { leftOut = 0, task = null, memory = new Map() }: Options = {}) {
  const onTask = vi.fn();
  const element = (some: LogLine[]) => (
    <MemoryContext.Provider value={memory}>
      <Logs lines={some} leftOut={leftOut} tasks={TASKS} task={task} onTask={onTask} />
    </MemoryContext.Provider>
  );
  const view = render(element(lines));
  return { ...view, onTask, update: (some: LogLine[]) => view.rerender(element(some)) };
}

const many = (count: number, from = 1) =>
  Array.from({ length: count }, (_, n) => logLine(from + n, `line ${from + n}`));
const log = () => screen.getByRole("log");
const rows = () => [...document.querySelectorAll(".nbf-log-line")];
const texts = () => [...document.querySelectorAll(".nbf-log-text")].map((cell) => cell.textContent);
const field = () => screen.getByLabelText<HTMLInputElement>("Filter lines by text");
const type = (value: string) => fireEvent.input(field(), { target: { value } });
const atEnd = () => log().scrollHeight - log().scrollTop - VIEW <= 24;
const scrollTo = (top: number) => {
  log().scrollTop = top;
  fireEvent.scroll(log());
};
const frame = () => act(() => new Promise((resolve) => requestAnimationFrame(() => resolve())));

describe("lines on the page", () => {
  test("of fifty thousand only those in view are there", () => {
    show(many(50_000));
    expect(rows().length).toBeGreaterThan(10);
    expect(rows().length).toBeLessThan(60);
  });

  test("all is text, whatever it says", () => {
    const evil = [
      "<img src=x onerror=alert(1)>",
      "</span><script>alert(1)</script>",
      "[x](javascript:alert(1))",
      "{{constructor}}",
    ];
    show(evil.map((text, n) => logLine(n, text)));
    expect(texts()).toEqual(evil);
    expect(log().querySelector("img,script,a")).toBeNull();
  });

  test("tell level, task and time in words", () => {
    show([logLine(1, "odd", { level: 30, task: "a" }), printed(2, "out")]);
    expect(rows()[0]?.textContent).toMatch(/Warning.*train.*odd/);
    expect(rows()[1]?.textContent).toMatch(/Print.*out/);
    expect(screen.getByTitle("1970-01-01 00:00:01.000 UTC")).toBeTruthy();
  });

  test("addresses lead out of the page safely", () => {
    show([logLine(1, "see https://x.org/y.")]);
    const link = screen.getByRole("link");
    expect(link.getAttribute("href")).toBe("https://x.org/y");
    expect(link.getAttribute("rel")).toContain("noopener");
  });

  test("a line without end is cut until all of it is asked for", () => {
    show([logLine(1, "x".repeat(1_000_000))]);
    expect(texts()[0]?.length).toBeLessThan(11_000);
    fireEvent.click(screen.getByRole("button", { name: /990 kB more/ }));
    expect(texts()[0]).toHaveLength(1_000_000);
  });

  test("what is left out is told", () => {
    show(many(1), { leftOut: 1200 });
    expect(screen.getByText(/1.200 older lines are left out/)).toBeTruthy();
  });

  test("no lines are told", () => {
    show([]);
    expect(screen.getByText("No lines yet.")).toBeTruthy();
  });
});

describe("filters", () => {
  test("leave what matches, marked and counted", () => {
    show([...many(20), logLine(21, "The needle, a Needle")]);
    type("needle");
    expect(texts()).toEqual(["The needle, a Needle"]);
    expect([...log().querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual([
      "needle",
      "Needle",
    ]);
    expect(screen.getByRole("status").textContent).toBe("1 of 21");
  });

  test("by level and by kind", async () => {
    show([logLine(1, "low", { level: 10 }), logLine(2, "high", { level: 40 }), printed(3, "out")]);
    await userEvent.selectOptions(screen.getByLabelText("Least level"), "Errors");
    expect(texts()).toEqual(["high"]);
    await userEvent.selectOptions(screen.getByLabelText("Least level"), "All levels");
    await userEvent.selectOptions(screen.getByLabelText("Printed or logged"), "Printed");
    expect(texts()).toEqual(["out"]);
  });

  test("by task: a name leads there, a cross back", () => {
    const { onTask } = show([logLine(1, "mine", { task: "a" }), logLine(2, "other")], {
      task: "a",
    });
    expect(texts()).toEqual(["mine"]);
    fireEvent.click(screen.getByRole("button", { name: "Lines of all tasks" }));
    expect(onTask).toHaveBeenLastCalledWith(null);
    fireEvent.click(screen.getByRole("button", { name: "train" }));
    expect(onTask).toHaveBeenLastCalledWith("a");
  });

  test("when nothing matches, all can be had again", () => {
    const { onTask } = show(many(3));
    type("nowhere");
    fireEvent.click(screen.getByRole("button", { name: "Show all" }));
    expect(texts()).toHaveLength(3);
    expect(onTask).toHaveBeenLastCalledWith(null);
  });

  test("keys reach the field, jump from line to line, and leave", async () => {
    show(many(30));
    fireEvent.keyDown(log(), { key: "/" });
    expect(document.activeElement).toBe(field());
    type("line 2");
    const current = () => document.querySelector(".nbf-log-current .nbf-log-text")?.textContent;
    fireEvent.keyDown(field(), { key: "Enter" });
    expect(current()).toBe("line 2");
    fireEvent.keyDown(field(), { key: "Enter" });
    expect(current()).toBe("line 20");
    fireEvent.keyDown(field(), { key: "Enter", shiftKey: true });
    fireEvent.keyDown(field(), { key: "Enter", shiftKey: true });
    expect(current()).toBe("line 29");
    fireEvent.keyDown(field(), { key: "Escape" });
    expect(field().value).toBe("");
    fireEvent.keyDown(log(), { key: "N", shiftKey: true });
    await frame();
    // The document of the tests scrolls without a word.
    fireEvent.scroll(log());
    expect(current()).toBe("line 28");
  });
});

describe("following", () => {
  test("begins at the end and stays there as lines come", () => {
    const { update } = show(many(100));
    expect(atEnd()).toBe(true);
    update(many(200));
    expect(atEnd()).toBe(true);
    expect(screen.queryByRole("button", { name: /new ↓|To the end/ })).toBeNull();
  });

  test("going up leaves it: what comes is counted, and moves nothing", () => {
    const { update } = show(many(100));
    scrollTo(log().scrollTop);
    scrollTo(500);
    update(many(134));
    expect(log().scrollTop).toBe(500);
    fireEvent.click(screen.getByRole("button", { name: "34 new ↓" }));
    expect(atEnd()).toBe(true);
    update(many(150));
    expect(atEnd()).toBe(true);
  });

  test("End follows, Home goes to the top", () => {
    const { update } = show(many(100));
    fireEvent.keyDown(log(), { key: "Home" });
    expect(log().scrollTop).toBe(0);
    update(many(110));
    expect(log().scrollTop).toBe(0);
    fireEvent.keyDown(log(), { key: "End" });
    update(many(120));
    expect(atEnd()).toBe(true);
  });

  test("lines that come before the page hears of its own scrolling do not end it", () => {
    const { update } = show(many(100));
    const before = log().scrollTop;
    update(many(150));
    fireEvent.scroll(log());
    expect(log().scrollTop).toBeGreaterThan(before);
    update(many(160));
    expect(atEnd()).toBe(true);
  });

  test("what was read, and how much is new, is found again when the view comes back", () => {
    const memory: Memory = new Map();
    const { update, unmount } = show(many(100), { memory });
    fireEvent.keyDown(log(), { key: "Home" });
    scrollTo(1003);
    update(many(105));
    unmount();
    show(many(110), { memory });
    expect(log().scrollTop).toBe(1003);
    expect(screen.getByRole("button", { name: "10 new ↓" })).toBeTruthy();
  });

  test("a flood is not read out", () => {
    const { update } = show(many(3));
    update(many(500));
    expect(log().getAttribute("aria-live")).toBe("off");
  });
});

describe("taking lines along", () => {
  test("what is shown is copied", async () => {
    const user = userEvent.setup();
    const write = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    show([logLine(1, "\u001b[31mred\u001b[0m", { task: "a" }), logLine(2, "other")]);
    type("red");
    await user.click(screen.getByRole("button", { name: "Copy" }));
    expect(write).toHaveBeenCalledWith("1970-01-01T00:00:01.000Z  Info      train  red\n");
    expect(await screen.findByRole("button", { name: "Copied" })).toBeTruthy();
  });

  test("a file is made in the page", async () => {
    const made: Blob[] = [];
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
      made.push(blob as Blob);
      return "blob:x";
    });
    const click = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => {});
    show(many(2));
    fireEvent.click(screen.getByRole("button", { name: "Download" }));
    expect(click).toHaveBeenCalledOnce();
    expect(await made[0]?.text()).toContain("line 2\n");
  });
});
