"""Which names a statement binds and reads, at once or later."""

from __future__ import annotations

import ast

import pytest

from nbflow.export.names import names_of

TABLE = {
    "x = y": ("x", "y", "", ""),
    "x += y": ("x", "x y", "", ""),
    "x: int = y": ("x", "int y", "", ""),
    "x: int": ("", "int", "", ""),
    "import a.b, c as d": ("a d", "", "", ""),
    "from m import *": ("", "", "", ""),
    "f = lambda a, b=c: a + d": ("f", "c", "d", ""),
    "def f(a, b=c) -> T:\n    return a + d + len(e)": ("f", "c T", "d e len", ""),
    "def f():\n    global g\n    g = h": ("f", "", "h", "g"),
    "def f():\n    x = 1\n    def g():\n        return x + y\n    return g": ("f", "", "y", ""),
    "l = [x * n for x in xs if x in m]": ("l", "xs m n", "", ""),
    "l = (x * n for x in xs)": ("l", "xs", "n", ""),
    "l = [last := x for x in xs]": ("l last", "xs", "", ""),
    "class C(B):\n    a = b\n    def f(self):\n        return d": ("C", "B b", "d", ""),
    "for i, j in xs: k = i": ("i j k", "xs i", "", ""),
    "with a as b: c = b": ("b c", "a b", "", ""),
    "match v:\n    case {'a': x, **rest}: pass\n    case P(y) | [y, *_]: pass": (
        "rest x y",
        "P v",
        "",
        "",
    ),
    "f'{x!r:>{width}}'": ("", "width x", "", ""),
    "del x, y[z]": ("", "y z", "", ""),
    "try: f()\nexcept E as e: g(e)": ("e", "E e f g", "", ""),
}


@pytest.mark.parametrize("code", TABLE)
def test_names(code: str) -> None:
    """Bound, read at once, read later, bound later: by Python's scopes."""
    names = names_of(ast.parse(code).body)
    found = (names.binds, names.reads, names.late_reads, names.late_writes)
    assert [set(each) for each in found] == [set(words.split()) for words in TABLE[code]]


def test_texts_that_are_queries() -> None:
    """Libraries look for names of the caller in some texts."""
    names = names_of(ast.parse("small = df.query('a > @limit')").body)
    assert "limit" in names.words


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("exec(x)", {"exec"}),
        ("exec(x, space)", set()),
        ("vars(thing)", set()),
        ("locals()", {"locals"}),
        ("run = exec", {"exec as a value"}),
        ("def f(): return locals()", set()),
    ],
)
def test_calls_that_see_the_namespace(code: str, found: set[str]) -> None:
    """Only those that look at the notebook's own names count."""
    assert set(names_of(ast.parse(code).body).namespace) == found
