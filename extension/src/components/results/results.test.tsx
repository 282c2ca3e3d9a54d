/** What a run left behind, on the page. */

import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Artifact, ArtifactKind } from "../../api/types";
import { MemoryContext } from "../hooks";
import { Results } from "./results";
import { artifact, byId, HOSTILE, metric, task } from "./samples";

afterEach(cleanup);
beforeEach(() => vi.restoreAllMocks());

function shown(artifacts: Artifact[], tasks = byId(task("t", "train"))): HTMLElement {
  return render(
    <MemoryContext.Provider value={new Map()}>
      <Results artifacts={artifacts} results={[]} tasks={tasks} />
    </MemoryContext.Provider>,
  ).container as HTMLElement;
}

const PNG = "data:image/png;base64,iVBORw0KGgo=";

describe("results", () => {
  it("say how to keep something when there is nothing", () => {
    expect(shown([]).textContent).toContain('create_table_artifact(frame, key="scores")');
  });

  it("stand under the names of their tasks, metrics first", () => {
    shown([artifact("markdown", "words", { task: "t" }), metric("loss", 1)]);
    expect(
      screen.getAllByRole("region").map((region) => region.getAttribute("aria-label")),
    ).toEqual(["Metrics", "train"]);
  });

  it("list kept values with their size", () => {
    const row = { owner: "t", name: "train", serializer: "pickle", size: 1_834_224, key: "k" };
    render(<Results artifacts={[]} results={[row]} tasks={byId()} />);
    expect(screen.getByText("1 value, 1.8 MB")).toBeTruthy();
    expect(screen.getByRole("row", { name: "train pickle 1.8 MB", hidden: true })).toBeTruthy();
  });

  it("show many things of one task in portions", () => {
    const root = shown(Array.from({ length: 30 }, () => artifact("progress", 5, { task: "t" })));
    expect(root.querySelectorAll("figure")).toHaveLength(12);
    fireEvent.click(screen.getByRole("button", { name: "Show 18 more" }));
    expect(root.querySelectorAll("figure")).toHaveLength(30);
  });

  const KINDS: ArtifactKind[] = ["markdown", "table", "link", "image", "progress"];

  it.each(KINDS)("show a %s of an unknown form as it was kept", (kind) => {
    shown([artifact(kind, { odd: HOSTILE })]);
    expect(screen.getByText(/This cannot be shown/)).toBeTruthy();
    expect(document.querySelector("img,script")).toBeNull();
  });

  it("show a kind that is not known as it was kept", () => {
    shown([artifact("hologram" as ArtifactKind, { a: 1 })]);
    expect(screen.getByText('{"a":1}')).toBeTruthy();
  });
});

describe("hostile words stay words", () => {
  const change = { key: HOSTILE, description: HOSTILE, task: "t" };
  const cases: Artifact[] = [
    artifact("markdown", HOSTILE, change),
    artifact(
      "table",
      { columns: [HOSTILE], rows: [[HOSTILE], [{ a: HOSTILE }]], total: 2 },
      change,
    ),
    artifact("link", { url: "javascript:globalThis.broken=1", text: HOSTILE }, change),
    artifact("link", { url: "https://a.org", text: HOSTILE }, change),
    artifact("image", { url: `https://a.org/${HOSTILE}` }, change),
    artifact("image", { url: "javascript:globalThis.broken=1" }, change),
    artifact("image", { url: `data:text/html,${HOSTILE}` }, change),
    artifact("progress", HOSTILE, change),
    metric(HOSTILE, 1, 0, "t"),
    metric(HOSTILE, 2, 1, "t"),
  ];

  it.each(cases.map((each, index) => [index, each.kind, each] as const))(
    "%i, in a %s",
    (_, __, each) => {
      const root = shown([each, { ...each, id: "newer" }], byId(task("t", HOSTILE)));
      expect(root.querySelector("img,script,iframe,object")).toBeNull();
      const links = [...root.querySelectorAll("a")].map((link) => link.protocol);
      expect(links.filter((protocol) => protocol !== "https:")).toEqual([]);
      expect(root.textContent).toContain("<img src=x onerror=");
      expect("broken" in globalThis).toBe(false);
    },
  );
});

