/** A state as a filled pill: icon and word. */

import type { StateType } from "../../api/types";
import { stateWord } from "../words";
import { StateIcon } from "./icon";
import { lookOf } from "./looks";

interface Props {
  state_name: string;
  state_type: StateType;
  /** Breathes while it runs. */
  pulse?: boolean;
}

export function StateChip({ state_name, state_type, pulse = false }: Props) {
  const look = lookOf(state_name, state_type);
  const style = look.hollow ? undefined : { background: `var(--nbf-${look.role})` };
  return (
    <span className={look.hollow ? "nbf-chip nbf-chip-hollow" : "nbf-chip"} style={style}>
      <StateIcon name={state_name} type={state_type} size={12} pulse={pulse} plain />
      {stateWord(state_name)}
    </span>
  );
}
