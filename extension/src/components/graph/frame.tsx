/** An open subflow: a frame around what lies in it, with its name above. */

import { memo } from "react";
import type { GraphNode } from "../../api/types";
import type { CardProps } from "./card";
import { cardName, isBad } from "./card-words";
import { CARD_HEIGHT, styleOf, Toggle, tabStop, Words } from "./marks";

/** What lies under everything. */
export const FrameGround = memo(function FrameGround({ node }: { node: GraphNode }) {
  return (
    <g className={isBad(node) ? "nbf-g-frame nbf-g-bad" : "nbf-g-frame"} style={styleOf(node)}>
      <rect className="nbf-g-around" width={node.width} height={node.height} rx={10} />
    </g>
  );
});

/** The frame's name, above the edges that lead into it; what is pointed at is this line only. */
export const FrameTitle = memo(function FrameTitle({ node, ...props }: CardProps) {
  const { time, selected, found, entry } = props;
  const { width, height, label } = node;
  const style = ["nbf-g-title", selected && "nbf-g-selected", found && "nbf-g-found"];
  return (
    // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
    <g
      role="button"
      className={style.filter(Boolean).join(" ")}
      style={styleOf(node)}
      data-node={node.id}
      {...tabStop(entry)}
      aria-label={cardName(node, "open")}
      aria-pressed={selected}
      aria-expanded={true}
    >
      <rect className="nbf-g-ring" x={-3} y={-3} width={width + 6} height={height + 6} rx={13} />
      <rect className="nbf-g-hit" width={width} height={CARD_HEIGHT + 6} />
      <Words node={node} time={time} y={4 + CARD_HEIGHT / 2} bold />
      <Toggle open width={width} name={label || "the subflow"} />
    </g>
  );
});
