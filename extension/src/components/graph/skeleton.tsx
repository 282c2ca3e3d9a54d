/** Where the graph will stand, until it comes. */

const BONES: [x: number, y: number][] = [
  [40, 30],
  [240, 30],
  [140, 100],
  [40, 170],
  [240, 170],
];

export function GraphSkeleton({ height }: { height: number }) {
  return (
    <div
      className="nbf-g nbf-g-empty"
      style={{ height }}
      role="status"
      aria-label="The graph is on its way"
    >
      <svg className="nbf-pulse" aria-hidden="true" width={440} height={228} viewBox="0 0 440 228">
        {BONES.map(([x, y]) => (
          <rect
            key={`${x} ${y}`}
            className="nbf-g-bone"
            x={x}
            y={y}
            width={160}
            height={28}
            rx={7}
          />
        ))}
      </svg>
    </div>
  );
}
