"""What one cell's Python code reads, binds and may change.

This module decides it from the syntax tree alone, by Python's own scoping rules, walking the
code in the order in which it runs. It must not know of magics, of other cells, or of values.

How it works. `Visitor` keeps a *state*: the names that this cell has surely bound or deleted
by now (None: this point is never reached). Reading a global name outside the state is a `ref`.
Bodies of functions run later: what they do is gathered in a `Sink` of their own, carried by the
name they are bound to, and counted wherever that name is read. Values are followed as far as
aliasing goes: `flows` says which names may share an object.

The visitor is built in layers, each in a module of its own: `sharing`, `bindings`, `calls`,
`expressions`, and the statements here.
"""
# ruff: noqa: N815, ARG002 - visitors are named after the nodes of `ast`, and take them all

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from . import known
from .expressions import Expressions
from .libraries import is_object, library_of
from .records import (
    NONE,
    CellAnalysis,
)
from .scopes import Frame, bound_by_import, declare, defaults_of, parameters
from .sharing import TooEntangled
from .values import (
    FRESH,
    Sink,
    State,
    Value,
    copied,
    join,
    last_name,
    merged,
)

#: Code of this name, made by `cells`, runs at once in a namespace of its own (`%timeit`).
LOCAL_CODE = "__nbflow_local__"

#: A function with one of these decorators, made by `cells`, is the body of a task or flow, which
#: runs as the cell or is only kept; the decorator is given why the body hides its names.
RUNS, KEPT = "__nbflow_runs__", "__nbflow_kept__"
#: The name of such a function that is kept under no name.
NAMELESS = "__nbflow_body__"

#: Statements that run whatever happened before, and end where they end.
_STRAIGHT = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.With)


def analyse_python(source: str, origins: Mapping[str, str] | None = None) -> CellAnalysis:
    """The analysis of plain Python code; code that Python cannot parse gives an opaque one.

    `origins` says what names of earlier cells stand for: `np` for `numpy`, `df` for
    `pandas.read_csv()`, an object that pandas made.
    """
    try:
        tree = parse(source)
        return Visitor(origins or {}).analyse(tree)
    except SyntaxError as error:
        return opaque(f"line {error.lineno or 1}: {error.msg}")
    except (RecursionError, MemoryError):
        return opaque("line 1: too deeply nested to be analysed")
    except ValueError as error:  # null bytes
        return opaque(f"line 1: {error}")


def opaque(reason: str) -> CellAnalysis:
    """The analysis of code that cannot be understood."""
    return CellAnalysis(parse_error=reason, ambiguous=("cannot be parsed",))


#: What may make Python warn while it reads: odd escapes, numbers that touch a keyword.
_DOUBTFUL = re.compile(r"\\|(?<!\w)\d[\w.]*?(?:and|else|for|if|in|is|not|or)")


def parse(source: str) -> ast.Module:
    """The syntax tree, without the warnings that Python prints about doubtful literals."""
    if not _DOUBTFUL.search(source):
        return _patiently(source)
    # Only where it must be: filters are the whole process's, and cells may use them meanwhile.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _patiently(source)


def _patiently(source: str) -> ast.Module:
    """The tree; Python up to 3.12 may give up by mistake when two threads parse at once."""
    try:
        return ast.parse(source)
    except SystemError:
        return ast.parse(source)


