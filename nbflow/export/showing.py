"""What a notebook shows of a cell's last expression, in a module.

This module decides which expressions have a value to show. It must not know where they stand.
"""

from __future__ import annotations

import ast
from typing import Final

from nbflow.export.pieces import Piece

#: Functions and methods that return None.
_SILENT: Final = frozenset({"print", "display", "show", "append", "extend", "sort", "insert"})


def shows(piece: Piece) -> bool:
    """Whether a notebook would show the value of this statement as the last one of a cell."""
    node = piece.node
    if not isinstance(node, ast.Expr) or piece.quiet:
        return False
    value = node.value
    if isinstance(value, ast.Constant) and value.value is None:
        return False
    if isinstance(value, ast.Call):
        return _last(value.func) not in _SILENT
    return not isinstance(value, ast.Yield | ast.YieldFrom)


def _last(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
