/** Above the lines: filters, the search, and what to do with the lines shown. */

import type { KeyboardEvent, RefObject } from "react";
import type { LogLine, TaskRow } from "../../api/types";
import { useTold } from "../hooks";
import { copied } from "../results/clipboard";
import { grouped } from "../words";
import type { Filter, Origin } from "./filter";
import { asText, download, fileName } from "./save";

interface Props {
  input: RefObject<HTMLInputElement>;
  filter: Filter;
  onFilter(filter: Filter): void;
  shown: LogLine[];
  total: number;
  tasks: ReadonlyMap<string, TaskRow>;
  task: string | null;
  onTask(task: string | null): void;
  wraps: boolean;
  onWraps(wraps: boolean): void;
  /** To the next (1) or previous (-1) line found. */
  onJump(step: number): void;
  /** The reader has done with searching. */
  onLeave(): void;
}

const LEVELS: [number, string][] = [
  [0, "All levels"],
  [20, "Info and above"],
  [30, "Warnings and above"],
  [40, "Errors"],
];
const ORIGINS: [Origin, string][] = [
  ["all", "Printed and logged"],
  ["printed", "Printed"],
  ["logged", "Logged"],
];

export function Toolbar(props: Props) {
  const { filter, onFilter, wraps, onWraps } = props;
  return (
    <div className="nbf-log-tools">
      <Search {...props} />
      <Choice
        label="Least level"
        options={LEVELS}
        value={filter.level}
        onChoose={(level) => onFilter({ ...filter, level })}
      />
      <Choice
        label="Printed or logged"
        options={ORIGINS}
        value={filter.origin}
        onChoose={(origin) => onFilter({ ...filter, origin })}
      />
      <TaskChip {...props} />
      <span className="nbf-log-room" />
      <button
        type="button"
        className="nbf-button"
        aria-pressed={wraps}
        title="Break long lines"
        onClick={() => onWraps(!wraps)}
      >
        Wrap
      </button>
      <Takers {...props} />
    </div>
  );
}

function Search({ input, filter, onFilter, shown, total, task, onJump, onLeave }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") onJump(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") onLeave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const counts = shown.length !== total || filter.text !== "" || task !== null;
  return (
    <span className="nbf-log-search">
      <input
        ref={input}
        type="search"
        className="nbf-input"
        placeholder="Filter lines"
        title="Press / to come here, Enter for the next line, Escape to see it among the others"
        aria-label="Filter lines by text"
        value={filter.text}
        onInput={(event) => onFilter({ ...filter, text: event.currentTarget.value })}
        onKeyDown={onKeyDown}
      />
      <span className="nbf-log-count" role="status">
        {counts ? `${grouped(shown.length)} of ${grouped(total)}` : ""}
      </span>
    </span>
  );
}

interface ChoiceProps<T> {
  label: string;
  options: [T, string][];
  value: T;
  onChoose(value: T): void;
}

function Choice<T extends string | number>({ label, options, value, onChoose }: ChoiceProps<T>) {
  return (
    <select
      className="nbf-input"
      aria-label={label}
      value={String(value)}
      onChange={({ currentTarget }) => {
        const found = options.find(([option]) => String(option) === currentTarget.value);
        if (found) onChoose(found[0]);
      }}
    >
      {options.map(([option, words]) => (
        <option key={option} value={String(option)}>
          {words}
        </option>
      ))}
    </select>
  );
}

function TaskChip({ tasks, task, onTask }: Pick<Props, "tasks" | "task" | "onTask">) {
  if (task === null) return null;
  const name = tasks.get(task)?.name ?? "one task";
  return (
    <span className="nbf-log-chip">
      <span title={name}>only {name}</span>
      <button type="button" aria-label="Lines of all tasks" onClick={() => onTask(null)}>
        ×
      </button>
    </span>
  );
}

/** How long a button says what became of it, in ms. */
const TOLD = 1500;

function Takers({ shown, tasks }: Pick<Props, "shown" | "tasks">) {
  const [told, setTold] = useTold(TOLD);
  const take = async () => setTold((await copied(asText(shown, tasks))) ? "Copied" : "Not allowed");
  const empty = shown.length === 0;
  return (
    <>
      <button
        type="button"
        className="nbf-button"
        title="Copy the lines shown"
        disabled={empty}
        onClick={take}
      >
        <span aria-live="polite">{told ?? "Copy"}</span>
      </button>
      <button
        type="button"
        className="nbf-button"
        title="Download the lines shown as a file"
        aria-label="Download"
        disabled={empty}
        onClick={() => download(asText(shown, tasks), fileName(shown))}
      >
        .log
      </button>
    </>
  );
}
