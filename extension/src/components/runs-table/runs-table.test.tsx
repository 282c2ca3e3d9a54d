/** The list of runs on the page: found, sorted, refreshed, opened. */

import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { state } from "../../api/samples";
import { MemoryContext } from "../hooks";
import { HOSTILE } from "../results/samples";
import { RunsTable } from "./runs-table";
import { FakeService, row } from "./samples";

const RUNNING = { state: state("RUNNING", "Running"), end_time: null };

let visibility: DocumentVisibilityState = "visible";

beforeEach(() => {
  visibility = "visible";
  vi.useFakeTimers({ now: Date.parse("2026-01-01T00:10:00Z") });
  vi.spyOn(document, "visibilityState", "get").mockImplementation(() => visibility);
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Options {
  renderRun?: (run: string) => ReactNode;
  onOpen?: (run: string) => void;
  memory?: Map<string, unknown>;
}

async function shown(service: FakeService, { memory = new Map(), ...options }: Options = {}) {
  const view = render(
    <MemoryContext.Provider value={memory}>
      <RunsTable service={service} {...options} />
    </MemoryContext.Provider>,
  );
  await pass(0);
  return view.container as HTMLElement;
}

/** Lets time pass, and what waits for it happen. */
async function pass(ms: number): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(ms);
  });
}

function show(visible: DocumentVisibilityState): void {
  visibility = visible;
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
}

function names(root: HTMLElement): (string | null)[] {
  return [...root.querySelectorAll(".nbf-run-name")].map((name) => name.textContent);
}

describe("rows", () => {
  it("tell what a run was, how it went, and from what", async () => {
    await shown(
      new FakeService(
        row("1", { parameters: { lr: 0.1 }, tags: ["nightly"] }, { deployment: "train/prod" }),
      ),
    );
    const cells = within(screen.getAllByRole("row")[1] as HTMLElement).getAllByRole("cell");
    const header = screen.getByRole("rowheader").textContent;
    expect([header, ...cells.map((cell) => cell.textContent)]).toEqual([
      "run-1",
      "completed",
      "train",
      "9 minutes ago",
      "2.0 s",
      "lr=0.1",
      "nightly",
      "train/prod",
    ]);
    expect(cells[2]?.title).toContain("started 2026-01-01 00:00:01.000 UTC");
  });

  it("show bones while the first answer is under way", async () => {
    const service = new FakeService();
    service.ask = () => new Promise(() => {});
    const root = await shown(service);
    expect(root.querySelectorAll(".nbf-runs-skeleton tr")).toHaveLength(6);
    expect(screen.getByRole("table").getAttribute("aria-busy")).toBe("true");
  });

  it("let the clock of what runs tick", async () => {
    const service = new FakeService(row("1", RUNNING, { duration: 70.4 }));
    const root = await shown(service);
    const told = () => root.querySelector(".nbf-run .nbf-number")?.textContent;
    expect(told()).toBe("1 m 10 s");
    await pass(3000);
    expect(told()).toBe("1 m 13 s");
  });

  it("keep hostile words as words", async () => {
    const root = await shown(
      new FakeService(
        row(
          "1",
          {
            name: HOSTILE,
            flow_name: HOSTILE,
            tags: [HOSTILE],
            parameters: { [HOSTILE]: HOSTILE },
          },
          { deployment: HOSTILE },
        ),
      ),
    );
    expect(root.querySelector("img,script")).toBeNull();
    expect(root.textContent?.split("<img src=x").length).toBeGreaterThan(4);
  });

  it("say how to run something when nothing ever ran", async () => {
    await shown(new FakeService());
    expect(screen.getByText("No runs yet.")).toBeTruthy();
    expect(screen.getByText("%nbflow run notebook.ipynb")).toBeTruthy();
  });
});

