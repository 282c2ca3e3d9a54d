/** Above the timeline: filters, order, zoom, and what took longest. */

import type { TaskRow } from "../../api/types";
import { grouped, stateWord } from "../words";
import { countsOf, type Order } from "./rows";

export interface Filters {
  text: string;
  state: string | null;
  order: Order;
}

interface Props {
  tasks: TaskRow[];
  filters: Filters;
  onFilters(filters: Filters): void;
  words: string;
  /** A factor; null: all of it. */
  onZoom(factor: number | null): void;
  zoomedIn: boolean;
}

const ORDERS: [Order, string][] = [
  ["start", "By start"],
  ["duration", "By duration"],
  ["name", "By name"],
];

export function Toolbar({ tasks, filters, onFilters, words, onZoom, zoomedIn }: Props) {
  return (
    <div className="nbf-tl-tools">
      <input
        type="search"
        className="nbf-input nbf-tl-search"
        placeholder="Filter tasks"
        aria-label="Filter tasks by name"
        value={filters.text}
        onInput={(event) => onFilters({ ...filters, text: event.currentTarget.value })}
      />
      <StateSelect tasks={tasks} filters={filters} onFilters={onFilters} />
      <select
        className="nbf-input"
        aria-label="Order of the tasks"
        value={filters.order}
        onChange={(event) => onFilters({ ...filters, order: event.currentTarget.value as Order })}
      >
        {ORDERS.map(([order, label]) => (
          <option key={order} value={order}>
            {label}
          </option>
        ))}
      </select>
      <span className="nbf-tl-words" title={words}>
        {words}
      </span>
      <Zoom onZoom={onZoom} zoomedIn={zoomedIn} />
    </div>
  );
}

type StateProps = Pick<Props, "tasks" | "filters" | "onFilters">;

function StateSelect({ tasks, filters, onFilters }: StateProps) {
  const counts = countsOf(tasks);
  // A state that was chosen stays to be seen when the last task has left it.
  const names = new Set([...Object.keys(counts), ...(filters.state ? [filters.state] : [])]);
  return (
    <select
      className="nbf-input"
      aria-label="Filter tasks by state"
      value={filters.state ?? ""}
      onChange={(event) => onFilters({ ...filters, state: event.currentTarget.value || null })}
    >
      <option value="">All states</option>
      {[...names].sort().map((name) => (
        <option key={name} value={name}>
          {`${stateWord(name)} (${grouped(counts[name] ?? 0)})`}
        </option>
      ))}
    </select>
  );
}

function Zoom({ onZoom, zoomedIn }: Pick<Props, "onZoom" | "zoomedIn">) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own
    <div className="nbf-tl-zoom" role="group" aria-label="Zoom">
      <button
        type="button"
        className="nbf-button"
        title="Zoom out (−, or Ctrl and the wheel)"
        aria-label="Zoom out"
        disabled={!zoomedIn}
        onClick={() => onZoom(2)}
      >
        −
      </button>
      <button
        type="button"
        className="nbf-button"
        title="Zoom in (+, or drag along the axis)"
        aria-label="Zoom in"
        onClick={() => onZoom(0.5)}
      >
        +
      </button>
      <button
        type="button"
        className="nbf-button"
        title="Show all (0, or double click)"
        disabled={!zoomedIn}
        onClick={() => onZoom(null)}
      >
        All
      </button>
    </div>
  );
}
