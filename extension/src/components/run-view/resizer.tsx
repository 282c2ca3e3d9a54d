/** The lower edge of a view: drag it, or use the arrow keys, to make the view higher. */

import { type KeyboardEvent, type PointerEvent, useCallback, useRef } from "react";
import { useStored } from "../hooks";

const LEAST = 160;
const MOST = 1600;
const USUAL = 320;
const STEP = 20;
/** In the browser's own memory: the next run is as high as the last was made. */
const KEY = "nbflow.view.height";

interface Props {
  height: number;
  onHeight(height: number): void;
}

export function Resizer({ height, onHeight }: Props) {
  const drag = useRef<{ y: number; height: number } | null>(null);
  const begin = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture?.(event.pointerId);
    drag.current = { y: event.clientY, height };
  };
  const move = (event: PointerEvent) => {
    if (drag.current) onHeight(drag.current.height + event.clientY - drag.current.y);
  };
  const end = () => {
    drag.current = null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = byKey(event, height);
    if (next === null) return;
    event.preventDefault();
    onHeight(next);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no thematic break
    <div
      className="nbf-rv-edge"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the view"
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      aria-valuenow={height}
      tabIndex={0}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onDoubleClick={() => onHeight(USUAL)}
      onKeyDown={onKeyDown}
    />
  );
}

function byKey({ key, shiftKey }: KeyboardEvent, height: number): number | null {
  const step = shiftKey ? 5 * STEP : STEP;
  const heights: Record<string, number> = {
    ArrowDown: height + step,
    ArrowUp: height - step,
    Home: LEAST,
    Enter: USUAL,
  };
  return heights[key] ?? null;
}

/** The height of the panel in pixels, and how to change it. */
export function useHeight(): [number, (height: number) => void] {
  const [height, setHeight] = useStored("height", usual());
  const change = useCallback(
    (wanted: number) => {
      const next = Math.round(Math.min(MOST, Math.max(LEAST, wanted)));
      setHeight(next);
      keep(next);
    },
    [setHeight],
  );
  return [height, change];
}

function usual(): number {
  try {
    const kept = Number(localStorage.getItem(KEY));
    return kept >= LEAST && kept <= MOST ? kept : USUAL;
  } catch {
    return USUAL; // the page may keep nothing
  }
}

function keep(height: number): void {
  try {
    localStorage.setItem(KEY, String(height));
  } catch {
    // As above: then the view remembers it while the page lives.
  }
}
