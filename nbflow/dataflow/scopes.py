"""Which names a function or class body makes its own, by Python's rules.

This module decides what is local, global or nonlocal in one scope; it must not know what the
names are used for. Nested functions, classes and lambdas are scopes of their own; comprehensions
too, but a walrus inside one binds in the scope around it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BINDERS = (
    ast.Name,
    ast.NamedExpr,
    *_FUNCTIONS,
    ast.ClassDef,
    ast.Import,
    ast.ImportFrom,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
    ast.MatchMapping,
)


@dataclass(slots=True)
class Frame:
    """One scope while it is being visited."""

    #: "module", "function", "class", "comprehension", "types"; "body" for the body of a task or
    #: flow that is called, and "parameters" for those of a flow whose body runs as the cell.
    kind: str
    serial: int
    parent: Frame | None = None
    bound: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    #: The innermost class around, for the mangling of `__private` names.
    class_name: str = ""
    #: For a class body: the key of the class, and whether its attributes can be changed.
    owner: str = ""
    shared_state: bool = False

    def owner_key(self, name: str) -> str:
        """The key that a function or class called `name` is bound to in this scope."""
        name = self.mangle(name)
        return name if self.kind == "module" or name in self.globals else self.key(name)

    def mangle(self, name: str) -> str:
        """The name as Python stores it: `__x` inside class `C` is `_C__x`."""
        owner = self.class_name.lstrip("_")
        if not owner or not name.startswith("__") or name.endswith("__") or "." in name:
            return name
        return f"_{owner}{name}"

    def key(self, name: str) -> str:
        """What stands for the local `name` of this scope among all names."""
        return f"{name}@{self.serial}"

    def resolve(self, name: str) -> tuple[Frame | None, bool]:
        """The frame whose local `name` is (None: global), and whether it may be an outer one.

        A class's names are seen by its own statements only, not by functions inside it. They,
        and those of a called body, are those of an outer scope until they are bound.
        """
        frame: Frame | None = self
        direct = True
        while frame is not None and frame.kind != "module":
            if name in frame.globals:
                return None, False
            visible = frame.kind != "class" or direct
            if visible and name in frame.bound and name not in frame.nonlocals:
                return frame, frame.kind in {"class", "body"}
            direct = direct and frame.kind == "types"
            frame = frame.parent
        return None, False


def declare(frame: Frame, body: Iterable[ast.AST]) -> None:
    """Fill the frame with the names that the statements of `body` bind or declare in it."""
    stack = [(node, False) for node in body]
    while stack:
        node, inside = stack.pop()
        for name in _own_names(node, inside) if isinstance(node, _BINDERS) else ():
            frame.bound.add(frame.mangle(name))
        if isinstance(node, ast.Global):
            frame.globals.update(map(frame.mangle, node.names))
        elif isinstance(node, ast.Nonlocal):
            frame.nonlocals.update(map(frame.mangle, node.names))
        inside = inside or isinstance(node, _COMPREHENSIONS)
        stack.extend((child, inside) for child in _same_scope_children(node))
    frame.bound -= frame.globals


def parameters(args: ast.arguments) -> list[ast.arg]:
    """All parameters of a function, in order."""
    stars = [arg for arg in (args.vararg, args.kwarg) if arg]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *stars]


def defaults_of(args: ast.arguments) -> list[tuple[ast.arg, ast.expr]]:
    """The parameters that have a default, with it."""
    positional = [*args.posonlyargs, *args.args]
    first = len(positional) - len(args.defaults)
    pairs = list(zip(positional[first:], args.defaults, strict=True))
    keyword = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return pairs + [(arg, default) for arg, default in keyword if default]


def bound_by_import(alias: ast.alias) -> str:
    """The name that one clause of an `import` binds."""
    return alias.asname or alias.name.partition(".")[0]


def _own_names(node: ast.AST, inside: bool) -> Iterator[str]:
    """The names that this very node binds; `inside` a comprehension only a walrus does."""
    if isinstance(node, ast.NamedExpr):
        yield node.target.id
    elif isinstance(node, ast.Name) and not inside and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from map(bound_by_import, node.names)
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _same_scope_children(node: ast.AST) -> Iterator[ast.AST]:
    """The children whose bindings still belong to the scope that `node` stands in."""
    if isinstance(node, _FUNCTIONS):
        yield from node.decorator_list
        yield from _defaults(node.args)
    elif isinstance(node, ast.Lambda):
        yield from _defaults(node.args)
    elif isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *node.keywords)
    elif type(node).__name__ == "TypeAlias":
        yield node.name  # type: ignore[attr-defined]
    else:
        yield from ast.iter_child_nodes(node)


def _defaults(args: ast.arguments) -> Iterator[ast.expr]:
    yield from (default for _, default in defaults_of(args))
