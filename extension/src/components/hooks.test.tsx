import { act, cleanup, render } from "@testing-library/preact";
import { type ReactNode, useRef } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  MemoryContext,
  Skew,
  useKeptScroll,
  useNow,
  useReducedMotion,
  useSize,
  useStored,
  useTold,
} from "./hooks";

let told: unknown;
function Hook({ use }: { use: () => unknown }) {
  told = use();
  return null;
}
const show = (use: () => unknown, wrap = (inner: ReactNode) => inner) =>
  render(<div>{wrap(<Hook use={use} />)}</div>);

beforeEach(() => vi.useFakeTimers({ now: 1000 }));
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const pass = (ms: number) =>
  act(() => {
    vi.advanceTimersByTime(ms);
  });

test("what is told is told for a while, each word for all of it", () => {
  let say: (words: string) => void = () => {};
  const use = () => {
    const [words, tell] = useTold(1000);
    say = tell;
    return words;
  };
  show(use);
  expect(told).toBeNull();
  act(() => say("Copied"));
  pass(900);
  act(() => say("Not allowed"));
  pass(900);
  expect(told).toBe("Not allowed");
  pass(100);
  expect(told).toBeNull();
});

describe("now", () => {
  test("moves on by steps while it is wanted, on the sender's clock", () => {
    show(
      () => useNow(true, 500),
      (inner) => <Skew.Provider value={70_000}>{inner}</Skew.Provider>,
    );
    expect(told).toBe(71_000);
    pass(400);
    expect(told).toBe(71_000);
    pass(100);
    expect(told).toBe(71_500);
    cleanup();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("stands still when nothing ticks", () => {
    show(() => useNow(false));
    pass(60_000);
    expect(told).toBe(1000);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("what is stored", () => {
  test("is found again by the next one of the same target, and by no other", () => {
    const memory = new Map();
    const within = (inner: ReactNode) => (
      <MemoryContext.Provider value={memory}>{inner}</MemoryContext.Provider>
    );
    let set: (value: string) => void = () => {};
    const use = () => {
      const [value, keep] = useStored("key", "first");
      set = keep;
      return value;
    };
    show(use, within);
    expect(told).toBe("first");
    act(() => set("second"));
    expect(told).toBe("second");
    cleanup();
    show(use, within);
    expect(told).toBe("second");
    cleanup();
    show(use, (inner) => (
      <MemoryContext.Provider value={new Map()}>{inner}</MemoryContext.Provider>
    ));
    expect(told).toBe("first");
  });
});

test("the wish for no motion is followed", () => {
  const query = Object.assign(new EventTarget(), { matches: false });
  vi.spyOn(window, "matchMedia").mockReturnValue(query as unknown as MediaQueryList);
  show(useReducedMotion);
  expect(told).toBe(false);
  act(() => {
    query.matches = true;
    query.dispatchEvent(new Event("change"));
  });
  expect(told).toBe(true);
});

test("a size is followed, and nothing is drawn anew for the same one", () => {
  let measure: () => void = () => {};
  const stopped = vi.fn();
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(changed: () => void) {
        measure = changed;
      }
      observe() {}
      disconnect = stopped;
    },
  );
  let drawn = 0;
  function Sized() {
    const ref = useRef<HTMLDivElement>(null);
    told = useSize(ref);
    drawn += 1;
    return <div ref={ref} />;
  }
  const { container } = render(<Sized />);
  expect(told).toEqual({ width: 0, height: 0 });
  act(measure);
  const before = drawn;
  Object.defineProperty(container.firstElementChild, "clientWidth", {
    value: 300,
    configurable: true,
  });
  act(measure);
  expect(told).toEqual({ width: 300, height: 0 });
  act(measure);
  expect(drawn).toBe(before + 1);
  cleanup();
  expect(stopped).toHaveBeenCalled();
  vi.unstubAllGlobals();
});

test("what scrolls is found where it was, each thing under its own name", () => {
  const memory = new Map();
  function Scrolled({ name }: { name: string }) {
    const ref = useRef<HTMLDivElement>(null);
    useKeptScroll(ref, name);
    return <div ref={ref} data-testid="scrolled" />;
  }
  const page = (name: string) => (
    <MemoryContext.Provider value={memory}>
      <Scrolled name={name} />
    </MemoryContext.Provider>
  );
  const { getByTestId, rerender, unmount } = render(page("a"));
  getByTestId("scrolled").scrollTop = 70;
  getByTestId("scrolled").dispatchEvent(new Event("scroll"));
  rerender(page("b"));
  expect(getByTestId("scrolled").scrollTop).toBe(0);
  rerender(page("a"));
  expect(getByTestId("scrolled").scrollTop).toBe(70);
  unmount();
  expect(render(page("a")).getByTestId("scrolled").scrollTop).toBe(70);
});
