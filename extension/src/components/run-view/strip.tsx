/** The last log lines, under the graph. */

import type { LogLine, TaskRow } from "../../api/types";
import { clock, exactUtc, withoutEscapes } from "../words";

interface Props {
  lines: LogLine[];
  tasks: ReadonlyMap<string, TaskRow>;
  onOpen(): void;
}

const SHOWN = 3;
export function Strip({ lines, tasks, onOpen }: Props) {
  if (lines.length === 0) return null;
  return (
    <button type="button" className="nbf-rv-strip" onClick={onOpen} title="Show all logs">
      <span className="nbf-hidden">Show all logs. The last lines:</span>
      {lines.slice(-SHOWN).map((line) => (
        <span key={line.seq} className={`nbf-rv-line ${toneOf(line.level)}`}>
          <time title={exactUtc(line.time)}>{clock(line.time)}</time>
          <Source line={line} tasks={tasks} />
          <span className="nbf-rv-text">{lastLine(line.text)}</span>
        </span>
      ))}
    </button>
  );
}

function Source({ line, tasks }: { line: LogLine; tasks: ReadonlyMap<string, TaskRow> }) {
  const name = line.task === null ? null : tasks.get(line.task)?.name;
  return name ? <bdi className="nbf-rv-from">{name}</bdi> : null;
}

function toneOf(level: number): string {
  return level >= 40 ? "nbf-rv-bad" : level >= 30 ? "nbf-rv-odd" : "";
}

/** Of several lines the last that says something. */
function lastLine(text: string): string {
  const lines = withoutEscapes(text.slice(-4000)).split("\n");
  return (lines.findLast((line) => line.trim() !== "") ?? "").slice(0, 400);
}
