import { act, cleanup, render, screen, waitFor } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it } from "vitest";
import type { Asks, Deployable, DeployRequest, Method, Service } from "../../api/types";
import { ServiceError } from "../../api/types";
import { type Memory, MemoryContext } from "../hooks";
import { localTime } from "./coming";
import { DeployForm } from "./deploy-form";

afterEach(cleanup);

const DEPLOYABLE: Deployable = {
  flow_name: "etl",
  target: "flows.py:etl",
  kind: "function",
  description: "Loads rows.",
  schema: {
    type: "object",
    properties: { rows: { type: "integer" }, day: { type: "string", default: "today" } },
    required: ["rows"],
  },
  taken: ["nightly"],
  existing: [
    {
      name: "nightly",
      version: 3,
      parameters: { rows: 5 },
      schedules: ["every day at 06:00, Europe/Paris"],
      cron: "0 6 * * *",
      timezone: "Europe/Paris",
      queue: "loads",
      tags: ["a", "b"],
    },
  ],
  queues: ["default", "loads"],
  zones: ["Asia/Tokyo", "UTC", "Europe/Paris"],
};
const NEXT = ["2030-01-07T05:00:00+00:00", "2030-01-08T05:00:00+00:00"];

type Answers = { [M in Method]?: (params: Asks[M][0]) => Asks[M][1] | Promise<Asks[M][1]> };

/** The other side: what it is asked, and what it answers unless a test says otherwise. */
class Other implements Service {
  readonly asked: [Method, unknown][] = [];
  constructor(private readonly answers: Answers = {}) {}

  async ask<M extends Method>(method: M, params: Asks[M][0]): Promise<Asks[M][1]> {
    this.asked.push([method, params]);
    const answer = { ...USUAL, ...this.answers }[method] as (given: Asks[M][0]) => Asks[M][1];
    return answer(params);
  }

  sent<M extends Method>(method: M): Asks[M][0][] {
    return this.asked.filter(([each]) => each === method).map(([, params]) => params as Asks[M][0]);
  }

  watch(): never {
    throw new Error("a form watches nothing");
  }

  onConnection(): () => void {
    return () => undefined;
  }
}

const USUAL: Answers = {
  "deploy.describe": () => DEPLOYABLE,
  "deploy.preview": ({ cron, timezone }) => ({
    words: `words of ${cron} in ${timezone}`,
    next: NEXT,
  }),
  "deploy.create": () => ({
    full_name: "etl/x",
    version: 1,
    outcome: "create",
    next: "No worker serves the queue default. Start one: nbflow worker start",
  }),
};

async function show(answers: Answers = {}, memory: Memory = new Map()) {
  const other = new Other(answers);
  const shown = render(
    <MemoryContext.Provider value={memory}>
      <DeployForm service={other} view="v" />
    </MemoryContext.Provider>,
  );
  await waitFor(() => expect(shown.container.querySelector("form, [role=alert]")).not.toBeNull());
  return { other, user: userEvent.setup(), ...shown };
}

const nameField = () => screen.getByLabelText("Name");
const rowsField = () => screen.getByRole("textbox", { name: /^rows/ });
const button = () => screen.getByRole("button", { name: /^Deploy/ });

/** Until all that was answered has been shown. */
const settled = () => act(() => new Promise<void>((resolve) => setTimeout(resolve, 20)));

async function created(other: Other): Promise<DeployRequest> {
  await waitFor(() => expect(other.sent("deploy.create").length).toBe(1));
  return other.sent("deploy.create")[0] as DeployRequest;
}

