/** What a schedule comes to: in words, and as the instants that come next. */

import type { SchedulePreview } from "../../api/types";
import { ago, exactUtc } from "../words";
import { cronOf, type Plan } from "./schedule";
import type { Preview } from "./use-preview";

interface Props {
  plan: Plan;
  preview: Preview;
  now: number;
}

export function Coming({ plan, preview, now }: Props) {
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

export function toldBy(preview: Preview): SchedulePreview | null {
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
