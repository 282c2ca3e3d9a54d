"""Which statements of a notebook can stand at the top of a module, and mean the same there.

This module decides what may run when the module is imported: imports, definitions that compute
nothing, and constants that functions read. It must not know what becomes of the rest.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final

from nbflow.dataflow.scopes import bound_by_import
from nbflow.export.pieces import Piece
from nbflow.export.reading import Cell, Role

BUILTINS: Final = frozenset(dir(builtins)) | {"__name__", "display"}
#: What decides what later imports find and do: they must not go above it.
_BEFORE_IMPORTS: Final = re.compile(
    r"sys\.(path|modules)\b|environ(\[[^]]*\]\s*=[^=]|\.(update|setdefault|pop)\()|putenv|\binstall\b"
    r"|importlib|\bexec\(|\b(matplotlib|mpl)\.use\(|set_start_method|patch_all"
)
#: What may bring modules of the notebook's own, or take them out of sight.
_BEFORE_OWN_IMPORTS: Final = re.compile(
    r"chdir|subprocess|write_text|\bopen\(|copy|move|extractall"
)
#: Calls in the body of a class that only describe it.
_DESCRIBING: Final = frozenset(
    {"field", "Field", "auto", "TypeVar", "ParamSpec", "NewType", "namedtuple", "PrivateAttr"}
)
_MUTATORS: Final = frozenset(
    {
        "append",
        "extend",
        "insert",
        "add",
        "update",
        "pop",
        "popitem",
        "clear",
        "remove",
        "discard",
        "sort",
        "reverse",
        "setdefault",
    }
)
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass
class Hoisted:
    """What stands at the module's top level."""

    imports: list[Piece] = field(default_factory=list)
    #: Definitions and constants, in the notebook's order.
    definitions: list[Piece] = field(default_factory=list)
    #: Imports that an earlier one makes needless.
    repeated: list[Piece] = field(default_factory=list)
    #: The names that they bind.
    names: set[str] = field(default_factory=set)
    #: True when names come from `from m import *`.
    star: bool = False
    #: Star imports that have to stay where they are.
    stars_in_place: list[Piece] = field(default_factory=list)

    def has(self, piece: Piece) -> bool:
        """Whether the piece leaves its cell."""
        return any(piece in group for group in (self.imports, self.definitions, self.repeated))


def import_keys(node: ast.stmt) -> dict[str, str]:
    """For each name that an import binds, what it stands for."""
    if isinstance(node, ast.Import):
        return {
            bound_by_import(a): a.name if a.asname else a.name.partition(".")[0] for a in node.names
        }
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return {bound_by_import(a): f"{module}.{a.name}" for a in node.names if a.name != "*"}
    return {}


def is_star(node: ast.stmt) -> bool:
    """Whether this is `from m import *`."""
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def is_definition(node: ast.stmt) -> bool:
    """Whether this is a `def` or a `class`."""
    return isinstance(node, _DEFINITIONS)


def hoist(cells: Iterable[Cell], parameters: Iterable[str] = ()) -> Hoisted:
    """What of the cells can stand at the module's top level, given the flow's parameters."""
    return _Hoisting(list(cells), frozenset(parameters)).result()


