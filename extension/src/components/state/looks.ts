/**
 * How a state looks: the table of `nbflow.states`, written by `python -m nbflow.drawing.looks_json`.
 */

import type { StateType } from "../../api/types";
import table from "./looks.json";

export type Role =
  | "slate"
  | "amber"
  | "blue"
  | "green"
  | "teal"
  | "red"
  | "orange"
  | "stone"
  | "violet";

export interface StateLook {
  /** Its colour is `var(--nbf-ROLE)`. */
  role: string;
  icon: string;
  /** Outline only, dashed: nothing ran. */
  hollow: boolean;
}

/** An element of SVG and its attributes. */
export type Shape = { element: string } & Record<string, string>;

const LOOKS: Record<string, StateLook | undefined> = table.looks;
const TYPES: Record<StateType, string> = table.types;
const ICONS: Record<string, Record<string, Shape> | undefined> = table.icons;

/** What is only drawn and has no state. */
const NONE: StateLook = { role: "slate", icon: "dot", hollow: true };

/** The look of a state; a name of the user's own looks like its type. */
export function lookOf(name: string | null, type: StateType | null): StateLook {
  const own = name !== null && Object.hasOwn(LOOKS, name) ? LOOKS[name] : undefined;
  return own ?? (type !== null ? LOOKS[TYPES[type]] : undefined) ?? NONE;
}

/** The shapes of an icon, in a box of 14 by 14. */
export function shapesOf(icon: string): Shape[] {
  return Object.values(ICONS[icon] ?? {});
}

/** The colours of both themes by variable: `red`, `ink`, `on_state`, … */
export const COLOURS: Record<"light" | "dark", Record<string, string>> = {
  light: table.light,
  dark: table.dark,
};
