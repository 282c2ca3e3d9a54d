/** What is to be said beside the rhythm of a schedule: time, day, zone, or the cron text. */

import type { ReactNode } from "react";
import type { Plan } from "./schedule";

interface Props {
  id: string;
  plan: Plan;
  zone: string;
  zones: string[];
  /** What is wrong, in a sentence that stands below. */
  problem: string | undefined;
  onPlan(plan: Plan): void;
  onZone(zone: string): void;
}

export function Details(props: Props) {
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

function When({ plan, id, wrong, onPlan }: Props & { wrong: boolean }) {
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
