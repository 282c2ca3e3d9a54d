import { cleanup, render, screen, within } from "@testing-library/preact";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, describe, expect, it } from "vitest";
import type { JsonSchema } from "./schema";
import { type Problems, SchemaFields, type Values } from "./schema-fields";

afterEach(cleanup);

interface Seen {
  value: Values;
  unread: Problems;
}

/** A form in which somebody types, and what it says at any time. */
function show(
  properties: Record<string, JsonSchema>,
  more: JsonSchema & { value?: Values; errors?: Problems } = {},
) {
  const { value: first = {}, errors, ...schema } = more;
  const seen: Seen = { value: first, unread: {} };
  function Form() {
    const [value, setValue] = useState<Values>(first);
    return (
      <SchemaFields
        schema={form}
        value={value}
        errors={errors}
        onChange={(next, unread) => {
          Object.assign(seen, { value: next, unread });
          setValue(next);
        }}
      />
    );
  }
  const form = { type: "object", properties, ...schema } as Record<string, unknown>;
  render(<Form />);
  return { seen, user: userEvent.setup() };
}

describe("names that every object of JavaScript knows", () => {
  const NAMES = ["__proto__", "constructor", "toString"];

  it("are names of parameters like any others", async () => {
    const properties = Object.fromEntries(
      NAMES.map((name) => [name, { title: name, type: "integer" }] as const),
    );
    const errors = JSON.parse('{"__proto__": "Too small."}') as Problems;
    const { seen, user } = show(properties, { errors, required: ["toString"] });
    for (const name of NAMES) {
      const field = screen.getByLabelText(name, { exact: false }) as HTMLInputElement;
      expect(field.value).toBe("");
      await user.type(field, "7");
    }
    expect(Object.entries(seen.value)).toEqual(NAMES.map((name) => [name, 7]));
    expect(screen.getAllByText("Too small.").length).toBe(1);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe("what is left alone", () => {
  it("is not in the value, and its default is to be seen", () => {
    const { seen } = show({
      rows: { type: "integer", default: 3 },
      name: { type: "string", default: "x" },
      dry: { type: "boolean", default: false },
      where: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
      day: { type: "string", format: "date", default: "2026-01-31" },
    });
    const placeholder = (name: string) => screen.getByLabelText(name).getAttribute("placeholder");
    expect(["rows", "name", "where"].map(placeholder)).toEqual(["3", "x", "None"]);
    expect(screen.getByText("default 2026-01-31")).toBeTruthy();
    expect(seen.value).toEqual({});
  });

  it("can be taken back to its default", async () => {
    const { seen, user } = show({ rows: { type: "integer", default: 3 } });
    await user.type(screen.getByLabelText("rows"), "12");
    expect(seen.value).toEqual({ rows: 12 });
    await user.click(screen.getByRole("button", { name: "rows: use default" }));
    expect(seen.value).toEqual({});
    expect((screen.getByLabelText("rows") as HTMLInputElement).value).toBe("");
    expect(screen.queryByRole("button", { name: "rows: use default" })).toBeNull();
  });

  it("a switch that is switched back is left alone again", async () => {
    const { seen, user } = show({ dry: { type: "boolean", default: true } });
    const dry = screen.getByLabelText("dry");
    await user.click(dry);
    expect(seen.value).toEqual({ dry: false });
    await user.click(dry);
    expect(seen.value).toEqual({});
  });
});

describe("what cannot be read", () => {
  it("is said once one goes on, stands at its field, and is no value", async () => {
    const { seen, user } = show({ rows: { type: "integer", description: "how many" } });
    const field = screen.getByLabelText("rows");
    await user.type(field, "many");
    expect(seen).toEqual({ value: {}, unread: { rows: expect.stringMatching(/whole number/) } });
    expect(field.getAttribute("aria-invalid")).toBe("false");
    await user.tab();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    const said = (field.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent);
    expect(said).toEqual(["This must be a whole number, such as 3.", "whole number", "how many"]);
    await user.clear(field);
    await user.type(field, "7");
    expect(seen).toEqual({ value: { rows: 7 }, unread: {} });
    expect(field.getAttribute("aria-invalid")).toBe("false");
  });

  it("keeps what was typed, also while it means nothing", async () => {
    const { user } = show({ rows: { type: "number" } });
    const field = screen.getByLabelText("rows") as HTMLInputElement;
    await user.type(field, "-1.50e");
    expect(field.value).toBe("-1.50e");
    await user.type(field, "3");
    expect(field.value).toBe("-1.50e3");
  });

  it("gives way to a value that comes from elsewhere", async () => {
    const schema = { properties: { rows: { type: "integer" } } };
    const form = (value: Values) => (
      <SchemaFields schema={schema} value={value} onChange={() => undefined} />
    );
    const { rerender } = render(form({}));
    const field = screen.getByLabelText("rows") as HTMLInputElement;
    await userEvent.setup().type(field, "x");
    rerender(form({ rows: 12 }));
    expect(field.value).toBe("12");
  });

  it("shows errors that others found", () => {
    show({ rows: { type: "integer" } }, { errors: { rows: "Too many <b>rows</b>." } });
    expect(screen.getByText("Too many <b>rows</b>.")).toBeTruthy();
    expect(screen.getByLabelText("rows").getAttribute("aria-invalid")).toBe("true");
  });
});

describe("choices", () => {
  it("keep the types of their values", async () => {
    const { seen, user } = show({ mode: { enum: ["a", 3, null], default: "a" } });
    await user.selectOptions(screen.getByLabelText("mode"), "3");
    expect(seen.value).toEqual({ mode: 3 });
    await user.selectOptions(screen.getByLabelText("mode"), "None");
    expect(seen.value).toEqual({ mode: null });
    await user.selectOptions(screen.getByLabelText("mode"), "a (default)");
    expect(seen.value).toEqual({});
  });

  it("of yes or no without a default begin with neither", async () => {
    const { seen, user } = show({ sure: { type: "boolean" } }, { required: ["sure"] });
    const sure = screen.getByLabelText(/sure/);
    expect(
      within(sure)
        .getAllByRole("option")
        .map((each) => each.textContent),
    ).toEqual(["choose…", "yes", "no"]);
    await user.selectOptions(sure, "no");
    expect(seen.value).toEqual({ sure: false });
  });
});

describe("values that nobody can type", () => {
  it("None, where it is not the default", async () => {
    const { seen, user } = show({
      where: { anyOf: [{ type: "string" }, { type: "null" }], default: "here" },
    });
    await user.click(screen.getByRole("button", { name: "where: None" }));
    expect(seen.value).toEqual({ where: null });
    expect(screen.getByLabelText("where").getAttribute("placeholder")).toBe("None");
  });

  it("empty text, where it is not the default", async () => {
    const { seen, user } = show({ where: { type: "string", default: "here" } });
    await user.click(screen.getByRole("button", { name: "where: empty" }));
    expect(seen.value).toEqual({ where: "" });
  });
});

describe("lists", () => {
  const xs = { type: "array", items: { type: "integer" }, default: [1, 2] };

  it("start from their default", async () => {
    const { seen, user } = show({ xs });
    await user.click(screen.getByRole("button", { name: "xs: add an item" }));
    expect(seen.unread.xs).toMatch(/Item 3 is empty/);
    await user.type(screen.getAllByRole("textbox")[2] as HTMLElement, "30");
    expect(seen).toEqual({ value: { xs: [1, 2, 30] }, unread: {} });
    await user.click(screen.getByRole("button", { name: "xs: remove item 1" }));
    expect(seen.value).toEqual({ xs: [2, 30] });
    await user.click(screen.getByRole("button", { name: "xs: use default" }));
    expect(seen.value).toEqual({});
    expect(screen.getAllByRole("textbox").length).toBe(2);
  });

  it("of objects say what an item needs", async () => {
    const properties = { a: { type: "string" }, b: { type: "integer", default: 3 } };
    const items = { type: "object", properties, required: ["a"] };
    const { seen, user } = show({ xs: { type: "array", items } });
    await user.click(screen.getByRole("button", { name: "xs: add an item" }));
    expect(seen.unread).toEqual({ xs: "Item 1 needs a." });
    await user.type(screen.getByLabelText("b"), "4");
    expect(seen.unread).toEqual({ xs: "a is needed, too." });
    await user.type(screen.getByRole("textbox", { name: /^a/ }), "x");
    expect(seen).toEqual({ value: { xs: [{ a: "x", b: 4 }] }, unread: {} });
  });

  it("name their items to those who do not see them", () => {
    show({ xs, modes: { type: "array", items: { enum: ["a", "b"] }, default: ["b"] } });
    expect(screen.getByRole("textbox", { name: "xs: item 2" })).toBeTruthy();
    expect(screen.getByRole("combobox", { name: "modes: item 1" })).toBeTruthy();
  });

  it("forget what was wrong with an item that is gone, and keep what was typed in others", async () => {
    const { seen, user } = show({ xs });
    const [first, second] = screen.getAllByRole("textbox");
    await user.clear(first as HTMLElement);
    await user.type(first as HTMLElement, "one");
    await user.clear(second as HTMLElement);
    await user.type(second as HTMLElement, "two");
    expect(seen.unread.xs).toMatch(/whole number/);
    await user.click(screen.getByRole("button", { name: "xs: remove item 1" }));
    expect(screen.getAllByRole("textbox").map((each) => (each as HTMLInputElement).value)).toEqual([
      "two",
    ]);
    await user.clear(screen.getByRole("textbox"));
    await user.type(screen.getByRole("textbox"), "2");
    expect(seen).toEqual({ value: { xs: [2] }, unread: {} });
  });
});

describe("objects", () => {
  const point: JsonSchema = {
    type: "object",
    properties: { x: { type: "number" }, y: { type: "number" } },
    default: { x: 1, y: 2 },
  };

  it("are whole, with what was left alone from their default", async () => {
    const { seen, user } = show({ point });
    expect(document.querySelector("details")?.open).toBe(false);
    await user.click(document.querySelector("summary") as HTMLElement);
    const x = screen.getByLabelText("x");
    expect(x.getAttribute("placeholder")).toBe("1");
    await user.type(x, "7");
    expect(seen.value).toEqual({ point: { x: 7, y: 2 } });
    expect((x as HTMLInputElement).value).toBe("7");
    await user.clear(x);
    expect(seen.value).toEqual({});
    expect(x.closest("details")?.open).toBe(true); // not closed under the hands
  });

  it("say what else they need", async () => {
    const properties = { x: { type: "number" }, y: { type: "number" } };
    const { seen, user } = show({ at: { type: "object", properties, required: ["x", "y"] } });
    await user.type(screen.getByRole("textbox", { name: /^x/ }), "1");
    expect(seen).toEqual({ value: { at: { x: 1 } }, unread: { at: "y is needed, too." } });
    await user.type(screen.getByRole("textbox", { name: /^y/ }), "2");
    expect(seen).toEqual({ value: { at: { x: 1, y: 2 } }, unread: {} });
  });

  it("tell what is wrong inside", async () => {
    const { seen, user } = show({ point });
    await user.type(screen.getByLabelText("y"), "far");
    expect(seen.unread).toEqual({ point: expect.stringMatching(/^y: This must be a number/) });
  });

  it("open where something is wrong with them", () => {
    show({ point }, { errors: { point: "There is no such point." } });
    expect(document.querySelector("details")?.open).toBe(true);
    expect(screen.getByText("There is no such point.")).toBeTruthy();
  });

  it("of any shape are JSON", async () => {
    const { seen, user } = show({ map: { type: "object", default: {} } });
    await user.type(screen.getByLabelText("map"), '{{"a": 1}');
    expect(seen.value).toEqual({ map: { a: 1 } });
  });
});

it("shows names, values and descriptions as text", () => {
  const evil = "<img src=x onerror=alert(1)>";
  show(
    {
      [evil]: { type: "string", description: evil, default: evil, title: evil },
      choice: { enum: [evil] },
    },
    { value: { [evil]: evil } },
  );
  expect(document.querySelector("img")).toBeNull();
  expect(screen.getAllByText(evil).length).toBeGreaterThan(1);
  expect((screen.getByLabelText(evil) as HTMLInputElement).value).toBe(evil);
});

it("can be walked through by keyboard", async () => {
  const { user } = show({
    rows: { type: "integer" },
    dry: { type: "boolean", default: false },
    mode: { enum: ["a", "b"] },
  });
  const order: (string | null)[] = [];
  for (let step = 0; step < 3; step += 1) {
    await user.tab();
    order.push((document.activeElement as HTMLInputElement).labels?.[0]?.textContent ?? null);
  }
  expect(order).toEqual(["rows", "dry", "mode"]);
});
