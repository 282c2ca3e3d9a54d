"""What a notebook shows of a cell's last expression, in a module.

This module decides which expressions have a value to show. It must not know where they stand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from nbflow.export.pieces import Piece

#: Functions and methods that return None, whoever has one of that name.
_SILENT: Final = frozenset(
    {
        "print",
        "display",
        "show",
        "append",
        "extend",
        "sort",
        "insert",
        "reverse",
        "clear",
        "exec",
        "setattr",
        "delattr",
        "makedirs",
        "mkdir",
        "remove",
        "unlink",
        "rmtree",
        "chdir",
        "close",
        "sleep",
        "seed",
        "savefig",
        "filterwarnings",
        "simplefilter",
        "set_option",
        "basicConfig",
    }
)


def shows(piece: Piece, silent: AbstractSet[str] = frozenset()) -> bool:
    """Whether a notebook would show the value of this statement as the last one of a cell.

    `silent` names the notebook's own functions that return nothing.
    """
    node = piece.node
    if not isinstance(node, ast.Expr) or piece.quiet:
        return False
    value = node.value
    if isinstance(value, ast.Constant) and value.value is None:
        return False
    if isinstance(value, ast.Call):
        return _last(value.func) not in _SILENT | silent
    return not isinstance(value, ast.Yield | ast.YieldFrom)


def silent_functions(pieces: Iterable[Piece]) -> frozenset[str]:
    """The names of the functions among the statements that return nothing."""
    return frozenset(
        piece.node.name
        for piece in pieces
        if isinstance(piece.node, ast.FunctionDef)
        and not piece.node.decorator_list
        and not any(map(_gives, ast.walk(piece.node)))
    )


def _gives(node: ast.AST) -> bool:
    has_value = isinstance(node, ast.Return) and node.value is not None
    return has_value or isinstance(node, ast.Yield | ast.YieldFrom)


def _last(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
