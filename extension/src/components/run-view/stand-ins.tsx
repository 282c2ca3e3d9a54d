/** Until the graph and the logs are there. */

import type { Graph, GraphEdge, GraphNode, LogLine, Look, TaskRow } from "../../api/types";
import { lookOf } from "../state/looks";
import { clock, duration, withoutEscapes } from "../words";

interface GraphProps {
  graph: Graph | null;
  now: number;
  selected: string | null;
  onSelect(node: string | null): void;
  look: Look;
  onLook(look: Look): void;
  label: string;
  height?: number;
}

export function GraphView({ graph, height, label, selected }: GraphProps) {
  const [width, tall] = [(graph?.width ?? 0) + 24, (graph?.height ?? 0) + 24];
  return (
    <div style={{ height, overflow: "auto", textAlign: "center" }}>
      <svg
        role="img"
        aria-label={label}
        width={width}
        height={tall}
        viewBox={`-12 -12 ${width} ${tall}`}
      >
        {graph?.edges.map((edge) => (
          <Edge key={`${edge.source} ${edge.target} ${edge.label}`} edge={edge} />
        ))}
        {graph?.nodes.map((node) => (
          <Card key={node.id} node={node} chosen={node.id === selected} />
        ))}
      </svg>
    </div>
  );
}

function Edge({ edge: { points, certain } }: { edge: GraphEdge }) {
  const [start, ...rest] = points.map((point) => point.join(" "));
  return (
    <path
      d={`M${start}C${rest.join(" ")}`}
      fill="none"
      stroke="var(--nbf-edge)"
      strokeWidth={1.25}
      strokeDasharray={certain ? undefined : "4 3.5"}
    />
  );
}

interface CardProps {
  node: GraphNode;
  chosen: boolean;
}

function Card({ node, chosen }: CardProps) {
  const { x, y, width, height, name, state_name, state_type } = node;
  const colour = `var(--nbf-${lookOf(state_name, state_type).role})`;
  return (
    <g transform={`translate(${x} ${y})`}>
      <rect
        width={width}
        height={height}
        rx={7}
        fill="var(--nbf-card)"
        stroke={chosen ? "var(--nbf-focus)" : "var(--nbf-border)"}
      />
      <rect width={4} height={height} fill={colour} />
      <text x={14} y={18} fill="var(--nbf-ink)">
        {name}
      </text>
      <text x={width - 10} y={18} textAnchor="end" fill="var(--nbf-muted)" fontSize={11.5}>
        {duration(node.duration)}
      </text>
    </g>
  );
}

interface LogsProps {
  lines: LogLine[];
  leftOut: number;
  tasks: Map<string, TaskRow>;
  task: string | null;
  onTask(id: string | null): void;
}

export function Logs({ lines, task }: LogsProps) {
  const shown = lines.filter((line) => task === null || line.task === task).slice(-500);
  return (
    <pre className="nbf-code" style={{ margin: 0, padding: "8px 12px", overflow: "auto" }}>
      {shown.map(({ time, text }) => `${clock(time)}  ${withoutEscapes(text)}`).join("\n")}
    </pre>
  );
}
