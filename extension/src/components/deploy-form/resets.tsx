/** The way back to the default, and to values that nobody can type. */

import type { ReactElement } from "react";
import type { RowProps } from "./control-props";
import type { Field } from "./schema";

interface ResetsProps extends RowProps {
  /** Of what was typed and means nothing. */
  problem: string | null;
  set(value: unknown): void;
}

export function Resets({ field, value, problem, disabled, set }: ResetsProps): ReactElement | null {
  if (disabled) return null;
  if (value !== undefined || problem !== null) {
    const word = field.required ? "clear" : "use default";
    return <Quiet word={word} of={field} onClick={() => set(undefined)} />;
  }
  return (
    <>
      {field.nullable && field.fallback !== null && (
        <Quiet word="None" rare of={field} onClick={() => set(null)} />
      )}
      {takesText(field) && field.fallback !== "" && (
        <Quiet word="empty" rare of={field} onClick={() => set("")} />
      )}
    </>
  );
}

function takesText({ control, words }: Field): boolean {
  return control.kind === "text" && control.input === "text" && words === "";
}

interface QuietProps {
  word: string;
  /** Seldom wanted: shown once somebody is at the field. */
  rare?: boolean;
  of: Field;
  onClick(): void;
}

function Quiet({ word, rare = false, of, onClick }: QuietProps) {
  return (
    <button
      type="button"
      className={`nbf-link nbf-field-quiet${rare ? " nbf-field-rare" : ""}`}
      aria-label={`${of.label}: ${word}`}
      onClick={onClick}
    >
      {word}
    </button>
  );
}
