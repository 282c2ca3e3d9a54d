/** A line of text with its label, hint and choices. */

import { type ReactElement, useId } from "react";

interface Props {
  label: string;
  value: string;
  placeholder: string;
  hint: string;
  options?: string[];
  error?: string | undefined;
  action?: { label: string; onClick(): void } | undefined;
  onChange(value: string): void;
}

export function TextField(props: Props): ReactElement {
  const { label, value, placeholder, hint, options, error, action, onChange } = props;
  const id = useId();
  return (
    <div className="nbf-field">
      <label className="nbf-field-label" htmlFor={id}>
        {label}
      </label>
      <div className="nbf-field-body">
        <input
          className="nbf-input"
          id={id}
          value={value}
          placeholder={placeholder}
          list={options && `${id}-options`}
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? `${id}-hint` : `${id}-error ${id}-hint`}
          spellCheck={false}
          autoComplete="off"
          onInput={(event) => onChange(event.currentTarget.value)}
        />
        {options && (
          <datalist id={`${id}-options`}>
            {options.map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        )}
        {error !== undefined && (
          <p className="nbf-field-error" id={`${id}-error`}>
            {error}
          </p>
        )}
        <p className="nbf-field-hint">
          <span id={`${id}-hint`}>{hint}</span>
          {action && (
            <button type="button" className="nbf-link" onClick={action.onClick}>
              {action.label}
            </button>
          )}
        </p>
      </div>
    </div>
  );
}
