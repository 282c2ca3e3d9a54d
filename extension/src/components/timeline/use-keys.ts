/** The row that the keyboard is on, and what keys do. */

import { type KeyboardEvent, useState } from "react";
import type { Row } from "./rows";
import type { View } from "./use-view";

interface Options {
  rows: Row[];
  view: View;
  /** How many rows a page has. */
  page: number;
  onOpen(row: Row): void;
  onChoose(row: Row): void;
  onClear(): void;
  /** Bring a row into view. */
  reveal(index: number): void;
}

export interface Keys {
  /** The active row; -1: none. */
  index: number;
  activate(row: Row): void;
  onKeyDown(event: KeyboardEvent): void;
}

export function useKeys(options: Options): Keys {
  const [active, setActive] = useState<string | null>(null);
  const index = options.rows.findIndex((row) => row.key === active);
  const move = (to: number) => {
    const { rows, reveal } = options;
    const next = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[next];
    if (!row) return;
    setActive(row.key);
    reveal(next);
  };
  return {
    index,
    activate: (row) => setActive(row.key),
    onKeyDown: (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = actionOf(event.key, index, move, options);
      if (!act) return;
      // The page behind (a notebook) has commands on the same keys.
      event.preventDefault();
      event.stopPropagation();
      act();
    },
  };
}

type Act = () => void;

function actionOf(key: string, index: number, move: (to: number) => void, options: Options) {
  const { rows, view, page } = options;
  const row = rows[index];
  const acts: Record<string, Act | undefined> = {
    ArrowDown: () => move(index + 1),
    ArrowUp: () => move(index < 0 ? rows.length - 1 : index - 1),
    PageDown: () => move(index + page),
    PageUp: () => move(index - page),
    Home: () => move(0),
    End: () => move(rows.length - 1),
    "+": () => view.zoom(0.5),
    "=": () => view.zoom(0.5),
    "-": () => view.zoom(2),
    "0": () => view.zoom(null),
    Escape: options.onClear,
    ...(row && rowActs(row, index, move, options)),
  };
  return Object.hasOwn(acts, key) ? acts[key] : undefined;
}

function rowActs(
  row: Row,
  index: number,
  move: (to: number) => void,
  { rows, onOpen, onChoose }: Options,
): Record<string, Act> {
  const isOpen = row.kind !== "task" && row.open;
  const parent = rows.slice(0, index).findLastIndex((other) => other.depth < row.depth);
  return {
    Enter: () => onChoose(row),
    " ": () => onChoose(row),
    ArrowRight: () => (row.kind === "task" ? undefined : isOpen ? move(index + 1) : onOpen(row)),
    ArrowLeft: () => (isOpen ? onOpen(row) : parent >= 0 ? move(parent) : undefined),
  };
}
