/** The bars of one row, in percent of the time that is seen. */

import { useMemo } from "react";
import type { TaskRow } from "../../api/types";
import { lookOf } from "../state/looks";
import type { Span } from "./axis";
import { layersOf } from "./density";
import { isSettled, type Piece, piecesOf } from "./pieces";
import { flowReach } from "./row-words";
import { type Row, reachOf } from "./rows";
import { place } from "./zoom";

interface Props {
  row: Row;
  /** What is seen, in milliseconds since 1970. */
  seen: Span;
  now: number;
}

const BINS = 72;

export function Bars({ row, seen, now }: Props) {
  if (row.kind === "band") return <BandBars members={row.members} seen={seen} now={now} />;
  if (row.kind === "flow") {
    const { name, type } = row.flow.state;
    const reach = flowReach(row.flow, now);
    const live = !isSettled({ state_name: name, state_type: type });
    return (
      <Bar
        className="nbf-tl-flow"
        span={reach}
        seen={seen}
        colour={roleOf(name, type)}
        live={live}
      />
    );
  }
  return <TaskBars task={row.task} seen={seen} now={now} />;
}

function TaskBars({ task, seen, now }: { task: TaskRow; seen: Span; now: number }) {
  return (
    <>
      {piecesOf(task, now).map((piece) => (
        <Bar
          key={`${piece.kind}${piece.from}`}
          className={`nbf-tl-${piece.kind}`}
          span={piece}
          seen={seen}
          colour={roleOf(piece.state_name, piece.state_type)}
          live={isRunning(piece)}
        />
      ))}
    </>
  );
}

function BandBars({ members, seen, now }: { members: TaskRow[]; seen: Span; now: number }) {
  const reach = reachOf(members, now);
  const from = Math.max(reach.from, seen.from);
  const to = Math.min(reach.to, seen.to);
  const layers = useMemo(
    () => layersOf(members, { from, to }, now, BINS),
    [members, from, to, now],
  );
  if (to < from) return null;
  return (
    <>
      <Bar className="nbf-tl-reach" span={reach} seen={seen} colour="edge" />
      <svg
        aria-hidden="true"
        className="nbf-tl-density"
        viewBox={`0 0 ${BINS} 1`}
        preserveAspectRatio="none"
        style={stretch({ from, to }, seen)}
      >
        {layers.map(({ role, path }) => (
          <path key={role} d={path} fill={`var(--nbf-${role})`} />
        ))}
      </svg>
    </>
  );
}

interface BarProps {
  className: string;
  span: Span;
  seen: Span;
  colour: string;
  live?: boolean;
}

function Bar({ className, span, seen, colour, live = false }: BarProps) {
  if (span.to < seen.from || span.from > seen.to) return null;
  const style = { ...stretch(span, seen), "--nbf-bar": `var(--nbf-${colour})` };
  return <i className={`nbf-tl-bar ${className}${live ? " nbf-tl-live" : ""}`} style={style} />;
}

/** Cut where the row ends: zoomed in, a bar could be millions of pixels long. */
function stretch(span: Span, seen: Span): { left: string; width: string } {
  const left = Math.max(-1, place(span.from, seen));
  const right = Math.min(101, place(span.to, seen));
  return { left: `${left.toFixed(3)}%`, width: `${Math.max(0, right - left).toFixed(3)}%` };
}

function isRunning(piece: Piece): boolean {
  return piece.open && piece.kind === "run" && piece.state_type === "RUNNING";
}

function roleOf(...state: Parameters<typeof lookOf>): string {
  return lookOf(...state).role;
}
