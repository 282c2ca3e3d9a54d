/**
 * A table that users kept: sortable by its columns, its header always in sight.
 *
 * Rows have one height, so that of a long table only those in sight are on the page. Widths come
 * from all rows, so that columns do not move while one scrolls. Every cell is text.
 */

import { useMemo, useState } from "react";
import { grouped } from "../words";
import { Arrow } from "./arrow";
import { type Column, columnsOf, nextSorting, ordered, type Sorting } from "./columns";
import type { TableForm } from "./forms";

const ROW_HEIGHT = 26;
/** As in the style: the tallest that a table's window gets. */
const WINDOW_HEIGHT = 286;
/** Tables up to here are on the page as a whole. */
const ALL_ROWS = 100;
const MARGIN_ROWS = 12;

export function Table({ form, label }: { form: TableForm; label: string }) {
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const columns = useMemo(() => columnsOf(form), [form]);
  const rows = useMemo(() => ordered(form.rows, sorting), [form, sorting]);
  const [top, setTop] = useState(0);
  const { first, last } = inSight(rows.length, top);
  return (
    <>
      {/* Its buttons take the focus, so that arrow keys scroll it. */}
      <section
        className="nbf-table-window"
        aria-label={label}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      >
        <table
          className="nbf-table"
          aria-rowcount={rows.length + 1}
          style={{ width: widthOf(columns) }}
        >
          <colgroup>
            {columns.map(({ index, width }) => (
              <col key={index} style={{ width: `calc(${width}ch + 20px)` }} />
            ))}
          </colgroup>
          <Head columns={columns} sorting={sorting} onSort={setSorting} />
          <tbody>
            <Room rows={first} />
            {rows.slice(first, last).map((row, index) => (
              <Row key={first + index} place={first + index} row={row} columns={columns} />
            ))}
            <Room rows={rows.length - last} />
          </tbody>
        </table>
      </section>
      <Left form={form} shown={columns.length} />
    </>
  );
}

function inSight(count: number, top: number): { first: number; last: number } {
  if (count <= ALL_ROWS) return { first: 0, last: count };
  const above = Math.floor(top / ROW_HEIGHT) - MARGIN_ROWS;
  // An even start keeps the stripes of the rows where they are.
  const first = Math.min(Math.max(0, above - (above % 2)), count - 1);
  return {
    first,
    last: Math.min(count, first + Math.ceil(WINDOW_HEIGHT / ROW_HEIGHT) + 2 * MARGIN_ROWS),
  };
}

function widthOf(columns: Column[]): string {
  const digits = columns.reduce((sum, { width }) => sum + width, 0);
  return `calc(${digits}ch + ${20 * columns.length}px)`;
}

interface HeadProps {
  columns: Column[];
  sorting: Sorting | null;
  onSort: (sorting: Sorting | null) => void;
}

function Head({ columns, sorting, onSort }: HeadProps) {
  return (
    <thead>
      <tr>
        {columns.map(({ index, name, numeric }) => {
          const direction = sorting?.index === index ? sorting.direction : "none";
          return (
            <th
              key={index}
              scope="col"
              aria-sort={direction}
              className={numeric ? "nbf-number" : ""}
            >
              <button
                type="button"
                className="nbf-sort"
                title={name}
                onClick={() => onSort(nextSorting(sorting, index))}
              >
                <span>{name}</span>
                <Arrow direction={direction} />
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** The room that rows out of sight would take. */
function Room({ rows }: { rows: number }) {
  if (rows <= 0) return null;
  return <tr style={{ height: `${rows * ROW_HEIGHT}px` }} />;
}

function Row({ row, columns, place }: { row: unknown[]; columns: Column[]; place: number }) {
  return (
    <tr aria-rowindex={place + 2}>
      {columns.map((column) => (
        <Cell key={column.index} value={row[column.index]} column={column} />
      ))}
    </tr>
  );
}

function Cell({ value, column }: { value: unknown; column: Column }) {
  if (value === null || value === undefined)
    return <td className={column.numeric ? "nbf-number nbf-missing" : "nbf-missing"}>–</td>;
  const text = column.write(value);
  const whole = String(value);
  const title = column.numeric ? whole !== text : text.length >= column.width;
  return (
    <td className={column.numeric ? "nbf-number" : ""} title={title ? wholeText(value) : undefined}>
      {text}
    </td>
  );
}

function wholeText(value: unknown): string {
  return (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, 2000);
}

/** What of the table is not here. */
function Left({ form, shown }: { form: TableForm; shown: number }) {
  const parts = [
    form.total > form.rows.length &&
      `first ${grouped(form.rows.length)} of ${grouped(form.total)} rows`,
    form.columns.length > shown && `first ${shown} of ${grouped(form.columns.length)} columns`,
  ].filter(Boolean);
  return parts.length > 0 ? <p className="nbf-left-out">{parts.join(", ")}</p> : null;
}
