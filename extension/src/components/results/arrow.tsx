/** Which way a column is sorted. */

export type Direction = "ascending" | "descending" | "none";

export function Arrow({ direction }: { direction: Direction }) {
  return (
    <svg className={`nbf-arrow nbf-${direction}`} viewBox="0 0 8 8" aria-hidden="true">
      <path d="M1 5.5L4 2.5L7 5.5" />
    </svg>
  );
}