class Visitor(Expressions):
    """Walks one cell's tree in execution order; see the module's docstring."""

    #: True where annotations are not evaluated until somebody asks for them.
    lazy_annotations = sys.version_info >= (3, 14)

    def analyse(self, tree: ast.Module) -> CellAnalysis:
        self.lazy_annotations = self.lazy_annotations or any(
            map(_makes_annotations_lazy, tree.body)
        )
        self.straight_block(tree.body)
        try:
            return self._analysis()
        except TooEntangled:
            return self._entangled()

    def straight_block(self, body: Sequence[ast.stmt]) -> None:
        """Run the cell's own statements."""
        for statement in body:
            self.straight = isinstance(statement, _STRAIGHT)
            self.statement(statement)

    # ── statements ───────────────────────────────────────────────────────────────────────

    def block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        kind = type(node)
        method: Any = self.statements.get(kind)
        if method is None:
            method = getattr(self, f"visit_{kind.__name__}", self._other)
            self.statements[kind] = method
        method(node)

    def _other(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expr(child)

    def visit_Expr(self, node: ast.Expr) -> None:
        self.expr(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        value = self.expr(node.value)
        for target in node.targets:
            self.assign(target, value, node.value)
            if isinstance(target, ast.Name):  # `x = y = []`: both hold the same list
                value = self._also(target.id, value, self.frame)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        value = self.expr(node.value) if node.value else None
        if value is not None:
            self.assign(node.target, value)
        elif not isinstance(node.target, ast.Name):
            self._target_parts(node.target)
        if not self.lazy_annotations and not self._in_function():
            self.expr(node.annotation)
        elif self.frame.kind == "class":
            self._deferred_expression(node.annotation)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        target = node.target
        if not isinstance(target, ast.Name):
            owner = self._target_parts(target)
            self._change_part(owner, self.expr(node.value))
            return
        old = self.load(target.id)
        value = self.expr(node.value)
        if not value.const:  # `x += 1` and `s += "a"` change no list in place
            self.mutate(old, certain=True)
        both = merged([old, value.indirect()])
        both.const = value.const
        self.store(target.id, both)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete_target(target)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = bound_by_import(alias)
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            self._import(name, whole)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                self.sink.ambiguous[f"from {module} import *"] = None
            else:
                self._import(bound_by_import(alias), f"{module}.{alias.name}")

    def _import(self, name: str, origin: str) -> None:
        other = self.imports.get(name, origin)
        self.store(name, Value(origin=origin))
        if self.frame.kind == "module" and (
            self.straight or library_of(other) == library_of(origin)
        ):
            self.imports[name] = origin

    def visit_Return(self, node: ast.Return) -> None:
        if node.value:
            self.give(self.expr(node.value))
        self.state = None

    def visit_Raise(self, node: ast.Raise) -> None:
        self._other(node)
        self.state = None

    def visit_Assert(self, node: ast.Assert) -> None:
        when_true, when_false = self.condition(node.test)
        self.state = when_false
        if node.msg:
            self.expr(node.msg)
        self.state = when_true

    def visit_Pass(self, node: ast.Pass) -> None:
        """Nothing happens."""

    def visit_Global(self, node: ast.Global) -> None:
        """Nothing happens: `declare` has read it."""

    visit_Nonlocal = visit_Global

    # ── branches and loops ───────────────────────────────────────────────────────────────

    def visit_If(self, node: ast.If) -> None:
        ends = []
        rest: ast.stmt | None = node
        while isinstance(rest, ast.If):  # a chain of `elif` is a loop here, not a recursion
            when_true, when_false = self.condition(rest.test)
            self.state = when_true
            self.block(rest.body)
            ends.append(self.state)
            self.state = when_false
            orelse = rest.orelse
            rest = orelse[0] if len(orelse) == 1 else None
            if not isinstance(rest, ast.If):
                self.block(orelse)
        self.state = join(*ends, self.state)

    def visit_While(self, node: ast.While) -> None:
        before = self._forget_origins([node.test, *node.body])
        when_true, when_false = self.condition(node.test)
        self._loop(node.body, node.orelse, when_true, when_false)
        self._restore_origins(before)

    def _forget_origins(self, nodes: list[ast.AST]) -> dict[str, str]:
        """What a loop binds stands for nothing sure at its start; gives what it stood for."""
        stored = Frame("function", 0)
        declare(stored, nodes)
        keys = {self.frame.owner_key(name) for name in stored.bound}
        return {key: self.origins.pop(key) for key in keys & self.origins.keys()}

    def _restore_origins(self, before: Mapping[str, str]) -> None:
        """The loop may not have run at all."""
        for key, origin in before.items():
            if library_of(self.origins.get(key, "")) != library_of(origin):
                self.origins[key] = ""

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        value = self.expr(node.iter)
        before = copied(self.state)
        with_origins = self._forget_origins([node.target, *node.body])
        self.assign(node.target, _each(node, value))
        self._loop(node.body, node.orelse, self.state, before)
        self._restore_origins(with_origins)

    visit_AsyncFor = visit_For

    def _loop(
        self, body: list[ast.stmt], orelse: list[ast.stmt], entered: State, ended: State
    ) -> None:
        """A body that runs any number of times: `entered` inside, `ended` when it is over."""
        self.loops.append([])
        self.state = entered
        self.block(body)
        breaks = self.loops.pop()
        self.state = ended
        self.block(orelse)
        self.state = join(self.state, *breaks)

    def visit_Break(self, node: ast.Break) -> None:
        if self.loops:
            self.loops[-1].append(self.state)
        self.state = None

    def visit_Continue(self, node: ast.Continue) -> None:
        self.state = None

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        swallows = False
        for item in node.items:
            value = self.expr(item.context_expr)
            swallows = swallows or last_name(item.context_expr) in known.SUPPRESSORS
            if item.optional_vars:
                self.assign(item.optional_vars, value)
        before = copied(self.state)
        self.block(node.body)
        if swallows:
            self.state = join(self.state, before)

    visit_AsyncWith = visit_With

    def visit_Try(self, node: ast.Try) -> None:
        before = copied(self.state)
        self.block(node.body)
        self.block(node.orelse)
        ends = [self.state]
        for handler in node.handlers:
            self.state = copied(before)
            self._handler(handler)
            ends.append(self.state)
        after = join(*ends)
        if node.finalbody:
            after = self._finally(node.finalbody, before, after)
        self.state = after

    visit_TryStar = visit_Try

    def _handler(self, handler: ast.ExceptHandler) -> None:
        if handler.type:
            self.expr(handler.type)
        if not handler.name:
            self.block(handler.body)
            return
        was_defined = handler.name in self.defs
        self.store(handler.name, FRESH)
        if not was_defined:  # it never outlives the handler
            self.defs.discard(handler.name)
        self.block(handler.body)
        frame = self.frame
        if frame.kind == "module" or frame.mangle(handler.name) in frame.globals:
            self._forget(frame.mangle(handler.name))
        else:
            self._unbind(frame.key(frame.mangle(handler.name)))

    def _finally(self, body: list[ast.stmt], before: State, after: State) -> State:
        """Runs after anything, and then adds to whatever held."""
        self.state = copied(before)
        self.block(body)
        if self.state is None or after is None:
            return None
        return after | (self.state - (before or set()))

    def visit_Match(self, node: ast.Match) -> None:
        value = self.expr(node.subject)
        ends: list[State] = []
        for case in node.cases:
            before = copied(self.state)
            self._pattern(case.pattern, value)
            missed: State = before
            if case.guard:
                self.state, failed = self.condition(case.guard)
                missed = join(before, failed)
            self.block(case.body)
            ends.append(self.state)
            self.state = missed
            if case.guard is None and _always_matches(case.pattern):
                self.state = None
        self.state = join(*ends, self.state)

    def _pattern(self, pattern: ast.pattern, value: Value) -> None:
        """A pattern reads its classes and constants and binds its captures."""
        if isinstance(pattern, ast.MatchOr):
            self._either(pattern, value)
            return
        for child in ast.iter_child_nodes(pattern):
            if isinstance(child, ast.pattern):
                self._pattern(child, value)
            elif isinstance(child, ast.expr):
                self.expr(child)
        name = getattr(pattern, "rest" if isinstance(pattern, ast.MatchMapping) else "name", None)
        if name:
            self.store(name, value.item())

    def _either(self, pattern: ast.MatchOr, value: Value) -> None:
        before = self.state
        ends = []
        for alternative in pattern.patterns:
            self.state = copied(before)
            self._pattern(alternative, value)
            ends.append(self.state)
        self.state = join(*ends)

    # ── functions, lambdas, classes ──────────────────────────────────────────────────────

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.decorator_list and last_name(node.decorator_list[0]) in {RUNS, KEPT}:
            self._kept_body(node)
            return
        decorators = [self.expr(decorator) for decorator in node.decorator_list]
        defaults = self._defaults(node.args)
        outer = self.frame
        lazy = self._type_params(node)
        annotations = self._annotations(node) if node.name != LOCAL_CODE else ()
        sink = self._body(node.args, node.body, outer.owner_key(node.name))
        self.frame = outer
        sink.generator = sink.generator or isinstance(node, ast.AsyncFunctionDef)
        if node.name == LOCAL_CODE or self._decorators_may_call(node.decorator_list):
            sink.slots, sink.open = {}, True  # the decorator may give another function
            self.run([sink])
        if node.name != LOCAL_CODE:
            names = defaults.indirect().names | sink.kept()
            value = Value(names, (sink, *lazy, *annotations, *defaults.carried))
            self.store(node.name, self._decorated(value, node.decorator_list, decorators))

    visit_AsyncFunctionDef = visit_FunctionDef

    def _kept_body(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """The body of a task or flow: it may run here, and is kept under a name."""
        self._annotations(node)
        defaults = self._defaults(node.args)
        if last_name(node.decorator_list[0]) == RUNS:
            self._run_body(node)
        if node.name != NAMELESS:
            sink = self._called_body(node)
            names = defaults.indirect().names | sink.kept()
            self.store(node.name, Value(names, (sink, *defaults.carried)))

    def _run_body(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """The body as the cell: it binds the cell's names, all but its parameters."""
        if not parameters(node.args):
            self.straight_block(node.body)
            return
        frame = self._push("parameters")
        declare(frame, node.body)
        own = {arg.arg for arg in parameters(node.args)}
        bound, frame.bound, frame.globals = frame.bound, own, frame.bound | frame.globals
        frame.globals -= own
        for arg, default in defaults_of(node.args):
            self.share(frame.key(arg.arg), self.expr(default))
        self.block(node.body)
        self.frame = self.module
        for name in sorted(bound & own):  # a parameter that the body binds anew, perhaps
            self.defs.add(name)
            self.variables.add(name)
            self.share(name, Value({frame.key(name): True}))

    def _called_body(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Sink:
        """The body when it is called: in a copy of the notebook's namespace, which it leaves alone.

        Whatever it reads may be given as an argument; whatever it binds may be its result.
        """
        outer, around = self.frame, self._push("parameters")
        around.bound = {arg.arg for arg in parameters(node.args)}
        for arg, default in defaults_of(node.args):
            self.share(around.key(arg.arg), self.expr(default))
        frame = self._push("body")
        declare(frame, node.body)
        frame.bound |= frame.globals
        frame.globals, frame.nonlocals = set(), set()

        def visit() -> None:
            self.block(node.body[:-1])
            self._last_statement(node.body[-1])
            self.give(Value({frame.key(name): True for name in sorted(frame.bound)}))

        sink = self._in_sink(visit)
        sink.scope, sink.open = around.serial, True
        sink.writes.clear()
        sink.ambiguous |= dict.fromkeys(_texts(node.decorator_list[0]))
        self.frame = outer
        return sink

    def _last_statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Expr):
            self.give(self.expr(node.value))
        else:
            self.statement(node)

    def _decorators_may_call(self, decorators: list[ast.expr]) -> bool:
        return any(last_name(item) not in known.QUIET_DECORATORS for item in decorators)

    def _decorated(self, value: Value, nodes: list[ast.expr], decorators: list[Value]) -> Value:
        """What a function or class is once its decorators were called with it.

        Those of libraries are trusted to give nothing but what they got, in other clothes.
        """
        for node, decorator in reversed(list(zip(nodes, decorators, strict=True))):
            library = decorator.origin and not is_object(decorator.origin)
            if not library and last_name(node) not in known.QUIET_DECORATORS:
                self._pass(value, "", "")
                named = isinstance(node, ast.Name)
                given = self._result_of(decorator, [value], named=named, eager=False)
                value = merged([value, given])
        return value

    def _annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Sink]:
        """Evaluate a function's annotations, or gather what they do when they are asked for."""
        present = [arg.annotation for arg in parameters(node.args)] + [node.returns]
        found = [annotation for annotation in present if annotation]
        if self.lazy_annotations and not node.decorator_list:
            return [self._deferred_expression(annotation) for annotation in found]
        for annotation in found:
            self.expr(annotation)
        return []

    def _type_params(self, node: ast.AST) -> list[Sink]:
        """PEP 695: `def f[T: int]` puts T in a scope around the function; bounds are lazy."""
        params: list[ast.AST] = getattr(node, "type_params", [])
        if not params:
            return []
        frame = self._push("types", node.name if isinstance(node, ast.ClassDef) else "")
        frame.bound.update(frame.mangle(param.name) for param in params)  # type: ignore[attr-defined]
        lazy = [getattr(item, name, None) for item in params for name in ("bound", "default_value")]
        return [self._deferred_expression(item) for item in lazy if item]

    def _deferred_expression(self, node: ast.expr) -> Sink:
        outer = self.frame
        self._push("function")
        sink = self._in_sink(lambda: self.expr(node))
        self.frame = outer
        return sink

    def visit_TypeAlias(self, node: ast.AST) -> None:
        """PEP 695: `type X = ...` binds X at once and evaluates its value when asked for."""
        outer = self.frame
        lazy = self._type_params(node)
        sink = self._deferred_expression(node.value)  # type: ignore[attr-defined]
        self.frame = outer
        self.store(node.name.id, Value(carried=(sink, *lazy)))  # type: ignore[attr-defined]

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        decorators = [self.expr(decorator) for decorator in node.decorator_list]
        outer, sinks = self.frame, self.class_sinks
        lazy = self._type_params(node)
        bases = merged([self.expr(base) for base in _bases(node)])
        self.class_sinks = []
        frame = self._push("class", node.name)
        declare(frame, node.body)
        frame.owner = outer.owner_key(node.name)
        frame.shared_state = any(map(_is_mutable_attribute, node.body))
        self.block(node.body)
        self.frame = outer
        own, self.class_sinks = self.class_sinks, sinks
        for sink in own:  # an instance may hold anything that its methods read
            sink.method = True
            self.share(sink.key, Value(dict.fromkeys(sink.reads, True)))
        if sinks is not None:
            sinks.extend(own)
        if self._decorators_may_call(node.decorator_list) or bases.names:
            self.run(own)
        attributes = {frame.key(name): True for name in frame.bound}
        held = {name: False for item in own for name in item.holds}
        names = held | attributes | bases.indirect().names
        value = Value(names, (*own, *lazy, *bases.carried))
        self.store(node.name, self._decorated(value, node.decorator_list, decorators))


def _makes_annotations_lazy(node: ast.stmt) -> bool:
    future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
    return future and any(alias.name == "annotations" for alias in node.names)  # type: ignore[attr-defined]


def _texts(node: ast.expr) -> list[str]:
    """The texts given to a decorator."""
    given = node.args if isinstance(node, ast.Call) else []
    return [str(item.value) for item in given if isinstance(item, ast.Constant)]


def _each(node: ast.For | ast.AsyncFor, value: Value) -> Value:
    """What one turn of a loop gets."""
    item = value.item()
    is_zip = isinstance(node.iter, ast.Call) and last_name(node.iter) in {"zip", "enumerate"}
    item.items = value.items if is_zip else []
    return item


def _bases(node: ast.ClassDef) -> list[ast.expr]:
    return [*node.bases, *(keyword.value for keyword in node.keywords)]


def _is_mutable_attribute(node: ast.stmt) -> bool:
    """`items = []` in a class body: all instances share the list."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return value is not None and not isinstance(value, ast.Constant)


def _always_matches(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(map(_always_matches, pattern.patterns))
    return isinstance(pattern, ast.MatchAs) and (
        pattern.pattern is None or _always_matches(pattern.pattern)
    )


__all__ = ["LOCAL_CODE", "NONE", "analyse_python", "opaque", "parse"]
