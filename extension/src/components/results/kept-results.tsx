/** The values that tasks returned and nbflow kept: what is known of them without loading them. */

import type { ResultRow } from "../../api/types";
import { bytes, counted, grouped } from "../words";

const MOST_ROWS = 100;

export function KeptResults({ results }: { results: ResultRow[] }) {
  if (results.length === 0) return null;
  const size = results.reduce((sum, row) => sum + row.size, 0);
  return (
    <details className="nbf-kept-results">
      <summary>
        Kept results{" "}
        <span className="nbf-muted">
          {counted(results.length, "value")}, {bytes(size)}
        </span>
      </summary>
      <div className="nbf-table-window">
        <table className="nbf-table">
          <thead>
            <tr>
              <th scope="col">Of</th>
              <th scope="col">Written as</th>
              <th scope="col" className="nbf-number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {results.slice(0, MOST_ROWS).map((row) => (
              <tr key={`${row.owner} ${row.key}`}>
                <td title={row.key}>{row.name}</td>
                <td>{row.serializer}</td>
                <td className="nbf-number">{bytes(row.size)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {results.length > MOST_ROWS && (
        <p className="nbf-left-out">
          first {MOST_ROWS} of {grouped(results.length)} results
        </p>
      )}
    </details>
  );
}
