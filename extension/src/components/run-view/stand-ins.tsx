/** Until the logs are there. */

import type { LogLine, TaskRow } from "../../api/types";
import { clock, withoutEscapes } from "../words";

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
