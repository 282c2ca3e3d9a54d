/** One run in the list, and the run itself below it while it is open. */

import type { ReactNode } from "react";
import type { RunRow as Row } from "../../api/types";
import { StateChip } from "../state/chip";
import { duration, ticking } from "../words";
import type { Column, ColumnId } from "./columns";
import { exactTimes, isRunning, parameterLines, parameterWords, whenWords } from "./run-words";

export interface RowProps {
  row: Row;
  columns: Column[];
  /** Seconds since the row was told. */
  since: number;
  now: number;
  /** null: it does not open. */
  open: boolean | null;
  /** The row that the keyboard finds first. */
  current: boolean;
  detail: string;
  onOpen: () => void;
  onFlow: (flow: string) => void;
  onTag: (tag: string) => void;
}

export function RunRow(props: RowProps) {
  const { columns, open, onOpen } = props;
  const opens = (target: EventTarget | null) =>
    !(target instanceof Element && target.closest("button,a")) && !isSelecting();
  return (
    // For the keyboard the button with the run's name does the same.
    <tr
      className={open ? "nbf-run nbf-run-open" : "nbf-run"}
      onClick={(event) => opens(event.target) && onOpen()}
    >
      {columns.map(({ id }) => CELLS[id](props))}
    </tr>
  );
}

/** Who marks words to copy them does not want the run. */
function isSelecting(): boolean {
  return document.getSelection()?.isCollapsed === false;
}

const CELLS: Record<ColumnId, (props: RowProps) => ReactNode> = {
  state: ({ row: { run } }) => (
    <td key="state" title={run.state.message ?? undefined}>
      <StateChip
        state_name={run.state.name}
        state_type={run.state.type}
        pulse={run.state.type === "RUNNING"}
      />
    </td>
  ),
  name: (props) => <NameCell key="name" {...props} />,
  flow: ({ row: { run }, onFlow }) => (
    <td key="flow">
      <Pick name={run.flow_name} title="Show only runs of this flow" onPick={onFlow} />
    </td>
  ),
  when: ({ row: { run }, now }) => (
    <td key="when" className="nbf-figures" title={exactTimes(run)}>
      {whenWords(run, now)}
    </td>
  ),
  duration: ({ row, since }) => (
    <td key="duration" className="nbf-number">
      {durationWords(row, since)}
    </td>
  ),
  parameters: ({ row: { run } }) => (
    <td key="parameters" className="nbf-run-parameters" title={parameterLines(run.parameters)}>
      {parameterWords(run.parameters)}
    </td>
  ),
  tags: ({ row: { run }, onTag }) => (
    <td key="tags">
      <span className="nbf-run-tags">
        {run.tags.map((tag) => (
          <Pick key={tag} name={tag} title="Show only runs with this tag" onPick={onTag} tag />
        ))}
      </span>
    </td>
  ),
  deployment: ({ row: { deployment } }) => (
    <td key="deployment" title={deployment ?? undefined}>
      {deployment}
    </td>
  ),
};

function durationWords({ run, duration: seconds }: Row, since: number): string {
  if (seconds === null) return "";
  return isRunning(run) ? ticking(seconds + since) : duration(seconds);
}

function NameCell({ row, since, columns, open, current, detail, onOpen }: RowProps) {
  const below = belowName(row, since, columns);
  return (
    <th scope="row">
      <button
        type="button"
        className="nbf-run-name"
        data-run={row.run.id}
        tabIndex={current ? 0 : -1}
        aria-expanded={open ?? undefined}
        aria-controls={open ? detail : undefined}
        title={row.run.name}
        onClick={onOpen}
      >
        {row.run.name}
      </button>
      {below && (
        <span className="nbf-run-below" title={below}>
          {below}
        </span>
      )}
    </th>
  );
}

/** What has no column of its own at this width. */
function belowName(row: Row, since: number, columns: Column[]): string {
  const { run, deployment } = row;
  const shown = new Set(columns.map(({ id }) => id));
  const parts: [ColumnId, string | null][] = [
    ["duration", durationWords(row, since)],
    ["flow", run.flow_name],
    ["deployment", deployment],
    ["parameters", parameterWords(run.parameters)],
    ["tags", run.tags.map((tag) => `#${tag}`).join(" ")],
  ];
  return parts
    .filter(([id, text]) => text && !shown.has(id))
    .map(([, text]) => text)
    .join(" · ");
}

interface PickProps {
  name: string;
  title: string;
  onPick: (name: string) => void;
  tag?: boolean;
}

/** A word of a row that filters the list by itself. */
function Pick({ name, title, onPick, tag = false }: PickProps) {
  return (
    <button
      type="button"
      className={tag ? "nbf-pick nbf-pick-tag" : "nbf-pick"}
      title={`${name}\n${title}`}
      onClick={() => onPick(name)}
    >
      {name}
    </button>
  );
}
