/** The table of runs itself: one row is open at most, and the arrow keys go from row to row. */

import { Fragment, type KeyboardEvent, type ReactNode, useId, useState } from "react";
import type { RunRow as Row } from "../../api/types";
import { useNow, useStored } from "../hooks";
import type { Column } from "./columns";
import { Head } from "./head";
import type { Query } from "./query";
import type { Listed } from "./run-list";
import { RunRow } from "./run-row";

interface Props {
  listed: Listed;
  columns: Column[];
  query: Query;
  onQuery: (query: Query) => void;
  /** Clocks tick. */
  moving: boolean;
  onOpen?: (run: string) => void;
  renderRun?: (run: string) => ReactNode;
}

const SKELETON_ROWS = ["62%", "48%", "70%", "55%", "66%", "50%"];

export function Runs(props: Props) {
  const { listed, columns, query, onQuery } = props;
  if (listed.rows === null ? listed.error !== null : listed.rows.length === 0) return null;
  return (
    <table className="nbf-table nbf-runs-table" aria-busy={listed.loading}>
      <caption className="nbf-hidden">Runs</caption>
      <colgroup>
        {columns.map(({ id, width }) => (
          <col key={id} style={{ width }} />
        ))}
      </colgroup>
      <Head
        columns={columns}
        order={query.order}
        onOrder={(order) => onQuery({ ...query, order })}
      />
      {listed.rows === null ? (
        <Skeleton columns={columns} />
      ) : (
        <Body {...props} rows={listed.rows} />
      )}
    </table>
  );
}

function Body({ rows, ...props }: Props & { rows: Row[] }) {
  const { listed, columns, query, onQuery, moving, renderRun } = props;
  const [opened, toggle] = useOpened(props);
  const [reached, setReached] = useState<string | null>(null);
  const now = useNow(true, moving ? 1000 : 30_000);
  const since = Math.max(0, Date.now() - listed.at) / 1000;
  const first = rows.find(({ run }) => run.id === reached) ?? rows[0];
  const id = useId();
  return (
    <tbody
      onFocusCapture={(event) => setReached(runOf(event.target) ?? reached)}
      onKeyDown={(event) => {
        if (event.key === "Escape" && runOf(event.target) === opened) toggle(opened);
        else moveFocus(event);
      }}
    >
      {rows.map((row) => (
        <Fragment key={row.run.id}>
          <RunRow
            row={row}
            columns={columns}
            since={since}
            now={now}
            open={renderRun ? opened === row.run.id : null}
            current={row === first}
            detail={`${id}-${row.run.id}`}
            onOpen={() => toggle(row.run.id)}
            onFlow={(flow) => onQuery({ ...query, flow })}
            onTag={(tag) => onQuery({ ...query, tags: withTag(query.tags, tag) })}
          />
          {renderRun && opened === row.run.id && (
            <Detail id={`${id}-${opened}`} columns={columns.length}>
              {renderRun(opened)}
            </Detail>
          )}
        </Fragment>
      ))}
    </tbody>
  );
}

type Toggle = (run: string | null) => void;

/** The run that is open, and what opens or closes one. */
function useOpened({ onOpen, renderRun }: Props): [string | null, Toggle] {
  const [opened, setOpened] = useStored<string | null>("runs.open", null);
  const toggle: Toggle = (run) => {
    if (run !== null && run !== opened) onOpen?.(run);
    if (renderRun) setOpened(run === opened ? null : run);
  };
  return [opened, toggle];
}

function withTag(tags: string[], tag: string): string[] {
  return tags.includes(tag) ? tags : [...tags, tag];
}

interface DetailProps {
  id: string;
  columns: number;
  children: ReactNode;
}

function Detail({ id, columns, children }: DetailProps) {
  return (
    <tr className="nbf-run-detail">
      <td colSpan={columns} id={id}>
        {children}
      </td>
    </tr>
  );
}

// ── the keyboard ─────────────────────────────────────────────────────────────────────────

/** The run whose row has the focus; null also for what stands in an open run. */
function runOf(target: EventTarget | null): string | null {
  return target instanceof HTMLElement ? (target.dataset.run ?? null) : null;
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  if (runOf(event.target) === null) return;
  const names = [
    ...event.currentTarget.querySelectorAll<HTMLElement>(":scope > tr > th > [data-run]"),
  ];
  const at = names.indexOf(event.target as HTMLElement);
  const places: Record<string, number> = {
    ArrowUp: at - 1,
    ArrowDown: at + 1,
    Home: 0,
    End: names.length - 1,
  };
  const place = places[event.key];
  if (place === undefined) return;
  // The page must not scroll, also at the ends.
  event.preventDefault();
  names[place]?.focus();
}

/** Rows as they will be, before anything is known of them. */
function Skeleton({ columns }: { columns: Column[] }) {
  return (
    <tbody className="nbf-runs-skeleton" aria-hidden="true">
      {SKELETON_ROWS.map((width) => (
        <tr key={width}>
          {columns.map(({ id }) => (
            <td key={id}>
              <i
                className={`nbf-bone nbf-bone-${id}`}
                style={id === "state" ? undefined : { width }}
              />
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}