describe("before it is known", () => {
  it("keeps the place, then shows the flow", async () => {
    let tell: (told: Deployable) => void = () => undefined;
    const told = new Promise<Deployable>((resolve) => {
      tell = resolve;
    });
    const other = new Other({ "deploy.describe": () => told });
    const { container } = render(<DeployForm service={other} view="v" />);
    expect(container.querySelector("[aria-busy=true]")).not.toBeNull();
    await act(async () => tell(DEPLOYABLE));
    expect((await screen.findByRole("heading")).textContent).toBe("Deploy etl");
    expect(other.sent("deploy.describe")).toEqual([{ view: "v" }]);
  });

  it("says why there is no form, and tries again", async () => {
    let saved = false;
    const { user } = await show({
      "deploy.describe": () => {
        if (!saved) throw new ServiceError("Save the notebook, then deploy it again.");
        return DEPLOYABLE;
      },
    });
    expect(screen.getByRole("alert").textContent).toContain("Save the notebook");
    saved = true;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(nameField()).toBeTruthy());
  });
});

describe("what is sent", () => {
  it("is only what was filled in", async () => {
    const { other, user } = await show();
    await user.click(button());
    expect(await created(other)).toEqual({
      view: "v",
      name: "",
      parameters: {},
      cron: null,
      timezone: null,
      queue: "",
      tags: [],
      keep_schedules: false,
    });
  });

  it("is everything, typed as it is meant", async () => {
    const { other, user } = await show();
    await user.type(nameField(), " hourly ");
    await user.type(rowsField(), "12");
    await user.click(screen.getByLabelText("Every week"));
    await user.selectOptions(screen.getByRole("combobox", { name: "Weekday" }), "Friday");
    await user.clear(screen.getByRole("combobox", { name: "Time zone" }));
    await user.type(screen.getByRole("combobox", { name: "Time zone" }), "Europe/Paris");
    await user.type(screen.getByLabelText("Queue"), "loads");
    await user.type(screen.getByLabelText("Tags"), "a, b,,c c ");
    await user.click(button());
    expect(await created(other)).toEqual({
      view: "v",
      name: "hourly",
      parameters: { rows: 12 },
      cron: "0 6 * * 5",
      timezone: "Europe/Paris",
      queue: "loads",
      tags: ["a", "b", "c c"],
      keep_schedules: false,
    });
  });

  it("goes once, however often one clicks", async () => {
    let finish: (() => void) | undefined;
    const { other, user } = await show({
      "deploy.create": () =>
        new Promise((resolve) => {
          finish = () => resolve({ full_name: "etl/etl", version: 1, next: "." });
        }),
    });
    await user.click(button());
    expect(button().textContent).toBe("Deploying…");
    await user.click(button());
    expect(other.sent("deploy.create").length).toBe(1);
    await act(async () => finish?.());
    expect(button().textContent).toMatch(/^Deploy/);
  });
});

describe("what it came to", () => {
  it.each([
    ["create", 1, "etl/x is deployed, as version 1."],
    ["change", 4, "etl/x is brought up to date, as version 4."],
    ["keep", 4, "etl/x is as it was: nothing differs from version 4."],
  ] as const)("%s", async (outcome, version, sentence) => {
    const next = "No worker serves it. Start one: nbflow worker start -q loads";
    const { user, container, other } = await show({
      "deploy.create": () => ({ full_name: "etl/x", version, outcome, next }),
    });
    await user.click(button());
    await waitFor(() =>
      expect(container.querySelector(".nbf-deploy-done")?.textContent).toBe(sentence),
    );
    expect(screen.getByText("nbflow worker start -q loads").tagName).toBe("CODE");
    // What is taken now is asked for anew.
    expect(other.sent("deploy.describe").length).toBe(2);
  });

  it.each([
    ["Parameter 'rows' of deployment 'etl/etl' must be a whole number; got 1.", rowsField],
    ["'a b ' cannot be the name of a deployment: it needs a text.", nameField],
  ])("a refusal stands at its field: %s", async (sentence, fieldOf) => {
    const { user } = await show({
      "deploy.create": () => {
        throw new ServiceError(sentence);
      },
    });
    await user.click(button());
    await screen.findByText(sentence);
    const field = fieldOf();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    await waitFor(() => expect(document.activeElement).toBe(field));
    await user.type(field, "1");
    expect(screen.queryByText(sentence)).toBeNull();
  });

  it("any other refusal stands at the button", async () => {
    const { user, container } = await show({
      "deploy.create": () => {
        throw new ServiceError("The kernel does not answer.");
      },
    });
    await user.click(button());
    await screen.findByText("The kernel does not answer.");
    expect(container.querySelector(".nbf-deploy-result")?.textContent).toContain("does not answer");
  });
});

