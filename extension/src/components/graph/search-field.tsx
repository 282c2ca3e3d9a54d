/** Where the reader writes what to look for in the graph. */

import type { KeyboardEvent, RefObject } from "react";
import type { Search } from "./use-search";

interface Props {
  search: Search;
  field: RefObject<HTMLInputElement>;
  /** Escape was pressed: back to the graph. */
  onLeave(): void;
}

export function SearchField({ search, field, onLeave }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") search.next(event.shiftKey ? -1 : 1);
    else leave();
  };
  const leave = () => {
    search.setText("");
    onLeave();
  };
  return (
    <div className="nbf-g-find">
      <Told search={search} />
      <label
        className={search.text ? "nbf-g-set nbf-g-search nbf-g-wide" : "nbf-g-set nbf-g-search"}
      >
        <svg aria-hidden="true" width={14} height={14} viewBox="0 0 14 14">
          <path d="M6 2A4 4 0 1 0 6 10A4 4 0 1 0 6 2M9 9L12 12" />
        </svg>
        <input
          ref={field}
          type="search"
          placeholder="Find a task"
          title="Find a task (/); Enter goes on to the next"
          aria-label="Find a task"
          value={search.text}
          onInput={(event) => search.setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {search.words && (
          <span className="nbf-g-told" aria-live="polite">
            {search.words}
          </span>
        )}
      </label>
    </div>
  );
}

/** Names inside closed subflows are not known here, unless the tasks are. */
function Told({ search }: { search: Search }) {
  if (search.offer === null) return null;
  return (
    <button type="button" className="nbf-button" onClick={search.offer.open}>
      {search.offer.words}
    </button>
  );
}
