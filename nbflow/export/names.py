"""Which names of the notebook one statement binds, deletes and reads, and when it reads them.

This module decides, by Python's scoping rules, whether a name is used while the statement runs
or later, when a function that it defines is called. It must not know other statements, nor where
the statement will stand in a module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from nbflow.dataflow.scopes import Frame, bound_by_import, declare, defaults_of, parameters

#: What looks into the namespace that it is called in.
NAMESPACE_READERS: Final = frozenset({"exec", "eval", "globals", "locals", "vars", "dir"})
#: Those of them that, inside of a function, see the module's names too.
_GLOBAL_READERS: Final = frozenset({"exec", "eval", "globals"})
#: Methods that find names of the caller inside their text: `df.query("a > @limit")`.
_TEXT_READERS: Final = frozenset({"query", "eval", "sql", "execute"})
_WORD: Final = re.compile(r"[^\W\d]\w*")

#: Names in the order in which they first stand in the code.
Ordered = dict[str, None]


@dataclass(slots=True)
class Names:
    """What a statement does to the names of the notebook."""

    binds: Ordered = field(default_factory=dict)
    deletes: Ordered = field(default_factory=dict)
    #: Read while the statement runs.
    reads: Ordered = field(default_factory=dict)
    #: Read when a function, lambda or generator of the statement runs.
    late_reads: Ordered = field(default_factory=dict)
    #: Bound or deleted by a function that declares them `global`.
    late_writes: Ordered = field(default_factory=dict)
    #: Read inside a class body that also binds them: they are its own or the module's.
    class_reads: Ordered = field(default_factory=dict)
    #: Read otherwise than to be called at once: `g = f`, `map(f, rows)`.
    handed: Ordered = field(default_factory=dict)
    #: Words in texts that may be read as names: `df.query("a > @limit")`.
    words: Ordered = field(default_factory=dict)
    #: Of `NAMESPACE_READERS`: those that the statement calls itself, and in its functions.
    namespace: Ordered = field(default_factory=dict)
    late_namespace: Ordered = field(default_factory=dict)
    awaits: bool = False

    @property
    def mentions(self) -> Ordered:
        """All names that are read, at once or later."""
        return self.reads | self.late_reads | self.class_reads


def names_of(statements: Iterable[ast.stmt]) -> Names:
    """What the statements do to the notebook's names."""
    visitor = _Visitor()
    for statement in statements:
        visitor.visit(statement)
    return visitor.found


def has_namespace(call: ast.Call) -> bool:
    """Whether a call like `exec(code, names)`, `vars(thing)` says itself where it looks."""
    given = len(call.args) + len(call.keywords)
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return given > (0 if name in {"vars", "dir"} else 1)


