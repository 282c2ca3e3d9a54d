"""Cutting code into statements, and moving their text."""

from __future__ import annotations

import pytest

from nbflow.export.pieces import cut, dedented, indented

CODE = '''\
# about a
a = 1; b = 2  # both

# about f
@decorated(
    1,
)
def f():
    """Words
in a docstring."""


c;
# the end
'''


def test_comments_stay_with_their_statements() -> None:
    """Those above and behind; blank lines tell paragraphs."""
    parts = cut(CODE)
    assert [(p.above, p.behind, p.paragraph, p.quiet) for p in parts.pieces] == [
        ("# about a\n", "", False, True),
        ("", "  # both", False, False),
        ("# about f\n", "", True, False),
        ("", "", True, True),
    ]
    assert [p.text.split("\n")[0] for p in parts.pieces] == ["a = 1", "b = 2", "@decorated(", "c"]
    assert parts.below == "# the end\n"


@pytest.mark.parametrize("text", ["x = 1", "if x:\n    y = '''\n  kept\n'''\n    z = f'''\n{x}'''"])
def test_strings_are_never_changed(text: str) -> None:
    """Indenting changes code, not what strings say; taking it back gives the text."""
    moved = indented(text, "    ")
    assert "\n  kept\n" in moved or "kept" not in text
    assert dedented(moved) == text


def test_names_that_are_not_ascii() -> None:
    """Columns are counted as Python counts them, in bytes."""
    parts = cut("größe = 'ü'; y = größe  # ä")
    assert [p.source for p in parts.pieces] == ["größe = 'ü'", "y = größe  # ä"]
