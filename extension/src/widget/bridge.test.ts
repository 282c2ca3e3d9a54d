import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Look, RunUpdate, ServiceError } from "../api/types";
import { Bridge } from "./bridge";
import { FakeModel } from "./fake-model";

const LOOK: Look = { closed: null, direction: null };
const RUN = { run: "r" };
const PAGE = "p";

let model: FakeModel;
let bridge: Bridge;
beforeEach(() => {
  vi.useFakeTimers();
  model = new FakeModel();
  bridge = new Bridge(model, PAGE);
});
afterEach(() => {
  bridge.end();
  vi.useRealTimers();
});

const alive = () => model.say({ type: "alive", page: PAGE });
const update = (watch: unknown, now: number, page = PAGE) =>
  model.say({ type: "updates", updates: [{ page, watch, update: { now } }] });
const last = (type: string) => model.heard(type).at(-1);
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => "no refusal",
    (error: ServiceError) => error.message,
  );

describe("a watch", () => {
  test("is asked for, looked at, seen, and given back", () => {
    const watch = bridge.watch(RUN, LOOK, () => {});
    const number = last("watch")?.watch;
    watch.look({ closed: ["g"], direction: "right" });
    watch.seen(true); // as it was
    watch.seen(false);
    watch.close();
    watch.close();
    expect(model.sent).toEqual([
      { type: "watch", page: PAGE, watch: number, target: RUN, look: LOOK },
      { type: "look", page: PAGE, watch: number, look: { closed: ["g"], direction: "right" } },
      { type: "seen", page: PAGE, watch: number, visible: false },
      { type: "unwatch", page: PAGE, watch: number },
    ]);
  });

  test("hears what is meant for it, and for this page", () => {
    const heard: RunUpdate[] = [];
    bridge.watch(RUN, LOOK, (news) => heard.push(news));
    const number = last("watch")?.watch;
    update(number, 1, "another page");
    update(-1, 2);
    update(number, 3);
    expect(heard).toEqual([{ now: 3 }]);
  });

  test("hears nothing after it was closed", () => {
    const heard = vi.fn();
    const watch = bridge.watch(RUN, LOOK, heard);
    const number = last("watch")?.watch;
    watch.close();
    update(number, 1);
    expect(heard).not.toHaveBeenCalled();
  });

  test("two bridges of one page never use one number", () => {
    const other = new Bridge(model, PAGE);
    bridge.watch(RUN, LOOK, () => {});
    other.watch(RUN, LOOK, () => {});
    const numbers = model.heard("watch").map(({ watch }) => watch);
    expect(new Set(numbers).size).toBe(2);
    other.end();
  });
});

describe("a question", () => {
  const ask = (seconds?: number) =>
    bridge.ask(
      "run.act",
      { run: "r", action: "cancel" },
      seconds === undefined ? undefined : { seconds },
    );

  test("gets its own answer", async () => {
    const [first, second] = [ask(), ask()];
    const [one, two] = model.heard("ask").map(({ ask: number }) => number);
    model.say({ type: "answer", page: PAGE, ask: two, result: { told: "two" } });
    model.say({ type: "answer", page: "another", ask: one, result: { told: "not mine" } });
    model.say({ type: "answer", page: PAGE, ask: one, result: { told: "one" } });
    expect(await Promise.all([first, second])).toEqual([{ told: "one" }, { told: "two" }]);
  });

  test("is refused with the kernel's sentence", async () => {
    const asked = ask();
    model.say({ type: "answer", page: PAGE, ask: last("ask")?.ask, error: "It has ended." });
    expect(await refusal(asked)).toBe("It has ended.");
  });

  test("without an answer in time is refused, and says why and what to do", async () => {
    const asked = refusal(ask(3));
    vi.advanceTimersByTime(2999);
    alive();
    vi.advanceTimersByTime(1);
    expect(await asked).toMatch(/did not answer\. It may be busy: .*stop button/);
    model.say({ type: "answer", page: PAGE, ask: last("ask")?.ask, result: { told: "late" } });
  });

  test("that cannot leave is refused at once", async () => {
    model.broken = true;
    expect(await refusal(ask())).toMatch(/kernel is gone/);
  });

  test("is refused when the kernel goes, and after", async () => {
    const open = refusal(ask());
    bridge.end();
    expect(await open).toMatch(/kernel is gone/);
    expect(await refusal(ask())).toMatch(/kernel is gone/);
  });
});

describe("the connection", () => {
  const told: string[] = [];
  beforeEach(() => {
    told.length = 0;
    bridge.onConnection((connection) => told.push(connection));
  });

  test("lives while anything comes", () => {
    bridge.watch(RUN, LOOK, () => {});
    for (let n = 0; n < 12; n++) {
      vi.advanceTimersByTime(8000);
      update(last("watch")?.watch, n);
    }
    expect(told).toEqual(["live"]);
    expect(model.heard("beat").length).toBeGreaterThan(8);
  });

  test("is lost in silence, and comes back with all that is watched", () => {
    const watch = bridge.watch(RUN, LOOK, () => {});
    const closed = bridge.watch({ view: "v" }, LOOK, () => {});
    closed.close();
    watch.look({ closed: [], direction: "radial" });
    watch.seen(false);
    vi.advanceTimersByTime(24_000);
    expect(told).toEqual(["live"]);
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual(["live", "lost"]);
    model.sent = [];
    alive();
    expect(told).toEqual(["live", "lost", "live"]);
    expect(model.sent).toMatchObject([
      { type: "watch", target: RUN, look: { direction: "radial" } },
      { type: "seen", visible: false },
    ]);
    model.sent = [];
    alive();
    expect(model.sent).toEqual([]);
  });

  test("after a computer's sleep the kernel is told anew, though no timer ran meanwhile", () => {
    bridge.watch(RUN, LOOK, () => {});
    vi.setSystemTime(Date.now() + 3_600_000);
    model.sent = [];
    alive();
    expect(last("watch")).toMatchObject({ target: RUN });
  });

  test("in doubt it is lost soon, unless the kernel answers", () => {
    bridge.doubt();
    vi.advanceTimersByTime(2000);
    alive();
    vi.advanceTimersByTime(4000);
    expect(told).toEqual(["live"]);
    model.fire("comm_live_update");
    vi.advanceTimersByTime(4000);
    expect(told).toEqual(["live", "lost"]);
  });

  test("is lost at once when the comm is closed under it", () => {
    model.broken = true;
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual(["live", "lost"]);
  });

  test("ends with the model, and leaves nothing behind", () => {
    bridge.watch(RUN, LOOK, () => {});
    bridge.end();
    expect(told).toEqual(["live", "lost"]);
    expect(model.listening).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test.each([null, "text", 3, {}, { type: "updates", updates: [] }, { type: "other", page: PAGE }])(
  "what nobody here understands (%j) does no harm",
  (content) => {
    model.say(content);
    expect(bridge.connection).toBe("live");
  },
);
