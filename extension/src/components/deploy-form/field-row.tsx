/**
 * One field of a form: its label, its control, what is said of it, and the way to its default.
 *
 * Objects and lists hold fields again, so that their modules and this one know each other.
 */

import { type ReactElement, useState } from "react";
import { Control } from "./control";
import type { Change, ControlProps, RowProps } from "./control-props";
import { Group } from "./group";
import { Label } from "./label";
import { fallbackWords } from "./reading";
import { Resets } from "./resets";
import type { Field } from "./schema";

export function FieldRow(props: RowProps): ReactElement {
  const { id, field, value, onChange } = props;
  const [left, setLeft] = useState<string | null>(null);
  // Another key makes the control anew, without what was typed.
  const [fresh, setFresh] = useState(0);
  const problem = props.error ?? left;
  const change: Change = (next, wrong) => {
    setLeft((said) => (wrong === null ? null : said));
    onChange(next, wrong);
  };
  const set = (next: unknown) => {
    setLeft(null);
    setFresh(fresh + 1);
    onChange(next, null);
  };
  const hints = describe(props, problem);
  const control: ControlProps = {
    ...props,
    error: problem ?? undefined,
    onChange: change,
    onLeave: setLeft,
    describedBy: hints.ids,
  };
  const body = <Control key={fresh} {...control} />;
  const reset = <Resets {...props} problem={left} set={set} />;
  if (field.control.kind === "group") {
    return (
      <Group
        field={field}
        value={value}
        wrong={problem !== null}
        reset={reset}
        hints={hints.shown}
        labelId={`${id}-label`}
      >
        {body}
      </Group>
    );
  }
  const single = field.control.kind !== "list";
  return (
    <div className="nbf-field">
      <Label id={`${id}-label`} field={field} htmlFor={single ? id : undefined} />
      <div className="nbf-field-body">
        <div className="nbf-field-line">
          {body}
          {hints.words}
          {reset}
        </div>
        {hints.shown}
      </div>
    </div>
  );
}

/** What is allowed, and what the browser's own pickers cannot show: the default. */
function wordsFor({ control, fallback, words }: Field, value: unknown, shown: string): string {
  const picker = control.kind === "text" && !TYPED.has(control.input);
  const silent = picker && value === undefined && fallback !== undefined;
  return [words, silent ? `default ${shown}` : ""].filter(Boolean).join(" · ");
}

const TYPED = new Set(["text", "password"]);

/** The words beside a field, the sentences under it, and the ids of all of them. */
function describe({ id, field, value }: RowProps, problem: string | null) {
  const { description } = field;
  const beside = wordsFor(field, value, fallbackWords(field));
  const ids = [
    problem && `${id}-error`,
    beside && `${id}-words`,
    description && `${id}-hint`,
  ].filter(Boolean);
  const words = beside && (
    <span className="nbf-field-words" id={`${id}-words`}>
      {beside}
    </span>
  );
  const shown = (
    <>
      {problem && (
        <p className="nbf-field-error" id={`${id}-error`}>
          {problem}
        </p>
      )}
      {description && (
        <p className="nbf-field-hint" id={`${id}-hint`}>
          {description}
        </p>
      )}
    </>
  );
  return { ids: ids.join(" ") || undefined, words, shown };
}
