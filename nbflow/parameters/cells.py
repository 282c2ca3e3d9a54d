"""The parameters a notebook declares in its `parameters` cell, read without running it.

This module decides which lines of the cell are parameters. It must not execute anything: what
a default or a type is, is for `literals` to say.
"""

from __future__ import annotations

import ast
import datetime as dt
import io
import pathlib
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from nbflow.annotations import NotSet
from nbflow.exceptions import NotebookError
from nbflow.parameters.literals import Evaluator, Unknown, look_up, parse_expression, read_type
from nbflow.parameters.model import Parameter

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

_MAGIC_LINE: Final = re.compile(r"^(\s*)([%!?].*)$", re.MULTILINE)
#: `files = !ls` and `here = %pwd`: parameters whose default only the cell can tell.
_MAGIC_VALUE: Final = re.compile(r"^(\s*[^\s#=!%][^#=!%]*=\s*)[!%](?!=).*$", re.MULTILINE)
_TYPE_COMMENT: Final = re.compile(r"type:\s*(?P<type>[^#\s]+(?:\[[^\]]*\])?)\s*#?\s*(?P<help>.*)")


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
            annotation, comment = parse_expression(typed["type"]), typed["help"]
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
            return Evaluator(self.imports, self.found).value(value)
        except (Unknown, RecursionError):
            return NotSet

    def _result_type(self, value: ast.expr | None) -> type | None:
        """What a call like `date.today()` is known to return, though not its value."""
        match value:
            case ast.Call(func=ast.Attribute(value=owner, attr=attr)) if attr in _CONSTRUCTORS:
                try:
                    kind = look_up(owner, self.imports)
                except Unknown:
                    return None
                return kind if kind in {dt.date, dt.datetime, pathlib.Path} else None
        return None

    def _type(self, annotation: ast.expr) -> Any:
        try:
            return read_type(annotation, self.imports)
        except (Unknown, TypeError, RecursionError):
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