describe("metrics", () => {
  const curve = [metric("loss", 3, 0), metric("loss", "NaN", 1), metric("loss", 1.5, 2)];

  it("tell the latest number, and where it was logged", () => {
    const root = shown(curve);
    expect(root.querySelector(".nbf-tile-value")?.textContent).toBe("1.5step 2");
  });

  it("of one number have no plot to open", () => {
    shown([metric("rows", 1_284_231)]);
    expect(screen.getByText("1 284 231")).toBeTruthy();
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("of nothing but NaN say so", () => {
    const root = shown([metric("loss", "NaN", 0), metric("loss", "NaN", 1)]);
    expect(root.querySelector(".nbf-tile-value")?.textContent).toBe("NaNstep 1");
    expect(root.querySelector("path")).toBeNull();
  });

  it("open large, are read by keys, and close by Escape back to the tile", () => {
    const root = shown(curve);
    const tile = screen.getByRole("button", { name: /loss/ });
    fireEvent.click(tile);
    expect(tile.getAttribute("aria-expanded")).toBe("true");
    const reader = screen.getByRole("slider");
    const read = (key: string) => {
      fireEvent.keyDown(reader, { key });
      return reader.getAttribute("aria-valuetext");
    };
    expect(["Home", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"].map(read)).toEqual([
      "step 0: 3",
      "step 1: NaN",
      "step 2: 1.5",
      "step 2: 1.5",
      "step 1: NaN",
    ]);
    fireEvent.keyDown(reader, { key: "Escape" });
    expect(root.querySelector(".nbf-plot")).toBeNull();
    expect(document.activeElement).toBe(tile);
  });

  it("are read where the pointer is", () => {
    const root = shown(curve);
    const room = root.querySelector(".nbf-spark-room") as HTMLElement;
    vi.spyOn(room, "getBoundingClientRect").mockReturnValue(new DOMRect(100, 0, 200, 40));
    fireEvent.mouseMove(room, { clientX: 110 });
    expect(root.querySelector(".nbf-tile-value")?.textContent).toBe("3step 0");
    fireEvent.mouseLeave(room);
    expect(root.querySelector(".nbf-tile-value")?.textContent).toBe("1.5step 2");
  });

  it("of several tasks are told apart by a legend", () => {
    const tasks = byId(task("a", "left"), task("b", "right"));
    const root = shown(
      ["a", "b"].flatMap((id) => [metric("f1", 1, 0, id), metric("f1", id === "a" ? 2 : 3, 1, id)]),
      tasks,
    );
    fireEvent.click(screen.getByRole("button", { name: /f1/ }));
    expect(root.querySelector(".nbf-legend")?.textContent).toBe("at the endleft2right3");
    expect(root.querySelectorAll(".nbf-plot path")).toHaveLength(2);
  });
});

describe("a table", () => {
  const rows = (count: number) =>
    Array.from({ length: count }, (_, index) => [index, `name ${index}`]);
  const table = (count: number, total = count) =>
    artifact(
      "table",
      { columns: ["n", "name"], rows: rows(count), total },
      { key: "scores", task: "t" },
    );
  const column = (root: HTMLElement) =>
    [...root.querySelectorAll("tbody tr td:first-child")].map((cell) => cell.textContent);

  it("is sorted by a click on a column's name", () => {
    const root = shown([table(3)]);
    const head = screen.getByRole("columnheader", { name: "n" });
    const button = within(head).getByRole("button");
    const seen = [1, 2, 3].map(() => {
      fireEvent.click(button);
      return [head.getAttribute("aria-sort"), column(root).join("")];
    });
    expect(seen).toEqual([
      ["ascending", "012"],
      ["descending", "210"],
      ["none", "012"],
    ]);
  });

  it("tells how much of it is here", () => {
    shown([table(3, 12_000)]);
    expect(screen.getByText("first 3 of 12 000 rows")).toBeTruthy();
  });

  it("has only the rows in sight on the page when it is long", () => {
    const root = shown([table(1000)]);
    const body = root.querySelector(".nbf-table-window") as HTMLElement;
    expect(column(root).length).toBeLessThan(60);
    Object.defineProperty(body, "scrollTop", { value: 500 * 26, configurable: true });
    fireEvent.scroll(body);
    const seen = column(root).map(Number);
    expect(seen).toContain(500);
    expect(seen).toContain(511);
    expect(seen.length).toBeLessThan(60);
    const row = screen.getByRole("row", { name: "500 name 500" });
    expect(row.getAttribute("aria-rowindex")).toBe("502");
    // Rows and the room for those out of sight add up to all rows.
    const room = [...root.querySelectorAll<HTMLElement>("tbody tr[style]")];
    const pixels = room.reduce((sum, each) => sum + Number.parseFloat(each.style.height), 0);
    expect(pixels / 26 + seen.length).toBe(1000);
  });

  it("is copied as CSV, whole and as it came", async () => {
    const write = vi.fn(async () => {});
    vi.stubGlobal("navigator", { clipboard: { writeText: write } });
    shown([table(2)]);
    fireEvent.click(screen.getByRole("button", { name: "Copy as CSV" }));
    expect(await screen.findByText("Copied")).toBeTruthy();
    expect(write).toHaveBeenCalledWith("n,name\r\n0,name 0\r\n1,name 1\r\n");
    vi.unstubAllGlobals();
  });

  it("says so when the browser does not copy", async () => {
    vi.stubGlobal("navigator", {});
    shown([table(2)]);
    fireEvent.click(screen.getByRole("button", { name: "Copy as CSV" }));
    expect(await screen.findByText("The browser refused to copy")).toBeTruthy();
    expect(document.querySelector("textarea")).toBeNull();
    vi.unstubAllGlobals();
  });

  it("without rows tells its columns", () => {
    shown([table(0)]);
    expect(screen.getByText("The table has no rows: n, name")).toBeTruthy();
  });

  it("with ragged rows has a cell for every column", () => {
    const root = shown([
      artifact("table", { columns: ["a", "b"], rows: [[1], [1, 2, 3]], total: 2 }),
    ]);
    expect([...root.querySelectorAll("tbody tr")].map((row) => row.children.length)).toEqual([
      2, 2,
    ]);
  });
});

describe("versions", () => {
  const version = (id: string, text: string) => artifact("markdown", text, { id, key: "report" });
  const all = [version("1", "first"), version("2", "second"), version("3", "third")];

  it("show the newest, and step to older ones and back", () => {
    const root = shown(all);
    const text = () => root.querySelector(".nbf-markdown")?.textContent;
    expect(text()).toBe("third");
    fireEvent.click(screen.getByRole("button", { name: "Older version" }));
    expect([text(), screen.getByText("2 of 3").textContent]).toEqual(["second", "2 of 3"]);
    fireEvent.click(screen.getByRole("button", { name: "Newer version" }));
    fireEvent.click(screen.getByRole("button", { name: "Newer version" }));
    expect(text()).toBe("third");
  });

  it("stay at the one that is read when a newer one comes, and else follow", () => {
    const memory = new Map();
    const view = (artifacts: Artifact[]) => (
      <MemoryContext.Provider value={memory}>
        <Results artifacts={artifacts} results={[]} tasks={byId()} />
      </MemoryContext.Provider>
    );
    const { container, rerender } = render(view(all.slice(0, 2)));
    const text = () => container.querySelector(".nbf-markdown")?.textContent;
    rerender(view(all));
    expect(text()).toBe("third");
    fireEvent.click(screen.getByRole("button", { name: "Older version" }));
    const more = [...all, version("4", "fourth")];
    rerender(view(more));
    expect(text()).toBe("second");
    for (const _ of [3, 4]) fireEvent.click(screen.getByRole("button", { name: "Newer version" }));
    rerender(view([...more, version("5", "fifth")]));
    expect(text()).toBe("fifth");
  });
});

describe("pictures", () => {
  it("that are part of the record are shown, with words for who cannot see them", () => {
    shown([artifact("image", { url: PNG }, { key: "roc", description: "The ROC curve" })]);
    expect(screen.getByRole("img", { name: "The ROC curve" }).getAttribute("src")).toBe(PNG);
  });

  it("that lie elsewhere are loaded when the reader says so", () => {
    shown([artifact("image", { url: "https://a.org/x.png" }, { key: "roc" })]);
    expect(screen.queryByRole("img")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Load it" }));
    const picture = screen.getByRole("img", { name: "roc" });
    expect(picture.getAttribute("src")).toBe("https://a.org/x.png");
    expect(picture.getAttribute("referrerpolicy")).toBe("no-referrer");
  });

  it.each(["s3://bucket/x.png", "x.png", "data:text/html,x"])("at %s are told of", (url) => {
    shown([artifact("image", { url })]);
    expect(screen.getByText(/This page cannot show/)).toBeTruthy();
  });

  it("that cannot be loaded are told of", () => {
    shown([artifact("image", { url: PNG }, { key: "roc" })]);
    fireEvent.error(screen.getByRole("img"));
    expect(screen.getByText("The picture could not be loaded: roc")).toBeTruthy();
  });
});

describe("progress and links", () => {
  it.each([
    [64.9, "64 %"],
    [100, "100 %"],
    [0, "0 %"],
  ])("%d reads %s", (percent, words) => {
    shown([artifact("progress", percent, { key: "download" })]);
    expect(screen.getByText(words)).toBeTruthy();
    const bar = screen.getByRole("progressbar", { name: "download" });
    expect(bar.getAttribute("aria-valuenow")).toBe(String(percent));
  });

  it("links leave without saying from where", () => {
    shown([artifact("link", { url: "https://a.org/d", text: "Dashboard" })]);
    const link = screen.getByRole("link", { name: "Dashboard" });
    expect([link.getAttribute("rel"), link.getAttribute("target")]).toEqual([
      "noopener noreferrer",
      "_blank",
    ]);
  });

  it.each(["s3://bucket/model", "javascript:alert(1)", "/etc"])("%s is text", (url) => {
    shown([artifact("link", { url, text: "Model" })]);
    expect(screen.queryByRole("link")).toBeNull();
    expect(screen.getByText(`Model: ${url}`)).toBeTruthy();
  });
});
