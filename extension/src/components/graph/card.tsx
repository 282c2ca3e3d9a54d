/** A card of the graph: one line about a task, or a stack that stands for many. */

import { memo } from "react";
import type { GraphNode } from "../../api/types";
import { cardName, isBad, isHollow } from "./card-words";
import { Bar, CARD_HEIGHT, END, ICON_X, Stripe, styleOf, Toggle, tabStop, Words } from "./marks";

export interface CardProps {
  node: GraphNode;
  /** As it is told now: a card whose time did not change is not drawn anew. */
  time: string;
  selected: boolean;
  /** Among what is lifted above the rest. */
  lit: boolean;
  /** The match that the search stands at. */
  found: boolean;
  /** Where the Tab key comes in. */
  entry: boolean;
  /** Of a group, whether it is open. */
  group: "open" | "closed" | null;
}

export const Card = memo(function Card(props: CardProps) {
  const { node, selected, entry, group } = props;
  return (
    // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
    <g
      role="button"
      className={classOf(props)}
      style={styleOf(node)}
      data-node={node.id}
      {...tabStop(entry)}
      aria-label={cardName(node, group)}
      aria-pressed={selected}
      aria-expanded={group === null ? undefined : group === "open"}
    >
      <Face {...props} />
      {group !== null && (
        <Toggle open={group === "open"} width={node.width} name={node.label || "the subflow"} />
      )}
    </g>
  );
});

function classOf({ node, selected, lit, found }: CardProps): string {
  const busy = node.state_type === "RUNNING" || node.state_type === "PAUSED";
  return [
    "nbf-g-card",
    isHollow(node) && "nbf-g-hollow",
    isBad(node) && "nbf-g-bad",
    busy && "nbf-g-busy",
    selected && "nbf-g-selected",
    lit && "nbf-g-lit",
    found && "nbf-g-found",
  ]
    .filter(Boolean)
    .join(" ");
}

/** How far the cards behind stand out. */
const STACK = 6;

function Face({ node, time }: CardProps) {
  const { width, stacked } = node;
  const height = stacked ? node.height - STACK : node.height;
  return (
    <>
      {stacked && <Behind width={width} height={height} />}
      {isBad(node) && <Outline style="nbf-g-halo" by={2} width={width} height={height} />}
      <Outline style="nbf-g-ring" by={4} width={width} height={height} />
      <rect className="nbf-g-ground" width={width} height={height} rx={7} />
      {!isHollow(node) && <Stripe height={height} />}
      <Words node={node} time={time} y={CARD_HEIGHT / 2 + (stacked ? 1 : 0)} counted={stacked} />
      {stacked && <Bar counts={node.counts} width={width - ICON_X - END} y={30} />}
    </>
  );
}

function Behind({ width, height }: { width: number; height: number }) {
  return (
    <>
      <rect className="nbf-g-behind" x={8} y={STACK} width={width - 16} height={height} rx={7} />
      <rect className="nbf-g-behind" x={4} y={STACK / 2} width={width - 8} height={height} rx={7} />
    </>
  );
}

interface OutlineProps {
  style: string;
  by: number;
  width: number;
  height: number;
}

function Outline({ style, by, width, height }: OutlineProps) {
  return (
    <rect
      className={style}
      x={-by}
      y={-by}
      width={width + 2 * by}
      height={height + 2 * by}
      rx={7 + by}
    />
  );
}
