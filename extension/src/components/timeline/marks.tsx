/** Lines through all rows: one per mark of the axis, and one for now. */

import type { Span } from "./axis";
import { marksOf } from "./head";
import { percent } from "./use-view";

interface Props {
  /** Milliseconds since the run's start, as `now`. */
  seen: Span;
  plotWidth: number;
  /** null: the run has ended. */
  now: number | null;
}

export function Marks({ seen, plotWidth, now }: Props) {
  const shows = now !== null && now >= seen.from && now <= seen.to;
  return (
    <div className="nbf-tl-marks" aria-hidden="true">
      {marksOf(seen, plotWidth).map(({ at }) => (
        <i key={at} style={{ left: percent(at, seen) }} />
      ))}
      {shows && <i className="nbf-tl-now" style={{ left: percent(now, seen) }} />}
    </div>
  );
}
