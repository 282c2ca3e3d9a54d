/** What the reader looks for, what is found, and at which of the finds the search stands. */

import { useEffect, useMemo, useState } from "react";
import type { FlowRun, Graph, Look, TaskRow } from "../../api/types";
import { hiddenPath, matchesOf } from "./search";

export interface Search {
  text: string;
  setText(text: string): void;
  /** What is found; null: nothing is looked for. */
  matches: ReadonlySet<string> | null;
  /** The match that the search stands at. */
  current: string | null;
  /** `2 of 5`. */
  words: string;
  /** Go on by so many matches; where nothing matches, take the offer. */
  next(by: number): void;
  /** What would help when nothing matches. */
  offer: { words: string; open(): void } | null;
}

interface Where {
  graph: Graph;
  tasks: readonly TaskRow[];
  subflows: ReadonlyMap<string, FlowRun>;
  look: Look;
  onLook(look: Look): void;
  reveal(id: string): void;
}

export function useSearch(where: Where): Search {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { graph, reveal } = where;
  const matches = useMemo(
    () => matchesOf(text, [...graph.frames, ...graph.nodes]),
    [text, graph.frames, graph.nodes],
  );
  const place = matches.length ? ((at % matches.length) + matches.length) % matches.length : 0;
  const current = matches[place] ?? null;
  useEffect(() => {
    if (current !== null) reveal(current);
  }, [current, reveal]);
  const offer = text.trim() && matches.length === 0 ? offerOf(text, where) : null;
  const set = useMemo(() => (text.trim() ? new Set(matches) : null), [text, matches]);
  return {
    text,
    setText: (wanted) => {
      setText(wanted);
      setAt(0);
    },
    matches: set,
    current,
    words: wordsOf(text, matches.length, place),
    next: (by) => (offer === null ? setAt(place + by) : offer.open()),
    offer,
  };
}

function wordsOf(text: string, found: number, place: number): string {
  if (!text.trim()) return "";
  return found ? `${place + 1} of ${found}` : "none";
}

function offerOf(text: string, { graph, tasks, subflows, look, onLook }: Where): Search["offer"] {
  if (graph.closed.length === 0) return null;
  const path = hiddenPath(text, tasks, subflows, graph.closed);
  const closed = path.length ? graph.closed.filter((id) => !path.includes(id)) : [];
  return {
    words: path.length ? "Open its subflow" : "Open all subflows",
    open: () => onLook({ ...look, closed }),
  };
}
