/**
 * Keys on the graph. It is one stop of the Tab key; arrows go from card to card, along the edges
 * where there are some; with Shift, or while no card has the focus, they move the graph.
 */

import type { KeyboardEvent } from "react";
import { type Arrow, isArrow } from "./steps";

export interface Commands {
  /** The card that has the focus, by the element that the key came from. */
  cardOf(target: EventTarget): string | null;
  isGroup(id: string): boolean;
  toggle(id: string): void;
  select(id: string | null): void;
  step(from: string, key: Arrow): void;
  end(first: boolean): void;
  pan(x: number, y: number): void;
  zoom(closer: boolean): void;
  fit(): void;
  search(): void;
}

const PAN = 60;

export function onKey(event: KeyboardEvent, commands: Commands): void {
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event)) return;
  const card = event.target === null ? null : commands.cardOf(event.target);
  if (simple(event.key, commands) || (isPlace(event, card) && placed(event, card, commands))) {
    event.preventDefault();
    event.stopPropagation();
  }
}

function isWriting({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLInputElement;
}

/** Buttons over the graph keep the keys that work them. */
function isPlace({ target, currentTarget }: KeyboardEvent, card: string | null): boolean {
  return card !== null || target === currentTarget || !(target instanceof HTMLButtonElement);
}

function simple(key: string, commands: Commands): boolean {
  const actions: Record<string, (() => void) | undefined> = {
    "+": () => commands.zoom(true),
    "=": () => commands.zoom(true),
    "-": () => commands.zoom(false),
    "0": () => commands.fit(),
    "/": () => commands.search(),
    Escape: () => commands.select(null),
  };
  const action = Object.hasOwn(actions, key) ? actions[key] : undefined;
  action?.();
  return action !== undefined;
}

function placed(event: KeyboardEvent, card: string | null, commands: Commands): boolean {
  const { key, shiftKey } = event;
  if (isArrow(key)) {
    if (card === null || shiftKey) pan(key, commands);
    else commands.step(card, key);
    return true;
  }
  if (key === "Home" || key === "End") {
    commands.end(key === "Home");
    return true;
  }
  if (card === null || (key !== "Enter" && key !== " ")) return false;
  if (commands.isGroup(card)) commands.toggle(card);
  else commands.select(card);
  return true;
}

function pan(key: Arrow, commands: Commands): void {
  const [x, y] = {
    ArrowUp: [0, PAN],
    ArrowDown: [0, -PAN],
    ArrowLeft: [PAN, 0],
    ArrowRight: [-PAN, 0],
  }[key] as [number, number];
  commands.pan(x, y);
}
