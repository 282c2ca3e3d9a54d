/** One record: when, how grave, whose, and what. */

import { memo, useState } from "react";
import type { LogLine } from "../../api/types";
import { bytes, clock, exactUtc } from "../words";
import { kindWord } from "./levels";
import { type Piece, piecesOf, plainOf } from "./line-text";

interface Props {
  line: LogLine;
  /** The task's name; null: the flow's own. */
  name: string | null;
  search: RegExp | null;
  onTask(task: string | null): void;
}

/** Characters of a line that are shown before the reader asks for all. */
const MOST = 10_000;

export const Line = memo(function Line({ line, name, search, onTask }: Props) {
  const kind = kindWord(line);
  return (
    <>
      <time className="nbf-log-time" title={exactUtc(line.time)}>
        {clock(line.time)}
      </time>
      <span className={`nbf-log-level nbf-log-${kind.toLowerCase()}`}>{kind}</span>
      <TaskName line={line} name={name} onTask={onTask} />
      <Text line={line} search={search} />
    </>
  );
});

function TaskName({ line, name, onTask }: Pick<Props, "line" | "name" | "onTask">) {
  if (name === null) return <span className="nbf-log-task" />;
  return (
    <button
      type="button"
      className="nbf-link nbf-log-task"
      title={`Only lines of ${name}`}
      onClick={() => onTask(line.task)}
    >
      {name}
    </button>
  );
}

function Text({ line, search }: Pick<Props, "line" | "search">) {
  const [whole, setWhole] = useState(false);
  const rest = whole ? 0 : plainOf(line).length - MOST;
  return (
    <span className="nbf-log-text">
      {piecesOf(line, search, whole ? Number.POSITIVE_INFINITY : MOST).map(shown)}
      {rest > 0 && (
        <button type="button" className="nbf-link" onClick={() => setWhole(true)}>
          … {bytes(rest)} more
        </button>
      )}
    </span>
  );
}

function shown({ at, text, style, href, hit }: Piece) {
  const words = hit ? <mark>{text}</mark> : text;
  if (href) {
    return (
      <a key={at} className={style} href={href} target="_blank" rel="noopener noreferrer">
        {words}
      </a>
    );
  }
  if (!style) return hit ? <mark key={at}>{text}</mark> : text;
  return (
    <span key={at} className={style}>
      {words}
    </span>
  );
}
