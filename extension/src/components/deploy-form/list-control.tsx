/** A list, an item a row. */

import { type ReactElement, useRef, useState } from "react";
import { Control } from "./control";
import type { ControlProps } from "./control-props";
import { isObject, lacking } from "./reading";
import type { Field } from "./schema";

export function ListControl(props: ControlProps & { item: Field }): ReactElement {
  const { id, field, value, item, disabled, describedBy, onChange } = props;
  const items = listOf(value) ?? listOf(field.fallback) ?? [];
  const rows = useRows(items.length);
  const [problems, setProblems] = useState<Record<number, string | null>>({});
  const change = (next: unknown[], wrong: Record<number, string | null>) => {
    setProblems(wrong);
    onChange(next, Object.values(wrong).find((each) => each) ?? gap(next, item));
  };
  const without = (index: number) => {
    const { [rows.keys[index] ?? -1]: _, ...others } = problems;
    rows.remove(index);
    change(
      items.filter((_, at) => at !== index),
      others,
    );
  };
  return (
    <fieldset className="nbf-list" aria-labelledby={`${id}-label`} aria-describedby={describedBy}>
      {items.map((each, index) => {
        const key = rows.keys[index] ?? index;
        const set = (next: unknown, problem: string | null) =>
          change(
            items.map((old, at) => (at === index ? (next ?? empty(item)) : old)),
            { ...problems, [key]: problem },
          );
        return (
          <div className="nbf-list-row" key={key}>
            <Control
              id={`${id}-${key}`}
              field={item}
              name={`${field.label}: item ${index + 1}`}
              value={each === null && !item.nullable ? undefined : each}
              error={problems[key] ?? undefined}
              disabled={disabled}
              describedBy={describedBy}
              onLeave={() => undefined}
              onChange={set}
            />
            <button
              type="button"
              className="nbf-link nbf-field-quiet"
              aria-label={`${field.label}: remove item ${index + 1}`}
              disabled={disabled}
              onClick={() => without(index)}
            >
              ×
            </button>
          </div>
        );
      })}
      <button
        type="button"
        className="nbf-button"
        aria-label={`${field.label}: add an item`}
        disabled={disabled}
        onClick={() => change([...items, empty(item)], problems)}
      >
        + Add
      </button>
    </fieldset>
  );
}

function listOf(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

/** What is said of the first item that nobody filled in, or not wholly. */
function gap(items: unknown[], item: Field): string | null {
  const said = items.map((each, index) => gapOf(each, index + 1, item));
  return said.find((each) => each !== null) ?? null;
}

function gapOf(value: unknown, number: number, { control, nullable }: Field): string | null {
  if (value === null && !nullable) return `Item ${number} is empty: fill it in, or remove it.`;
  const needed =
    control.kind === "group" && isObject(value) ? lacking(control.fields, value) : null;
  return needed && `Item ${number} needs ${needed}.`;
}

/** What a new item is before somebody fills it in. */
function empty({ control }: Field): unknown {
  if (control.kind === "group") return {};
  return control.kind === "text" ? "" : null;
}

/** Keys that stay with their rows, so that what was typed does, too. */
function useRows(count: number) {
  const next = useRef(0);
  const keys = useRef<number[]>([]);
  while (keys.current.length < count) keys.current.push(next.current++);
  keys.current.length = count;
  return {
    keys: keys.current,
    remove: (index: number) => {
      keys.current.splice(index, 1);
    },
  };
}
