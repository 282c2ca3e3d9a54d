import { describe, expect, test } from "vitest";
import { styled } from "./ansi";

const E = "\u001b";
const told = (text: string) =>
  styled(text).map(({ text: run, style }) =>
    style ? `<${style.replaceAll("nbf-log-", "")}>${run}` : run,
  );

describe("colours and marks", () => {
  test.each<[string, string[]]>([
    ["plain", ["plain"]],
    ["", []],
    [`${E}[31mred${E}[0m after`, ["<red>red", " after"]],
    [`${E}[31mred${E}[m after`, ["<red>red", " after"]],
    [`${E}[1;32mbold green${E}[22m green`, ["<green bold>bold green", "<green> green"]],
    [`${E}[1mbold ${E}[3mand italic`, ["<bold>bold ", "<bold italic>and italic"]],
    [`${E}[90mgrey ${E}[97mwhite ${E}[30mblack`, ["<muted>grey ", "<ink>white ", "<ink>black"]],
    [`${E}[44mblue ground${E}[49m none`, ["<on-blue>blue ground", " none"]],
    [`${E}[38;5;196mred${E}[39m`, ["<red>red"]],
    [`${E}[38;5;244mgrey`, ["<muted>grey"]],
    [`${E}[38;5;9;1mbright red`, ["<red bold>bright red"]],
    [
      `${E}[38;2;255;140;0morange${E}[48;2;0;0;200m on blue`,
      ["<orange>orange", "<orange on-blue> on blue"],
    ],
    [`${E}[38;5m${E}[38mbroken`, ["broken"]],
    [`${E}[999mnothing`, ["nothing"]],
    [`${E}[4;9;7mall${E}[24;29;27m none`, ["<underline strike inverse>all", " none"]],
  ])("%j", (text, runs) => {
    expect(told(text)).toEqual(runs);
  });
});

describe("what steers a terminal is removed", () => {
  test.each([
    [`${E}[2J${E}[H${E}[?25lcleared`, "cleared"],
    [`${E}]0;title\u0007shown`, "shown"],
    [`${E}]8;;https://evil.example${E}\\link${E}]8;;${E}\\`, "link"],
    [`${E}]52;c;never ended`, ""],
    [`${E}Pq#0;2;0${E}\\picture`, "picture"],
    [`a${E}`, "a"],
    ["bell\u0007 back\b null\0 c1\u009b31m", "bell back null c131m"],
    ["a\u202egnp.exe\u202c b", "agnp.exe b"],
    ["tab\tstays", "tab\tstays"],
    ["two\r\nlines", "two\nlines"],
    ["10%\r50%\r100%", "100%"],
    ["10%\r50%\r", "50%"],
    ["\r10%\n\r20%", "10%\n20%"],
  ])("%j", (text, plain) => {
    expect(
      styled(text)
        .map((run) => run.text)
        .join(""),
    ).toBe(plain);
  });

  test("long texts made to be slow are not", () => {
    const begun = performance.now();
    for (const text of [`${E}]`, `${E}[`, `${E}[1;`, "\r", `${E}P`, "http://"])
      styled(text.repeat(50_000));
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
