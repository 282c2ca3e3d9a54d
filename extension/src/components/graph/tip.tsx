/** What is known of the card under the pointer: its whole name, its state, why, and when. */

import { type RefObject, useLayoutEffect, useRef } from "react";
import type { GraphNode } from "../../api/types";
import type { Size } from "../hooks";
import { StateIcon } from "../state/icon";
import { clock, exactUtc, stateWord } from "../words";
import { isBad, isTicking, progressOf } from "./card-words";
import type { Rect } from "./viewport";

interface Props {
  node: GraphNode;
  time: string;
  /** Where the card stands in the area. */
  place: Rect;
  area: Size;
}

export function Tip({ node, time, place, area }: Props) {
  const box = useRef<HTMLDivElement>(null);
  usePlace(box, place, area);
  const { label, state_name, state_type, message, started } = node;
  return (
    <div ref={box} className="nbf-g-tip" role="tooltip">
      <div className="nbf-g-tip-name">{label || "(unnamed)"}</div>
      {state_name !== null && (
        <div className="nbf-g-tip-state">
          <StateIcon name={state_name} type={state_type} size={13} />
          {stateLine(node, state_name, time)}
        </div>
      )}
      {message && (
        <div className={isBad(node) ? "nbf-g-tip-message nbf-g-tip-bad" : "nbf-g-tip-message"}>
          {message}
        </div>
      )}
      {started !== null && <Times node={node} started={started} />}
    </div>
  );
}

function stateLine(node: GraphNode, name: string, time: string): string {
  const parts = [stateWord(name)];
  if (time) parts.push(isTicking(node) ? `for ${time}` : `after ${time}`);
  if (node.attempt > 1) parts.push(`attempt ${node.attempt}`);
  if (Object.keys(node.counts).length) parts.push(progressOf(node));
  return parts.join(" · ");
}

function Times({ node, started }: { node: GraphNode; started: number }) {
  const ended = node.duration === null ? null : started + node.duration * 1000;
  return (
    <div className="nbf-g-tip-times">
      <div>
        {ended === null ? `since ${clock(started)}` : `${clock(started)} to ${clock(ended)}`}
      </div>
      <div>{exactUtc(started)}</div>
    </div>
  );
}

const AWAY = 8;

/** Beside the card, so that what follows from it stays in sight; else below it or above. */
function usePlace(box: RefObject<HTMLDivElement>, place: Rect, area: Size): void {
  useLayoutEffect(() => {
    const tip = box.current;
    if (tip === null) return;
    const { x, y } = spotFor({ width: tip.offsetWidth, height: tip.offsetHeight }, place, area);
    tip.style.left = `${x}px`;
    tip.style.top = `${y}px`;
  });
}

export function spotFor({ width, height }: Size, card: Rect, area: Size): { x: number; y: number } {
  const [beside, below] = [card.x + card.width + AWAY, card.y + card.height + AWAY];
  if (beside + width + AWAY <= area.width) {
    return { x: beside, y: inside(card.y, height, area.height) };
  }
  const above = card.y - AWAY - height;
  const y = below + height <= area.height || above < 0 ? below : above;
  return { x: inside(card.x, width, area.width), y: inside(y, height, area.height) };
}

function inside(start: number, length: number, room: number): number {
  return Math.max(AWAY, Math.min(start, room - length - AWAY));
}
