/** What rows and controls of a form are given. */

import type { Field } from "./schema";

export type Change = (value: unknown, problem: string | null) => void;

export interface RowProps {
  id: string;
  field: Field;
  /** undefined: not given. */
  value: unknown;
  error?: string | undefined;
  disabled?: boolean | undefined;
  onChange: Change;
}

/** What every control is given. */
export interface ControlProps extends RowProps {
  /** What readers of screens hear, where no label stands beside it. */
  name?: string;
  /** Ids of the sentences about it. */
  describedBy: string | undefined;
  /** Somebody went on to another field: what is wrong with this one may be said. */
  onLeave(problem: string | null): void;
}