describe("what is wrong here already", () => {
  it("is not sent: a schedule needs what the flow requires", async () => {
    const { other, user } = await show();
    await user.click(screen.getByLabelText("Every day"));
    await user.click(button());
    await screen.findByText("Scheduled runs need a value here.");
    expect(other.sent("deploy.create")).toEqual([]);
    await waitFor(() => expect(document.activeElement).toBe(rowsField()));
    expect(screen.getByText("1 field above must be seen to first.")).toBeTruthy();
  });

  it("is not said before one presses the button, nor anew after all went well", async () => {
    const { other, user, container } = await show();
    const errors = () => container.querySelectorAll(".nbf-field-error").length;
    await user.click(screen.getByLabelText("Every day"));
    expect(errors()).toBe(0);
    await user.click(screen.getByLabelText("Off"));
    await user.click(button());
    await created(other);
    await waitFor(() => expect(container.querySelector(".nbf-deploy-done")).not.toBeNull());
    await user.click(screen.getByLabelText("Every day"));
    expect(errors()).toBe(0);
  });

  it("is not sent: text that means no value, a name with a slash", async () => {
    const { other, user } = await show();
    await user.type(rowsField(), "many");
    await user.type(nameField(), "a/b");
    await user.click(button());
    await screen.findByText("A name has no slashes.");
    expect(screen.getByText(/This must be a whole number/)).toBeTruthy();
    expect(other.sent("deploy.create")).toEqual([]);
  });

  it("is not sent: a schedule that nobody understands", async () => {
    const { other, user } = await show({
      "deploy.preview": () => {
        throw new ServiceError("'soon' has 1 field, a cron schedule five.");
      },
    });
    await user.type(rowsField(), "1");
    await user.click(screen.getByLabelText("Cron"));
    await user.type(screen.getByLabelText(/Cron text/), "soon");
    const field = screen.getByLabelText(/Cron text/);
    await waitFor(() => expect(field.getAttribute("aria-invalid")).toBe("true"));
    const said = document.getElementById(field.getAttribute("aria-describedby") ?? "");
    expect(said?.textContent).toContain("has 1 field");
    await user.click(button());
    expect(other.sent("deploy.create")).toEqual([]);
  });
});

describe("a name that is taken", () => {
  it("is told, and its schedule stays unless another is chosen", async () => {
    const { other, user } = await show();
    await user.type(nameField(), "nightly");
    expect(
      screen.getByText(/nightly is there already: what you change becomes its version 4/),
    ).toBeTruthy();
    expect((screen.getByLabelText("As it is") as HTMLInputElement).checked).toBe(true);
    expect(screen.getByText("It stays: every day at 06:00, Europe/Paris.")).toBeTruthy();
    await user.type(rowsField(), "5");
    await user.click(button());
    expect(await created(other)).toMatchObject({
      cron: null,
      timezone: null,
      keep_schedules: true,
    });
  });

  it("says what becomes of its schedule", async () => {
    const { user } = await show();
    await user.type(nameField(), "nightly");
    await user.click(screen.getByLabelText("Off"));
    expect(screen.getByText(/Its schedule is taken away: every day at 06:00/)).toBeTruthy();
    await user.click(screen.getByLabelText("Every hour"));
    expect(screen.getByText(/This replaces: every day at 06:00/)).toBeTruthy();
  });

  it("can be started from", async () => {
    const { other, user } = await show();
    await user.type(rowsField(), "many");
    await user.type(nameField(), "nightly");
    await user.click(screen.getByRole("button", { name: "Start from its settings" }));
    expect((rowsField() as HTMLInputElement).value).toBe("5");
    expect((screen.getByLabelText("Every day") as HTMLInputElement).checked).toBe(true);
    await user.click(button());
    expect(await created(other)).toEqual({
      view: "v",
      name: "nightly",
      parameters: { rows: 5 },
      cron: "0 6 * * *",
      timezone: "Europe/Paris",
      queue: "loads",
      tags: ["a", "b"],
      keep_schedules: false,
    });
  });

  it("is the flow's own where none is written", async () => {
    const own = { ...(DEPLOYABLE.existing?.[0] as object), name: "etl" };
    await show({ "deploy.describe": () => ({ ...DEPLOYABLE, existing: [own] }) as Deployable });
    expect(screen.getByText(/etl is there already/)).toBeTruthy();
  });
});

