/** When a deployment runs: chosen from what is usual, or written as cron, with what it comes to. */

import { type ReactElement, useId } from "react";
import { Coming, toldBy } from "./coming";
import { cronOf, type Plan, type Rhythm } from "./schedule";
import { Details } from "./schedule-details";
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
