import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { RunStore } from "../../api/run-store";
import { logLine, state } from "../../api/samples";
import type { RunUpdate } from "../../api/types";
import { MemoryContext } from "../hooks";
import { RunView } from "./run-view";
import { ANSWER, CANCEL, FAILURE, FakeService, NOW, nightly, storeOf, task } from "./samples";

let service: FakeService;
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  localStorage.clear();
  service = new FakeService();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function show(store: RunStore, more: { magics?: boolean; memory?: Map<string, unknown> } = {}) {
  return render(
    <MemoryContext.Provider value={more.memory ?? new Map()}>
      <RunView
        service={service}
        target={{ run: "r" }}
        store={store}
        magics={more.magics ?? false}
      />
    </MemoryContext.Provider>,
  );
}
const shown = (update: Partial<RunUpdate> = {}, more = {}) => show(storeOf(update), more);
const text = () => document.body.textContent ?? "";
const pass = (ms: number) =>
  act(() => {
    vi.advanceTimersByTime(ms);
  });

describe("a graph without tasks", () => {
  const graph = { nodes: [], edges: [] } as unknown as RunUpdate["graph"];

  test("waits for them while the run goes on", () => {
    shown({ graph });
    expect(text()).toContain("No tasks yet: each appears here when it starts.");
  });

  test("waits for nothing when the run has ended", () => {
    shown({ graph, run: nightly({ state: state("CANCELLED", "Cancelled") }) });
    expect(text()).toContain("This run had no tasks.");
  });
});

