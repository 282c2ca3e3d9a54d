/** One row: its name, its bars, how long it ran. */
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and says which row is active
// biome-ignore-all lint/a11y/useSemanticElements: the rows of a virtual list cannot be a table's

import { memo } from "react";
import { StateIcon } from "../state/icon";
import type { Span } from "./axis";
import { Bars } from "./bars";
import { isSettled } from "./pieces";
import { ranWords, rowWords } from "./row-words";
import { countsOf, type Row } from "./rows";

interface Props {
  row: Row;
  /** Among all rows, counted from 0. */
  index: number;
  id: string;
  /** Pixels from the top of all rows. */
  top: number;
  seen: Span;
  now: number;
  selected: boolean;
  /** The keyboard is here. */
  active: boolean;
}

export const TimelineRow = memo(function TimelineRow(props: Props) {
  const { row, index, id, top, seen, now, selected, active } = props;
  const className = `nbf-tl-row nbf-tl-${row.kind}-row${selected ? " nbf-tl-selected" : ""}${active ? " nbf-tl-active" : ""}`;
  const words = ranWords(row, now);
  return (
    <div
      role="row"
      id={id}
      className={className}
      data-index={index}
      // The names of the columns are the first row.
      aria-rowindex={index + 2}
      aria-level={row.depth + 1}
      aria-selected={selected}
      aria-expanded={row.kind === "task" ? undefined : row.open}
      style={{ transform: `translateY(${top}px)` }}
    >
      <NameCell row={row} />
      <div role="gridcell" className="nbf-tl-plot" aria-label={rowWords(row, now)}>
        <Bars row={row} seen={seen} now={now} />
      </div>
      <div role="gridcell" className="nbf-tl-ran" title={words}>
        {words}
      </div>
    </div>
  );
});

function NameCell({ row }: { row: Row }) {
  const state = stateOf(row);
  return (
    <div
      role="rowheader"
      className="nbf-tl-name"
      style={{ paddingLeft: `${8 + Math.min(row.depth, 8) * 14}px` }}
    >
      <span className="nbf-tl-twisty" data-twisty={row.kind !== "task" || undefined}>
        {row.kind !== "task" && <Twisty open={row.open} />}
      </span>
      <StateIcon {...state} size={12} pulse={state.type === "RUNNING"} />
      <span className="nbf-tl-label">{row.name}</span>
      {row.kind === "band" && <span className="nbf-tl-times">×{row.members.length}</span>}
    </div>
  );
}

function Twisty({ open }: { open: boolean }) {
  return (
    <svg aria-hidden="true" width="10" height="10" viewBox="0 0 10 10">
      <path d={open ? "M2 3.5L5 6.5L8 3.5" : "M3.5 2L6.5 5L3.5 8"} className="nbf-tl-chevron" />
    </svg>
  );
}

type Named = Pick<Parameters<typeof StateIcon>[0], "name" | "type">;

/** Of many: the one that the reader should know of. */
function stateOf(row: Row): Named {
  if (row.kind === "flow") return row.flow.state;
  if (row.kind === "task") return { name: row.task.state_name, type: row.task.state_type };
  const counts = countsOf(row.members);
  const telling =
    ["Failed", "TimedOut", "Crashed", "Running", "Retrying"].find((name) => counts[name]) ??
    row.members.find((member) => !isSettled(member))?.state_name;
  const member = row.members.find(({ state_name }) => state_name === telling) ?? row.members[0];
  return { name: member?.state_name ?? null, type: member?.state_type ?? null };
}
