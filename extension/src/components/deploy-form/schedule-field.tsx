/** When a deployment runs: chosen from what is usual, or written as cron, with what it comes to. */

import { type ReactElement, type ReactNode, useId } from "react";
import type { SchedulePreview } from "../../api/types";
import { ago, exactUtc } from "../words";
import { cronOf, type Plan, type Rhythm } from "./schedule";
import type { Preview } from "./use-preview";

interface Props {
  plan: Plan;
  zone: string;
  zones: string[];
  /** Of the deployment that has the name already, in words. */
  existing: string[];
  preview: Preview;
  error?: string | undefined;
  now: number;
  onPlan(plan: Plan): void;
  onZone(zone: string): void;
}

const RHYTHMS: [Rhythm, string][] = [
  ["off", "Off"],
  ["keep", "As it is"],
  ["hour", "Every hour"],
  ["day", "Every day"],
  ["weekday", "Weekdays"],
  ["week", "Every week"],
  ["month", "Every month"],
  ["cron", "Cron"],
];

export function ScheduleField(props: Props): ReactElement {
  const { plan, existing, preview, error, onPlan } = props;
  const id = useId();
  const refused = preview.status === "refused" ? preview.sentence : null;
  const problem = error ?? refused;
  const choices = RHYTHMS.filter(([rhythm]) => rhythm !== "keep" || existing.length > 0);
  const scheduled = plan.rhythm !== "off" && plan.rhythm !== "keep";
  return (
    <fieldset className="nbf-field nbf-schedule">
      <legend className="nbf-field-label">Schedule</legend>
      <div className="nbf-field-body">
        <div className="nbf-pills">
          {choices.map(([rhythm, word]) => (
            <label key={rhythm} className="nbf-pill">
              <input
                type="radio"
                name={`${id}-rhythm`}
                checked={plan.rhythm === rhythm}
                onChange={() => onPlan(switched(plan, rhythm))}
              />
              <span>{word}</span>
            </label>
          ))}
        </div>
        {scheduled && <Details {...props} id={id} problem={problem ?? undefined} />}
        {problem && (
          <p className="nbf-field-error" id={`${id}-error`}>
            {problem}
          </p>
        )}
        <Outcome plan={plan} existing={existing} words={toldBy(preview)?.words} />
        {scheduled && !refused && <Coming {...props} />}
      </div>
    </fieldset>
  );
}

/** Who goes on to write cron starts from what was chosen. */
function switched(plan: Plan, rhythm: Rhythm): Plan {
  const cron = rhythm === "cron" ? (cronOf(plan) ?? plan.cron) : plan.cron;
  return { ...plan, rhythm, cron };
}

interface OutcomeProps {
  plan: Plan;
  existing: string[];
  /** Of what is chosen. */
  words: string | undefined;
}

/** What becomes of schedules that are there. */
function Outcome({ plan, existing, words }: OutcomeProps) {
  if (plan.rhythm === "off") {
    const told =
      existing.length > 0
        ? `Its schedule is taken away: ${existing.join("; ")}.`
        : "It runs when it is told to.";
    return <p className="nbf-field-hint">{told}</p>;
  }
  const same = existing.length === 1 && existing[0] === words && plan.rhythm !== "keep";
  if (existing.length === 0 || same) return null;
  const verb = plan.rhythm === "keep" ? "It stays" : "This replaces";
  return <p className="nbf-field-hint">{`${verb}: ${existing.join("; ")}.`}</p>;
}

// ── what is to be said beside the rhythm ───────────────────────────────────────────────────

interface DetailsProps extends Props {
  id: string;
  problem: string | undefined;
}