describe("the header", () => {
  test("says the state, the name, how far it is and how long it takes", () => {
    shown({
      progress: {
        total: 40,
        done: 15,
        counts: { Completed: 12, Failed: 3, Running: 5, Pending: 20 },
        noun: "task",
      },
    });
    expect(screen.getByText("running")).toBeTruthy();
    expect(text()).toMatch(/nightly.*brave-otter.*12 of 40.*3 failed.*20 s/);
    pass(3000);
    expect(text()).toMatch(/23 s/);
    const bar = screen.getByRole("progressbar");
    expect(bar.getAttribute("aria-valuenow")).toBe("15");
    expect(bar.getAttribute("aria-valuetext")).toMatch(/40 tasks: 12 completed, 3 failed/);
  });

  test("goes by the sender's clock", () => {
    shown({ now: NOW + 3_600_000 });
    expect(text()).toMatch(/1 h 00 m/);
  });

  test("has a clock that stands still at the end", () => {
    const run = nightly({
      state: state("COMPLETED", "Completed"),
      end_time: "2026-05-06T12:00:11.500Z",
    });
    shown({ run });
    pass(60_000);
    expect(text()).toMatch(/1\.5 s/);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("shows parameters when asked, as text", () => {
    shown({
      run: nightly({ parameters: { path: "<img src=x onerror=alert(1)>", n: { a: [1, 2] } } }),
    });
    const button = screen.getByRole("button", { name: "2 parameters" });
    expect(button.getAttribute("aria-expanded")).toBe("false");
    fireEvent.click(button);
    expect(button.getAttribute("aria-expanded")).toBe("true");
    expect(text()).toContain('"<img src=x onerror=alert(1)>"');
    expect(text()).toContain('{ "a": [ 1, 2 ] }');
    expect(document.querySelector("img")).toBeNull();
  });
});

test("everything that a run tells is text", () => {
  const evil = "<img src=x onerror=alert(1)><script>alert(2)</script>";
  const run = nightly({
    name: evil,
    flow_name: evil,
    state: state("FAILED", "Failed", { message: evil }),
  });
  shown({
    run,
    failure: {
      what: evil,
      error: evil,
      source: { place: evil, text: evil },
      traceback: [evil],
      next: [{ command: evil, purpose: evil }],
      task: null,
      node: null,
    },
    logs: [logLine(1, evil, { task: "t" })],
    tasks: [task("t", { name: evil })],
    actions: [{ ...CANCEL, label: evil, title: evil }],
    gone: evil,
  });
  fireEvent.click(screen.getByRole("button", { name: "Full traceback" }));
  expect(document.querySelector("img, script")).toBeNull();
  expect(text().split(evil).length).toBeGreaterThan(9);
});

describe("before anything came", () => {
  test("there is the layout, and nothing else", () => {
    const store = storeOf();
    store.snapshot = { ...store.snapshot, run: null };
    show(store);
    expect(screen.getByLabelText("The run is loading").getAttribute("aria-busy")).toBe("true");
  });

  test("a run that is gone says so", () => {
    const store = storeOf({ gone: "The run was deleted." });
    store.snapshot = { ...store.snapshot, run: null };
    show(store);
    expect(text()).toContain("The run was deleted.");
  });
});

describe("a button", () => {
  const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

  test("asks, is busy meanwhile, and tells the answer", async () => {
    shown({ actions: [CANCEL] });
    press("Cancel");
    const busy = screen.getByRole("button", { name: "Cancelling…" });
    fireEvent.click(busy);
    expect(service.asked).toMatchObject([
      { method: "run.act", params: { run: nightly().id, action: "cancel" } },
    ]);
    await act(() => service.asked[0]?.answer("brave-otter is being interrupted."));
    expect(text()).toContain("brave-otter is being interrupted.");
    expect(screen.getByRole("button", { name: "Cancel" })).toBeTruthy();
    press("Hide this");
    expect(text()).not.toContain("interrupted");
  });

  test("that is refused says why", async () => {
    shown({ actions: [CANCEL] });
    press("Cancel");
    await act(() => service.asked[0]?.refuse("It has ended already."));
    expect(text()).toContain("It has ended already.");
  });

  test("to cancel that is not heard says how else, and takes that back when it is", async () => {
    shown({ actions: [CANCEL] });
    press("Cancel");
    pass(1900);
    expect(text()).not.toContain("stop button");
    pass(200);
    expect(text()).toContain("The kernel is busy and this front end cannot reach it meanwhile.");
    expect(screen.getByText("nbflow cancel 12345678")).toBeTruthy();
    await act(() => service.asked[0]?.answer("It ends."));
    expect(text()).not.toContain("stop button");
    expect(text()).toContain("It ends.");
  });

  test("is forgotten when the run has ended", async () => {
    const store = storeOf({ actions: [CANCEL] });
    show(store);
    press("Cancel");
    await act(() => service.asked[0]?.answer("It ends."));
    act(() =>
      store.apply({
        now: NOW,
        actions: [],
        run: nightly({ state: state("CANCELLED", "Cancelled") }),
      }),
    );
    expect(text()).not.toContain("It ends.");
    expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
  });
});

describe("a failure", () => {
  const run = nightly({ state: state("FAILED", "Failed") });

  test("says what, why, where, and what to type next", () => {
    shown({ run, failure: FAILURE });
    const alarm = within(screen.getByLabelText("What failed"));
    for (const words of [
      FAILURE.what,
      FAILURE.error,
      "cell 4, line 2",
      "return a / b",
      "mend it, then go on",
    ]) {
      expect(alarm.getByText(words)).toBeTruthy();
    }
    expect(alarm.getByText("nbflow resume 12345678")).toBeTruthy();
    expect(alarm.queryByText(/Traceback:/)).toBeNull();
    fireEvent.click(alarm.getByRole("button", { name: "Full traceback" }));
    expect(alarm.getByText(/Traceback:/)).toBeTruthy();
  });

  test("in a notebook is followed by magics", () => {
    shown({ run, failure: FAILURE }, { magics: true });
    expect(screen.getByText("%nbflow resume 12345678")).toBeTruthy();
    expect(screen.getByText("jupyter console")).toBeTruthy();
  });

  test("is over when the run goes on", () => {
    const store = storeOf({ run, failure: FAILURE });
    show(store);
    act(() => store.apply({ now: NOW, failure: null, run: nightly({ attempt: 2 }) }));
    expect(screen.queryByLabelText("What failed")).toBeNull();
    expect(text()).toContain("try 2");
  });
});

describe("a question", () => {
  const run = nightly({ state: state("PAUSED", "Paused") });
  const question = { message: "Deploy it?", schema: null, deadline: NOW + 120_000 };

  test("without a schema needs only a word", async () => {
    shown({ run, actions: [ANSWER], question });
    const form = within(screen.getByLabelText("What the run asks"));
    expect(form.getByText("Deploy it?")).toBeTruthy();
    expect(form.getByText(/fails in 2 minutes/)).toBeTruthy();
    expect(screen.getAllByRole("button", { name: "Go on" })).toHaveLength(1);
    fireEvent.click(form.getByRole("button", { name: "Go on" }));
    expect(service.asked[0]?.params).toEqual({ run: run.id, action: "answer" });
  });

  test("for a model is a form of its fields", () => {
    const schema = {
      type: "object",
      properties: { rate: { type: "number", title: "Rate" } },
      required: ["rate"],
    };
    shown({ run, actions: [ANSWER], question: { ...question, schema } });
    fireEvent.input(screen.getByLabelText(/rate/i), { target: { value: "0.5" } });
    fireEvent.click(screen.getByRole("button", { name: "Go on" }));
    expect(service.asked[0]?.params).toMatchObject({ answer: { rate: 0.5 } });
  });
});

describe("the connection", () => {
  test("that is lost is told of, and what is known stays", () => {
    shown();
    act(() => service.connect("lost"));
    expect(text()).toMatch(/No word from the kernel/);
    expect(text()).toContain("nightly");
    act(() => service.connect("live"));
    expect(text()).not.toMatch(/No word/);
  });

  test("is not missed much when the run has ended", () => {
    shown({ run: nightly({ state: state("COMPLETED", "Completed") }) });
    act(() => service.connect("lost"));
    expect(text()).toMatch(/shown as it ended/);
  });
});

describe("the tabs", () => {
  const tab = (name: RegExp) => screen.getByRole("tab", { name });

  test("follow the keys, and have one panel at a time", () => {
    shown({ tasks: [task("a")], logs: [logLine(1, "hello")] });
    expect(tab(/Graph/).getAttribute("aria-selected")).toBe("true");
    fireEvent.keyDown(tab(/Graph/), { key: "ArrowRight" });
    expect(tab(/Timeline/).getAttribute("aria-selected")).toBe("true");
    expect(tab(/Timeline/).tabIndex).toBe(0);
    expect(tab(/Graph/).tabIndex).toBe(-1);
    expect(screen.getAllByRole("tabpanel")).toHaveLength(1);
    fireEvent.keyDown(tab(/Timeline/), { key: "End" });
    expect(tab(/Results/).getAttribute("aria-selected")).toBe("true");
    fireEvent.keyDown(tab(/Results/), { key: "ArrowRight" });
    expect(tab(/Graph/).getAttribute("aria-selected")).toBe("true");
  });

  test("say how much there is", () => {
    shown({ tasks: [task("a"), task("b")], logs: [logLine(1, "x")], logs_left_out: 1999 });
    expect(tab(/Timeline/).textContent).toBe("Timeline2");
    expect(tab(/Logs/).textContent).toBe("Logs2\u202f000");
    expect(tab(/Results/).textContent).toBe("Results");
  });

  test("are as they were when the view comes back", () => {
    const memory = new Map();
    const store = storeOf();
    const { unmount } = show(store, { memory });
    fireEvent.click(tab(/Logs/));
    unmount();
    show(store, { memory });
    expect(tab(/Logs/).getAttribute("aria-selected")).toBe("true");
  });
});

describe("the strip under the graph", () => {
  test("says the last lines, and leads to all of them", () => {
    const logs = ["one", "two", "three\nlast words\n\n", "\u001b[31mfour\u001b[0m"].map(
      (words, n) => logLine(n, words, { task: n === 3 ? "a" : null, level: n === 3 ? 40 : 20 }),
    );
    shown({ logs, tasks: [task("a", { name: "score" })] });
    const strip = screen.getByRole("button", { name: /Show all logs/ });
    expect(strip.textContent).toMatch(/two.*last words.*score.*four/);
    expect(strip.textContent).not.toMatch(/one|31m/);
    fireEvent.click(strip);
    expect(screen.getByRole("tab", { name: /Logs/ }).getAttribute("aria-selected")).toBe("true");
  });
});

describe("the height", () => {
  const edge = () => screen.getByRole("separator", { name: "Height of the view" });
  const height = () => screen.getByRole("tabpanel").firstElementChild?.getAttribute("style");

  test("follows the keys within limits, and is that of the next run", () => {
    const { unmount } = shown();
    expect(height()).toContain("320px");
    fireEvent.keyDown(edge(), { key: "ArrowDown" });
    fireEvent.keyDown(edge(), { key: "ArrowDown", shiftKey: true });
    expect(height()).toContain("440px");
    expect(edge().getAttribute("aria-valuenow")).toBe("440");
    unmount();
    shown();
    expect(height()).toContain("440px");
    fireEvent.keyDown(edge(), { key: "Home" });
    fireEvent.keyDown(edge(), { key: "ArrowUp" });
    expect(height()).toContain("160px");
  });

  test("follows the pointer while it is held", () => {
    shown();
    fireEvent.pointerDown(edge(), { clientY: 100, button: 0 });
    fireEvent.pointerMove(edge(), { clientY: 160 });
    expect(height()).toContain("380px");
    fireEvent.pointerUp(edge());
    fireEvent.pointerMove(edge(), { clientY: 500 });
    expect(height()).toContain("380px");
  });
});

test("a change of state is said to those who do not see it, not what it was before", () => {
  const store = storeOf();
  show(store);
  const spoken = () => document.querySelector(".nbf-rv > [role=status]")?.textContent;
  expect(spoken()).toBe("");
  act(() => store.apply({ now: NOW, run: nightly({ state: state("FAILED", "TimedOut") }) }));
  expect(spoken()).toBe("nightly is timed out");
});

test("an end that comes while the view is put on the page anew is said, and once", () => {
  const [store, memory] = [storeOf(), new Map()];
  const spoken = () =>
    [...document.querySelectorAll(".nbf-rv > [role=status]")].map((each) => each.textContent);
  show(store, { memory }).unmount();
  store.apply({ now: NOW, run: nightly({ state: state("CANCELLED", "Cancelled") }) });
  show(store, { memory });
  show(store, { memory });
  expect(spoken()).toEqual(["nightly is cancelled", ""]);
});