class _Hoisting:
    def __init__(self, cells: list[Cell], parameters: AbstractSet[str]) -> None:
        self.cells = cells
        self.pieces = [(cell, piece) for cell in cells for piece in cell.pieces]
        self.found = Hoisted()
        self.binders: Counter[str] = Counter()
        #: What each imported name stands for; more than one thing: it cannot be hoisted.
        self.meanings: dict[str, set[str]] = {}
        self.unstable: set[str] = set(parameters)
        self.reads: set[str] = set()
        #: Whether imports, and those of modules beside the notebook, may go to the top.
        self.free_imports = self.free_own_imports = True
        self.bound_above = False
        self._count()

    def _count(self) -> None:
        for cell, piece in self.pieces:
            names, keys = piece.names, import_keys(piece.node)
            self.binders.update(names.binds.keys())
            self.unstable |= names.deletes.keys() | names.late_writes.keys()
            for name in names.binds:
                self.meanings.setdefault(name, set()).add(keys.get(name, f"{id(piece)}"))
            if cell.may_raise:
                self.unstable |= names.binds.keys()
            elif cell.role in {Role.PARAMETERS, Role.INJECTED}:
                self.unstable |= names.binds.keys() - keys.keys()

    def result(self) -> Hoisted:
        wanted = self._wanted_constants()
        for cell, piece in self.pieces:
            self._consider(cell, piece, wanted)
            self.reads |= piece.names.reads.keys()
        return self.found

    def _consider(self, cell: Cell, piece: Piece, wanted: AbstractSet[str]) -> None:
        node = piece.node
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._consider_import(cell, piece)
        elif self._fits(piece) and (
            (is_definition(node) and self._is_pure(piece))
            or (is_constant(node) and wanted & piece.names.binds.keys() and cell.role is Role.PLAIN)
        ):
            self.found.definitions.append(piece)
            self.found.names |= piece.names.binds.keys()
        else:
            self.bound_above = self.bound_above or bool(piece.names.binds)
            if _BEFORE_IMPORTS.search(piece.text):
                self.free_imports = False
            if _BEFORE_OWN_IMPORTS.search(piece.text):
                self.free_own_imports = False

    def _is_free(self, node: ast.Import | ast.ImportFrom) -> bool:
        if all(module in sys.stdlib_module_names for module in modules_of(node)):
            return True
        own = not self.free_own_imports and not all(map(_is_installed, modules_of(node)))
        return self.free_imports and not own

    # ── imports ──────────────────────────────────────────────────────────────────────────

    def _consider_import(self, cell: Cell, piece: Piece) -> None:
        assert isinstance(piece.node, ast.Import | ast.ImportFrom)
        free = self._is_free(piece.node)
        if is_star(piece.node):
            if free and not cell.may_raise and not self.bound_above and not self.found.definitions:
                self.found.star = True
                self.found.imports.append(piece)
            else:
                self.found.stars_in_place.append(piece)
            return
        keys = import_keys(piece.node)
        if cell.may_raise or not all(map(self._means_one_thing, keys)):
            self.bound_above = True
            return
        if keys.keys() <= self.found.names and self._is_repeated(piece):
            self.found.repeated.append(piece)
        elif free and not any(n in self.reads and n in BUILTINS for n in keys):
            self.found.imports.append(piece)
            self.found.names |= keys.keys()
        else:
            self.bound_above = True
            self.unstable |= keys.keys()

    def _is_repeated(self, piece: Piece) -> bool:
        """Whether an earlier import binds the same; `import a.b` may load more than `import a`."""
        loaded = {
            _loaded(alias, each.node) for each in self.found.imports for alias in _names(each)
        }
        return all(_loaded(alias, piece.node) in loaded for alias in _names(piece))

    def _means_one_thing(self, name: str) -> bool:
        return len(self.meanings[name]) == 1 and name not in self.unstable

    # ── definitions and constants ────────────────────────────────────────────────────────

    def _fits(self, piece: Piece) -> bool:
        """Whether the names that the piece binds are bound nowhere else and read only below."""
        binds = piece.names.binds.keys()
        return all(
            self.binders[name] == 1 and name not in self.unstable and name not in self.reads
            for name in binds
        )

    def _is_pure(self, piece: Piece) -> bool:
        """Whether a definition computes nothing, and needs only what stands above it."""
        names = piece.names
        if names.awaits or names.class_reads.keys() & self.binders.keys():
            return False
        if not all(map(self._is_known, names.reads)):
            return False
        return all(map(self._is_harmless, _immediate(piece.node)))

    def _is_known(self, name: str) -> bool:
        if name in self.found.names:
            return True
        return name not in self.binders and (name in BUILTINS or self.found.star)

    def _is_harmless(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=func):
                return _last(func) in _DESCRIBING
            case ast.Await() | ast.Yield() | ast.NamedExpr() | ast.For() | ast.While() | ast.With():
                return False
            case (
                ast.If()
                | ast.Try()
                | ast.Delete()
                | ast.AugAssign()
                | ast.Subscript(ctx=ast.Store())
            ):
                return False
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return (
                    all(map(self._is_harmless_decorator, node.decorator_list))
                    and (isinstance(node, ast.ClassDef) or not _changes_defaults(node))
                    and not _has_mutable_attribute(node)
                )
        return True

    def _is_harmless_decorator(self, node: ast.expr) -> bool:
        """Whether it is a library's: a notebook's own decorator may do anything."""
        call = node if isinstance(node, ast.Call) else None
        root = _root(call.func if call else node)
        own = {n for p in self.found.definitions for n in p.names.binds}
        if call and any(isinstance(n, ast.Call) for a in _arguments(call) for n in ast.walk(a)):
            return False
        if root in own:
            return isinstance(node, ast.Attribute) and node.attr in {"setter", "getter", "register"}
        return (root is not None and (root in self.found.names or root in BUILTINS)) or (
            isinstance(node, ast.Attribute) and node.attr in {"setter", "getter", "deleter"}
        )

    def _wanted_constants(self) -> AbstractSet[str]:
        """Constants that functions read, or that are written as such."""
        read = {
            name
            for _, piece in self.pieces
            if is_definition(piece.node)
            for name in piece.names.mentions
        }
        bound = {n for _, p in self.pieces if is_constant(p.node) for n in p.names.binds}
        return {name for name in bound if name in read or (name.isupper() and len(name) > 1)}