function Details(props: DetailsProps) {
  const { plan, id, problem, zone, zones, onZone } = props;
  const wrongZone = problem?.includes("time zone") ?? false;
  return (
    <div className="nbf-schedule-details">
      <When {...props} wrong={problem !== undefined && !wrongZone} />
      {plan.rhythm !== "hour" && (
        <Named text="in" label="Time zone">
          <input
            className="nbf-input nbf-zone"
            list={`${id}-zones`}
            value={zone}
            aria-invalid={wrongZone}
            aria-describedby={wrongZone ? `${id}-error` : undefined}
            spellCheck={false}
            autoComplete="off"
            onInput={(event) => onZone(event.currentTarget.value)}
          />
        </Named>
      )}
      <datalist id={`${id}-zones`}>
        {zones.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </div>
  );
}

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HOURLY = Array.from({ length: 12 }, (_, index) => index * 5);
/** Each month has them; its last day has a choice of its own. */
const MONTH_DAYS = Array.from({ length: 28 }, (_, index) => index + 1);

function When({ plan, id, wrong, onPlan }: DetailsProps & { wrong: boolean }) {
  const set = (change: Partial<Plan>) => onPlan({ ...plan, ...change });
  switch (plan.rhythm) {
    case "cron":
      return (
        <Named text="" label="Cron text: minute, hour, day, month, weekday">
          <input
            className="nbf-input nbf-code nbf-cron"
            value={plan.cron}
            placeholder="0 6 * * 1-5"
            title="minute hour day month weekday"
            aria-invalid={wrong}
            aria-describedby={wrong ? `${id}-error` : undefined}
            spellCheck={false}
            autoComplete="off"
            onInput={(event) => set({ cron: event.currentTarget.value })}
          />
        </Named>
      );
    case "hour":
      return (
        <Picked
          text="at"
          label="Minute"
          value={plan.minute}
          options={within(HOURLY, plan.minute).map((minute) => [minute, `:${two(minute)}`])}
          onPick={(minute) => set({ minute })}
        />
      );
    default:
      return (
        <>
          {plan.rhythm === "week" && (
            <Picked
              text="on"
              label="Weekday"
              value={plan.weekday}
              options={WEEKDAYS.map((word, index) => [index + 1, word])}
              onPick={(weekday) => set({ weekday })}
            />
          )}
          {plan.rhythm === "month" && (
            <Picked
              text="on"
              label="Day of the month"
              value={plan.day}
              options={[
                ...within(MONTH_DAYS, plan.day || 1).map((day): [number, string] => [
                  day,
                  `day ${day}`,
                ]),
                [0, "the last day"],
              ]}
              onPick={(day) => set({ day })}
            />
          )}
          <Named text="at" label="Time of day">
            <input
              className="nbf-input nbf-figures"
              type="time"
              value={plan.time}
              required
              onInput={(event) => set({ time: event.currentTarget.value })}
            />
          </Named>
        </>
      );
  }
}

/** The usual numbers, and the one in use. */
function within(usual: number[], used: number): number[] {
  return usual.includes(used) ? usual : [...usual, used].sort((a, b) => a - b);
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** A control inside a sentence: readers of screens hear its own name. */
function Named({ text, label, children }: { text: string; label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among its children
    <label className="nbf-named">
      {text && <span aria-hidden="true">{text}</span>}
      <span className="nbf-hidden">{label}</span>
      {children}
    </label>
  );
}

interface PickedProps {
  text: string;
  label: string;
  value: number;
  options: [number, string][];
  onPick(value: number): void;
}

function Picked({ text, label, value, options, onPick }: PickedProps) {
  return (
    <Named text={text} label={label}>
      <select
        className="nbf-input nbf-select"
        value={String(value)}
        onChange={(event) => onPick(Number(event.currentTarget.value))}
      >
        {options.map(([number, word]) => (
          <option key={number} value={String(number)}>
            {word}
          </option>
        ))}
      </select>
    </Named>
  );
}

// ── what it comes to ───────────────────────────────────────────────────────────────────────

function Coming({ plan, preview, now }: Props) {
  const told = toldBy(preview);
  const cron = cronOf(plan);
  if (cron === null) {
    return <p className="nbf-field-hint">{plan.rhythm === "cron" ? EMPTY_CRON : EMPTY_TIME}</p>;
  }
  return (
    <div
      className="nbf-preview"
      aria-live="polite"
      aria-busy={preview.status === "asking"}
      data-waiting={preview.status === "asking"}
    >
      <p className="nbf-preview-words">
        <span>{told?.words ?? "\u2026"}</span>
        {plan.rhythm !== "cron" && <code className="nbf-code nbf-muted">{cron}</code>}
      </p>
      {told && <Instants instants={told.next} now={now} />}
    </div>
  );
}

const EMPTY_CRON = "Five fields: minute, hour, day of the month, month, weekday.";
const EMPTY_TIME = "Say at what time.";

function toldBy(preview: Preview): SchedulePreview | null {
  if (preview.status === "told") return preview.told;
  return preview.status === "asking" ? preview.last : null;
}

function Instants({ instants, now }: { instants: string[]; now: number }) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <>
      <ol className="nbf-preview-next">
        {instants.map((instant, index) => {
          const ms = Date.parse(instant);
          return (
            <li key={instant}>
              <time dateTime={instant} title={exactUtc(ms).replace(/\.\d+/, "")}>
                {localTime(ms, now)}
              </time>
              {index === 0 && <span className="nbf-muted">{nearness(ms, now)}</span>}
            </li>
          );
        })}
      </ol>
      <p className="nbf-preview-zone">{`Shown in your time, ${zone}.`}</p>
    </>
  );
}

/** ` · in 3 hours`, ` · tomorrow`: where it says more than the date. */
function nearness(ms: number, now: number): string {
  const near = /^(in .*|today|tomorrow|just now)/.exec(ago(ms, now))?.[1];
  return near === undefined ? "" : ` · ${near}`;
}

const LOCAL = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

/** `Mon 30 Nov 06:00`, `Fri 1 Jan 2027 06:00`: by the reader's clock. */
export function localTime(ms: number, now: number): string {
  const parts = LOCAL.formatToParts(ms);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  const year = new Date(ms).getFullYear();
  const date = [of("weekday"), of("day"), of("month")];
  if (year !== new Date(now).getFullYear()) date.push(String(year));
  return `${date.join(" ")} ${of("hour")}:${of("minute")}`;
}
