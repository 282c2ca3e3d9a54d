/** What a run logged and printed: filtered, searched, followed as it comes. */

import { type KeyboardEvent, type RefObject, useMemo, useRef, useState } from "react";
import type { LogLine, TaskRow } from "../../api/types";
import { useKept, useStored } from "../hooks";
import { type List, type Place, useList } from "../virtual";
import { counted, grouped } from "../words";
import { type Filter, filtered, NO_FILTER, settled } from "./filter";
import { Line } from "./line";
import { searchOf } from "./line-text";
import { Toolbar } from "./toolbar";
import { countAfter, type Follow, useFlood, useFollow } from "./use-follow";

interface Props {
  lines: LogLine[];
  /** How many older lines are not here. */
  leftOut: number;
  tasks: ReadonlyMap<string, TaskRow>;
  /** Only lines of this task; null: of all. */
  task: string | null;
  onTask(task: string | null): void;
}

/** Pixels of a line of text, and around each record; the style sheet says the same. */
const LINE = 18;
const AROUND = 2;
/** Pixels of the words about lines left out. */
const LEFT_OUT = 27;

export function Logs({ lines, leftOut, tasks, task, onTask }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useStored<Filter>("logs.filter", NO_FILTER);
  const [wraps, setWraps] = useStored("logs.wraps", true);
  const all = useMemo(() => settled(lines), [lines]);
  const shown = useMemo(() => filtered(all, filter, task), [all, filter, task]);
  const list = useLines(shown, scroller, wraps, aboveLines(leftOut));
  const follow = useFollow(scroller, shown, () => toEnd(scroller.current));
  const jumps = useJumps(shown, follow, list);
  const showAll = () => {
    setFilter(NO_FILTER);
    onTask(null);
  };
  const onLeave = () => {
    setFilter({ ...filter, text: "" });
    jumps.stay(filtered(all, { ...filter, text: "" }, task));
    scroller.current?.focus();
  };
  const actions: Actions = { input, scroller, follow, onJump: jumps.jump, shown };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys work wherever the focus is inside
    <div className="nbf-log" onKeyDown={(event) => onKey(event, actions)}>
      <Toolbar
        {...{ input, filter, shown, tasks, task, onTask, wraps, onLeave }}
        total={all.length}
        onFilter={setFilter}
        onWraps={setWraps}
        onJump={jumps.jump}
      />
      <div className="nbf-log-area">
        <Scroller {...{ scroller, list, shown, tasks, leftOut, wraps, follow, onTask }}>
          {{ search: filter.text, current: jumps.current }}
        </Scroller>
        {shown.length === 0 && <Nothing some={lines.length > 0} onAll={showAll} />}
        {!follow.following && <Latest news={follow.news} onFollow={follow.follow} />}
      </div>
    </div>
  );
}

function useLines(
  shown: LogLine[],
  scroller: RefObject<HTMLDivElement>,
  wraps: boolean,
  above: number,
): List {
  return useList({
    count: shown.length,
    scroller,
    keyOf: (index) => shown[index]?.seq ?? index,
    heightOf: (index) => heightOf(shown[index], wraps ? 110 : Number.POSITIVE_INFINITY),
    measured: true,
    above,
    beyond: 8,
    place: useKept<Place>("logs.place"),
  });
}

function aboveLines(leftOut: number): number {
  return leftOut > 0 ? LEFT_OUT : 0;
}

/** A guess, until it is measured: `columns` characters make a line. */
function heightOf(line: LogLine | undefined, columns: number): number {
  const parts = (line?.text ?? "").slice(0, 20_000).replace(/\n$/, "").split("\n");
  const rows = parts.reduce((sum, part) => sum + Math.max(1, Math.ceil(part.length / columns)), 0);
  return rows * LINE + AROUND;
}

function toEnd(element: HTMLElement | null): void {
  if (element) element.scrollTop = element.scrollHeight;
}

