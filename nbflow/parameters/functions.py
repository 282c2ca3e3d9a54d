"""The parameters that a function of a Python file declares, read without importing the file.

This module decides what of a file's top level can be known from its text: imports, constants,
types and enums. For ordinary annotations the parameters are those that `from_signature` finds
once the file is imported; types that only running the file could tell count as `typing.Any`.
It must not know flows.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from nbflow.annotations import NotSet
from nbflow.parameters.literals import Evaluator, Unknown, look_up, read_type
from nbflow.parameters.model import Parameter, ParameterKind, docstring_help

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

#: Bases of enums, by the names under which they may be imported.
_ENUMS: Final[dict[str, Any]] = {
    f"enum.{each.__name__}": each for each in (enum.Enum, enum.IntEnum, enum.StrEnum)
}
#: What an own name stands for that the text does not tell: it hides names known from elsewhere.
_OWN: Final = "<file>"


@dataclass(slots=True)
class PythonFile:
    """What the top level of a Python file says, in the order in which it says it."""

    tree: ast.Module
    #: The full dotted name of each imported name, and the types that the file defines.
    names: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Parameter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for statement in self.statements():
            self._read(statement)

    def statements(self) -> Iterator[ast.stmt]:
        """The statements of the top level, those inside of `if`, `try` and `with` included."""
        return _flat(self.tree.body)

    def value(self, node: ast.expr) -> Any:
        """What an expression gives, `NotSet` when only running the file could tell."""
        try:
            return Evaluator(self.names, self.constants).value(node)
        except (Unknown, RecursionError):
            return NotSet

    def full_name(self, node: ast.expr) -> str:
        """The dotted name of what an expression names, through the file's imports; or ""."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        start = self.names.get(node.id, node.id)
        return ".".join((start, *parts)) if isinstance(start, str) else ""

    def parameters_of(self, function: FunctionNode) -> tuple[Parameter, ...]:
        """The parameters of a function of the file."""
        help_texts = docstring_help(ast.get_docstring(function) or "")
        return tuple(
            self._parameter(argument, kind, default, help_texts.get(argument.arg, ""))
            for argument, kind, default in _arguments(function.args)
        )

    def _parameter(
        self, argument: ast.arg, kind: ParameterKind, default: ast.expr | None, help_text: str
    ) -> Parameter:
        variadic = kind in {ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD}
        return Parameter(
            name=argument.arg,
            annotation=self._type(argument.annotation),
            default=NotSet if default is None else self.value(default),
            required=default is None and not variadic,
            help=help_text,
            kind=kind,
            default_source=None if default is None else ast.unparse(default),
        )

    def _type(self, annotation: ast.expr | None) -> Any:
        if annotation is None:
            return Any
        try:
            found = read_type(annotation, self.names)
        except (Unknown, TypeError, RecursionError):
            return Any
        return type(None) if found is None else found

    # ── the top level ────────────────────────────────────────────────────────────────────

    def _read(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import(names=names):
                for name in names:
                    first = name.name.partition(".")[0]
                    self._name(name.asname or first, name.name if name.asname else first)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = "." * level + (module or "")
                for name in names:
                    self._name(name.asname or name.name, f"{start}.{name.name}")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assign(name, value)
            case ast.ClassDef(name=name):
                self._name(name, self._enum(statement) or _OWN)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self._name(name, _OWN)

    def _name(self, name: str, stands_for: Any) -> None:
        self.constants.pop(name, None)
        self.names[name] = stands_for

    def _assign(self, name: str, value: ast.expr) -> None:
        found = self.value(value)
        if found is not NotSet:
            self._name(name, _OWN)
            self.constants[name] = Parameter(name, default=found)
            return
        type_ = self._type(value) if isinstance(value, ast.Subscript | ast.BinOp) else Any
        self._name(name, _OWN if type_ is Any else type_)

    def _enum(self, node: ast.ClassDef) -> Any:
        """The enum that a class statement defines; None when its members cannot be known."""
        *mixins, last = node.bases or [ast.Constant(None)]
        kind = _ENUMS.get(self.full_name(last))
        if kind is None or node.keywords:
            return None
        members = self._members(node)
        try:
            mixin = look_up(mixins[0], self.names) if mixins else None
            made = kind(node.name, members, type=mixin) if members else None
        except (Unknown, TypeError, ValueError):
            return None
        if made is not None:
            made.__doc__ = ast.get_docstring(node)
        return made

    def _members(self, node: ast.ClassDef) -> list[tuple[str, Any]] | None:
        found: list[tuple[str, Any]] = []
        for statement in node.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as value) if (
                    self.full_name(value.func) == "enum.auto"
                ):
                    found.append((name, enum.auto()))
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found.append((name, self.value(value)))
                case ast.FunctionDef(name=name) if name in {"__new__", "_generate_next_value_"}:
                    return None
        return None if any(value is NotSet for _, value in found) else found


def _flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for part in ("body", "orelse", "finalbody"):
                yield from _flat(getattr(statement, part, []))
            for handler in getattr(statement, "handlers", []):
                yield from _flat(handler.body)


def _arguments(
    args: ast.arguments,
) -> Iterator[tuple[ast.arg, ParameterKind, ast.expr | None]]:
    """Each argument with its kind and default, in the order of the signature."""
    by_place = [
        *((each, ParameterKind.POSITIONAL_ONLY) for each in args.posonlyargs),
        *((each, ParameterKind.NORMAL) for each in args.args),
    ]
    without = len(by_place) - len(args.defaults)
    for index, (argument, kind) in enumerate(by_place):
        yield argument, kind, args.defaults[index - without] if index >= without else None
    if args.vararg:
        yield args.vararg, ParameterKind.VAR_POSITIONAL, None
    for argument, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield argument, ParameterKind.KEYWORD_ONLY, default
    if args.kwarg:
        yield args.kwarg, ParameterKind.VAR_KEYWORD, None