def is_constant(node: ast.stmt) -> bool:
    """Whether this binds one name to a value that cannot change."""
    match node:
        case ast.Assign(targets=[ast.Name()], value=value):
            return _is_immutable(value)
        case ast.AnnAssign(
            target=ast.Name(), value=ast.expr() as value, annotation=ast.Name(id=kind)
        ):
            return _is_immutable(value) and kind in BUILTINS
    return False


def _is_immutable(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=elements):
            return all(map(_is_immutable, elements))
    return False


def _is_installed(module: str) -> bool:
    """Whether a library is there for everyone, and not a file beside the notebook."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return False
    places = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec else []
    return any("site-packages" in place or "dist-packages" in place for place in places)


def modules_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The top-level packages that an import loads."""
    if isinstance(node, ast.ImportFrom):
        return ["." if node.level else (node.module or "").partition(".")[0]]
    return [alias.name.partition(".")[0] for alias in node.names]


def _names(piece: Piece) -> list[ast.alias]:
    return piece.node.names  # type: ignore[attr-defined,no-any-return]


def _loaded(alias: ast.alias, node: ast.stmt) -> tuple[str, str, str]:
    module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    return module, alias.name, alias.asname or ""


def _last(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)


def _immediate(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that are evaluated when a definition is: not the bodies of functions."""
    yield node
    skipped: set[int] = set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        skipped = set(map(id, node.body))
    if isinstance(node, ast.Lambda):
        skipped = {id(node.body)}
    decorators = set(map(id, getattr(node, "decorator_list", ())))
    for child in ast.iter_child_nodes(node):
        if id(child) in decorators:
            continue  # judged by themselves
        if id(child) not in skipped:
            yield from _immediate(child)


def _changes_defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a default that is a list, dict or set is changed: it would last too long."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = list(
        zip(
            positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True
        )
    )
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    open_ones = {a.arg for a, d in pairs if isinstance(d, ast.List | ast.Dict | ast.Set)}
    return any(_changed_name(each) in open_ones for stmt in node.body for each in ast.walk(stmt))


def _changed_name(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in _MUTATORS:
            return name
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
        case ast.AugAssign(target=ast.Name(id=name)):
            return name
        case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name))):
            return name
    return None


def _has_mutable_attribute(node: ast.AST) -> bool:
    if not isinstance(node, ast.ClassDef):
        return False
    values: Mapping[str, ast.expr | None] = {
        _target_name(each): each.value
        for each in node.body
        if isinstance(each, ast.Assign | ast.AnnAssign)
    }
    return any(
        not isinstance(value, ast.Constant | ast.UnaryOp | ast.Name | ast.Attribute | ast.Call)
        and not (isinstance(value, ast.Tuple) and _is_immutable(value))
        and value is not None
        and not name.startswith("__")
        for name, value in values.items()
    )


def _target_name(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else ""
