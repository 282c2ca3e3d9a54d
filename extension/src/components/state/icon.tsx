/** A state's icon. It never stands alone: a word is beside it, so readers of screens skip it. */

import { createElement, type ReactElement } from "react";
import type { StateType } from "../../api/types";
import { lookOf, type Shape, shapesOf } from "./looks";

interface Props {
  name: string | null;
  type: StateType | null;
  /** Pixels. */
  size?: number;
  /** Breathes slowly, unless the reader wants no motion. */
  pulse?: boolean;
  /** In the colour of the text around it, as on a filled chip. */
  plain?: boolean;
}

export function StateIcon({ name, type, size = 14, pulse = false, plain = false }: Props) {
  const look = lookOf(name, type);
  return (
    <svg
      aria-hidden="true"
      className={pulse ? "nbf-icon nbf-pulse" : "nbf-icon"}
      width={size}
      height={size}
      viewBox="0 0 14 14"
      style={plain ? undefined : { color: `var(--nbf-${look.role})` }}
    >
      {shapesOf(look.icon).map(drawn)}
    </svg>
  );
}

function drawn({ element, class: style, ...attributes }: Shape, place: number): ReactElement {
  return createElement(element, { key: place, className: style, ...attributes });
}
