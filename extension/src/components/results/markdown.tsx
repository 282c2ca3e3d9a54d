/**
 * Markdown as elements. The only place where HTML is read, and none is ever set.
 *
 * micromark, in its safe way, makes text of all HTML in the Markdown. What it writes is parsed
 * into an inert document, of which only the elements and attributes listed here are made anew.
 * So two walls stand between a text that anybody may have written and the page.
 */

import { micromark } from "micromark";
import { gfmTable, gfmTableHtml } from "micromark-extension-gfm-table";
import { createElement, type ReactNode, useMemo } from "react";
import { hostOf, isInnerPicture, linkAddress, outerPicture } from "./addresses";

const TAGS = new Set(
  "p br hr strong em code pre blockquote ul ol li table thead tbody tr th td".split(" "),
);
/** Titles of a text stand below those of the view. */
const HEADING = /^h([1-6])$/;
/** Texts that would take seconds to read, in which the page stands still: long ones… */
const LONGEST = 50_000;
/** …and those with a line that opens more lists and quotes than any person writes. */
const TANGLED = /^(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])[ \t])){12}/m;
/** Deeper, only the words are shown. */
const DEEPEST = 32;

export function Markdown({ text }: { text: string }) {
  const content = useMemo(() => elementsOf(text), [text]);
  return <div className="nbf-markdown">{content}</div>;
}

function elementsOf(text: string): ReactNode {
  if (text.length > LONGEST || TANGLED.test(text)) return <pre>{text}</pre>;
  return allowed(micromark(text, { extensions: [gfmTable()], htmlExtensions: [gfmTableHtml()] }));
}

/** Of any HTML what is listed here, made anew; the words of everything else. */
export function allowed(html: string): ReactNode {
  return children(new DOMParser().parseFromString(html, "text/html").body, 0);
}

function children(parent: Node, depth: number): ReactNode[] {
  if (depth > DEEPEST) return [parent.textContent];
  return [...parent.childNodes].map((node, place) => made(node, depth + 1, place));
}

function made(node: Node, depth: number, key: number): ReactNode {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  const element = node as Element;
  const tag = element.localName;
  const inner = children(element, depth);
  if (tag === "a") return link(element, inner, key);
  if (tag === "img") return picture(element, key);
  const heading = HEADING.exec(tag);
  if (heading) return title(Number(heading[1]), inner, key);
  if (!TAGS.has(tag)) return inner;
  return createElement(tag, { key, ...attributes(element) }, ...inner);
}

function attributes(element: Element): Record<string, unknown> {
  const align = /^(left|right|center)$/.exec(element.getAttribute("align") ?? "");
  if (align) return { style: { textAlign: align[0] } };
  const start = element.localName === "ol" ? Number(element.getAttribute("start") ?? 1) : 1;
  return start === 1 || !Number.isSafeInteger(start) ? {} : { start };
}

function title(level: number, inner: ReactNode[], key: number): ReactNode {
  const tag = `h${Math.min(6, level + 3)}`;
  return createElement(tag, { key, className: `nbf-title-${level}` }, ...inner);
}

function link(element: Element, inner: ReactNode[], key: number): ReactNode {
  const address = linkAddress(element.getAttribute("href") ?? "");
  if (address === null) return <span key={key}>{inner}</span>;
  return (
    <a key={key} href={address} title={address} target="_blank" rel="noopener noreferrer">
      {inner}
    </a>
  );
}

/** A picture that lies elsewhere is a link to it: to load it would tell its owner. */
function picture(element: Element, key: number): ReactNode {
  const address = element.getAttribute("src") ?? "";
  const words = element.getAttribute("alt") || "picture";
  if (isInnerPicture(address)) return <img key={key} src={address} alt={words} />;
  const outer = outerPicture(address);
  if (outer === null) return <span key={key}>{words}</span>;
  return (
    <a key={key} href={outer} title={outer} target="_blank" rel="noopener noreferrer">
      {words} (picture on {hostOf(outer)})
    </a>
  );
}
