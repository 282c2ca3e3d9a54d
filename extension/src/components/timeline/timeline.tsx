/** When each task of a run waited, ran and was tried again: one row per task. */
// biome-ignore-all lint/a11y/useSemanticElements: the rows of a virtual list cannot be a table's

import { type MouseEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import type { FlowRun, TaskRow } from "../../api/types";
import { type Size, useKept, useSize, useStored } from "../hooks";
import { type Place, useList } from "../virtual";
import { isLive, longestWords } from "./extent";
import { Head } from "./head";
import { Hover, indexAt, type Pointer, pointerAt } from "./hover";
import { Marks } from "./marks";
import { TimelineRow } from "./row";
import type { Row } from "./rows";
import { Toolbar } from "./toolbar";
import { type Keys, useKeys } from "./use-keys";
import { type Rows, useRows } from "./use-rows";
import { type Times, useTimes } from "./use-times";
import { useView, useWheel, type View } from "./use-view";

interface Props {
  tasks: TaskRow[];
  run: FlowRun | null;
  subflows: ReadonlyMap<string, FlowRun>;
  /** The selected task. */
  selected: string | null;
  onSelect(task: string | null): void;
}

/** Pixels; the style sheet says the same. */
const ROW = 26;
const HEAD = 26;

export function Timeline(props: Props) {
  const { tasks, run } = props;
  if (tasks.length > 0) return <Filled {...props} />;
  const words = isLive(run, tasks) ? "No tasks yet." : "This run had no tasks.";
  return <p className="nbf-tl-empty">{words}</p>;
}

function Filled({ tasks, run, subflows, selected, onSelect }: Props) {
  const plot = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLDivElement>(null);
  const times = useTimes(run, tasks);
  const model = useRows({ tasks, run, subflows, now: times.now }, selected);
  const view = useView(times.bounds, times.live, plot);
  const [pointer, setPointer] = useState<Pointer | null>(null);
  const size = useSize(area);
  return (
    <div className="nbf-tl">
      <Toolbar
        tasks={tasks}
        filters={model.filters}
        onFilters={model.setFilters}
        words={longestWords(tasks, times.origin, times.now)}
        onZoom={(factor) => view.zoom(factor)}
        zoomedIn={view.zoomedIn}
      />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: only says what is under the pointer */}
      <div
        ref={area}
        className="nbf-tl-area"
        onMouseMove={(event) => setPointer(pointerAt(event, view))}
        onMouseLeave={() => setPointer(null)}
      >
        <Grid {...{ model, view, times, selected, onSelect, plot, size }} />
        {model.rows.length === 0 && <NoMatch onAll={model.showAll} />}
        {pointer && <Hover {...{ pointer, view, size, ...times, rows: model.rows }} />}
      </div>
    </div>
  );
}

interface GridProps extends Pick<Props, "selected" | "onSelect"> {
  model: Rows;
  view: View;
  times: Times;
  plot: React.RefObject<HTMLDivElement>;
  size: Size;
}

function Grid(props: GridProps) {
  const { view, times, plot, size } = props;
  const { rows } = props.model;
  const scroller = useRef<HTMLDivElement>(null);
  const [nameWidth, setNameWidth] = useStored("timeline.names", 190);
  const { width: plotWidth } = useSize(plot);
  const prefix = useId();
  useWheel(scroller, view);
  const list = useList({
    count: rows.length,
    scroller,
    keyOf: (index) => rows[index]?.key ?? index,
    heightOf: () => ROW,
    above: HEAD,
    covered: HEAD,
    place: useKept<Place>("timeline.place"),
  });
  const { reveal } = list;
  const { keys, onClick } = useActions(props, Math.floor(size.height / ROW) - 2, reveal);
  useRevealed(props.selected, rows, reveal);
  const now = times.live ? times.now - times.origin : null;
  return (
    <div
      ref={scroller}
      role="treegrid"
      tabIndex={0}
      className="nbf-tl-grid"
      style={{ "--nbf-tl-names": `${nameWidth}px` } as React.CSSProperties}
      aria-label="Timeline of the tasks"
      aria-rowcount={rows.length + 1}
      aria-activedescendant={keys.index < 0 ? undefined : `${prefix}-${keys.index}`}
      onKeyDown={keys.onKeyDown}
      onClick={onClick}
      onDoubleClick={() => view.zoom(null)}
    >
      <Head {...{ view, plotWidth, plot, nameWidth, onNameWidth: setNameWidth }} />
      <div className="nbf-tl-rows" role="rowgroup" style={{ height: `${list.total}px` }}>
        <Marks seen={view.seen} plotWidth={plotWidth} now={now} />
        {list.items.map(({ index, key, start }) => (
          <PlacedRow key={key} id={`${prefix}-${index}`} {...{ index, start, keys, ...props }} />
        ))}
      </div>
    </div>
  );
}

interface PlacedProps extends GridProps {
  id: string;
  index: number;
  start: number;
  keys: Keys;
}

function PlacedRow({ id, index, start, keys, model, view, times, selected }: PlacedProps) {
  const row = model.rows[index];
  const { from, to } = view.seen;
  const { origin, now } = times;
  const seen = useMemo(() => ({ from: from + origin, to: to + origin }), [from, to, origin]);
  if (!row) return null;
  const active = index === keys.index;
  return (
    <TimelineRow
      {...{ row, id, index, seen, now, active }}
      top={start}
      selected={isSelected(row, selected)}
    />
  );
}

/** What keys and clicks do: tasks are selected, the others open and close. */
function useActions(props: GridProps, page: number, reveal: (index: number) => void) {
  const { model, view, onSelect } = props;
  const onOpen = (row: Row) => model.toggle(row.key);
  const onChoose = (row: Row) => (row.kind === "task" ? onSelect(row.task.id) : onOpen(row));
  const onClear = () => onSelect(null);
  const { rows } = model;
  const keys = useKeys({ rows, view, page: Math.max(1, page), onOpen, onChoose, onClear, reveal });
  const onClick = (event: MouseEvent) => {
    const row = rows[indexAt(event)];
    if (!row) return;
    keys.activate(row);
    onChoose(row);
  };
  return { keys, onClick };
}

/** Scrolls to what was selected elsewhere, once. */
function useRevealed(selected: string | null, rows: Row[], reveal: (index: number) => void): void {
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (shown.current === selected) return;
    const index = rows.findIndex((row) => isSelected(row, selected));
    // What is not there yet may come, or be shown by another filter.
    if (selected !== null && index < 0) return;
    shown.current = selected;
    if (index >= 0) reveal(index);
  });
}

function isSelected(row: Row, selected: string | null): boolean {
  return row.kind === "task" && row.task.id === selected;
}

function NoMatch({ onAll }: { onAll(): void }) {
  return (
    <p className="nbf-tl-empty">
      No task matches;{" "}
      <button type="button" className="nbf-link" onClick={onAll}>
        show all
      </button>
    </p>
  );
}
