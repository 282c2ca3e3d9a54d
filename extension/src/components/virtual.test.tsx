import { act, cleanup, render } from "@testing-library/preact";
import { useRef } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Heights, type List, type ListOptions, rowAt, useList } from "./virtual";

const keyOf = (index: number) => `k${index}`;

describe("where rows start", () => {
  const ten = () => 10;

  test("is the sum of the heights before", () => {
    expect([...new Heights().startsOf(3, keyOf, (index) => 10 + index, 100)]).toEqual([
      0, 10, 21, 33,
    ]);
    expect([...new Heights().startsOf(0, keyOf, ten, 100)]).toEqual([0]);
  });

  test("is reckoned for new rows only, when they come after the others", () => {
    const heights = new Heights();
    const asked = vi.fn(ten);
    heights.startsOf(1000, keyOf, asked, 100);
    asked.mockClear();
    expect(heights.startsOf(1002, keyOf, asked, 100).at(-1)).toBe(10_020);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test.each([
    ["other rows before them", (index: number) => `x${index}`, 3],
    ["fewer rows", keyOf, 2],
  ])("is reckoned anew for %s", (_, keys, count) => {
    const heights = new Heights();
    heights.startsOf(3, keyOf, ten, 100);
    expect(heights.startsOf(count, keys, () => 7, 100).at(-1)).toBe(7 * count);
  });

  test("follows what was measured, wherever the row stands then, until the width changes", () => {
    const heights = new Heights();
    heights.startsOf(3, keyOf, ten, 100);
    expect(heights.measure(1, "k1", 25)).toBe(15);
    expect([...heights.startsOf(3, keyOf, ten, 100)]).toEqual([0, 10, 35, 45]);
    expect(heights.measure(1, "k1", 25)).toBe(0);
    expect([...heights.startsOf(2, (index) => keyOf(index + 1), ten, 100)]).toEqual([0, 25, 35]);
    expect([...heights.startsOf(3, keyOf, ten, 50)]).toEqual([0, 10, 20, 30]);
  });

  test.each([
    [-5, 0],
    [0, 0],
    [9, 0],
    [10, 1],
    [29, 2],
    [30, 2],
    [1e9, 2],
  ])("at %d is row %d", (y, row) => {
    expect(rowAt(new Heights().startsOf(3, keyOf, ten, 1), 3, y)).toBe(row);
  });

  test("is reckoned in no time for many rows", () => {
    const heights = new Heights();
    const begun = performance.now();
    for (let count = 50_000; count < 50_100; count++) heights.startsOf(count, keyOf, ten, 100);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe("a list", () => {
  let list: List;
  let scroller: HTMLElement;
  /** What rows are in truth. */
  let truth: (index: number) => number;
  beforeEach(() => {
    truth = () => 10;
    const isRow = (element: HTMLElement) => element.dataset.index !== undefined;
    vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockImplementation(function (
      this: HTMLElement,
    ) {
      return isRow(this) ? truth(Number(this.dataset.index)) : 100;
    });
    vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(300);
    vi.spyOn(HTMLElement.prototype, "scrollHeight", "get").mockImplementation(() => list.total);
  });
  afterEach(() => {
    cleanup();
    vi.restoreAllMocks();
  });

  function Rows(props: Partial<ListOptions>) {
    const ref = useRef<HTMLDivElement>(null);
    list = useList({ count: 1000, scroller: ref, keyOf, heightOf: () => 10, beyond: 2, ...props });
    return (
      <div ref={ref}>
        {list.items.map(({ index, key }) => (
          <p key={key} data-index={index} />
        ))}
      </div>
    );
  }
  const show = (props: Partial<ListOptions> = {}) => {
    const { container, rerender } = render(<Rows {...props} />);
    scroller = container.firstElementChild as HTMLElement;
    return rerender;
  };
  const at = (index: number, offset = 0) => ({
    read: () => ({ key: keyOf(index), offset }),
    keep: vi.fn(),
  });
  const shown = () => [list.items[0]?.index, list.items.at(-1)?.index];
  const scroll = (top: number) =>
    act(() => {
      scroller.scrollTop = top;
      scroller.dispatchEvent(new Event("scroll"));
    });

  test("draws what is in view, and a few more", () => {
    show();
    expect(shown()).toEqual([0, 12]);
    expect(list.total).toBe(10_000);
    scroll(5000);
    expect(shown()).toEqual([498, 512]);
    expect(list.items[0]).toEqual({ index: 498, key: "k498", start: 4980 });
    scroll(1e6);
    expect(shown()).toEqual([997, 999]);
  });

  test("begins where the reader was, below what stands above", () => {
    show({ place: at(496, 40), above: 40 });
    expect(scroller.scrollTop).toBe(5000);
    expect(shown()).toEqual([494, 508]);
  });

  test("tells where the reader is; of a row that is no more, it begins at the top", () => {
    const place = at(5000);
    show({ place });
    expect(scroller.scrollTop).toBe(0);
    scroll(5003);
    expect(place.keep).toHaveBeenLastCalledWith(
      expect.objectContaining({ key: "k500", offset: 3 }),
    );
  });

  test("reveals a row with as little movement as that takes", () => {
    show({ above: 20, covered: 20 });
    const reveal = (index: number) => {
      act(() => list.reveal(index));
      return scroller.scrollTop;
    };
    expect(reveal(3)).toBe(0);
    expect(reveal(50)).toBe(430);
    expect(reveal(48)).toBe(430);
    expect(reveal(10)).toBe(100);
  });

  test("reveals a row in the middle", () => {
    show();
    act(() => list.reveal(50, "middle"));
    expect(scroller.scrollTop).toBe(455);
  });

  test("keeps what is read where it is when rows before it leave", () => {
    const rerender = show({ measured: true });
    scroll(503);
    rerender(<Rows measured count={990} keyOf={(index) => keyOf(index + 10)} />);
    expect(scroller.scrollTop).toBe(403);
    rerender(<Rows measured count={900} keyOf={(index) => keyOf(index + 100)} />);
    expect(scroller.scrollTop).toBe(403);
  });

  test("learns how high rows are, and keeps what is read where it is", () => {
    vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockImplementation(function (
      this: HTMLElement,
    ) {
      const index = Number(this.dataset.index ?? 500);
      return new DOMRect(0, index * 10 - 5000, 0, 10);
    });
    truth = (index) => (index === 499 ? 30 : 10);
    show({ measured: true, place: at(500) });
    expect(list.total).toBe(10_020);
    expect(scroller.scrollTop).toBe(5020);
  });

  test("stays at the end when rows turn out higher", () => {
    truth = () => 15;
    show({ measured: true, count: 20, place: at(10) });
    // Seven rows above were never on the page.
    expect(list.total).toBe(13 * 15 + 7 * 10);
    expect(scroller.scrollTop).toBeGreaterThanOrEqual(list.total - 100);
  });

  test("draws nothing while it has no height", () => {
    vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(0);
    show();
    expect(list.items).toEqual([]);
  });

  test("shows rows that come, and no more than there are", () => {
    const rerender = show({ count: 3 });
    expect(shown()).toEqual([0, 2]);
    rerender(<Rows count={5} />);
    expect(shown()).toEqual([0, 4]);
    rerender(<Rows count={0} />);
    expect(list.items).toEqual([]);
  });
});
