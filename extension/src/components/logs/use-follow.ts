/** Whether the end is followed, and how much came since the reader left it. */

import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { LogLine } from "../../api/types";
import { useStored } from "../hooks";

export interface Follow {
  following: boolean;
  /** Lines that came since it is not. */
  news: number;
  onScroll(): void;
  follow(): void;
  /** The reader looks at something: stay there. */
  leave(): void;
}

/** Pixels from the end that still count as the end. */
const NEAR = 24;

export function useFollow(
  scroller: RefObject<HTMLElement>,
  lines: LogLine[],
  toEnd: () => void,
): Follow {
  const [following, setFollowing] = useStored("logs.following", true);
  const [left, setLeft] = useStored("logs.left", -1);
  const top = useRef(0);
  const last = lines[lines.length - 1]?.seq ?? -1;
  const set = (value: boolean) => {
    if (value === following) return;
    setFollowing(value);
    setLeft(last);
  };
  // Before the browser paints: what came must not be seen to jump.
  useLayoutEffect(() => {
    if (following) toEnd();
  });
  return {
    following,
    news: following ? 0 : countAfter(lines, left),
    onScroll: () => {
      const element = scroller.current;
      if (!element) return;
      const wentUp = element.scrollTop < top.current - 1;
      top.current = element.scrollTop;
      // Lines that come move the end away without the reader's doing: only going up leaves it.
      if (isAtEnd(element)) set(true);
      else if (wentUp) set(false);
    },
    follow: () => {
      set(true);
      toEnd();
    },
    leave: () => set(false),
  };
}

function isAtEnd({ scrollTop, clientHeight, scrollHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight <= NEAR;
}

/** How many lines have a greater number: they are in order. */
export function countAfter(lines: LogLine[], seq: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] as LogLine).seq > seq) high = middle;
    else low = middle + 1;
  }
  return lines.length - low;
}

/** Lines that come in one second which can still be listened to. */
const CALM = 4;

/** Whether more comes than a reader of screens could say. */
export function useFlood(lines: LogLine[]): boolean {
  const seen = useRef({ at: 0, seq: -1 });
  const [flood, setFlood] = useState(true);
  const last = lines[lines.length - 1]?.seq ?? -1;
  useEffect(() => {
    const now = performance.now();
    const { at, seq } = seen.current;
    const pace = countAfter(lines, seq) / Math.max(1, (now - at) / 1000);
    seen.current = { at: now, seq: last };
    setFlood(seq < 0 || pace > CALM);
  }, [last]);
  return flood;
}
