/** The text of a line, parsed once: plain for filters and files, in pieces for the page. */

import type { LogLine } from "../../api/types";
import { type Styled, styled } from "./ansi";

interface Parsed {
  runs: Styled[];
  plain: string;
}

/** A part of a line that is drawn alike. */
export interface Piece {
  /** Where it begins in the plain text. */
  at: number;
  text: string;
  style: string;
  /** Where it leads; only http and https. */
  href: string | null;
  /** It is what the reader searches for. */
  hit: boolean;
}

const parsed = new WeakMap<LogLine, Parsed>();

function parse(line: LogLine): Parsed {
  const known = parsed.get(line);
  if (known) return known;
  const runs = styled(line.text.replace(/\r?\n$/, ""));
  const made = { runs, plain: runs.map(({ text }) => text).join("") };
  parsed.set(line, made);
  return made;
}

/** What is seen of the line, without styles. */
export function plainOf(line: LogLine): string {
  return parse(line).plain;
}

/** A search for plain text in any case; null for none. */
export function searchOf(text: string): RegExp | null {
  return text ? new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), "gi") : null;
}

/** The first `most` characters of the line, cut where style, address or search begin and end. */
export function piecesOf(line: LogLine, search: RegExp | null, most: number): Piece[] {
  const { runs, plain } = parse(line);
  const seen = plain.slice(0, most);
  const hits = search ? ranges(seen, search) : [];
  const links = ranges(seen, ADDRESSES).map(trimmed).filter(isAddress);
  if (hits.length === 0 && links.length === 0 && runs.length === 1) {
    return [{ at: 0, text: seen, style: runs[0]?.style ?? "", href: null, hit: false }];
  }
  return cut(runs, cuts([...hits, ...links]), seen.length).map((piece) => ({
    ...piece,
    href: links.find((link) => covers(link, piece.at))?.text ?? null,
    hit: hits.some((hit) => covers(hit, piece.at)),
  }));
}

interface Range {
  from: number;
  to: number;
  text: string;
}

/** Of one line: more would only make the page slow. */
const MOST = 500;
const ADDRESSES = /https?:\/\/[^\s<>"'`\\^{|}]{1,2000}/gi;

function ranges(text: string, search: RegExp): Range[] {
  const found: Range[] = [];
  for (const match of text.matchAll(search)) {
    found.push({ from: match.index, to: match.index + match[0].length, text: match[0] });
    if (found.length === MOST) break;
  }
  return found;
}

/** Without the punctuation of the sentence around it. */
function trimmed({ from, text }: Range): Range {
  let end = text.length;
  while (end > 0 && ".,;:!?)]*".includes(text[end - 1] as string) && !closes(text, end - 1)) end--;
  return { from, to: from + end, text: text.slice(0, end) };
}

/** `…/Flow_(disambiguation)` keeps its bracket. */
function closes(text: string, at: number): boolean {
  const open = { ")": "(", "]": "[" }[text[at] as string];
  return (
    open !== undefined && text.lastIndexOf(open, at) > text.lastIndexOf(text[at] as string, at - 1)
  );
}

function isAddress({ text }: Range): boolean {
  if (!URL.canParse(text)) return false;
  return ["http:", "https:"].includes(new URL(text).protocol);
}

function covers({ from, to }: Range, at: number): boolean {
  return from <= at && at < to;
}

function cuts(all: Range[]): number[] {
  return all.flatMap(({ from, to }) => [from, to]).sort((one, two) => one - two);
}

function cut(
  runs: Styled[],
  places: number[],
  end: number,
): { at: number; text: string; style: string }[] {
  const pieces: { at: number; text: string; style: string }[] = [];
  let at = 0;
  let next = 0;
  for (const { text, style } of runs) {
    const stop = Math.min(at + text.length, end);
    const start = at;
    while (at < stop) {
      while (next < places.length && (places[next] as number) <= at) next++;
      const to = Math.min(stop, places[next] ?? stop);
      pieces.push({ at, text: text.slice(at - start, to - start), style });
      at = to;
    }
  }
  return pieces;
}
