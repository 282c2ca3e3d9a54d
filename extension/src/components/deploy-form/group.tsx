/** An object: fields within a field. */

import { type ReactElement, type ReactNode, useState } from "react";
import type { ControlProps } from "./control-props";
import { Label } from "./label";
import { fallbackWords, isObject, lacking, same } from "./reading";
import type { Field } from "./schema";
import { Fields, type Problems, type Values } from "./schema-fields";

interface GroupProps {
  field: Field;
  value: unknown;
  wrong: boolean;
  labelId: string;
  reset: ReactElement;
  hints: ReactElement;
  children: ReactNode;
}

/** Fields within a field; closed at first where nothing needs to be said. */
export function Group({ field, value, wrong, labelId, reset, hints, children }: GroupProps) {
  const [open, setOpen] = useState(field.required || isObject(value));
  return (
    <details
      className="nbf-group"
      open={open || wrong}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <Label id={labelId} field={field} />
        {!field.required && value === undefined && (
          <span className="nbf-muted nbf-code nbf-group-default">{fallbackWords(field)}</span>
        )}
        {value === null && <span className="nbf-muted nbf-code">None</span>}
      </summary>
      <fieldset aria-labelledby={labelId}>
        {hints}
        {reset}
        {children}
      </fieldset>
    </details>
  );
}

export function GroupControl({
  field,
  value,
  disabled,
  onChange,
  fields,
}: ControlProps & { fields: Field[] }) {
  const whole = isObject(field.fallback) ? field.fallback : undefined;
  const given = isObject(value) ? without(value, whole) : {};
  const change = (next: Values, unread: Problems) => {
    // An object replaces its default as a whole: what was left alone comes from there.
    const complete = { ...whole, ...next };
    const untouched = Object.keys(next).length === 0;
    const [name, problem] = Object.entries(unread)[0] ?? [];
    const needed = untouched ? null : lacking(fields, complete);
    const wrong = problem ? `${name}: ${problem}` : needed && `${needed} is needed, too.`;
    onChange(untouched ? undefined : complete, wrong);
  };
  return (
    <Fields fields={fields} value={given} onChange={change} disabled={disabled} fallback={whole} />
  );
}

/** What of a value differs from the default. */
function without(value: Values, fallback: Values | undefined): Values {
  if (fallback === undefined) return value;
  return Object.fromEntries(
    Object.entries(value).filter(
      ([name, each]) => !(Object.hasOwn(fallback, name) && same(each, fallback[name])),
    ),
  );
}