it.each([
  [2030, "Mon 7 Jan 06:05"],
  [2029, "Mon 7 Jan 2030 06:05"],
])("seen from %i, a date is %s", (year, words) => {
  const at = new Date(2030, 0, 7, 6, 5).getTime();
  expect(localTime(at, new Date(year, 5, 1).getTime())).toBe(words);
});

describe("the preview", () => {
  it("tells words, instants in local time, and the exact UTC on hover", async () => {
    const { user, container } = await show();
    await user.click(screen.getByLabelText("Weekdays"));
    await screen.findByText(/^words of 0 6 \* \* 1-5 in /);
    const times = [...container.querySelectorAll("time")];
    expect(times.map((each) => each.textContent)).toEqual(
      NEXT.map((at) => localTime(Date.parse(at), Date.now())),
    );
    expect(times.map((each) => each.title)).toEqual([
      "2030-01-07 05:00:00 UTC",
      "2030-01-08 05:00:00 UTC",
    ]);
  });

  it("is asked for once somebody rests, and only the newest answer counts", async () => {
    const late: (() => void)[] = [];
    const { other, user } = await show({
      "deploy.preview": ({ cron }) =>
        cron === "1 * * * *"
          ? new Promise((resolve) => late.push(() => resolve({ words: "the old", next: [] })))
          : { words: "the new", next: [] },
    });
    await user.click(screen.getByLabelText("Cron"));
    const field = screen.getByLabelText(/Cron text/);
    await user.type(field, "1 * * * *");
    await waitFor(() => expect(late.length).toBe(1));
    // Not one question a letter.
    expect(other.sent("deploy.preview").length).toBeLessThan(4);
    await user.clear(field);
    await user.type(field, "2 * * * *");
    await screen.findByText("the new");
    late[0]?.();
    await settled();
    expect(screen.queryByText("the old")).toBeNull();
    expect(screen.getByText("the new")).toBeTruthy();
  });

  it("blames the time zone where it is at fault", async () => {
    const { user } = await show({
      "deploy.preview": () => {
        throw new ServiceError("'Paris' is no IANA time zone; did you mean Europe/Paris?");
      },
    });
    await user.click(screen.getByLabelText("Every day"));
    const zone = screen.getByRole("combobox", { name: "Time zone" });
    await waitFor(() => expect(zone.getAttribute("aria-invalid")).toBe("true"));
  });
});

it("what was filled in is there when the view is put back on the page", async () => {
  const memory: Memory = new Map();
  const first = await show({}, memory);
  await first.user.type(nameField(), "hourly");
  first.unmount();
  await show({}, memory);
  expect((nameField() as HTMLInputElement).value).toBe("hourly");
});

it("shows what it is told as text", async () => {
  const evil = "<img src=x onerror=alert(1)>";
  const { user } = await show({
    "deploy.describe": () => ({
      ...DEPLOYABLE,
      flow_name: evil,
      target: evil,
      description: evil,
      queues: [evil],
      zones: [evil],
    }),
    "deploy.preview": () => ({ words: evil, next: NEXT }),
    "deploy.create": () => ({ full_name: evil, version: 1, next: `${evil}: nbflow ${evil}` }),
  });
  await user.click(screen.getByLabelText("Every hour"));
  await user.type(rowsField(), "1");
  await screen.findByText(evil, { selector: ".nbf-preview-words span" });
  await user.click(button());
  await screen.findByText(`nbflow ${evil}`);
  expect(document.querySelector("img")).toBeNull();
});
