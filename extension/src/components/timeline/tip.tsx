/** What is known of the row under the pointer, beside it. */

import { StateChip } from "../state/chip";
import { type Fact, factsOf } from "./row-words";
import type { Row } from "./rows";

/** A place in the timeline, in pixels from its corner. */
export interface Place {
  x: number;
  y: number;
}

interface Props {
  row: Row;
  now: number;
  at: Place;
  within: { width: number; height: number };
}

export function Tip({ row, now, at, within }: Props) {
  return (
    <div className="nbf-tl-tip" role="tooltip" style={beside(at, within)}>
      <div className="nbf-tl-tip-head">
        <b>{row.name}</b>
        <State row={row} />
      </div>
      {messageOf(row) && <p>{messageOf(row)}</p>}
      <dl>{factsOf(row, now).map(told)}</dl>
    </div>
  );
}

function State({ row }: { row: Row }) {
  if (row.kind === "band") return null;
  if (row.kind === "task") return <StateChip {...row.task} />;
  return <StateChip state_name={row.flow.state.name} state_type={row.flow.state.type} />;
}

function messageOf(row: Row): string | null {
  if (row.kind === "band") return null;
  return row.kind === "task" ? row.task.message : row.flow.state.message;
}

function told([name, value]: Fact) {
  return (
    <div key={name}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** On the side of the pointer where there is more room. */
function beside({ x, y }: Place, { width, height }: Props["within"]): Record<string, string> {
  return {
    ...(x < width / 2 ? { left: `${x + 14}px` } : { right: `${width - x + 14}px` }),
    ...(y < height / 2 ? { top: `${y + 14}px` } : { bottom: `${height - y + 10}px` }),
  };
}
