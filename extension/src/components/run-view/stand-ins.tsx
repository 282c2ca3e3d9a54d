/** Until the graph and the logs are there. */

import type { Graph, LogLine, Look, TaskRow } from "../../api/types";

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

export function GraphView({ graph, height }: GraphProps) {
  return <div style={{ height }}>{graph?.nodes.length ?? 0} cards</div>;
}

interface LogsProps {
  lines: LogLine[];
  leftOut: number;
  tasks: Map<string, TaskRow>;
  task: string | null;
  onTask(id: string | null): void;
}

export function Logs({ lines }: LogsProps) {
  return <pre>{lines.map(({ text }) => text).join("\n")}</pre>;
}
