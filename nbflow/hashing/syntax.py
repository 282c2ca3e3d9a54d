"""Source code without what does not matter to Python.

This module decides which differences of two texts are differences of code. It must not know
cells, magics or hashes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final, TypeVar

_DOCUMENTED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
R = TypeVar("R")


def patiently(read: Callable[[], R]) -> R:
    """What a parser gives; Python up to 3.12 may fail by mistake when two threads parse at once."""
    try:
        return read()
    except SystemError:
        return read()


def parse(source: str) -> ast.Module:
    """The syntax tree."""
    return patiently(lambda: ast.parse(source))


def normal_form(tree: ast.Module) -> str:
    """The code as text: no comments, formatting, positions or docstrings.

    Strings that stand alone at the top are left in: the last one is what a cell displays.
    """
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
