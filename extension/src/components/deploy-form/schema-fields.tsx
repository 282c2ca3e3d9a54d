/**
 * A form for the parameters that a JSON Schema describes.
 *
 * The value holds only what somebody changed: what is left alone keeps the default of the code,
 * also when that changes later.
 */

import { type ReactElement, useId, useMemo, useRef } from "react";
import { FieldRow } from "./field-row";
import { held } from "./held";
import { type Field, fieldsOf, type JsonSchema } from "./schema";

export type Values = Record<string, unknown>;
/** Sentences by the name of the field. */
export type Problems = Record<string, string>;

interface Props {
  schema: Record<string, unknown>;
  value: Values;
  /** `unread`: fields whose text means no value yet, which are not in the value. */
  onChange(value: Values, unread: Problems): void;
  errors?: Problems | undefined;
  disabled?: boolean | undefined;
}

export function SchemaFields({ schema, ...rest }: Props): ReactElement {
  const fields = useMemo(() => fieldsOf(schema as JsonSchema), [schema]);
  return <Fields fields={fields} {...rest} />;
}

interface FieldsProps extends Omit<Props, "schema"> {
  fields: Field[];
  /** What stands for a field that is not given, where it is not the schema's own default. */
  fallback?: Values | undefined;
}

/** Fields one below the other. */
export function Fields({ fields, value, onChange, errors, disabled, fallback }: FieldsProps) {
  const id = useId();
  const unread = useRef<Problems>({});
  const change = (name: string, next: unknown, problem: string | null) => {
    unread.current = changed(unread.current, name, problem ?? undefined) as Problems;
    onChange(changed(value, name, next), unread.current);
  };
  return (
    <div className="nbf-fields">
      {fields.map((field, index) => (
        <FieldRow
          key={field.name}
          id={`${id}-${index}`}
          field={
            fallback && Object.hasOwn(fallback, field.name)
              ? { ...field, fallback: fallback[field.name] }
              : field
          }
          value={held(value, field.name)}
          error={held(errors, field.name)}
          disabled={disabled}
          onChange={(next, problem) => change(field.name, next, problem)}
        />
      ))}
    </div>
  );
}

/** The values with one of them changed; undefined takes it away. */
function changed(values: Values, name: string, next: unknown): Values {
  const { [name]: _, ...others } = values;
  return next === undefined ? others : { ...others, [name]: next };
}
