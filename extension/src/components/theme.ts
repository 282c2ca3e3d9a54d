/**
 * The colours and fonts of all views: those of the page around them where it has some.
 *
 * State colours are the table's. The neutral ones are mixed from the page's ink and surface, so
 * that they fit every theme of JupyterLab and VS Code, also those nobody here has seen.
 */

import { useSyncExternalStore } from "react";
import { COLOURS } from "./state/looks";

export type Theme = "light" | "dark";

const ROLES = ["slate", "amber", "blue", "green", "teal", "red", "orange", "stone", "violet"];

function variables(theme: Theme): string {
  const of = (name: string) => COLOURS[theme][name] ?? "";
  const mixed = (share: number, colour = "var(--nbf-ink)") =>
    `color-mix(in srgb,${colour} ${share}%,var(--nbf-surface))`;
  const light = theme === "light";
  return [
    ...ROLES.map((role) => `--nbf-${role}:${of(role)}`),
    `--nbf-on:${of("on_state")}`,
    `--nbf-ink:var(--jp-ui-font-color1,var(--vscode-editor-foreground,${of("ink")}))`,
    `--nbf-surface:var(--jp-layout-color0,var(--vscode-editor-background,${of("surface")}))`,
    `--nbf-accent:var(--jp-brand-color1,${of("blue")})`,
    `--nbf-focus:var(--jp-brand-color1,var(--vscode-focusBorder,${of("blue")}))`,
    `--nbf-card:${light ? "var(--nbf-surface)" : mixed(8)}`,
    `--nbf-frame:${mixed(light ? 3 : 4)}`,
    `--nbf-border:${mixed(light ? 16 : 20)}`,
    `--nbf-edge:${mixed(light ? 36 : 38)}`,
    // At least 4.5:1 on frames and cards, in the themes of JupyterLab, too.
    `--nbf-muted:${mixed(light ? 74 : 72)}`,
    `--nbf-faint:${mixed(light ? 68 : 66)}`,
    `--nbf-alarm:${mixed(light ? 7 : 16, "var(--nbf-red)")}`,
    `color-scheme:${theme}`,
  ].join(";");
}

const FONTS = [
  "--nbf-ui-font:var(--jp-ui-font-family,var(--vscode-font-family,system-ui,-apple-system,'Segoe UI',Roboto,sans-serif))",
  "--nbf-code-font:var(--jp-code-font-family,var(--vscode-editor-font-family,ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace))",
].join(";");

export const css = `
.nbf{${FONTS};${variables("light")}}
.nbf[data-theme=dark]{${variables("dark")}}
`;

const DARK_SYSTEM = "(prefers-color-scheme: dark)";
const TELLING = ["data-jp-theme-light", "class", "theme", "data-theme"];

/** The theme in force: as the page says it, else as the reader's system asks. */
export function themeOf(page: Document = document): Theme {
  const told = toldBy(page.body, page.documentElement);
  if (told !== null) return told;
  return window.matchMedia?.(DARK_SYSTEM).matches ? "dark" : "light";
}

function toldBy(body: HTMLElement, root: HTMLElement): Theme | null {
  const jupyter = body.getAttribute("data-jp-theme-light");
  if (jupyter !== null) return jupyter === "false" ? "dark" : "light";
  const code = toldByCode(body.classList);
  if (code !== null) return code;
  const named = root.getAttribute("data-theme") ?? root.getAttribute("theme");
  return named === "dark" || named === "light" ? named : null;
}

function toldByCode(classes: DOMTokenList): Theme | null {
  if (classes.contains("vscode-light") || classes.contains("vscode-high-contrast-light")) {
    return "light";
  }
  const dark = classes.contains("vscode-dark") || classes.contains("vscode-high-contrast");
  return dark ? "dark" : null;
}

/** The theme in force, followed as it changes. */
export function useTheme(): Theme {
  return useSyncExternalStore(onTheme, themeOf);
}

function onTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  for (const element of [document.body, document.documentElement]) {
    observer.observe(element, { attributes: true, attributeFilter: TELLING });
  }
  const query = window.matchMedia?.(DARK_SYSTEM);
  query?.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    query?.removeEventListener("change", changed);
  };
}
