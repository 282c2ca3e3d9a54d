/** A field that is typed: what was typed stays as it is, whatever it means. */

import { useState } from "react";
import type { ControlProps } from "./control-props";
import { fallbackWords, read, same, textOf } from "./reading";
import type { Field } from "./schema";

/** What was typed, and the value that it stands for. */
interface Draft {
  text: string;
  value: unknown;
  problem: string | null;
}

export function TextControl(props: ControlProps) {
  const { field, value, onChange, onLeave } = props;
  const [draft, setDraft] = useState<Draft | null>(null);
  // What somebody else changed is shown in place of what was typed.
  const current = draft !== null && same(draft.value, value) ? draft : null;
  const type = (text: string) => {
    const { value: meant, problem } = read(field.control, text);
    setDraft({ text, value: meant, problem });
    onChange(meant, problem);
  };
  return (
    <TextInput
      {...props}
      text={current?.text ?? textOf(value === null ? undefined : value)}
      onText={type}
      onBlur={() => onLeave(current?.problem ?? null)}
    />
  );
}

interface TextProps extends ControlProps {
  text: string;
  onText(text: string): void;
  onBlur(): void;
}

function TextInput(props: TextProps) {
  const { id, field, value, text, name, error, disabled, describedBy, onText, onBlur } = props;
  const common = {
    id,
    value: text,
    disabled,
    placeholder: placeholder(field, value),
    "aria-label": name,
    "aria-describedby": describedBy,
    "aria-invalid": error !== undefined,
    "aria-required": field.required,
    spellCheck: false,
    autoComplete: "off",
    onBlur,
  };
  const { kind } = field.control;
  const long = kind === "json" || text.includes("\n") || textOf(field.fallback).includes("\n");
  if (long) {
    const rows = Math.min(8, Math.max(2, (text || textOf(field.fallback)).split("\n").length));
    return (
      <textarea
        {...common}
        className="nbf-input nbf-area nbf-code"
        rows={rows}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    );
  }
  return (
    <input
      {...common}
      className={`nbf-input nbf-input-${kind}${text === "" ? " nbf-input-unset" : ""}`}
      type={field.control.kind === "text" ? field.control.input : "text"}
      inputMode={kind === "number" ? "decimal" : undefined}
      step={field.control.kind === "text" && field.control.input !== "date" ? 1 : undefined}
      onInput={(event) => onText(event.currentTarget.value)}
    />
  );
}

/** What an empty field stands for. */
function placeholder(field: Field, value: unknown): string {
  if (value === null) return "None";
  return value === "" ? "empty text" : fallbackWords(field);
}