describe("finding", () => {
  const lastWhere = ({ asked }: FakeService) => (asked.at(-1) as { where: unknown }).where;

  it("waits until the reader pauses", async () => {
    const service = new FakeService(row("1"));
    await shown(service);
    const input = screen.getByRole("searchbox");
    for (const value of ["o", "ot", "otter"]) {
      fireEvent.input(input, { target: { value } });
      await pass(100);
    }
    expect(service.asked).toHaveLength(1);
    await pass(250);
    expect([service.asked.length, lastWhere(service)]).toEqual([2, { text: "otter" }]);
  });

  it("by states, a flow and tags of a row, and takes each back", async () => {
    const service = new FakeService(row("1", { tags: ["prod"] }));
    await shown(service);
    const click = async (name: string) => {
      fireEvent.click(screen.getByRole("button", { name }));
      await pass(0);
    };
    await click("failed");
    await click("train");
    await click("prod");
    expect(lastWhere(service)).toEqual({ states: ["FAILED"], flow: "train", tags: ["prod"] });
    expect(screen.getByRole("button", { name: "failed" }).getAttribute("aria-pressed")).toBe(
      "true",
    );
    await click("failed");
    await click("flow train");
    await click("tag prod");
    expect(lastWhere(service)).toEqual({});
  });

  it("offers all runs when none matches", async () => {
    const service = new FakeService();
    await shown(service);
    fireEvent.click(screen.getByRole("button", { name: "failed" }));
    await pass(0);
    fireEvent.click(screen.getByRole("button", { name: "Show all runs" }));
    await pass(0);
    expect(lastWhere(service)).toEqual({});
  });

  it("is remembered when the view comes back", async () => {
    const memory = new Map();
    await shown(new FakeService(row("1")), { memory });
    fireEvent.click(screen.getByRole("button", { name: "failed" }));
    cleanup();
    const service = new FakeService(row("1"));
    await shown(service, { memory });
    expect(lastWhere(service)).toEqual({ states: ["FAILED"] });
  });

  it("hears only the last answer", async () => {
    const service = new FakeService(row("late"));
    const slow = service.ask;
    let answer = () => {};
    service.ask = (async (method, params) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return slow(method, params);
    }) as typeof slow;
    const root = await shown(service);
    const first = answer;
    service.ask = new FakeService(row("new")).ask;
    fireEvent.click(screen.getByRole("button", { name: "Refresh" }));
    await pass(0);
    first();
    await pass(0);
    expect(names(root)).toEqual(["run-new"]);
  });
});

describe("sorting", () => {
  it("asks for the order of the column that is clicked", async () => {
    const service = new FakeService(row("1"));
    await shown(service);
    const head = screen.getByRole("columnheader", { name: "Duration" });
    const seen: unknown[] = [];
    for (const _ of [1, 2, 3]) {
      fireEvent.click(within(head).getByRole("button"));
      await pass(0);
      seen.push([
        (service.asked.at(-1) as { order: string }).order,
        head.getAttribute("aria-sort"),
      ]);
    }
    expect(seen).toEqual([
      ["-duration", "descending"],
      ["duration", "ascending"],
      ["-created", "none"],
    ]);
  });

  it("has no button where there is no order", async () => {
    await shown(new FakeService(row("1")));
    const head = screen.getByRole("columnheader", { name: "State" });
    expect(within(head).queryByRole("button")).toBeNull();
    expect(head.hasAttribute("aria-sort")).toBe(false);
  });
});

describe("more", () => {
  it("comes by pages until all are here", async () => {
    const service = new FakeService(...Array.from({ length: 120 }, (_, index) => row(`${index}`)));
    const root = await shown(service);
    const seen: unknown[] = [];
    for (const _ of [1, 2]) {
      seen.push([names(root).length, screen.getByRole("status").textContent]);
      fireEvent.click(screen.getByRole("button", { name: "Show more" }));
      await pass(0);
    }
    expect(seen).toEqual([
      [50, "50 of 120 runs"],
      [100, "100 of 120 runs"],
    ]);
    expect([names(root).length, screen.getByRole("status").textContent]).toEqual([120, "120 runs"]);
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });
});

describe("refreshing", () => {
  it("happens every five seconds while something runs, and ends with it", async () => {
    const service = new FakeService(row("1", RUNNING));
    await shown(service);
    await pass(4900);
    expect(service.asked).toHaveLength(1);
    await pass(200);
    expect(service.asked).toHaveLength(2);
    service.rows = [row("1")];
    await pass(5000);
    expect(service.asked).toHaveLength(3);
    await pass(60_000);
    expect(service.asked).toHaveLength(3);
  });

  it("does not happen while nothing runs", async () => {
    const service = new FakeService(row("1"));
    await shown(service);
    await pass(60_000);
    expect(service.asked).toHaveLength(1);
  });

  it("waits while the page is hidden, and catches up at once", async () => {
    const service = new FakeService(row("1", RUNNING));
    await shown(service);
    show("hidden");
    await pass(60_000);
    expect(service.asked).toHaveLength(1);
    show("visible");
    await pass(0);
    expect(service.asked).toHaveLength(2);
  });

  it("waits while the list is out of the window", async () => {
    let tell: (seen: boolean) => void = () => {};
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        constructor(receive: (entries: { isIntersecting: boolean }[]) => void) {
          tell = (isIntersecting) => act(() => receive([{ isIntersecting }]));
        }
        observe() {}
        disconnect() {}
      },
    );
    const service = new FakeService(row("1", RUNNING));
    await shown(service);
    tell(false);
    await pass(60_000);
    expect(service.asked).toHaveLength(1);
    tell(true);
    await pass(0);
    expect(service.asked).toHaveLength(2);
    vi.unstubAllGlobals();
  });

  it("never asks again before the answer", async () => {
    const service = new FakeService(row("1", RUNNING));
    await shown(service);
    const asked = vi.fn(() => new Promise<never>(() => {}));
    service.ask = asked;
    await pass(60_000);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("ends when the view goes", async () => {
    const service = new FakeService(row("1", RUNNING));
    await shown(service);
    cleanup();
    await pass(60_000);
    expect(service.asked).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps the pages that were asked for", async () => {
    const rows = Array.from({ length: 120 }, (_, index) => row(`${index}`, RUNNING));
    const root = await shown(new FakeService(...rows));
    fireEvent.click(screen.getByRole("button", { name: "Show more" }));
    await pass(5100);
    expect(names(root)).toHaveLength(100);
  });
});

