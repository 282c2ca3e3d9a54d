/** Which card or edge the reader points at, by pointer or by key. */

import { type FocusEvent, type PointerEvent, useEffect, useMemo, useState } from "react";

export interface Target {
  card: string | null;
  edge: string | null;
}

export const NOTHING: Target = { card: null, edge: null };

/** Rests this long on a card before more is told of it, in ms. */
const SLOW = 450;

export interface Hover {
  target: Target;
  /** The reader waits for more words. */
  slow: boolean;
  onPointerOver(event: PointerEvent): void;
  onPointerLeave(): void;
  onPointerDown(): void;
  onFocus(event: FocusEvent): void;
  onBlur(): void;
}

export function useHover(): Hover {
  const [target, setTarget] = useState(NOTHING);
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    setSlow(false);
    if (target.card === null) return;
    const timer = setTimeout(() => setSlow(true), SLOW);
    return () => clearTimeout(timer);
  }, [target]);
  const handlers = useMemo(() => {
    const point = (next: Target) => setTarget((old) => (isSame(old, next) ? old : next));
    return {
      onPointerOver: (event: PointerEvent) => {
        if (event.buttons === 0) point(targetOf(event.target));
      },
      onPointerLeave: () => point(NOTHING),
      onPointerDown: () => setSlow(false),
      // A click gives the focus, too, but says nothing about what to lift.
      onFocus: ({ target }: FocusEvent) => {
        if (isKeyed(target)) point(targetOf(target));
      },
      onBlur: () => point(NOTHING),
    };
  }, []);
  return { target, slow, ...handlers };
}

function isSame(one: Target, other: Target): boolean {
  return one.card === other.card && one.edge === other.edge;
}

function isKeyed(target: EventTarget): boolean {
  return target instanceof Element && target.matches(":focus-visible");
}

export function targetOf(target: EventTarget | null): Target {
  const element = target instanceof Element ? target : null;
  const edge = element?.closest("[data-edge]")?.getAttribute("data-edge") ?? null;
  return { card: cardOf(element), edge };
}

/** The card that an element belongs to. */
export function cardOf(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest("[data-node]")?.getAttribute("data-node") ?? null;
}
