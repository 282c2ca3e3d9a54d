/** The list by itself, and what stands below it. */

import { cleanup, render, screen } from "@testing-library/preact";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Foot } from "./foot";
import { queryOf } from "./query";
import { MOST_ROWS, RunList } from "./run-list";
import { FakeService, row } from "./samples";

afterEach(cleanup);

const rows = Array.from({ length: 600 }, (_, index) => row(`${index}`));

/** The list after all answers that are under way. */
async function settled(list: RunList): Promise<RunList["snapshot"]> {
  await vi.waitFor(() => expect(list.snapshot.loading).toBe(false));
  return list.snapshot;
}

describe("a list", () => {
  it("ends where nobody reads on, and begins anew with a new query", async () => {
    const list = new RunList(new FakeService(...rows));
    list.show(queryOf({}));
    for (let pages = 0; pages < 20; pages += 1) list.more();
    expect((await settled(list)).rows).toHaveLength(MOST_ROWS);
    list.show(queryOf({ flow: "f" }));
    expect((await settled(list)).rows).toHaveLength(50);
  });

  it("asks nothing before it has a query", () => {
    const service = new FakeService();
    new RunList(service).refresh();
    expect(service.asked).toEqual([]);
  });

  it("hears nothing after its end", async () => {
    const service = new FakeService(...rows);
    const list = new RunList(service);
    const heard = vi.fn();
    list.show(queryOf({}));
    list.subscribe(heard);
    list.close();
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve));
    expect([service.asked.length, heard.mock.calls.length]).toEqual([1, 0]);
  });
});

describe("the foot", () => {
  const foot = (count: number, total: number) => {
    const listed = { rows: rows.slice(0, count), total, loading: false, error: null, at: 0 };
    return render(<Foot listed={listed} query={queryOf({})} onQuery={vi.fn()} onMore={vi.fn()} />);
  };

  it.each([
    [1, 1, "1 run", false],
    [50, 51, "50 of 51 runs", true],
    [500, 500, "500 runs", false],
    [500, 12_000, "500 of 12 000 runs", false],
  ])("of %d rows of %d says %s", (count, total, words, more) => {
    foot(count, total);
    expect(screen.getByText(words)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Show more" }) !== null).toBe(more);
    expect(screen.queryByText(/Find older ones/) !== null).toBe(total > count && !more);
  });
});
