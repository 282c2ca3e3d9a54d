/** The time under the pointer, and what is known of the row there. */

import type { MouseEvent } from "react";
import { momentWords } from "./row-words";
import type { Row } from "./rows";
import { Tip } from "./tip";
import type { View } from "./use-view";

export interface Pointer {
  /** The row's index; -1: none. */
  index: number;
  /** Within the timeline, in pixels. */
  x: number;
  y: number;
  /** Milliseconds since the start. */
  at: number;
}

interface Props {
  pointer: Pointer;
  rows: Row[];
  view: View;
  origin: number;
  now: number;
  size: { width: number; height: number };
}

export function Hover({ pointer, rows, view, origin, now, size }: Props) {
  const row = rows[pointer.index];
  const inPlot = pointer.at >= view.seen.from && pointer.at <= view.seen.to;
  const side = pointer.x > size.width / 2 ? "nbf-tl-moment nbf-tl-moment-left" : "nbf-tl-moment";
  return (
    <>
      {inPlot && (
        <div className={side} style={{ left: `${pointer.x}px` }}>
          <span>{momentWords(pointer.at, origin)}</span>
        </div>
      )}
      {row && <Tip row={row} now={now} at={pointer} within={size} />}
    </>
  );
}

export function pointerAt(event: MouseEvent<HTMLElement>, view: View): Pointer {
  const { left, top } = event.currentTarget.getBoundingClientRect();
  const [x, y] = [event.clientX - left, event.clientY - top];
  return { index: indexAt(event), x, y, at: view.timeAt(event.clientX) };
}

/** The row that an event is about; -1: none. */
export function indexAt(event: MouseEvent): number {
  const row = (event.target as Element).closest?.("[data-index]");
  return row ? Number(row.getAttribute("data-index")) : -1;
}
