/** A thin bar with a segment for each state that tasks have come to. */

import type { Progress } from "../../api/types";
import { segmentsOf, spokenProgress } from "./progress";

export function ProgressBar({ progress }: { progress: Progress }) {
  const segments = segmentsOf(progress);
  const rest = progress.total - segments.reduce((sum, { count }) => sum + count, 0);
  return (
    <div
      className="nbf-rv-bar"
      role="progressbar"
      aria-valuemin={0}
      aria-valuemax={progress.total}
      aria-valuenow={progress.done}
      aria-valuetext={spokenProgress(progress)}
      title={spokenProgress(progress)}
    >
      {segments.map(({ state, role, count }) => (
        <i key={state} style={{ flexGrow: count, background: `var(--nbf-${role})` }} />
      ))}
      {rest > 0 && <i key="" className="nbf-rv-rest" style={{ flexGrow: rest }} />}
    </div>
  );
}
