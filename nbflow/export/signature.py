"""The parameters of a notebook as the signature of a flow.

This module decides how a parameter is written: its type, its default, its comment, and what must
wait until the flow runs. It must not know what the flow does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from nbflow.annotations import NotSet
from nbflow.export.hoisting import BUILTINS
from nbflow.export.names import names_of
from nbflow.export.pieces import Piece
from nbflow.export.reading import Cell, Role
from nbflow.parameters import Parameter, from_cell


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter as it is written."""

    name: str
    annotation: str = ""
    default: str = ""
    comment: str = ""
    #: Set when no value is given: the default that only the running flow can make.
    late: str = ""

    @property
    def text(self) -> str:
        """As in a signature."""
        name = f"{self.name}: {self.annotation}" if self.annotation else self.name
        if not self.default:
            return name
        return f"{name} = {self.default}" if self.annotation else f"{name}={self.default}"


@dataclass
class Signature:
    """What the flow can be told."""

    arguments: list[Argument] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The parameters' names."""
        return [argument.name for argument in self.arguments]


def take_parameters(cells: Iterable[Cell]) -> list[tuple[Parameter, Piece]]:
    """The notebook's parameters; their statements leave the cells, other statements stay."""
    found: dict[str, tuple[Parameter, Piece]] = {}
    for cell in cells:
        if cell.role not in {Role.PARAMETERS, Role.INJECTED}:
            continue
        declared = {each.name: each for each in from_cell(cell.python, cell=repr(cell.label))}
        for piece in list(cell.pieces):
            bound = [name for name in piece.names.binds if name in declared]
            if not bound or not isinstance(piece.node, ast.Assign | ast.AnnAssign):
                continue
            cell.pieces.remove(piece)
            for name in bound:
                known = found.get(name)
                found[name] = (_overridden(known, declared[name]), known[1] if known else piece)
    return list(found.values())


def _overridden(known: tuple[Parameter, Piece] | None, new: Parameter) -> Parameter:
    """An injected value is another default of the declared parameter."""
    if known is None:
        return new
    return replace(known[0], default=new.default, default_source=new.default_source, required=False)


def signature(
    parameters: Iterable[tuple[Parameter, Piece]],
    module_names: AbstractSet[str],
    changed: AbstractSet[str],
) -> Signature:
    """The signature for the parameters.

    Args:
        parameters: What the notebook declares, each with its statement.
        module_names: What a default may use: names that stand above the flow.
        changed: Names whose object the notebook may change, or keep under another name.
    """
    arguments = [_argument(p, piece, module_names, changed) for p, piece in parameters]
    arguments.sort(key=lambda each: bool(each.default))  # those without a default come first
    return Signature(arguments)


def _argument(
    parameter: Parameter, piece: Piece, known: AbstractSet[str], changed: AbstractSet[str]
) -> Argument:
    annotation = _annotation(parameter, piece, known)
    argument = Argument(parameter.name, annotation, comment=parameter.help)
    source = parameter.default_source
    if source is None:
        return argument
    node = ast.parse(source, mode="eval").body
    reads = names_of([ast.Expr(node)]).mentions.keys()
    if not reads <= known | BUILTINS and _is_plain(parameter.default):
        return replace(argument, default=repr(parameter.default))
    fixed = parameter.default is not NotSet and reads <= known | BUILTINS
    is_open = isinstance(parameter.default, list | dict | set)
    if fixed and not (is_open and parameter.name in changed):
        return replace(argument, default=source)
    optional = f"{annotation} | None" if annotation else ""
    return replace(argument, annotation=optional, default="None", late=source)


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | bytes)


def _annotation(parameter: Parameter, piece: Piece, known: AbstractSet[str]) -> str:
    node = piece.node
    if isinstance(node, ast.AnnAssign):
        names = names_of([ast.Expr(node.annotation)]).mentions.keys()
        return ast.unparse(node.annotation) if names <= known | BUILTINS else ""
    kind = parameter.annotation
    if not isinstance(kind, type):
        return ""
    if kind.__module__ == "builtins":
        return kind.__name__ if kind is not object else ""
    return _constructor(parameter.default_source or "", kind.__name__, known)


def _constructor(source: str, kind: str, known: AbstractSet[str]) -> str:
    """What the default's own code calls its type: `dt.date` in `dt.date.today()`."""
    node: ast.AST = ast.parse(source, mode="eval").body
    function = node.func if isinstance(node, ast.Call) else None
    while isinstance(function, ast.Attribute | ast.Name):
        last = function.attr if isinstance(function, ast.Attribute) else function.id
        text = ast.unparse(function)
        if last == kind:
            return text if text.partition(".")[0] in known else ""
        function = function.value if isinstance(function, ast.Attribute) else None
    return ""
