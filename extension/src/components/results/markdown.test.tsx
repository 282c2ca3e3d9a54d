/** Markdown becomes a few kinds of elements, whatever is written in it. */

import { cleanup, render } from "@testing-library/preact";
import { afterEach, describe, expect, it } from "vitest";
import { allowed, Markdown } from "./markdown";
import { HOSTILE } from "./samples";

afterEach(cleanup);

function shown(text: string): HTMLElement {
  return render(<Markdown text={text} />).container.firstElementChild as HTMLElement;
}

const ELEMENTS = new Set(
  "div p br hr strong em code pre blockquote ul ol li table thead tbody tr th td h4 h5 h6 a img span".split(
    " ",
  ),
);
const ATTRIBUTES = new Set("class href title target rel src alt style start".split(" "));

/** What the page would have that it must not. */
function forbidden(root: HTMLElement): string[] {
  return [...root.querySelectorAll("*")].flatMap((element) => [
    ...(ELEMENTS.has(element.localName) ? [] : [element.localName]),
    ...[...element.attributes].map(({ name }) => name).filter((name) => !ATTRIBUTES.has(name)),
    ...[...element.querySelectorAll("a")]
      .map((link) => link.getAttribute("href") ?? "")
      .filter((address) => !/^(https?|mailto):/.test(address)),
    ...[...element.querySelectorAll("img")]
      .map((image) => image.getAttribute("src") ?? "")
      .filter((address) => !address.startsWith("data:image/")),
  ]);
}

describe("markdown", () => {
  it.each([
    ["# Title", "h4", "Title"],
    ["###### Deep", "h6", "Deep"],
    ["**bold**", "strong", "bold"],
    ["`x = 1`", "code", "x = 1"],
    ["> said", "blockquote", "said"],
    ["- one\n- two", "li", "one"],
    ["| a |\n|--:|\n| 1 |", "td", "1"],
    ["```python\nfit()\n```", "pre", "fit()"],
    ["[words](https://a.org)", "a[href='https://a.org/']", "words"],
    ["<https://a.org>", "a[rel='noopener noreferrer'][target=_blank]", "https://a.org"],
  ])("%j", (text, selector, words) => {
    expect(shown(text).querySelector(selector)?.textContent?.trim()).toBe(words);
  });

  it("keeps the first number of a list and the alignment of a column", () => {
    const root = shown("3. three\n4. four\n\n| a |\n|--:|\n| 1 |");
    expect(root.querySelector("ol")?.getAttribute("start")).toBe("3");
    expect(root.querySelector("td")?.style.textAlign).toBe("right");
  });

  it("loads no picture from elsewhere, but links to it", () => {
    const root = shown("![the curve](https://a.org/x.png)");
    expect(root.querySelector("img")).toBeNull();
    expect(root.querySelector("a")?.textContent).toBe("the curve (picture on a.org)");
  });

  it("shows the words of what it cannot link to", () => {
    const root = shown("[report](report.html) and ![curve](curve.png)");
    expect(root.textContent).toBe("report and curve");
    expect(root.querySelector("a,img")).toBeNull();
  });

  it.each([
    HOSTILE,
    `# ${HOSTILE}`,
    `\`${HOSTILE}\``,
    `| ${HOSTILE} |\n|--|\n| ${HOSTILE} |`,
    `[${HOSTILE}](https://a.org "${HOSTILE.replaceAll('"', "")}")`,
    "[x](javascript:globalThis.broken=1)",
    "[x](JaVaScript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x][y]\n\n[y]: vbscript:x",
    "<javascript:alert(1)>",
    '![x](https://a.org/"onerror="alert(1))',
    "![x](javascript:alert(1))",
    "![x](data:text/html,1)",
    "<svg onload=alert(1)><style>*{display:none}</style><iframe srcdoc=x></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=alert(1)>'>",
    '```"><img src=x onerror=alert(1)>\nx\n```',
    "</div></body></html><script>alert(1)</script>",
  ])("%j does nothing", (text) => {
    expect(forbidden(shown(text))).toEqual([]);
    expect("broken" in globalThis).toBe(false);
  });

  it("shows only the words of what lies too deep", () => {
    const lines = Array.from({ length: 60 }, (_, depth) => `${"  ".repeat(depth)}- level${depth}`);
    const root = shown(lines.join("\n"));
    expect(root.textContent).toContain("level59");
    expect(root.querySelectorAll("ul").length).toBeLessThan(20);
  });

  it.each([
    ["*a ".repeat(1000)],
    ["[".repeat(1000)],
    [`${"![".repeat(1000)}a`],
    ["_a__b ".repeat(1000)],
    ["-".repeat(1000)],
  ])("reads many open marks %#", (text) => {
    expect(forbidden(shown(text))).toEqual([]);
  });

  it.each([
    ["long", "# x\n".repeat(20_000)],
    ["tangled by quotes", `words\n${">".repeat(5000)}`],
    ["tangled by lists", `${"- 1. ".repeat(3000)}x`],
  ])("shows a text as it was written that is too %s", (_, text) => {
    const root = shown(text);
    expect(root.children).toHaveLength(1);
    expect(root.querySelector("pre")?.textContent).toBe(text);
  });
});

describe("HTML, were it ever to come through", () => {
  it.each([
    HOSTILE,
    "<p onclick=alert(1) id=x data-x=1 style='position:fixed'>words</p>",
    "<a href='javascript:alert(1)' target=_self>words</a><a href='https://a.org' onclick=x>y</a>",
    "<img src='https://a.org/x.png' alt=x onerror=alert(1)><img src=x><img>",
    "<form action=https://a.org><input name=x><button>go</button></form>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x></object><embed src=x>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a><animate onbegin=alert(1) /></svg>",
    "<math href='javascript:alert(1)'>x</math>",
    "<style>*{display:none}</style><link rel=icon href=x.png><base href=https://a.org>",
    "<ol start='1e9'><li>x</li></ol><ol start='-2'><li>x</li></ol>",
    "<td align='right;background:url(https://a.org)'>x</td>",
    "<template><img src=x onerror=alert(1)></template><nbflow-view run=x></nbflow-view>",
  ])("%j does nothing", (html) => {
    const { container } = render(<div>{allowed(html)}</div>);
    expect(forbidden(container as HTMLElement)).toEqual([]);
    expect(container.querySelector("[style*=position],[style*=background]")).toBeNull();
    expect("broken" in globalThis).toBe(false);
  });
});
