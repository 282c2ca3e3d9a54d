/**
 * One field of a form: its label, its control, what is said of it, and the way to its default.
 *
 * Objects and lists hold fields again, so that this module and those of both know each other.
 */

import { type ReactElement, type ReactNode, useState } from "react";
import { ListControl } from "./list-control";
import { fallbackWords, isObject, lacking, read, same, textOf } from "./reading";
import type { Field } from "./schema";
import { Fields, type Problems, type Values } from "./schema-fields";

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

// ── back to the default, and values that nobody can type ───────────────────────────────────

interface ResetsProps extends RowProps {
  /** Of what was typed and means nothing. */
  problem: string | null;
  set(value: unknown): void;
}

function Resets({ field, value, problem, disabled, set }: ResetsProps): ReactElement | null {
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

// ── controls ───────────────────────────────────────────────────────────────────────────────

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

/** What was typed, and the value that it stands for. */
interface Draft {
  text: string;
  value: unknown;
  problem: string | null;
}

function TextControl(props: ControlProps) {
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

// ── objects ────────────────────────────────────────────────────────────────────────────────

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
function Group({ field, value, wrong, labelId, reset, hints, children }: GroupProps) {
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

function GroupControl({
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
      ([name, each]) => !(name in fallback && same(each, fallback[name])),
    ),
  );
}
