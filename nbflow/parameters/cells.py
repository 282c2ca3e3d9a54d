"""The parameters a notebook declares in its `parameters` cell, read without running it.

This module decides which lines of the cell are parameters and which defaults can be known
from the text alone. It must not execute anything: names are looked up in one table of
harmless types, and calls are made only to those.
"""

from __future__ import annotations

import ast
import datetime as dt
import decimal
import fractions
import io
import math
import operator
import pathlib
import re
import tokenize
import typing
import uuid
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nbflow.annotations import NotSet
from nbflow.exceptions import NotebookError
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

#: Class methods that return an instance of their class.
_CONSTRUCTORS: Final = frozenset(
    {
        "today",
        "now",
        "utcnow",
        "fromisoformat",
        "fromtimestamp",
        "strptime",
        "combine",
        "cwd",
        "home",
    }
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
_MAGIC_LINE: Final = re.compile(r"^(\s*)([%!?].*)$", re.MULTILINE)
#: `files = !ls` and `here = %pwd`: parameters whose default only the cell can tell.
_MAGIC_VALUE: Final = re.compile(r"^(\s*[^\s#=!%][^#=!%]*=\s*)[!%](?!=).*$", re.MULTILINE)
_TYPE_COMMENT: Final = re.compile(r"type:\s*(?P<type>[^#\s]+(?:\[[^\]]*\])?)\s*#?\s*(?P<help>.*)")
_LONGEST_NUMBER: Final = 4_000  # bits


class _Unknown(Exception):
    """The text alone does not tell the value."""


def from_cell(source: str, *, cell: str = "the parameters cell") -> tuple[Parameter, ...]:
    """The parameters that a cell declares, in order: `name = default`, `name: type = default`.

    A comment on the line is the parameter's help, `# type: int` its type, as for papermill.
    Without either, the default's type counts; a default of `None` allows everything. A
    parameter without default (`day: date`) is required. A default that only running the
    cell could tell (`date.today()`) is kept as source.

    Raises `NotebookError` naming the cell when it is not Python.
    """
    tree, code = _tree(source, cell)
    reader = _Reader(code, _comments(code))
    for statement in tree.body:
        reader.read(statement)
    return tuple(reader.found.values())


@dataclass
class _Reader:
    code: str
    comments: dict[int, str]
    found: dict[str, Parameter] = field(default_factory=dict)
    #: Imported names by their full dotted name.
    imports: dict[str, str] = field(default_factory=dict)

    def read(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import(names=names):
                self.imports |= {
                    n.asname or n.name: n.name for n in names if n.asname or "." not in n.name
                }
            case ast.ImportFrom(module=str(module), names=names):
                self.imports |= {n.asname or n.name: f"{module}.{n.name}" for n in names}
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    for name, expression in _pairs(target, value):
                        self._add(name, None, expression, statement)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                self._add(name, annotation, value, statement)

    def _add(
        self, name: str, annotation: ast.expr | None, value: ast.expr | None, statement: ast.stmt
    ) -> None:
        default = self._default(value)
        comment = self.comments.get(statement.end_lineno or statement.lineno, "")
        typed = _TYPE_COMMENT.fullmatch(comment) if annotation is None else None
        if typed:
            annotation, comment = _parse(typed["type"]), typed["help"]
        declared = self._type(annotation) if annotation is not None else Any
        known = self._result_type(value) if default is NotSet else _type_of(default)
        inferred = annotation is None and known is not None
        self.found.pop(name, None)  # a later assignment wins, and takes its place
        self.found[name] = Parameter(
            name=name,
            annotation=known if inferred else declared,
            default=default,
            required=value is None,
            help=comment.strip(),
            default_source=ast.get_source_segment(self.code, value) if value else None,
            inferred=inferred,
        )

    def _default(self, value: ast.expr | None) -> Any:
        if value is None:
            return NotSet
        try:
            return _Evaluator(self.imports, self.found).value(value)
        except (_Unknown, RecursionError):
            return NotSet

    def _result_type(self, value: ast.expr | None) -> type | None:
        """What a call like `date.today()` is known to return, though not its value."""
        match value:
            case ast.Call(func=ast.Attribute(value=owner, attr=attr)) if attr in _CONSTRUCTORS:
                try:
                    kind = _look_up(owner, self.imports)
                except _Unknown:
                    return None
                return kind if kind in {dt.date, dt.datetime, pathlib.Path} else None
        return None

    def _type(self, annotation: ast.expr) -> Any:
        try:
            return _type(annotation, self.imports)
        except (_Unknown, TypeError, RecursionError):
            return Any


def _type_of(default: Any) -> type | None:
    """The type a default declares; None for a default that allows everything."""
    if default is None:
        return None
    # A PosixPath is how a Path looks here: the author wrote Path.
    return pathlib.Path if isinstance(default, pathlib.Path) else type(default)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ((ast.Tuple() | ast.List()), (ast.Tuple() | ast.List())):
            starred = any(isinstance(e, ast.Starred) for e in (*target.elts, *value.elts))
            if len(target.elts) == len(value.elts) and not starred:
                for left, right in zip(target.elts, value.elts, strict=True):
                    yield from _pairs(left, right)


def _comments(code: str) -> dict[int, str]:
    """The comment of each line, without its `#`."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _tree(source: str, cell: str) -> tuple[ast.Module, str]:
    """The syntax tree and the code it is of: magics count as empty statements."""
    try:
        return ast.parse(source), source
    except (SyntaxError, ValueError):
        code = _MAGIC_VALUE.sub(r"\1_()", _MAGIC_LINE.sub(r"\1pass", source))
    try:
        return ast.parse(code), code
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise NotebookError(
            f"The parameters in {cell}{where} cannot be read ({reason}). Correct that cell."
        ) from error


def _parse(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _look_up(node: ast.expr, imports: Mapping[str, str]) -> Any:
    """The harmless object a dotted name means; raises `_Unknown`."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _Unknown
    first = node.id
    for start in (imports.get(first), first, _USUAL.get(first)):
        full = ".".join((start, *parts)) if start else ""
        if full in _KNOWN:
            return _KNOWN[full]
        if start == imports.get(first) and start:
            break  # the cell says what the name is: no guessing
    raise _Unknown


# ── annotations ──────────────────────────────────────────────────────────────────────────


def _type(node: ast.expr, imports: Mapping[str, str]) -> Any:
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            inner = _parse(text)
            if inner is None:
                raise _Unknown
            return _type(inner, imports)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return typing.Union[_type(left, imports), _type(right, imports)]  # noqa: UP007 - None | None is no type
        case ast.Subscript(value=outer, slice=inside):
            return _subscript(_look_up(outer, imports), inside, imports)
    return _look_up(node, imports)


def _subscript(outer: Any, inside: ast.expr, imports: Mapping[str, str]) -> Any:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if outer is typing.Literal:
        return outer[tuple(_Evaluator(imports, {}).value(part) for part in parts)]
    if outer is typing.Annotated:  # the extras are objects of libraries we do not run
        return _type(parts[0], imports)
    arguments = tuple(
        ... if isinstance(part, ast.Constant) and part.value is ... else _type(part, imports)
        for part in parts
    )
    return outer[arguments if len(arguments) > 1 else arguments[0]]


# ── defaults ─────────────────────────────────────────────────────────────────────────────


@dataclass
class _Evaluator:
    """Literals, simple arithmetic, and calls of the types in `_KNOWN`."""

    imports: Mapping[str, str]
    earlier: Mapping[str, Parameter]

    def value(self, node: ast.expr) -> Any:
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
                raise _Unknown
            pairs.append((self.value(key), self.value(value)))
        return _attempt(dict, pairs)

    def _named(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id in self.earlier:
            known = self.earlier[node.id].default
            if known is NotSet:
                raise _Unknown
            return known
        found = _look_up(node, self.imports)
        if isinstance(found, (float, dt.timezone)):  # constants; types are no defaults
            return found
        raise _Unknown

    def _call(self, node: ast.Call) -> Any:
        function = _look_up(node.func, self.imports)
        named = {k.arg: self.value(k.value) for k in node.keywords if k.arg is not None}
        if function not in _CALLABLE or len(named) != len(node.keywords):
            raise _Unknown
        return _attempt(function, *map(self.value, node.args), **named)

    def _binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(op, ast.Div) and isinstance(left, pathlib.PurePath):
            return _attempt(operator.truediv, left, right)
        if isinstance(op, ast.Pow) and not (_is_number(right) and abs(right) <= 64):  # noqa: PLR2004 - 2**64
            raise _Unknown
        return self._number(op, left, right)

    def _number(self, op: ast.AST, *operands: Any) -> Any:
        if type(op) not in _OPERATORS or not all(map(_is_number, operands)):
            raise _Unknown
        result = _attempt(_OPERATORS[type(op)], *operands)
        if isinstance(result, int) and result.bit_length() > _LONGEST_NUMBER:
            raise _Unknown
        return result


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= _LONGEST_NUMBER
    return isinstance(value, (float, complex, decimal.Decimal, dt.timedelta))


def _attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError, ArithmeticError, LookupError, OSError, RuntimeError) as error:
        raise _Unknown from error
