"""The definitions of a cell that can be made again instead of being kept.

This module decides when executing only the imports, functions and classes of a cell gives a
notebook the very code that the whole cell gave it. It must not know namespaces, runs or
pickles.

It answers no wherever it cannot tell: the cell is then not kept, and runs again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from nbflow.dataflow import analyse_python
from nbflow.hashing.syntax import parse

_IMPORTS: Final = (ast.Import, ast.ImportFrom)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS: Final = (*_IMPORTS, *_FUNCTIONS, ast.ClassDef)
#: Decorators that leave nothing in what they make which using it would change for good.
_PLAIN_DECORATORS: Final = frozenset(
    {"task", "flow", "dataclass", "property", "staticmethod", "classmethod", "abstractmethod"}
    | {"cache", "lru_cache", "cached_property", "wraps", "contextmanager", "total_ordering"}
    | {"setter", "getter", "deleter", "overload", "final", "njit", "jit"}
)
#: Expressions whose values cannot change, if their parts cannot.
_FIXED: Final = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.BoolOp),
    *(ast.Compare, ast.Lambda, ast.JoinedStr, ast.FormattedValue, ast.Subscript, ast.Slice),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)


def redefinitions(body_source: str) -> str | None:
    """The import, def and class statements of a cell, on their own lines.

    Args:
        body_source: The cell's body as Python.

    Returns:
        Source that, executed in the notebook before the cell's data are restored, gives it
        the same functions, classes and modules; None when that is not certain. Empty when
        the cell defines nothing.
    """
    try:
        tree = parse(body_source)
    except (SyntaxError, ValueError):
        return None
    definitions = [node for node in tree.body if isinstance(node, _DEFINITIONS)]
    rest = [node for node in tree.body if not isinstance(node, _DEFINITIONS)]
    if not definitions:
        return None if _makes_code(rest) else ""
    if not _independent(definitions, rest):
        return None
    return _on_their_lines(body_source, definitions)


def defines_code(body_source: str) -> bool:
    """Whether functions or classes are among the statements of a cell."""
    try:
        tree = parse(body_source)
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, (*_FUNCTIONS, ast.ClassDef)) for node in tree.body)


def defined_names(source: str) -> frozenset[str]:
    """The names that executing definitions binds."""
    return frozenset(analyse_python(source).defs)


def _independent(definitions: Sequence[ast.stmt], rest: Sequence[ast.stmt]) -> bool:
    """Whether the definitions come out the same with and without the other statements."""
    made = analyse_python(ast.unparse(ast.Module(list(definitions), [])))
    others = analyse_python(ast.unparse(ast.Module(list(rest), [])))
    if made.ambiguous or others.ambiguous or _makes_code(rest):
        return False
    bound = others.defs | others.deletes
    if bound & (made.defs | set(_read_at_once(definitions))):
        return False
    if _changed_by(rest) & made.defs:
        return False
    return not _runs(rest) or not any(_has_state(node, made.defs) for node in definitions)


# ── the other statements ─────────────────────────────────────────────────────────────────


def _makes_code(statements: Iterable[ast.stmt]) -> bool:
    """Whether functions or classes are made under a condition; lambdas cannot be kept anyway."""
    kinds = (*_FUNCTIONS, ast.ClassDef)
    return any(isinstance(node, kinds) for statement in statements for node in ast.walk(statement))


def _changed_by(statements: Iterable[ast.stmt]) -> set[str]:
    """Names whose attributes or items the statements assign or delete."""
    found = set()
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(
                node.ctx, ast.Load
            ):
                found.add(_root(node))
            elif isinstance(node, ast.Call) and _called(node) in {"setattr", "delattr"}:
                found.update(_root(each) for each in node.args[:1])
    return found - {""}


def _runs(statements: Iterable[ast.stmt]) -> bool:
    """Whether the statements may call anything: an operator can, a constant cannot."""
    return not all(
        isinstance(each, (ast.Assign, ast.AnnAssign, ast.Expr, ast.Pass))
        and (
            isinstance(each, ast.Pass) or each.value is None or isinstance(each.value, ast.Constant)
        )
        for each in statements
    )


# ── the definitions ──────────────────────────────────────────────────────────────────────


def _read_at_once(definitions: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that the definitions read, or bind beside their own, while they are executed."""
    for definition in definitions:
        for node in _executed(definition):
            if isinstance(node, ast.Name):
                yield node.id


def _executed(definition: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a definition that are evaluated when it is made."""
    yield definition
    for child in ast.iter_child_nodes(definition):
        if isinstance(definition, _FUNCTIONS) and child in definition.body:
            continue
        yield from _executed(child)


def _has_state(definition: ast.stmt, made: Iterable[str]) -> bool:
    """Whether using what is defined may leave a mark on it: a counter, a default list."""
    if isinstance(definition, _IMPORTS):
        return False
    return (
        not all(_is_plain(each) for each in _decorators(definition))
        or not all(_is_fixed(each) for each in _values_at_once(definition))
        or any(_marks(node, frozenset(made)) for node in ast.walk(definition))
    )


def _decorators(definition: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(definition):
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield from node.decorator_list


def _is_plain(decorator: ast.expr) -> bool:
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(inner).rpartition(".")[2] in _PLAIN_DECORATORS


def _values_at_once(definition: ast.AST) -> Iterator[ast.expr]:
    """Defaults of functions and values in class bodies."""
    for node in _executed(definition):
        if isinstance(node, ast.arguments):
            yield from (each for each in (*node.defaults, *node.kw_defaults) if each is not None)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value:
            yield node.value


def _is_fixed(value: ast.expr) -> bool:
    if isinstance(value, ast.Call) and _called(value) in {"field", "Field", "TypeVar", "frozenset"}:
        return True
    return all(isinstance(node, (*_FIXED, ast.keyword)) for node in ast.walk(value))


def _marks(node: ast.AST, made: frozenset[str]) -> bool:
    """Whether code changes what is defined here, or names of the notebook."""
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return True
    if isinstance(node, ast.Call):
        return _called(node) in {"setattr", "delattr", "globals", "vars"}
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        root = _root(node)
        return root in made or root in {"cls", ""} or "__class__" in ast.unparse(node)
    return False


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes and items begins with; empty when it is none."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


# ── their text ───────────────────────────────────────────────────────────────────────────


def _on_their_lines(source: str, definitions: Sequence[ast.stmt]) -> str:
    """The definitions with the line numbers that they have in the cell, where possible."""
    lines = source.splitlines(keepends=True)
    kept = ["\n"] * len(lines)
    for node in definitions:
        start, end = _first_line(node), node.end_lineno or node.lineno
        kept[start - 1 : end] = lines[start - 1 : end]
    text = "".join(kept)
    plain = ast.Module(list(definitions), [])
    try:
        same = ast.dump(parse(text)) == ast.dump(plain)
    except SyntaxError:
        same = False
    return text if same else ast.unparse(plain)  # several statements on one line


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])