/** The line that the reader jumped to, and the way to the next. */
function useJumps(shown: LogLine[], follow: Follow, list: List) {
  const [current, setCurrent] = useState<number | null>(null);
  const at = current === null ? -1 : shown.findIndex(({ seq }) => seq === current);
  const goTo = (among: LogLine[], index: number) => {
    const line = among[index];
    if (!line) return;
    follow.leave();
    setCurrent(line.seq);
    // The list hears of other lines only when they are drawn.
    requestAnimationFrame(() => list.reveal(index, "middle"));
  };
  return {
    current,
    jump: (step: number) => {
      const { length } = shown;
      if (length > 0) goTo(shown, at < 0 && step < 0 ? length - 1 : (at + step + length) % length);
    },
    /** Keeps it in view among other lines. */
    stay: (among: LogLine[]) => {
      if (current !== null) goTo(among, among.length - countAfter(among, current) - 1);
    },
  };
}

interface ScrollerProps extends Pick<Props, "tasks" | "leftOut" | "onTask"> {
  scroller: RefObject<HTMLDivElement>;
  list: List;
  shown: LogLine[];
  wraps: boolean;
  follow: Follow;
  children: { search: string; current: number | null };
}

function Scroller(props: ScrollerProps) {
  const { scroller, list, shown, tasks, leftOut, wraps, follow, onTask } = props;
  const { search: text, current } = props.children;
  const search = useMemo(() => searchOf(text), [text]);
  const flood = useFlood(shown);
  const above = aboveLines(leftOut);
  return (
    <div
      ref={scroller}
      role="log"
      aria-label="Lines of the run"
      aria-live={follow.following && !flood ? "polite" : "off"}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
      tabIndex={0}
      className={wraps ? "nbf-log-lines nbf-log-wraps" : "nbf-log-lines"}
      onScroll={follow.onScroll}
    >
      <div className="nbf-log-sizer" style={{ height: `${list.total + above}px` }}>
        {leftOut > 0 && <LeftOut number={leftOut} />}
        {list.items.map(({ index, key, start }) => {
          const line = shown[index];
          return (
            line && (
              <div
                key={key}
                data-index={index}
                className={lineClass(line, line.seq === current)}
                style={{ transform: `translateY(${start + above}px)` }}
              >
                <Line {...{ line, search, onTask }} name={nameOf(line, tasks)} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

function nameOf({ task }: LogLine, tasks: Props["tasks"]): string | null {
  return task === null ? null : (tasks.get(task)?.name ?? "a task");
}

function lineClass({ level }: LogLine, current: boolean): string {
  const grave = level >= 40 ? " nbf-log-grave" : "";
  return `nbf-log-line${grave}${current ? " nbf-log-current" : ""}`;
}

function LeftOut({ number }: { number: number }) {
  const verb = number === 1 ? "is" : "are";
  const words = `${counted(number, "older line")} ${verb} left out: only the newest are kept here.`;
  return <p className="nbf-log-left">{words}</p>;
}

function Nothing({ some, onAll }: { some: boolean; onAll(): void }) {
  if (!some) return <p className="nbf-log-empty">No lines yet.</p>;
  return (
    <p className="nbf-log-empty">
      No line matches.{" "}
      <button type="button" className="nbf-link" onClick={onAll}>
        Show all
      </button>
    </p>
  );
}

function Latest({ news, onFollow }: { news: number; onFollow(): void }) {
  return (
    <button type="button" className="nbf-button nbf-log-latest" onClick={onFollow}>
      {news > 0 ? `${grouped(news)} new ↓` : "To the end ↓"}
    </button>
  );
}

interface Actions {
  input: RefObject<HTMLInputElement>;
  scroller: RefObject<HTMLDivElement>;
  follow: Follow;
  onJump(step: number): void;
  shown: LogLine[];
}

function onKey(event: KeyboardEvent, actions: Actions): void {
  const target = event.target as Element;
  const typing = target.matches?.("input, select") ?? false;
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = actOf(event.key, actions);
  if (!act) return;
  // The page behind (a notebook) has commands on the same keys.
  event.preventDefault();
  event.stopPropagation();
  act();
}

function actOf(key: string, { input, scroller, follow, onJump }: Actions) {
  const acts: Record<string, () => void> = {
    "/": () => input.current?.focus(),
    n: () => onJump(1),
    N: () => onJump(-1),
    End: follow.follow,
    Home: () => {
      follow.leave();
      if (scroller.current) scroller.current.scrollTop = 0;
    },
  };
  return Object.hasOwn(acts, key) ? acts[key] : undefined;
}
