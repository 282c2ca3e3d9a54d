/** An open subflow: a frame around what lies in it, with its name above. */

import { memo } from "react";
import type { CardProps } from "./card";
import { cardName, isBad } from "./card-words";
import { CARD_HEIGHT, styleOf, Toggle, Words } from "./marks";

export const Frame = memo(function Frame({ node, time, selected, found, entry }: CardProps) {
  const { width, height, label } = node;
  const style = [
    "nbf-g-frame",
    isBad(node) && "nbf-g-bad",
    selected && "nbf-g-selected",
    found && "nbf-g-found",
  ];
  return (
    // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
    <g
      role="button"
      className={style.filter(Boolean).join(" ")}
      style={styleOf(node)}
      data-node={node.id}
      tabIndex={entry ? 0 : -1}
      aria-label={cardName(node, "open")}
      aria-pressed={selected}
      aria-expanded={true}
    >
      <rect className="nbf-g-ring" x={-3} y={-3} width={width + 6} height={height + 6} rx={13} />
      <rect className="nbf-g-around" width={width} height={height} rx={10} />
      <Words node={node} time={time} y={4 + CARD_HEIGHT / 2} bold />
      <Toggle open width={width} name={label || "the subflow"} />
    </g>
  );
});
