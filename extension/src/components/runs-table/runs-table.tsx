/**
 * All recorded runs: find them, sort them, look at one where it stands.
 *
 * This module decides when the list is asked for again: when the query changes, when the reader
 * says so, and every five seconds while a run on it may change and somebody may see it.
 */

import { type ReactNode, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { RunsWhere, Service } from "../../api/types";
import { useSize, useStored } from "../hooks";
import { columnsAt } from "./columns";
import { Filters } from "./filters";
import { Foot, Refusal } from "./foot";
import { type Query, queryOf } from "./query";
import { type Listed, RunList } from "./run-list";
import { isMoving } from "./run-words";
import { Runs } from "./runs";
import { useVisible } from "./visible";

interface Props {
  service: Service;
  /** The sender's own name for this table, whose conditions it keeps. */
  view?: string | null;
  /** Which runs are shown at first. */
  where?: RunsWhere;
  /** A run was opened. */
  onOpen?: (run: string) => void;
  /** The run as it stands below its row; without it rows only tell `onOpen`. */
  renderRun?: (run: string) => ReactNode;
}

const REFRESH_MS = 5000;
const EVERY: RunsWhere = {};

export function RunsTable({ service, view = null, where = EVERY, onOpen, renderRun }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [query, setQuery] = useStored<Query>("runs.query", queryOf(where));
  const list = useMemo(() => new RunList(service, view), [service, view]);
  const listed = useSyncExternalStore(list.subscribe, () => list.snapshot);
  useEffect(() => list.show(query), [list, query]);
  useEffect(() => () => list.close(), [list]);
  const moving = useRefresh(list, listed, useVisible(frame));
  const columns = columnsAt(useSize(frame).width);
  return (
    <div className="nbf-runs" ref={frame}>
      <Filters query={query} onQuery={setQuery} loading={listed.loading} onRefresh={list.refresh} />
      {listed.error !== null && <Refusal sentence={listed.error} onRetry={list.refresh} />}
      <Runs
        listed={listed}
        columns={columns}
        query={query}
        onQuery={setQuery}
        moving={moving}
        onOpen={onOpen}
        renderRun={renderRun}
      />
      <Foot listed={listed} query={query} onQuery={setQuery} onMore={() => list.more()} />
    </div>
  );
}

/** Asks again while runs may change and somebody may see it; whether they may. */
function useRefresh(list: RunList, { rows, at }: Listed, visible: boolean): boolean {
  const moving = visible && (rows ?? []).some((row) => isMoving(row, Date.now()));
  useEffect(() => {
    if (!moving) return;
    // From the last answer on, so that slow answers never pile up.
    const timer = setTimeout(list.refresh, Math.max(0, at + REFRESH_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [moving, at, list]);
  return moving;
}
