import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import bootstrap from "./bootstrap";
import { FakeModel } from "./fake-model";
import type { Page } from "./page";

const KEY = Symbol.for("nbflow.page");
const shared = globalThis as { [KEY]?: Page };
/** What a bundle's `start` was given, and what it ended. */
const log = vi.fn();
Object.assign(globalThis, { nbflowTestLog: log });

const code = (name: string) =>
  `export const start = ({ page }) => {
    globalThis.nbflowTestLog("start ${name}", page.id);
    return () => globalThis.nbflowTestLog("end ${name}");
  };`;

beforeEach(() => {
  vi.useFakeTimers();
  log.mockClear();
  delete shared[KEY];
  // Node imports no blob: addresses, but data: ones.
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => addresses.get(blob as Blob) ?? "");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const addresses = new Map<Blob, string>();
const RealBlob = globalThis.Blob;
globalThis.Blob = class extends RealBlob {
  constructor(parts: string[], options?: BlobPropertyBag) {
    super(parts, options);
    addresses.set(this, `data:text/javascript,${encodeURIComponent(parts.join(""))}`);
  }
} as typeof Blob;

const begin = (model = new FakeModel()) => ({ model, end: bootstrap.initialize({ model }) });
const page = () => shared[KEY]?.id as string;
const bundle = (hash: string, content: string | null, to = page()) => ({
  type: "bundle",
  page: to,
  hash,
  code: content,
});
const started = (count: number) =>
  vi.waitFor(() =>
    expect(log.mock.calls.filter(([what]) => what.startsWith("start"))).toHaveLength(count),
  );

describe("hello", () => {
  test("is said until the bundle comes, for the first may be lost", async () => {
    const { model } = begin();
    vi.advanceTimersByTime(1000);
    expect(model.sent).toHaveLength(4);
    expect(model.sent[0]).toEqual({ type: "hello", page: page(), have: null });
    model.say(bundle("h1", code("one"), "another page"));
    vi.advanceTimersByTime(300);
    expect(model.sent).toHaveLength(5);
    model.say(bundle("h1", code("one")));
    await started(1);
    model.say(bundle("h1", code("one")));
    vi.advanceTimersByTime(60_000);
    expect(model.sent).toHaveLength(5);
    expect(log).toHaveBeenCalledExactlyOnceWith("start one", page());
  });

  test("grows slower, and is given up after some minutes", () => {
    const { model } = begin();
    vi.advanceTimersByTime(30_000);
    const soon = model.sent.length;
    vi.advanceTimersByTime(30_000);
    expect(model.sent.length - soon).toBeLessThanOrEqual(10);
    vi.advanceTimersByTime(3_600_000);
    expect(model.sent.length).toBe(201);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends with the model", () => {
    const { model, end } = begin();
    end?.();
    vi.advanceTimersByTime(10_000);
    expect(model.sent).toHaveLength(1);
    expect(model.listening).toBe(0);
  });
});

describe("the bundle", () => {
  test("of one version is carried once to a page with several kernels", async () => {
    const first = begin();
    first.model.say(bundle("h2", code("two")));
    await started(1);
    const second = begin();
    expect(second.model.sent[0]).toMatchObject({ have: "h2" });
    second.model.say(bundle("h2", null));
    await started(2);
    first.end?.();
    expect(log).toHaveBeenLastCalledWith("end two");
  });

  test("of another version stands beside the first", async () => {
    begin().model.say(bundle("h3", code("three")));
    begin().model.say(bundle("h4", code("four")));
    await started(2);
    expect([...(shared[KEY]?.bundles.keys() ?? [])]).toEqual(["h3", "h4"]);
  });

  test("that the kernel wrongly believes to be here is asked for again", async () => {
    const { model } = begin();
    model.say(bundle("h5", null));
    vi.advanceTimersByTime(300);
    expect(model.sent).toHaveLength(2);
    model.say(bundle("h5", code("five")));
    await started(1);
  });

  test("that came when the model had gone is not started", async () => {
    const { model, end } = begin();
    model.say(bundle("h6", code("six")));
    end?.();
    await vi.advanceTimersByTimeAsync(1000);
    await vi.dynamicImportSettled();
    expect(log).not.toHaveBeenCalled();
  });

  test("that is broken is told to the console, and breaks nothing", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    begin().model.say(bundle("h7", "this is no JavaScript"));
    await vi.waitFor(() => expect(told).toHaveBeenCalled());
  });
});

describe("a widget with a target", () => {
  test("is a view: it says nothing, and shows an element", () => {
    const model = new FakeModel({ target: { view: "v", kind: "runs", run: null } });
    bootstrap.initialize({ model });
    const el = document.createElement("div");
    const end = bootstrap.render({ model, el });
    expect(model.sent).toEqual([]);
    expect(el.innerHTML).toBe('<nbflow-view view="v" kind="runs"></nbflow-view>');
    end();
    expect(el.childElementCount).toBe(0);
  });
});
