/** From when to when the timeline goes, with the clock while the run is live. */

import { useMemo } from "react";
import type { FlowRun, TaskRow } from "../../api/types";
import { useNow } from "../hooks";
import type { Span } from "./axis";
import { boundsOf, endOf, isLive, originOf } from "./extent";

export interface Times {
  /** When the run began, in milliseconds since 1970. */
  origin: number;
  /** The end of what goes on: the clock while the run is live, its end afterwards. */
  now: number;
  live: boolean;
  /** Milliseconds since the run's start. */
  bounds: Span;
}

/** In the first seconds, a second is a long time. */
const YOUNG = 20_000;

export function useTimes(run: FlowRun | null, tasks: TaskRow[]): Times {
  const live = useMemo(() => isLive(run, tasks), [run, tasks]);
  const { origin, end, first } = useMemo(() => known(run, tasks), [run, tasks]);
  const clock = useNow(live, end - origin < YOUNG ? 250 : 1000);
  const now = live ? Math.max(clock, end) : end;
  return { origin, now, live, bounds: { from: first, to: Math.max(now - origin, first + 1) } };
}

function known(run: FlowRun | null, tasks: TaskRow[]) {
  const origin = originOf(run, tasks);
  const end = endOf(run, tasks);
  return { origin, end, first: boundsOf(tasks, origin, end).from };
}
