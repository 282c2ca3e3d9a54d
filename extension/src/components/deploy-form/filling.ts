/** What somebody filled in: how it begins, what is wrong with it, and what is sent. */

import type { Deployable, DeployRequest, ExistingDeployment } from "../../api/types";
import { cronOf, FIRST_PLAN, type Plan, planOf } from "./schedule";
import type { Problems, Values } from "./schema-fields";

export interface Filled {
  name: string;
  parameters: Values;
  /** null: nobody chose one yet. */
  plan: Plan | null;
  zone: string;
  queue: string;
  /** With commas between them. */
  tags: string;
}

export function firstFilled(of: Deployable): Filled {
  return { name: "", parameters: {}, plan: null, zone: zoneFor(of), queue: "", tags: "" };
}

/** The reader's own zone, as far as the other side knows it: a server's clock is often UTC. */
function zoneFor(of: Deployable): string {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return of.zones.includes(own) ? own : (of.zones[0] ?? "UTC");
}

/** What a deployment that is there gives to begin with. */
export const startedFrom = {
  /** Nobody loses a schedule who has not chosen another. */
  plan(existing: ExistingDeployment | undefined): Plan {
    return existing?.schedules.length ? { ...FIRST_PLAN, rhythm: "keep" } : FIRST_PLAN;
  },
  all(existing: ExistingDeployment, filled: Filled): Filled {
    return {
      name: filled.name,
      parameters: existing.parameters,
      plan: existing.cron === null ? startedFrom.plan(existing) : planOf(existing.cron),
      zone: existing.timezone ?? filled.zone,
      queue: existing.queue,
      tags: existing.tags.join(", "),
    };
  },
};

/** What is wrong, as far as it shows here; `$name` and the like are no parameters. */
export function problemsOf(of: Deployable, filled: Filled, plan: Plan, unread: Problems): Problems {
  const found: Problems = { ...missing(of, filled, plan, unread), ...unread };
  if (filled.name.includes("/")) found.$name = "A name has no slashes.";
  const unsaid = plan.rhythm !== "off" && plan.rhythm !== "keep" && cronOf(plan) === null;
  if (unsaid) found.$schedule = "Say when it runs, or switch the schedule off.";
  return found;
}

/** Without a schedule each run can be given what it needs; a schedule gives nothing. */
function missing(of: Deployable, filled: Filled, plan: Plan, unread: Problems): Problems {
  if (plan.rhythm === "off") return {};
  const { required } = of.schema as { required?: string[] };
  const names = (required ?? []).filter((name) => !(name in filled.parameters || name in unread));
  return Object.fromEntries(names.map((name) => [name, "Scheduled runs need a value here."]));
}

export function requestOf(view: string, filled: Filled, plan: Plan): DeployRequest {
  const cron = cronOf(plan);
  return {
    view,
    name: filled.name.trim(),
    parameters: filled.parameters,
    cron,
    timezone: cron === null ? null : filled.zone.trim(),
    queue: filled.queue.trim(),
    tags: filled.tags
      .split(",")
      .map((tag) => tag.trim())
      .filter(Boolean),
    keep_schedules: plan.rhythm === "keep",
  };
}

/** The field that a refusal is about; null when it is about none, or all. */
export function whereOf(sentence: string, of: Deployable): string | null {
  const named = /parameters? '([^']+)'/i.exec(sentence)?.[1];
  const { properties } = of.schema as { properties?: object };
  if (named !== undefined && named in (properties ?? {})) return named;
  if (/cannot be the name of a deployment/.test(sentence)) return "$name";
  return /time zone|cron schedule|never fires/.test(sentence) ? "$schedule" : null;
}
