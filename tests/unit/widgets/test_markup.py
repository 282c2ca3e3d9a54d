"""What notebooks are shown: coloured text, chips, bars, pictures; safe in any page."""

from __future__ import annotations

import re

import pytest

from nbflow import states
from nbflow.models import GraphNode, RunGraph
from nbflow.widgets import markup

RED, FAINT, BOLD = "color:var(--nbf-red)", "opacity:.72", "font-weight:600"
TERMINAL_TEXTS = {
    "plain": "plain",
    "<b>&": "&lt;b&gt;&amp;",
    "\x1b[31mred\x1b[0m plain": f'<span style="{RED}">red</span> plain',
    "\x1b[31mred\x1b[39m plain": f'<span style="{RED}">red</span> plain',
    "\x1b[1;31mboth\x1b[0m": f'<span style="{BOLD};{RED}">both</span>',
    "\x1b[1mbold\x1b[22m not": f'<span style="{BOLD}">bold</span> not',
    "\x1b[2mfaint\x1b[m not": f'<span style="{FAINT}">faint</span> not',
    "\x1b[91mbright": f'<span style="{RED}">bright</span>',
    "\x1b[90mgrey": '<span style="color:var(--nbf-slate)">grey</span>',
    "\x1b[37mwhite is ink": "white is ink",
    "\x1b[38;5;31mown\x1b[0m": "own",
    "\x1b[38;2;31;31;31mown": "own",
    "\x1b[31;48;5;31mground": f'<span style="{RED}">ground</span>',
    "\x1b[31m<i>": f'<span style="{RED}">&lt;i&gt;</span>',
    "\x1b[2Jcleared\x1b[5A": "cleared",
    "\x1b[38mtruncated": "truncated",
}


@pytest.mark.parametrize("text", TERMINAL_TEXTS)
def test_terminal_colours_become_those_of_the_theme(text):
    assert markup.preformatted(text) == f"<pre>{TERMINAL_TEXTS[text]}</pre>"


def test_a_page_brings_no_ground_and_no_script_and_knows_both_themes():
    page = markup.page("x")
    ground = re.findall(r"background[^;}]*", page)
    assert ground == ["background:rgba(128,128,128,.28)", "background:none"]  # the bar; text
    assert "<script" not in page
    for look in ("#b91c1c", "#f87171"):
        assert f"--nbf-red:{look}" in page
    assert "var(--jp-content-font-color1,var(--vscode-editor-foreground,inherit))" in page


@pytest.mark.parametrize(
    ("state", "role", "word"),
    [
        (states.Completed(), "green", "completed"),
        (states.Failed(name="TimedOut"), "red", "timed out"),
        (states.NotRun(), "slate", "not run"),
    ],
)
def test_a_chip_has_colour_icon_and_word(state, role, word):
    chip = markup.chip(state)
    assert f"background:var(--nbf-{role})" in chip
    assert "<svg" in chip
    assert chip.endswith(f"{word}</span>")


def test_a_bar_has_a_segment_for_each_state_that_runs_came_to():
    bar = markup.bar({"Pending": 3, "Failed": 1, "Completed": 4, "Running": 2})
    segments = re.findall(r"flex:(\d+) 0 \w+(?:;background:var\(--nbf-(\w+)\))?", bar)
    assert segments == [("4", "green"), ("1", "red"), ("2", "blue"), ("3", "")]


def test_words_are_escaped_and_on_one_line():
    assert markup.words("a\n<b>") == "<span>a &lt;b&gt;</span>"


def test_a_picture_has_its_dark_colours_where_the_page_is_dark():
    graph = RunGraph(nodes=(GraphNode(id="a", label="load"),))
    drawn = markup.picture(graph)
    (scope,) = set(re.findall(r"<svg[^>]* class=\"(nbf-\w+)\"", drawn))
    assert '[data-jp-theme-light="false"]' in drawn
    assert "load" in drawn
    for rule in re.findall(r"([^{}]+)\{fill:#e8edf3", drawn):  # ink on dark
        assert ":is(" in rule or "body:not(" in rule
        assert f".{scope}" in rule
