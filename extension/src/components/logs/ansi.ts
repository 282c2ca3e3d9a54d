/**
 * Text as a terminal would show it: colours become names of styles, all else that steers is removed.
 *
 * Gives plain text and styled runs of it, never markup. The same rules as `nbflow.terminal_text`.
 */
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: they are what is looked for

/** A run of text in one style. */
export interface Styled {
  text: string;
  /** CSS classes; empty: as the text around. */
  style: string;
}

/** CSI, strings (OSC, DCS, …) up to their end, then the rest. */
const ESCAPES =
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** What makes the text around it read in another order than it is. */
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;
const SPECIAL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

/** The text in its styles; all pieces together are what is seen. */
export function styled(text: string): Styled[] {
  // Nearly all lines, so it pays.
  if (!SPECIAL.test(text)) return text ? [{ text, style: "" }] : [];
  const settled = overwritten(text);
  const runs: Styled[] = [];
  let pen = PLAIN;
  let from = 0;
  for (const match of settled.matchAll(ESCAPES)) {
    push(runs, settled.slice(from, match.index), pen);
    if (match[2] === "m") pen = dipped(pen, match[1] ?? "");
    from = match.index + match[0].length;
  }
  push(runs, settled.slice(from), pen);
  return runs;
}

function push(runs: Styled[], raw: string, pen: Pen): void {
  const text = raw.replace(CONTROLS, "").replace(OVERRIDES, "");
  if (text) runs.push({ text, style: styleOf(pen) });
}

/** Of each line, what came after its last carriage return: a trailing one overwrites nothing. */
function overwritten(text: string): string {
  return text.split("\n").map(lastWritten).join("\n");
}

function lastWritten(line: string): string {
  // No pattern: a progress bar may consist of nothing but returns, and those take it forever.
  let end = line.length;
  while (line[end - 1] === "\r") end--;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}

interface Pen {
  colour: string | null;
  ground: string | null;
  marks: readonly string[];
}

const PLAIN: Pen = { colour: null, ground: null, marks: [] };

/** Black and white are the theme's own: on a page of the same colour they would not be seen. */
const EIGHT = ["ink", "red", "green", "amber", "blue", "violet", "teal", "ink"];
const MARKS: Record<number, string> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
};
/** What each of these ends. */
const ENDS: Record<number, readonly string[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
};

function styleOf({ colour, ground, marks }: Pen): string {
  const names = [...(colour ? [colour] : []), ...(ground ? [`on-${ground}`] : []), ...marks];
  return names.map((name) => `nbf-log-${name}`).join(" ");
}

/** The pen after `ESC [ … m`. */
function dipped(pen: Pen, parameters: string): Pen {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = pen;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] as number;
    if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes.slice(at + 1));
      next = { ...next, [code === 38 ? "colour" : "ground"]: colour };
      at += taken;
    } else next = stroke(next, code);
  }
  return next;
}

function stroke(pen: Pen, code: number): Pen {
  const mark = MARKS[code];
  if (mark) return { ...pen, marks: [...pen.marks.filter((name) => name !== mark), mark] };
  const ended = ENDS[code];
  if (ended) return { ...pen, marks: pen.marks.filter((name) => !ended.includes(name)) };
  if (code === 0) return PLAIN;
  if (code === 39) return { ...pen, colour: null };
  if (code === 49) return { ...pen, ground: null };
  const colour = code === 90 ? "muted" : (EIGHT[code % 10] ?? null);
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return { ...pen, colour };
  if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) return { ...pen, ground: colour };
  return pen;
}

/** The colour after 38 or 48, and how many numbers it took. */
function extended(codes: number[]): [colour: string | null, taken: number] {
  const [form, one = 0, two = 0, three = 0] = codes;
  if (form === 5) return [indexed(one), 2];
  if (form === 2) return [nearest(one, two, three), 4];
  return [null, 0];
}

function indexed(index: number): string {
  if (index < 16) return index === 8 ? "muted" : (EIGHT[index % 8] as string);
  if (index >= 232) return grey((index - 232) / 23);
  const [red, green, blue] = [36, 6, 1].map((unit) => Math.floor((index - 16) / unit) % 6);
  return nearest((red ?? 0) * 51, (green ?? 0) * 51, (blue ?? 0) * 51);
}

/** Degrees of the colour circle up to which each of the theme's colours reaches. */
const HUES: [number, string][] = [
  [18, "red"],
  [40, "orange"],
  [70, "amber"],
  [160, "green"],
  [200, "teal"],
  [250, "blue"],
  [320, "violet"],
];

/** The theme's colour that is most like it: those of the program could not be read on any theme. */
function nearest(red: number, green: number, blue: number): string {
  const most = Math.max(red, green, blue);
  const range = most - Math.min(red, green, blue);
  if (range < 40) return grey(most / 255);
  const sixth =
    most === red
      ? (green - blue) / range
      : most === green
        ? 2 + (blue - red) / range
        : 4 + (red - green) / range;
  const hue = (sixth * 60 + 360) % 360;
  return HUES.find(([end]) => hue < end)?.[1] ?? "red";
}

function grey(light: number): string {
  return light > 0.2 && light < 0.75 ? "muted" : "ink";
}