class _Visitor(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found = Names()
        self.frame = Frame("module", 0)
        #: How many functions deep: what they read, they read later.
        self.depth = 0
        self.serial = 0

    # ── names ────────────────────────────────────────────────────────────────────────────

    def _read(self, name: str, *, called: bool = False, explicit: bool = False) -> None:
        owner, of_class = self.frame.resolve(self.frame.mangle(name))
        if owner is not None:
            if of_class:
                self.found.class_reads[name] = None
            return
        if name in NAMESPACE_READERS and not explicit:
            self._namespace_reader(name, called=called)
        target = self.found.late_reads if self.depth else self.found.reads
        target[self.frame.mangle(name)] = None
        if not called:
            self.found.handed[name] = None

    def _namespace_reader(self, name: str, *, called: bool) -> None:
        if self.depth and name in _GLOBAL_READERS:
            self.found.late_namespace[name] = None
        elif not self.depth:
            self.found.namespace[name if called else f"{name} as a value"] = None

    def _bind(self, name: str, *, delete: bool = False) -> None:
        frame: Frame | None = self.frame
        while frame is not None and frame.kind == "comprehension":
            if not isinstance(frame.parent, Frame) or name in frame.bound:
                return
            frame = frame.parent
        assert frame is not None
        name = frame.mangle(name)
        if frame.kind == "module":
            (self.found.deletes if delete else self.found.binds)[name] = None
        elif name in frame.globals:
            late = self.found.late_writes if self.depth else self.found.binds
            late[name] = None

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._read(node.id)
        else:
            self._bind(node.id, delete=isinstance(node.ctx, ast.Del))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._read(node.target.id, called=True)
        self.visit(node.value)
        self.visit(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.found.awaits |= isinstance(node, ast.AsyncFor) and not self.depth
        self.visit(node.iter)
        self.visit(node.target)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    visit_AsyncFor = visit_For  # noqa: N815 - ast's names

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.found.awaits |= not self.depth
        self.generic_visit(node)

    def visit_Await(self, node: ast.Await) -> None:
        self.found.awaits |= not self.depth
        self.visit(node.value)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self._bind(bound_by_import(alias))

    visit_ImportFrom = visit_Import  # noqa: N815 - ast's names

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type:
            self.visit(node.type)
        if node.name:
            self._bind(node.name)
        for statement in node.body:
            self.visit(statement)
        if node.name and self.frame.kind == "module":
            self.found.deletes[node.name] = None

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self.generic_visit(node)
        if node.name:
            self._bind(node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self._bind(node.rest)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            self._read(node.func.id, called=True, explicit=has_namespace(node))
        else:
            self.visit(node.func)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _TEXT_READERS:
            self._words(node)
        for argument in (*node.args, *node.keywords):
            self.visit(argument)

    def _words(self, node: ast.Call) -> None:
        texts = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
        for text in texts:
            if isinstance(text, str):
                self.found.words |= dict.fromkeys(_WORD.findall(text))

    # ── scopes ───────────────────────────────────────────────────────────────────────────

    def _push(self, kind: str, class_name: str = "") -> Frame:
        self.serial += 1
        outer = self.frame
        self.frame = Frame(kind, self.serial, outer, class_name=class_name or outer.class_name)
        return outer

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._signature(node.args)
        outer = self._type_parameters(node)
        for annotation in (*(arg.annotation for arg in parameters(node.args)), node.returns):
            if annotation is not None:
                self.visit(annotation)
        self._body(node.args, node.body)
        self.frame = outer
        self._bind(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast's names

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._signature(node.args)
        self._body(node.args, [node.body])

    def _signature(self, args: ast.arguments) -> None:
        for _, default in defaults_of(args):
            self.visit(default)

    def _type_parameters(self, node: ast.stmt) -> Frame:
        """`def f[T](x: T)` knows T around its parameters; returns the frame outside."""
        names = [each.name for each in getattr(node, "type_params", ())]
        if not names:
            return self.frame
        outer = self._push("types")
        self.frame.bound.update(names)
        return outer

    def visit_TypeAlias(self, node: ast.stmt) -> None:
        """`type V = list[T]` evaluates its value when it is asked for."""
        outer = self._type_parameters(node)
        self.depth += 1
        self.visit(node.value)  # type: ignore[attr-defined]
        self.depth -= 1
        self.frame = outer
        self._bind(node.name.id)  # type: ignore[attr-defined]

    def _body(self, args: ast.arguments, body: Iterable[ast.AST]) -> None:
        body = list(body)
        outer = self._push("function")
        declare(self.frame, body)
        self.frame.bound.update(self.frame.mangle(arg.arg) for arg in parameters(args))
        self.depth += 1
        for statement in body:
            self.visit(statement)
        self.depth -= 1
        self.frame = outer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        outer = self._type_parameters(node)
        for each in (*node.bases, *node.keywords):
            self.visit(each)
        self._push("class", node.name)
        declare(self.frame, node.body)
        for statement in node.body:
            self.visit(statement)
        self.frame = outer
        self._bind(node.name)

    def _comprehension(
        self, generators: list[ast.comprehension], parts: list[ast.expr], *, lazy: bool = False
    ) -> None:
        self.found.awaits |= any(g.is_async for g in generators) and not (self.depth or lazy)
        self.visit(generators[0].iter)
        outer = self._push("comprehension")
        declare(self.frame, [generator.target for generator in generators])
        self.depth += lazy
        for number, generator in enumerate(generators):
            for part in ([generator.iter] if number else []) + generator.ifs:
                self.visit(part)
        for part in parts:
            self.visit(part)
        self.depth -= lazy
        self.frame = outer

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> None:
        self._comprehension(node.generators, [node.elt])

    visit_SetComp = visit_ListComp  # noqa: N815 - ast's names

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, [node.key, node.value])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node.generators, [node.elt], lazy=True)
