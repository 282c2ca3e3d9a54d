"""The few places where a cell's code has to change to mean the same inside of a function.

This module decides what is written differently: `exec` is told the namespace that it binds names
in, `__name__` is `__main__` in every notebook, and calls of task cells are given the inputs that a
notebook would look up. Everything else stays as its author wrote it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from nbflow.export.names import has_namespace
from nbflow.export.pieces import dedented, parsed

_SCOPES: Final = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ClassDef,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


@dataclass(frozen=True, slots=True, order=True)
class _Edit:
    """Text that takes the place of other text on one line."""

    line: int
    start: int
    end: int
    text: str


def with_namespace(python: str, tree: ast.Module) -> str:
    """The code with `exec(text)` as `exec(text, globals())`, and `locals()` as `globals()`."""
    edits = []
    for call in _own_calls(tree):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "exec" and not has_namespace(call) and call.args:
            edits.append(_insertion(python, call, "globals()"))
        elif name in {"locals", "vars"} and not call.args:
            edits.append(
                _Edit(call.lineno, call.col_offset, call.func.end_col_offset or 0, "globals")
            )
    return _applied(python, edits)


def without_main_guard(python: str, tree: ast.Module) -> str:
    """The code with what stands behind `if __name__ == "__main__":`, which holds in notebooks."""
    lines = python.split("\n")
    for node in reversed(tree.body):
        if isinstance(node, ast.If) and _is_main_test(node.test):
            lines[node.lineno - 1 : node.end_lineno] = _body(lines, node)
    return "\n".join(lines)


def _body(lines: list[str], node: ast.If) -> list[str]:
    first, last = node.body[0], node.body[-1]
    if first.lineno == node.lineno:
        return [lines[node.lineno - 1].encode()[first.col_offset :].decode()]
    return dedented("\n".join(lines[node.lineno : last.end_lineno])).split("\n")


def _is_main_test(node: ast.expr) -> bool:
    match node:
        case ast.Compare(
            left=ast.Name(id="__name__"),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value="__main__")],
        ):
            return True
    return False


def with_inputs(python: str, tree: ast.Module, tasks: Mapping[str, Sequence[str]]) -> str:
    """The code with every call of a task cell given the inputs that it leaves out.

    Args:
        python: The code.
        tree: The same, parsed.
        tasks: For the name of each task cell, its inputs in order.
    """
    edits = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _starred(node):
            continue
        inputs = tasks.get(_called(node.func))
        if inputs is None:
            continue
        named = {keyword.arg for keyword in node.keywords}
        missing = [name for name in inputs[len(node.args) :] if name not in named]
        if missing:
            edits.append(_insertion(python, node, ", ".join(f"{n}={n}" for n in missing)))
    return _applied(python, edits)


def without_annotations(python: str, names: AbstractSet[str]) -> str:
    """The code with `x = 1` for `x: int = 1`: what is declared `global` cannot be annotated."""
    edits = []
    for node in _own_statements(parsed(python)):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name) as target, value=value) if name in names:
                start, line = target.col_offset, node.lineno
                end = node.end_col_offset if value is None else value.col_offset
                text = "pass" if value is None else f"{name} = "
                if (value or node).lineno == line and end is not None:
                    edits.append(_Edit(line, start, end, text))
    return _applied(python, edits)


def _own_statements(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _SCOPES):
            yield from _own_statements(child)


def _called(node: ast.expr) -> str:
    """`load` for `load(…)` and `load.submit(…)`."""
    if isinstance(node, ast.Attribute) and node.attr == "submit":
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _starred(call: ast.Call) -> bool:
    return any(isinstance(a, ast.Starred) for a in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )


def _own_calls(node: ast.AST) -> Iterator[ast.Call]:
    """Calls that run in the cell's own namespace."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child
        if not isinstance(child, _SCOPES):
            yield from _own_calls(child)


def _insertion(python: str, call: ast.Call, text: str) -> _Edit:
    """One more argument, before the closing bracket."""
    line, column = call.end_lineno or 0, (call.end_col_offset or 1) - 1
    before = python.split("\n")[line - 1].encode()[:column].decode().rstrip()
    has_comma = before.endswith((",", "(")) or not before
    return _Edit(line, column, column, text if has_comma else f", {text}")


def _applied(python: str, edits: list[_Edit]) -> str:
    lines = python.split("\n")
    for edit in sorted(edits, reverse=True):
        line = lines[edit.line - 1].encode()
        changed = line[: edit.start] + edit.text.encode() + line[edit.end :]
        lines[edit.line - 1] = changed.decode()
    return "\n".join(lines)
