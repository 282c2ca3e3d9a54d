/** The names of the columns: the first can be widened, the second is the time axis. */
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and keys zoom, too
// biome-ignore-all lint/a11y/useSemanticElements: the rows of a virtual list cannot be a table's

import { type PointerEvent, type RefObject, useRef, useState } from "react";
import { type Span, ticksOf } from "./axis";
import { percent, type View } from "./use-view";
import { chosen } from "./zoom";

interface Props {
  view: View;
  /** Pixels. */
  plotWidth: number;
  plot: RefObject<HTMLDivElement>;
  nameWidth: number;
  onNameWidth(width: number): void;
}

const TICK_ROOM = 84;
const NARROWEST = 80;
const WIDEST = 480;

export function Head({ view, plotWidth, plot, nameWidth, onNameWidth }: Props) {
  return (
    <div role="row" className="nbf-tl-head" aria-rowindex={1}>
      <div role="columnheader" className="nbf-tl-name">
        Task
        <Divider width={nameWidth} onWidth={onNameWidth} />
      </div>
      <Axis view={view} plotWidth={plotWidth} plot={plot} />
      <div role="columnheader" className="nbf-tl-ran">
        Ran
      </div>
    </div>
  );
}

/** As many marks as have room. */
export function marksOf(seen: Span, plotWidth: number) {
  return ticksOf(seen, Math.max(2, Math.floor(plotWidth / TICK_ROOM)));
}

function Axis({ view, plotWidth, plot }: Pick<Props, "view" | "plotWidth" | "plot">) {
  const [from, setFrom] = useState<number | null>(null);
  const [to, setTo] = useState(0);
  const begin = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture?.(event.pointerId);
    setFrom(view.timeAt(event.clientX));
    setTo(view.timeAt(event.clientX));
  };
  const end = () => {
    const span = from === null ? null : chosen(from, to, view.all);
    setFrom(null);
    // A click is no stretch.
    if (span && span.to - span.from > (view.seen.to - view.seen.from) / 100) view.show(span);
  };
  return (
    <div
      role="columnheader"
      ref={plot}
      className="nbf-tl-axis"
      aria-label="Time since the start"
      title="Drag to zoom in, double click to show all"
      onPointerDown={begin}
      onPointerMove={(event) => from !== null && setTo(view.timeAt(event.clientX))}
      onPointerUp={end}
      onPointerCancel={() => setFrom(null)}
    >
      {marksOf(view.seen, plotWidth).map(({ at, words }) => (
        <span key={at} className="nbf-tl-tick" style={{ left: percent(at, view.seen) }}>
          {hasRoom(at, view.seen, plotWidth) && words}
        </span>
      ))}
      {from !== null && <Stretch one={from} other={to} seen={view.seen} />}
    </div>
  );
}

/** Pixels of the longest words. */
const WORDS = 56;

/** Words cut at the end would say another time. */
function hasRoom(at: number, seen: Span, plotWidth: number): boolean {
  return ((seen.to - at) / (seen.to - seen.from)) * plotWidth >= WORDS;
}

function Stretch({ one, other, seen }: { one: number; other: number; seen: Span }) {
  const left = Math.min(one, other);
  const share = (Math.abs(one - other) / (seen.to - seen.from)) * 100;
  return <i className="nbf-tl-stretch" style={{ left: percent(left, seen), width: `${share}%` }} />;
}

/** Dragged, or moved with the arrow keys. */
function Divider({ width, onWidth }: { width: number; onWidth(width: number): void }) {
  const begun = useRef<{ x: number; width: number } | null>(null);
  const set = (next: number) => onWidth(Math.round(Math.max(NARROWEST, Math.min(WIDEST, next))));
  return (
    <span
      role="separator"
      tabIndex={0}
      className="nbf-tl-divider"
      aria-orientation="vertical"
      aria-label="Width of the names"
      aria-valuenow={width}
      aria-valuemin={NARROWEST}
      aria-valuemax={WIDEST}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture?.(event.pointerId);
        begun.current = { x: event.clientX, width };
      }}
      onPointerMove={(event) => {
        const { current } = begun;
        if (current) set(current.width + event.clientX - current.x);
      }}
      onPointerUp={() => {
        begun.current = null;
      }}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        set(width + step);
      }}
    />
  );
}
