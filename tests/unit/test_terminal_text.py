"""Printed text reaches the terminal as it would have looked there, and steers nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.terminal_text import DIM, RESET, dimmed, plain_line, printed_lines

PLAIN = [
    ("words stay", "reading 12 files", ["reading 12 files"]),
    ("lines are split", "a\nb", ["a", "b"]),
    ("a Windows line end is one", "a\r\nb\r\n", ["a", "b"]),
    ("the last line end adds no line", "a\n", ["a"]),
    ("an empty line is one", "", [""]),
    ("tqdm: the last bar stays", "\r 10%|#\r 50%|##\r100%|###", ["100%|###"]),
    ("a trailing return overwrites nothing", "50%|##\r", ["50%|##"]),
    ("colours go", "\x1b[31mred\x1b[0m", ["red"]),
    ("true colours go", "\x1b[38;2;1;2;3mred\x1b[m", ["red"]),
    ("the cursor stays where it is", "a\x1b[2K\x1b[1A\x1b[10;20Hb", ["ab"]),
    ("the screen stays", "\x1b[2J\x1b[Ha", ["a"]),
    ("the alternate screen is not entered", "\x1b[?1049ha", ["a"]),
    ("the window keeps its title", "\x1b]0;pwned\x07a", ["a"]),
    ("a title ended by ST goes, too", "\x1b]0;pwned\x1b\\a", ["a"]),
    ("a link becomes its text", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", ["link"]),
    ("an unended string goes", "a\x1b]0;rest", ["a"]),
    ("a lone escape goes", "a\x1b", ["a"]),
    ("bells and backspaces go", "a\x07\x08b\x7f", ["ab"]),
    ("eight-bit controls go", "a\x9b31mb", ["a31mb"]),
    ("tabs become spaces", "a\tb", ["a       b"]),
    ("wide characters stay", "特徴量 ✓", ["特徴量 ✓"]),
]


@pytest.mark.parametrize(
    ("message", "lines"), [row[1:] for row in PLAIN], ids=[r[0] for r in PLAIN]
)
def test_plain(message: str, lines: list[str]) -> None:
    """Without colours, only what can be read is left."""
    assert printed_lines(message, colours=False) == lines


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("\x1b[31mred\x1b[0m", ["\x1b[31mred\x1b[0m" + RESET]),
        ("\x1b[31mopen", ["\x1b[31mopen" + RESET]),
        ("\x1b[2K\x1b[31mred", ["\x1b[31mred" + RESET]),
        ("plain\x07", ["plain"]),
    ],
)
def test_colours(message: str, lines: list[str]) -> None:
    """With colours, they alone pass, and none runs into the next line."""
    assert printed_lines(message, colours=True) == lines


@given(st.text(alphabet=st.sampled_from("ab\x1b[]0;31mHJKP\\\x07\r\n\t\x9b\x08")))
def test_no_control_character_survives(message: str) -> None:
    """Whatever a notebook prints, the plain form has no control characters at all."""
    for line in printed_lines(message, colours=False):
        assert all(character >= " " and not "\x7f" <= character <= "\x9f" for character in line)


def test_dimmed_text_stays_dim_after_its_own_colours() -> None:
    """A reset inside a line does not end the dimming."""
    assert dimmed("a\x1b[0mb") == f"{DIM}a{RESET}{DIM}b{RESET}"


def test_plain_line() -> None:
    """Names and messages become one line."""
    assert plain_line("two\n  lines\x1b[1m bold") == "two lines bold"
    assert plain_line("ex\u202ecod\ud800é") == "excod\ufffdé"
