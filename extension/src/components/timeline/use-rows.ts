/** The rows of a timeline, as the reader filtered, ordered and opened them. */

import { useEffect, useMemo, useRef } from "react";
import { useStored } from "../hooks";
import { hiding, type Row, rowsOf, type Source, type Wish } from "./rows";
import type { Filters } from "./toolbar";

const NO_FILTERS: Filters = { text: "", state: null, order: "start" };

export interface Rows {
  rows: Row[];
  filters: Filters;
  setFilters(filters: Filters): void;
  toggle(key: string): void;
  /** No filter any more. */
  showAll(): void;
}

/** The source's `now` orders by duration what still runs; it alone never makes rows anew. */
export function useRows(source: Source, selected: string | null): Rows {
  const [filters, setFilters] = useStored<Filters>("timeline.filters", NO_FILTERS);
  const [toggled, setToggled] = useStored<ReadonlySet<string>>("timeline.toggled", new Set());
  const clock = useRef(source.now);
  clock.current = source.now;
  const { tasks, run, subflows } = source;
  const rows = useMemo(
    () => rowsOf({ tasks, run, subflows, now: clock.current }, { ...filters, toggled }),
    [tasks, run, subflows, filters, toggled],
  );
  const flip = (keys: string[]) => setToggled(flipped(toggled, keys));
  useOpening(selected, source, { ...filters, toggled }, flip);
  return {
    rows,
    filters,
    setFilters,
    toggle: (key) => flip([key]),
    showAll: () => setFilters({ ...filters, text: "", state: null }),
  };
}

/** What is selected elsewhere is shown here: closed rows around it open, once. */
function useOpening(
  selected: string | null,
  source: Source,
  wish: Wish,
  open: (keys: string[]) => void,
): void {
  const shown = useRef<string | null>(null);
  const task = selected === null ? undefined : source.tasks.find(({ id }) => id === selected);
  useEffect(() => {
    if (shown.current === selected) return;
    if (selected !== null && !task) return;
    shown.current = selected;
    const keys = task ? hiding(task, source, wish) : [];
    if (keys.length > 0) open(keys);
  });
}

function flipped(set: ReadonlySet<string>, keys: string[]): ReadonlySet<string> {
  const next = new Set(set);
  for (const key of keys) if (!next.delete(key)) next.add(key);
  return next;
}
