import { describe, expect, it } from "vitest";
import { cronOf, FIRST_PLAN, type Plan, planOf } from "./schedule";

const CHOSEN: [Partial<Plan>, string | null][] = [
  [{ rhythm: "off" }, null],
  [{ rhythm: "keep" }, null],
  [{ rhythm: "hour", minute: 5 }, "5 * * * *"],
  [{ rhythm: "day", time: "06:30" }, "30 6 * * *"],
  [{ rhythm: "weekday", time: "00:00" }, "0 0 * * 1-5"],
  [{ rhythm: "week", weekday: 7, time: "23:59" }, "59 23 * * 7"],
  [{ rhythm: "month", day: 15 }, "0 6 15 * *"],
  [{ rhythm: "month", day: 0 }, "0 6 L * *"],
  [{ rhythm: "day", time: "" }, null],
  [{ rhythm: "cron", cron: " */5 * * * * " }, "*/5 * * * *"],
  [{ rhythm: "cron", cron: "  " }, null],
];

describe("a plan", () => {
  it.each(CHOSEN)("%j is %s", (change, cron) => {
    expect(cronOf({ ...FIRST_PLAN, ...change })).toBe(cron);
  });

  it.each(CHOSEN.filter(([, cron]) => cron !== null))("%j comes back", (_, cron) => {
    expect(cronOf(planOf(cron as string))).toBe(cron);
  });

  it.each([
    ["@daily", "day", "0 0 * * *"],
    ["0  6 * *  1-5", "weekday", "0 6 * * 1-5"],
    ["0 6 * * 0", "week", "0 6 * * 7"],
    ["0 6 31 * *", "month", "0 6 31 * *"],
    ["0 6,18 * * *", "cron", "0 6,18 * * *"],
    ["soon", "cron", "soon"],
  ])("%s is understood as %s", (cron, rhythm, back) => {
    const plan = planOf(cron);
    expect(plan.rhythm).toBe(rhythm);
    expect(cronOf(plan)).toBe(back);
  });
});
