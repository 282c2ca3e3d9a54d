/** The control that asks for a field: by kind, and those that are only chosen from. */

import type { ReactElement } from "react";
import type { ControlProps } from "./control-props";
import { GroupControl } from "./group";
import { ListControl } from "./list-control";
import { fallbackWords, same, textOf } from "./reading";
import { TextControl } from "./text-control";

export function Control(props: ControlProps): ReactElement {
  switch (props.field.control.kind) {
    case "switch":
      return <Switch {...props} />;
    case "choice":
      return <Choice {...props} options={props.field.control.options} />;
    case "list":
      return <ListControl {...props} item={props.field.control.item} />;
    case "group":
      return <GroupControl {...props} fields={props.field.control.fields} />;
    default:
      return <TextControl {...props} />;
  }
}

function Switch({ id, field, value, disabled, describedBy, error, onChange }: ControlProps) {
  const on = value === undefined ? field.fallback === true : value === true;
  return (
    <label className="nbf-switch">
      <input
        type="checkbox"
        id={id}
        checked={on}
        disabled={disabled}
        aria-describedby={describedBy}
        aria-invalid={error !== undefined}
        onChange={(event) => {
          const next = event.currentTarget.checked;
          onChange(next === field.fallback ? undefined : next, null);
        }}
      />
      <span className="nbf-switch-track" aria-hidden="true" />
      <span className={value === undefined ? "nbf-muted" : undefined}>{on ? "yes" : "no"}</span>
    </label>
  );
}

const words = new Map<unknown, string>([
  [true, "yes"],
  [false, "no"],
  [null, "None"],
]);

function Choice({
  id,
  field,
  name,
  value,
  disabled,
  describedBy,
  error,
  onChange,
  options,
}: ControlProps & { options: unknown[] }) {
  const all = field.nullable && !options.includes(null) ? [...options, null] : options;
  const shown = all.findIndex((option) => same(option, value));
  const fallback = words.get(field.fallback) ?? fallbackWords(field);
  return (
    <select
      className="nbf-input nbf-select"
      id={id}
      value={value === undefined ? "" : String(shown)}
      disabled={disabled}
      required={field.required}
      aria-label={name}
      aria-describedby={describedBy}
      aria-invalid={error !== undefined}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        onChange(chosen === "" ? undefined : all[Number(chosen)], null);
      }}
    >
      <option value="">{field.required ? "choose…" : `${fallback} (default)`}</option>
      {all.map((option, index) => (
        <option key={textOf(option)} value={String(index)}>
          {words.get(option) ?? textOf(option)}
        </option>
      ))}
    </select>
  );
}
