"""Failed code is laid out so that it can be run step by step on the inputs it had."""

from __future__ import annotations

import pytest

from nbflow.replay import stepwise

CELL = "%%task load --retries 2\nx = [n]\nx"
PLAIN = "x = 1\ny = x / 0"
BODY = """
@task(retries=2)
def load(n: int) -> list[int]:
    '''Loads.'''
    rows = [n]
    # twice
    return [
        *rows,
        *rows,
    ]
"""
BRANCHES = """
@task
def sign(n, *, zero=0):
    if n < 0:
        return -1
    return zero
"""
NOTHING = "@task\ndef load(n):\n    print(n)\n"
BARE = "@task\ndef load(n):\n    print(n)\n    return\n"
ASYNC = "@task\nasync def load(n):\n    return await n\n"
LINE = "@task\ndef load(n): return n\n"


@pytest.mark.parametrize(
    ("source", "cell"),
    [
        (CELL, "x = [n]\nx"),
        (PLAIN, PLAIN),
        (BODY, "'''Loads.'''\nrows = [n]\n# twice\n[\n    *rows,\n    *rows,\n]"),
        (BRANCHES, f"{BRANCHES.partition('@task')[2].strip()}\n\nsign(n, zero=zero)"),
        (NOTHING, "print(n)"),
        (BARE, "print(n)"),
        (ASYNC, "await n"),
        (LINE, "def load(n): return n\n\nload(n)"),
        ("", ""),
        ("def broken(:", "def broken(:"),
    ],
    ids=["task cell", "plain", "body", "branches", "no return", "bare", "async", "line", "", "bad"],
)
def test_code_is_laid_out_for_stepping(source, cell) -> None:
    """A body where it can stand alone; else the function and its call, without its decorator."""
    assert stepwise(source) == cell
