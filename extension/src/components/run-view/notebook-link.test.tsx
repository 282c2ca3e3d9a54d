import { cleanup, render, screen } from "@testing-library/preact";
import { afterEach, expect, test } from "vitest";
import { addressOf, NotebookLink } from "./notebook-link";

afterEach(() => {
  cleanup();
  document.getElementById("jupyter-config-data")?.remove();
});

const LAB = { baseUrl: "/user/ada/", serverRoot: "/srv/work", appName: "JupyterLab" };
const HOME = { ...LAB, serverRoot: "~/work" };

test.each([
  ["/srv/work/out/train 1.ipynb", LAB, "/user/ada/lab/tree/out/train%201.ipynb"],
  ["/srv/work/a#b?.ipynb", LAB, "/user/ada/lab/tree/a%23b%3F.ipynb"],
  ["/srv/work/x.ipynb", { ...LAB, appName: "Jupyter Notebook" }, "/user/ada/notebooks/x.ipynb"],
  ["/home/ada/work/x.ipynb", HOME, "/user/ada/lab/tree/x.ipynb"],
  ["/root/work/x.ipynb", HOME, "/user/ada/lab/tree/x.ipynb"],
  ["/srv/workshop/x.ipynb", LAB, null],
  ["/elsewhere/x.ipynb", HOME, null],
  ["/srv/work/.nbflow/x.ipynb", LAB, null],
  ["/srv/work/x.ipynb", {}, null],
])("%s is found where the server shows it", (path, settings, address) => {
  expect(addressOf(path, settings)).toBe(address);
});

test("the link is there where the page tells its server's folder", () => {
  const { rerender } = render(<NotebookLink output="/srv/work/x.ipynb" />);
  expect(screen.queryByRole("link")).toBeNull();
  const settings = document.createElement("script");
  settings.id = "jupyter-config-data";
  settings.type = "application/json";
  settings.textContent = JSON.stringify(LAB);
  document.head.append(settings);
  rerender(<NotebookLink output="/srv/work/./x.ipynb" />);
  expect(screen.queryByRole("link")).toBeNull();
  rerender(<NotebookLink output="/srv/work/y.ipynb" />);
  expect(screen.getByRole("link").getAttribute("href")).toBe("/user/ada/lab/tree/y.ipynb");
  rerender(<NotebookLink output={null} />);
  expect(screen.queryByRole("link")).toBeNull();
});

test("settings that are none are no settings", () => {
  const settings = document.createElement("script");
  settings.id = "jupyter-config-data";
  settings.type = "application/json";
  settings.textContent = "{";
  document.head.append(settings);
  render(<NotebookLink output="/srv/work/x.ipynb" />);
  expect(screen.queryByRole("link")).toBeNull();
});
