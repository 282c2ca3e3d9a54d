/** Which runs are shown: a text, states, a flow, tags. */

import { useEffect, useRef, useState } from "react";
import { StateIcon } from "../state/icon";
import { type Query, STATE_GROUPS, toggled } from "./query";

interface Props {
  query: Query;
  onQuery: (query: Query) => void;
  loading: boolean;
  onRefresh: () => void;
}

const PAUSE_MS = 250;

export function Filters({ query, onQuery, loading, onRefresh }: Props) {
  return (
    <search className="nbf-runs-filters">
      <TextFilter text={query.text} onText={(text) => onQuery({ ...query, text })} />
      <StateFilter
        states={query.states}
        onToggle={(name) => onQuery({ ...query, states: toggled(query.states, name) })}
      />
      <Picked query={query} onQuery={onQuery} />
      <span className="nbf-spread" />
      <button type="button" className="nbf-button" aria-disabled={loading} onClick={onRefresh}>
        Refresh
      </button>
    </search>
  );
}

/** Tells what was typed once the reader pauses. */
function TextFilter({ text, onText }: { text: string; onText: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  const tell = useRef(onText);
  tell.current = onText;
  // Cleared from elsewhere.
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => tell.current(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, text]);
  return (
    <input
      type="search"
      className="nbf-input nbf-runs-text"
      aria-label="Find runs by name or flow"
      placeholder="Find by name or flow"
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
    />
  );
}

function StateFilter({ states, onToggle }: { states: string[]; onToggle: (name: string) => void }) {
  return (
    <fieldset className="nbf-runs-states">
      <legend className="nbf-hidden">States</legend>
      {STATE_GROUPS.map(({ name, types: [type = null] }) => (
        <button
          key={name}
          type="button"
          className="nbf-runs-toggle"
          aria-pressed={states.includes(name)}
          onClick={() => onToggle(name)}
        >
          <StateIcon name={name} type={type} size={12} />
          {name.toLowerCase()}
        </button>
      ))}
    </fieldset>
  );
}

/** The flow and the tags that were picked from a row, each to be taken back. */
function Picked({ query, onQuery }: Pick<Props, "query" | "onQuery">) {
  const { flow, tags } = query;
  return (
    <>
      {flow !== null && (
        <Chip kind="flow" name={flow} onRemove={() => onQuery({ ...query, flow: null })} />
      )}
      {tags.map((tag) => (
        <Chip
          key={tag}
          kind="tag"
          name={tag}
          onRemove={() => onQuery({ ...query, tags: toggled(tags, tag) })}
        />
      ))}
    </>
  );
}

function Chip({ kind, name, onRemove }: { kind: string; name: string; onRemove: () => void }) {
  return (
    <button
      type="button"
      className="nbf-runs-toggle"
      aria-pressed="true"
      title={`Also show runs of any other ${kind}`}
      onClick={onRemove}
    >
      <span className="nbf-runs-toggle-name">
        {kind} {name}
      </span>
      <span aria-hidden="true">×</span>
    </button>
  );
}
