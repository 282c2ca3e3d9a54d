/** The name of a field, and whether it must be filled in. */

import type { Field } from "./schema";

export function Label({
  id,
  field,
  htmlFor,
}: {
  id: string;
  field: Field;
  htmlFor?: string | undefined;
}) {
  const words = (
    <>
      {field.label}
      {field.required && (
        <span className="nbf-field-required" title="required">
          <span aria-hidden="true"> *</span>
          <span className="nbf-hidden"> required</span>
        </span>
      )}
    </>
  );
  if (htmlFor === undefined) {
    return (
      <span className="nbf-field-label" id={id}>
        {words}
      </span>
    );
  }
  return (
    <label className="nbf-field-label" id={id} htmlFor={htmlFor}>
      {words}
    </label>
  );
}
