import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { act, cleanup, render, screen } from "@testing-library/preact";
import { afterEach, describe, expect, test, vi } from "vitest";
import { styles } from "./styles";
import { css, themeOf, useTheme } from "./theme";

function Told() {
  return <output>{useTheme()}</output>;
}

const { body, documentElement: root } = document;
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  for (const element of [body, root]) {
    for (const name of element.getAttributeNames()) element.removeAttribute(name);
  }
});

const system = (dark: boolean) =>
  vi
    .spyOn(window, "matchMedia")
    .mockReturnValue(Object.assign(new EventTarget(), { matches: dark }) as MediaQueryList);

describe("the theme is what the page says", () => {
  test.each([
    ["JupyterLab, light", body, "data-jp-theme-light", "true", "light"],
    ["JupyterLab, dark", body, "data-jp-theme-light", "false", "dark"],
    ["VS Code, light", body, "class", "vscode-light", "light"],
    ["VS Code, dark", body, "class", "a vscode-dark b", "dark"],
    ["VS Code, high contrast", body, "class", "vscode-high-contrast", "dark"],
    [
      "VS Code, light high contrast",
      body,
      "class",
      "vscode-high-contrast vscode-high-contrast-light",
      "light",
    ],
    ["Colab", root, "theme", "dark", "dark"],
    ["Sphinx", root, "data-theme", "light", "light"],
    ["Sphinx, as the system says", root, "data-theme", "auto", "other"],
    ["nothing", root, "lang", "en", "other"],
  ])("%s", (_, element, name, value, told) => {
    element.setAttribute(name, value);
    for (const dark of [true, false]) {
      system(dark);
      expect(themeOf()).toBe(told === "other" ? (dark ? "dark" : "light") : told);
    }
  });
});

test("a change of theme is followed, until nobody looks", async () => {
  system(false);
  const stopped = vi.spyOn(MutationObserver.prototype, "disconnect");
  const { unmount } = render(<Told />);
  expect(screen.getByRole("status").textContent).toBe("light");
  await act(async () => {
    body.setAttribute("data-jp-theme-light", "false");
    await Promise.resolve();
  });
  await vi.waitFor(() => expect(screen.getByRole("status").textContent).toBe("dark"));
  unmount();
  expect(stopped).toHaveBeenCalled();
});

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf-8" })
  .filter((path) => path.endsWith(".tsx"))
  .map((path) => readFileSync(join(import.meta.dirname, path), "utf-8"))
  .join();

describe("the style sheet", () => {
  test("defines every variable that it uses, in both themes", () => {
    const used = new Set([...styles.matchAll(/var\((--nbf-[\w-]+)/g)].map(([, name]) => name));
    const [light = "", dark = ""] = css.split("[data-theme=dark]");
    const defined = (text: string) =>
      new Set([...text.matchAll(/(?:^|[{;])(--nbf-[\w-]+):/gm)].map(([, name]) => name));
    const own = defined(styles.replace(css, ""));
    const missing = [...used].filter((name = "") => !defined(light).has(name) && !own.has(name));
    // The others are set on elements, by name.
    expect(missing.filter((name) => !sources.includes(`"${name}"`))).toEqual([]);
    for (const name of ["--nbf-ink", "--nbf-surface", "--nbf-red", "--nbf-violet", "--nbf-alarm"]) {
      expect(defined(dark)).toContain(name);
    }
  });

  test("brings nothing from the network", () => {
    expect(styles).not.toMatch(/url\(|@import|@font-face/);
  });
});
