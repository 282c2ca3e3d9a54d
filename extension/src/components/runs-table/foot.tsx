/** What stands below the list: how many there are, more of them, or why there are none. */

import { counted, grouped } from "../words";
import { isFiltered, type Query, queryOf } from "./query";
import { type Listed, MOST_ROWS } from "./run-list";

interface Props {
  listed: Listed;
  query: Query;
  onQuery: (query: Query) => void;
  onMore: () => void;
}

export function Foot({ listed, query, onQuery, onMore }: Props) {
  const { rows, total, loading } = listed;
  if (rows === null) return null;
  if (rows.length === 0)
    return isFiltered(query) ? <NoMatch query={query} onQuery={onQuery} /> : <NoRuns />;
  const left = total - rows.length;
  return (
    <div className="nbf-runs-foot">
      <span role="status">
        {left > 0 ? `${grouped(rows.length)} of ${counted(total, "run")}` : counted(total, "run")}
      </span>
      {left > 0 && rows.length < MOST_ROWS && (
        <button type="button" className="nbf-button" aria-disabled={loading} onClick={onMore}>
          Show more
        </button>
      )}
      {left > 0 && rows.length >= MOST_ROWS && (
        <span>More are not listed at once. Find older ones by name, state or flow.</span>
      )}
    </div>
  );
}

function NoMatch({ query, onQuery }: Pick<Props, "query" | "onQuery">) {
  return (
    <div className="nbf-nothing" role="status">
      <p>
        <b>No run matches.</b>
      </p>
      <button
        type="button"
        className="nbf-button"
        onClick={() => onQuery({ ...queryOf({}), order: query.order })}
      >
        Show all runs
      </button>
    </div>
  );
}

function NoRuns() {
  return (
    <div className="nbf-nothing" role="status">
      <p>
        <b>No runs yet.</b> Run one: call a flow, or run a whole notebook:
      </p>
      <pre className="nbf-code">%nbflow run notebook.ipynb</pre>
    </div>
  );
}

/** Why there was no answer, and the way to ask again. */
export function Refusal({ sentence, onRetry }: { sentence: string; onRetry: () => void }) {
  return (
    <div className="nbf-refusal" role="alert">
      <span>{sentence}</span>
      <button type="button" className="nbf-button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
