/** The small pieces that cards and frames are made of, as the static picture draws them. */

import { type CSSProperties, createElement, memo, type ReactElement } from "react";
import type { GraphNode } from "../../api/types";
import { lookOf, type Shape, shapesOf } from "../state/looks";
import { progressParts } from "../words";
import { isBad, isHollow } from "./card-words";
import { segmentsOf } from "./segments";

export const CARD_HEIGHT = 28;
export const ICON_X = 13;
const NAME_X = 34;
export const END = 11;
const GAP = 14;
const RADIUS = 7;
const STRIPE = 4;
/** Text stands on its middle line: from there to the baseline. */
const BASELINE = 4.3;

/** The place and the colour of a card. */
export function styleOf(node: GraphNode): CSSProperties {
  const colour = node.state_name === null ? "edge" : lookOf(node.state_name, node.state_type).role;
  return {
    transform: `translate(${node.x}px,${node.y}px)`,
    "--nbf-g-role": `var(--nbf-${colour})`,
  } as CSSProperties;
}

/** Attributes of SVG mind their case, and Preact writes them as they are given. */
export function tabStop(entry: boolean): { tabIndex?: number } {
  return { tabindex: entry ? 0 : -1 } as { tabIndex?: number };
}

/** The coloured left end of a card, inside its rounded corners. */
export function Stripe({ height }: { height: number }) {
  // Where the corner's circle is as far from the card's left end as the stripe is wide.
  const rise = RADIUS - Math.sqrt(RADIUS ** 2 - (RADIUS - STRIPE) ** 2);
  const corner = `A${RADIUS} ${RADIUS} 0 0 0 `;
  const d =
    `M${STRIPE} ${rise}${corner}0 ${RADIUS}V${height - RADIUS}` +
    `${corner}${STRIPE} ${height - rise}Z`;
  return <path className="nbf-g-fill" d={d} />;
}

/** The state's icon; of what went wrong, on a disc of its colour. */
export function Glyph({ node, y }: { node: GraphNode; y: number }) {
  if (node.state_name === null) return null;
  const { icon } = lookOf(node.state_name, node.state_type);
  const shapes = shapesOf(icon).map(drawn);
  if (isBad(node)) {
    return (
      <g transform={`translate(${ICON_X} ${y - 7})`}>
        <circle className="nbf-g-fill" cx={7} cy={7} r={8.5} />
        <g className="nbf-g-on" transform="translate(2.1 2.1) scale(.7)">
          {shapes}
        </g>
      </g>
    );
  }
  return (
    <g transform={`translate(${ICON_X} ${y - 7})`}>
      <g className={icon === "ring" ? "nbf-g-icon nbf-pulse" : "nbf-g-icon"}>{shapes}</g>
    </g>
  );
}

function drawn({ element, class: style, ...attributes }: Shape, place: number): ReactElement {
  return createElement(element, { key: place, className: style, ...attributes });
}

interface WordsProps {
  node: GraphNode;
  /** At the right end. */
  time: string;
  /** The middle of the line. */
  y: number;
  bold?: boolean;
  /** Whether the counts are told. */
  counted?: boolean;
}

/** Icon, name, and from the right: the time, the counts, the number of the attempt. */
export function Words({ node, time, y, bold = false, counted = false }: WordsProps) {
  const style = `nbf-g-name${bold || isBad(node) ? " nbf-g-bold" : ""}${isHollow(node) ? " nbf-g-quiet" : ""}`;
  const left = node.state_name === null ? ICON_X + 1 : NAME_X;
  const right = node.width - END;
  const progress = counted ? progressParts(node.counts) : [];
  const room = time ? right - widthOf(time) - GAP : right;
  const told = progress.map(([words]) => words).join(" · ");
  return (
    <>
      <Glyph node={node} y={y} />
      <text className={style} x={left} y={y + BASELINE + 0.3}>
        {node.name}
      </text>
      {time && (
        <text className="nbf-g-meta" x={right} y={y + BASELINE}>
          {time}
        </text>
      )}
      {told && <Progress parts={progress} x={room} y={y + BASELINE} />}
      {node.attempt > 1 && (
        <Try attempt={node.attempt} right={told ? room - widthOf(told) - GAP : room} y={y} />
      )}
    </>
  );
}

interface ProgressProps {
  parts: [words: string, state: string][];
  x: number;
  y: number;
}

/** `187/200 · 3 failed`: what went wrong in the colour of how. */
function Progress({ parts, x, y }: ProgressProps) {
  return (
    <text className="nbf-g-meta" x={x} y={y}>
      {parts.map(([words, state], place) => (
        <tspan
          key={state}
          style={state ? { fill: `var(--nbf-${lookOf(state, null).role})` } : undefined}
        >
          {place ? ` · ${words}` : words}
        </tspan>
      ))}
    </text>
  );
}

function Try({ attempt, right, y }: { attempt: number; right: number; y: number }) {
  const words = `try ${attempt}`;
  const width = widthOf(words) * 0.92 + 12;
  return (
    <g transform={`translate(${right - width} ${y - 8})`}>
      <rect className="nbf-g-pill" width={width} height={16} rx={8} />
      <text className="nbf-g-small" x={width / 2} y={8 + 3.7}>
        {words}
      </text>
    </g>
  );
}

/** In parts of the font size, as `nbflow.drawing.measure` has it: times and counts are of these. */
const NARROW = new Set(" .·/ijltfr");

/** The width of a few words beside a card's name. */
function widthOf(words: string): number {
  let width = 0;
  for (const letter of words) width += NARROW.has(letter) ? 0.38 : letter === "m" ? 0.98 : 0.63;
  return width * 11.5;
}

interface BarProps {
  counts: Record<string, number>;
  width: number;
  y: number;
}

/** A thin bar with one segment for each state. */
export const Bar = memo(function Bar({ counts, width, y }: BarProps) {
  return (
    <g transform={`translate(${ICON_X} ${y})`}>
      <rect className="nbf-g-rest" width={width} height={4} rx={2} />
      {segmentsOf(counts, width).map((segment) => (
        <rect
          key={segment.role}
          className="nbf-g-segment"
          x={segment.x}
          width={segment.width}
          height={4}
          rx={2}
          style={{ fill: `var(--nbf-${segment.role})` }}
        />
      ))}
    </g>
  );
});

/** Opens or closes a group; stands on the upper right corner of its card or frame. */
export function Toggle({ open, width, name }: { open: boolean; width: number; name: string }) {
  return (
    <g className="nbf-g-toggle" data-toggle="" transform={`translate(${width - 3} 3)`}>
      <title>{`${open ? "Close" : "Open"} ${name}`}</title>
      <circle className="nbf-g-hit" r={13} />
      <circle className="nbf-g-knob" r={8} />
      <path className="nbf-g-sign" d={open ? "M-3.5 0H3.5" : "M-3.5 0H3.5M0 -3.5V3.5"} />
    </g>
  );
}
