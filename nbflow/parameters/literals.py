"""What types and values a text names, found without executing anything.

This module decides which annotations and defaults can be known from their text alone. Names
are looked up in one table of harmless types, and calls are made only to those. It must not
know where the text comes from.
"""

from __future__ import annotations

import ast
import datetime as dt
import decimal
import fractions
import math
import operator
import pathlib
import typing
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from nbflow.annotations import NotSet
from nbflow.parameters.model import Parameter

#: Everything an annotation or a default may name, by full dotted name.
_KNOWN: Final[dict[str, Any]] = {
    **{
        each.__name__: each
        for each in (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset)
    },
    **{
        f"{module.__name__}.{name}": getattr(module, name)
        for module, names in (
            (dt, ("date", "datetime", "time", "timedelta", "timezone")),
            (decimal, ("Decimal",)),
            (fractions, ("Fraction",)),
            (pathlib, ("Path", "PurePath", "PosixPath", "PurePosixPath", "PureWindowsPath")),
            (uuid, ("UUID",)),
            (zoneinfo, ("ZoneInfo",)),
            (math, ("pi", "e", "tau", "inf", "nan")),
            (typing, ("Any", "Optional", "Union", "Literal", "Annotated")),
        )
        for name in names
    },
    "datetime.UTC": dt.UTC,
    "datetime.timezone.utc": dt.UTC,
    "typing.List": list,
    "typing.Dict": dict,
    "typing.Tuple": tuple,
    "typing.Set": set,
    "typing.FrozenSet": frozenset,
    "typing.Sequence": typing.Sequence,
    "typing.Iterable": typing.Iterable,
    "typing.Mapping": typing.Mapping,
    "collections.abc.Sequence": typing.Sequence,
    "collections.abc.Mapping": typing.Mapping,
    "object": object,
}
#: What a bare name most likely means when the cell does not import it itself.
_USUAL: Final = {
    full.rpartition(".")[2]: full
    for full in _KNOWN
    if not full.startswith(("datetime.timezone.", "collections."))
} | {"dt": "datetime", "datetime": "datetime.datetime"}
#: Called with text or numbers only, so that no argument can make them slow.
_CALLABLE: Final = frozenset(
    _KNOWN[name]
    for name in _KNOWN
    if isinstance(_KNOWN[name], type)
    and name.split(".")[0] not in {"typing", "object", "bytes", "collections"}
)

_OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_LONGEST_NUMBER: Final = 4_000  # bits

#: What the names of a text stand for: the full dotted name of an imported one, or the type
#: itself where the text defines it.
Names = Mapping[str, Any]


class Unknown(Exception):
    """The text alone does not tell the value."""


def parse_expression(text: str) -> ast.expr | None:
    """The syntax tree of an expression; None when it is none."""
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def look_up(node: ast.expr, imports: Names) -> Any:
    """The harmless object a dotted name means; raises `Unknown`."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise Unknown
    first = node.id
    if not isinstance(imports.get(first, ""), str):
        return _member(imports[first], parts)
    for start in (imports.get(first), first, _USUAL.get(first)):
        full = ".".join((start, *parts)) if start else ""
        if full in _KNOWN:
            return _KNOWN[full]
        if start == imports.get(first) and start:
            break  # the cell says what the name is: no guessing
    raise Unknown


def _member(found: Any, parts: list[str]) -> Any:
    """A type of the text's own, or a member of an enum of its own."""
    if not parts:
        return found
    members = getattr(found, "__members__", {})
    if len(parts) == 1 and parts[0] in members:
        return members[parts[0]]
    raise Unknown


# ── annotations ──────────────────────────────────────────────────────────────────────────


def read_type(node: ast.expr, imports: Names) -> Any:
    """The type that an annotation means; raises `Unknown`."""
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            inner = parse_expression(text)
            if inner is None:
                raise Unknown
            return read_type(inner, imports)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return typing.Union[read_type(left, imports), read_type(right, imports)]  # noqa: UP007 - None | None is no type
        case ast.Subscript(value=outer, slice=inside):
            return _subscript(look_up(outer, imports), inside, imports)
    return look_up(node, imports)


def _subscript(outer: Any, inside: ast.expr, imports: Names) -> Any:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if outer is typing.Literal:
        return outer[tuple(Evaluator(imports, {}).value(part) for part in parts)]
    if outer is typing.Annotated:  # the extras are objects of libraries we do not run
        return read_type(parts[0], imports)
    arguments = tuple(
        ... if isinstance(part, ast.Constant) and part.value is ... else read_type(part, imports)
        for part in parts
    )
    return outer[arguments if len(arguments) > 1 else arguments[0]]


# ── defaults ─────────────────────────────────────────────────────────────────────────────


@dataclass
class Evaluator:
    """Literals, simple arithmetic, and calls of the types in `_KNOWN`."""

    imports: Names
    earlier: Mapping[str, Parameter]

    def value(self, node: ast.expr) -> Any:
        """What an expression gives; raises `Unknown`."""
        match node:
            case ast.Constant(value=value) if value is not ...:
                return value
            case ast.Tuple() | ast.List() | ast.Set() | ast.Dict():
                return self._container(node)
            case ast.UnaryOp(op=op, operand=operand):
                return self._number(op, self.value(operand))
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, self.value(left), self.value(right))
            case ast.Call():
                return self._call(node)
        return self._named(node)

    def _container(self, node: ast.Tuple | ast.List | ast.Set | ast.Dict) -> Any:
        if isinstance(node, ast.Dict):
            return self._dict(node)
        kind: Any = {ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)]
        return _attempt(kind, [self.value(element) for element in node.elts])

    def _dict(self, node: ast.Dict) -> Any:
        pairs = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:  # {**other}
                raise Unknown
            pairs.append((self.value(key), self.value(value)))
        return _attempt(dict, pairs)

    def _named(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id in self.earlier:
            known = self.earlier[node.id].default
            if known is NotSet:
                raise Unknown
            return known
        found = look_up(node, self.imports)
        if isinstance(found, (float, dt.timezone, Enum)):  # constants; types are no defaults
            return found
        raise Unknown

    def _call(self, node: ast.Call) -> Any:
        function = look_up(node.func, self.imports)
        named = {k.arg: self.value(k.value) for k in node.keywords if k.arg is not None}
        if function not in _CALLABLE or len(named) != len(node.keywords):
            raise Unknown
        return _attempt(function, *map(self.value, node.args), **named)

    def _binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(op, ast.Div) and isinstance(left, pathlib.PurePath):
            return _attempt(operator.truediv, left, right)
        if isinstance(op, ast.Pow) and not (_is_number(right) and abs(right) <= 64):  # noqa: PLR2004 - 2**64
            raise Unknown
        return self._number(op, left, right)

    def _number(self, op: ast.AST, *operands: Any) -> Any:
        if type(op) not in _OPERATORS or not all(map(_is_number, operands)):
            raise Unknown
        result = _attempt(_OPERATORS[type(op)], *operands)
        if isinstance(result, int) and result.bit_length() > _LONGEST_NUMBER:
            raise Unknown
        return result


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= _LONGEST_NUMBER
    return isinstance(value, (float, complex, decimal.Decimal, dt.timedelta))


def _attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError, ArithmeticError, LookupError, OSError, RuntimeError) as error:
        raise Unknown from error
