import { render, screen } from "@testing-library/preact";
import { expect, test } from "vitest";
import { StateChip } from "./chip";
import { StateIcon } from "./icon";
import { COLOURS, lookOf, shapesOf } from "./looks";
import table from "./looks.json";

test("every state has an icon that can be drawn, and a colour in both themes", () => {
  for (const name of Object.keys(table.looks)) {
    const { role, icon } = lookOf(name, null);
    expect(shapesOf(icon).length).toBeGreaterThan(0);
    expect(COLOURS.light[role]).toMatch(/^#/);
    expect(COLOURS.dark[role]).toMatch(/^#/);
  }
});

test("a name of the user's own looks like its type; no state at all is an outline", () => {
  expect(lookOf("Half done", "COMPLETED")).toEqual(lookOf("Completed", "COMPLETED"));
  expect(lookOf("toString", "FAILED").role).toBe("red");
  expect(lookOf(null, null)).toMatchObject({ hollow: true });
});

test("an icon says nothing to readers of screens; its chip says the word", () => {
  const { container } = render(<StateChip state_name="TimedOut" state_type="FAILED" />);
  expect(screen.getByText("timed out")).toBeTruthy();
  expect(container.querySelector("svg")?.getAttribute("aria-hidden")).toBe("true");
});

test("a name made of markup is text", () => {
  const { container } = render(<StateChip state_name="<img src=x>" state_type="RUNNING" />);
  expect(container.querySelector("img")).toBeNull();
  expect(container.textContent).toBe("<img src=x>");
});

test("shapes carry their coordinates", () => {
  const { container } = render(<StateIcon name="Running" type="RUNNING" pulse />);
  const [circle] = container.querySelectorAll("circle");
  expect(circle?.getAttribute("r")).toBe("5.1");
  expect(circle?.getAttribute("class")).toBe("s");
});
