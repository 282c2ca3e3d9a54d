import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Look, RunUpdate } from "../api/types";
import { Bridge } from "./bridge";
import { FakeModel } from "./fake-model";
import { Route } from "./route";

const LOOK: Look = { closed: null, direction: null };
const RUN = { run: "r" };

/** A kernel that tells what it knows of every target. */
class Kernel {
  model = new FakeModel();
  bridge = new Bridge(this.model, "p");

  tell(update: Partial<RunUpdate>): void {
    const watch = this.model.heard("watch").at(-1)?.watch;
    this.model.say({
      type: "updates",
      updates: [{ page: "p", watch, update: { now: 1, ...update } }],
    });
  }

  answer(message: { result?: unknown; error?: string }): void {
    const ask = this.model.heard("ask").at(-1)?.ask;
    this.model.say({ type: "answer", page: "p", ask, ...message });
  }

  silent(): void {
    this.bridge.doubt();
    vi.advanceTimersByTime(4000);
  }
}

let lines: Set<Bridge>;
let first: Kernel;
let second: Kernel;
let route: Route;
let heard: (RunUpdate | string)[];
beforeEach(() => {
  vi.useFakeTimers();
  [first, second] = [new Kernel(), new Kernel()];
  lines = new Set([first.bridge, second.bridge]);
  route = new Route(lines);
  heard = [];
});
afterEach(() => {
  route.close();
  first.bridge.end();
  second.bridge.end();
  vi.useRealTimers();
});
const watch = () => route.watch(RUN, LOOK, (update) => heard.push(update.gone ?? update));
const end = (kernel: Kernel) => {
  lines.delete(kernel.bridge);
  kernel.bridge.end();
  route.left(kernel.bridge);
};

describe("a watch among several kernels", () => {
  test("belongs to the first that knows the target; the others are left", () => {
    watch();
    second.tell({ gone: "Not here." });
    first.tell({ reset: true });
    first.tell({ now: 2 });
    expect(heard).toEqual([{ now: 1, reset: true }, { now: 2 }]);
    expect(second.model.heard("unwatch")).toHaveLength(1);
    second.tell({ now: 3 });
    expect(heard).toHaveLength(2);
  });

  test("is gone only when no kernel knows the target", () => {
    watch();
    first.tell({ gone: "Not here." });
    expect(heard).toEqual([]);
    second.tell({ gone: "Nor here." });
    expect(heard).toEqual(["Nor here."]);
  });

  test("is told that its run was deleted, by the kernel that knew it", () => {
    watch();
    first.tell({ reset: true });
    first.tell({ gone: "It was deleted." });
    expect(heard.at(-1)).toBe("It was deleted.");
  });

  test("goes on with another kernel when its own ends", () => {
    const one = watch();
    first.tell({ reset: true });
    one.look({ closed: null, direction: "right" });
    one.seen(false);
    second.model.sent = [];
    end(first);
    expect(second.model.sent).toMatchObject([
      { type: "watch", target: RUN, look: { direction: "right" } },
      { type: "seen", visible: false },
    ]);
    second.tell({ reset: true, now: 9 });
    expect(heard.at(-1)).toEqual({ now: 9, reset: true });
  });

  test("goes on with another kernel when its own is silent, but takes what comes from it", () => {
    watch();
    first.tell({ reset: true });
    second.model.sent = [];
    first.silent();
    expect(second.model.heard("watch")).toHaveLength(1);
    first.tell({ now: 5 });
    expect(heard.at(-1)).toEqual({ now: 5 });
    second.tell({ reset: true, now: 6 });
    expect(heard.at(-1)).toEqual({ now: 6, reset: true });
    expect(first.model.heard("unwatch")).toHaveLength(1);
  });

  test("finds its kernel when that comes back as a new model", () => {
    end(second);
    watch();
    first.tell({ reset: true });
    end(first);
    const third = new Kernel();
    lines.add(third.bridge);
    route.joined(third.bridge);
    third.tell({ reset: true, now: 7 });
    expect(heard.at(-1)).toEqual({ now: 7, reset: true });
    third.bridge.end();
  });

  test("that was closed is asked of nobody any more", () => {
    watch().close();
    second.model.sent = [];
    end(first);
    expect(second.model.sent).toEqual([]);
  });
});

describe("a question among several kernels", () => {
  const list = () => route.ask("runs.list", { where: {}, order: "-created", limit: 1, offset: 0 });
  const told = (promise: Promise<unknown>) =>
    promise.then(JSON.stringify, (error: Error) => error.message);

  test("about a watched run goes to the kernel that knows it", async () => {
    watch();
    first.tell({ reset: true });
    const asked = route.ask("run.act", { run: "r", action: "cancel" });
    first.answer({ result: { told: "Done." } });
    expect(await asked).toEqual({ told: "Done." });
    expect(second.model.heard("ask")).toEqual([]);
  });

  test("that only reads goes on to the next when one refuses", async () => {
    const asked = told(list());
    second.answer({ error: "Unknown." });
    await vi.advanceTimersByTimeAsync(0);
    first.answer({ result: { items: [], total: 0 } });
    expect(await asked).toBe('{"items":[],"total":0}');
    const again = told(list());
    first.answer({ result: { items: [], total: 3 } });
    expect(await again).toBe('{"items":[],"total":3}');
  });

  test("that all refuse is refused as by the first", async () => {
    const asked = told(list());
    second.answer({ error: "The newest refuses." });
    await vi.advanceTimersByTimeAsync(0);
    first.answer({ error: "The other too." });
    expect(await asked).toBe("The newest refuses.");
  });

  test("that acts is asked once", async () => {
    const asked = told(route.ask("run.act", { run: "r", action: "retry" }));
    second.answer({ error: "No." });
    expect(await asked).toBe("No.");
    expect(first.model.heard("ask")).toEqual([]);
  });

  test("without a kernel says so", async () => {
    end(first);
    end(second);
    expect(await told(list())).toMatch(/No kernel is connected/);
  });
});

describe("the connection", () => {
  test("is that of the kernel that knows the target", () => {
    const said: string[] = [];
    route.onConnection((connection) => said.push(connection));
    watch();
    first.tell({ reset: true });
    second.silent();
    expect(said).toEqual(["live"]);
    first.silent();
    expect(said).toEqual(["live", "lost"]);
    first.model.say({ type: "alive", page: "p" });
    expect(said).toEqual(["live", "lost", "live"]);
  });

  test("begins without a kernel, and is lost without one later", () => {
    const none = new Route(new Set());
    const said: string[] = [];
    none.onConnection((connection) => said.push(connection));
    expect(said).toEqual(["connecting"]);
    end(first);
    end(second);
    route.onConnection((connection) => said.push(connection));
    expect(said).toEqual(["connecting", "lost"]);
  });
});
