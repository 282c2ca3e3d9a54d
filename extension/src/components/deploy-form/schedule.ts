/** Schedules that are chosen rather than written: what they say as a cron text, and back. */

export type Rhythm = "off" | "keep" | "hour" | "day" | "weekday" | "week" | "month" | "cron";

/** What is chosen; what its rhythm does not need waits until another one does. */
export interface Plan {
  rhythm: Rhythm;
  /** Past each hour. */
  minute: number;
  /** `06:00`. */
  time: string;
  /** 1 is Monday, 7 Sunday. */
  weekday: number;
  /** Of the month; 0: the last. */
  day: number;
  /** As it was written. */
  cron: string;
}

export const FIRST_PLAN: Plan = {
  rhythm: "off",
  minute: 0,
  time: "06:00",
  weekday: 1,
  day: 1,
  cron: "",
};

/** The cron text of a plan; null where there is none, or it is not complete. */
export function cronOf(plan: Plan): string | null {
  const at = clockOf(plan.time);
  switch (plan.rhythm) {
    case "hour":
      return `${plan.minute} * * * *`;
    case "day":
      return at && `${at} * * *`;
    case "weekday":
      return at && `${at} * * 1-5`;
    case "week":
      return at && `${at} * * ${plan.weekday}`;
    case "month":
      return at && `${at} ${plan.day === 0 ? "L" : plan.day} * *`;
    case "cron":
      return plan.cron.trim() || null;
    default:
      return null;
  }
}

/** Minute and hour of a time of day, as cron has them. */
function clockOf(time: string): string | null {
  const found = /^(\d\d):(\d\d)/.exec(time);
  return found && `${Number(found[2])} ${Number(found[1])}`;
}

const SIMPLE: [Rhythm, RegExp][] = [
  ["hour", /^(?<minute>\d+) \* \* \* \*$/],
  ["day", /^(?<minute>\d+) (?<hour>\d+) \* \* \*$/],
  ["weekday", /^(?<minute>\d+) (?<hour>\d+) \* \* 1-5$/],
  ["week", /^(?<minute>\d+) (?<hour>\d+) \* \* (?<weekday>[0-7])$/],
  ["month", /^(?<minute>\d+) (?<hour>\d+) (?<day>\d+|L) \* \*$/],
];

const MACROS: Record<string, string> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
};

/** The plan that a cron text amounts to: a simple one where there is one. */
export function planOf(cron: string): Plan {
  const written = cron.trim().split(/\s+/).join(" ");
  const text = MACROS[written.toLowerCase()] ?? written;
  for (const [rhythm, pattern] of SIMPLE) {
    const parts = pattern.exec(text)?.groups;
    if (parts) return { ...FIRST_PLAN, rhythm, ...chosen(parts), cron: written };
  }
  return { ...FIRST_PLAN, rhythm: "cron", cron: written };
}

function chosen(parts: Record<string, string | undefined>): Partial<Plan> {
  const minute = Number(parts.minute);
  const found: Partial<Plan> = { minute };
  if (parts.hour !== undefined) found.time = `${two(Number(parts.hour))}:${two(minute)}`;
  if (parts.weekday !== undefined) found.weekday = Number(parts.weekday) || 7;
  if (parts.day !== undefined) found.day = parts.day === "L" ? 0 : Number(parts.day);
  return found;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