describe("no answer", () => {
  it("is told with the way to try again", async () => {
    const service = new FakeService(row("1"));
    service.refusal = "The store is locked. Close the other program.";
    const root = await shown(service);
    expect(screen.getByRole("alert").textContent).toContain("The store is locked.");
    expect(root.querySelector("table")).toBeNull();
    service.refusal = null;
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await pass(0);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(names(root)).toEqual(["run-1"]);
  });

  it("leaves the rows that are known, and is asked for again by itself", async () => {
    const service = new FakeService(row("1", RUNNING));
    const root = await shown(service);
    service.refusal = "Lost.";
    await pass(5100);
    expect([names(root), screen.getByRole("alert").textContent]).toEqual([
      ["run-1"],
      "Lost.Try again",
    ]);
    service.refusal = null;
    await pass(5100);
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("tells nothing of what went wrong inside", async () => {
    const service = new FakeService();
    service.ask = () => Promise.reject(new TypeError("x is undefined"));
    await shown(service);
    expect(screen.getByRole("alert").textContent).toBe("The runs could not be listed.Try again");
  });
});

describe("opening", () => {
  const renderRun = (run: string) => <p>The run {run}</p>;
  const three = () => new FakeService(row("a"), row("b"), row("c"));
  const button = (name: string) => screen.getByRole("button", { name: `run-${name}` });

  it("shows the run below its row, one at a time", async () => {
    const onOpen = vi.fn();
    await shown(three(), { renderRun, onOpen });
    fireEvent.click(button("a"));
    fireEvent.click(button("b"));
    expect(screen.queryByText("The run a")).toBeNull();
    const detail = screen.getByText("The run b").closest("td");
    expect(button("b").getAttribute("aria-expanded")).toBe("true");
    expect(button("b").getAttribute("aria-controls")).toBe(detail?.id);
    expect(detail?.colSpan).toBe(8);
    fireEvent.click(button("b"));
    expect(screen.queryByText("The run b")).toBeNull();
    expect(onOpen.mock.calls).toEqual([["a"], ["b"]]);
  });

  it("happens by a click anywhere in the row, but not by what filters", async () => {
    const service = three();
    await shown(service, { renderRun });
    const [, first] = screen.getAllByRole("row");
    fireEvent.click(
      within(first as HTMLElement).getAllByRole("button", { name: "train" })[0] as HTMLElement,
    );
    await pass(0);
    expect(screen.queryByText("The run a")).toBeNull();
    fireEvent.click(within(first as HTMLElement).getAllByRole("cell")[2] as HTMLElement);
    expect(screen.getByText("The run a")).toBeTruthy();
  });

  it("only tells when there is nothing to show", async () => {
    const onOpen = vi.fn();
    await shown(three(), { onOpen });
    fireEvent.click(button("c"));
    expect(onOpen.mock.calls).toEqual([["c"]]);
    expect(button("c").hasAttribute("aria-expanded")).toBe(false);
  });

  it("goes by arrow keys from row to row, with one stop for Tab", async () => {
    await shown(three(), { renderRun });
    const stops = () => ["a", "b", "c"].filter((name) => button(name).tabIndex === 0);
    expect(stops()).toEqual(["a"]);
    act(() => button("a").focus());
    const seen = ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Home", "End"].map((key) => {
      fireEvent.keyDown(document.activeElement as Element, { key });
      return [document.activeElement?.textContent, ...stops()];
    });
    expect(seen).toEqual([
      ["run-b", "b"],
      ["run-c", "c"],
      ["run-c", "c"],
      ["run-b", "b"],
      ["run-a", "a"],
      ["run-c", "c"],
    ]);
  });

  it("leaves the keys of the open run alone", async () => {
    const inner = () => <button type="button">inside</button>;
    await shown(three(), { renderRun: inner });
    fireEvent.click(button("a"));
    const inside = screen.getByRole("button", { name: "inside" });
    act(() => inside.focus());
    fireEvent.keyDown(inside, { key: "ArrowDown" });
    fireEvent.keyDown(inside, { key: "Escape" });
    expect(document.activeElement).toBe(inside);
  });

  it("ends by Escape on the row", async () => {
    await shown(three(), { renderRun });
    fireEvent.click(button("b"));
    fireEvent.keyDown(button("a"), { key: "Escape" });
    expect(screen.getByText("The run b")).toBeTruthy();
    fireEvent.keyDown(button("b"), { key: "Escape" });
    expect(screen.queryByText("The run b")).toBeNull();
  });
});
