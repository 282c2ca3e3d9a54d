"""What a call may do to its function, its receiver and its arguments, and what it gives.

This module decides whom a call may change, and who shares with whom afterwards. It must not
know how the functions of the notebook behave; that is said by name, and found out later.
"""
# ruff: noqa: D102 - visitors are named after the nodes of `ast`

from __future__ import annotations

import ast
import re

from . import known
from .bindings import Bindings
from .libraries import (
    changes_itself_only,
    changes_owner,
    is_generator,
    is_object,
    keeps_arguments,
    leaves_arguments,
    library_of,
)
from .records import (
    ANY,
    ITSELF,
)
from .values import (
    CONST,
    FRESH,
    Sink,
    Value,
    is_global,
    last_name,
    merged,
    token,
)

_TABLES = re.compile(r"\b(?:from|join|pivot|describe|summarize)\s+(?=([\w\s,]+))", re.IGNORECASE)
_AT_NAME = re.compile(r"(?<![\w@])@([A-Za-z_]\w*)")


class Calls(Bindings):
    """The calls of one cell."""

    def visit_Call(self, node: ast.Call) -> Value:
        function = self.expr(node.func)
        given = self._arguments(node)
        values = [value for _, value in given]
        callee = self._dotted(node.func)
        if callee:
            self.sink.calls.add(callee)
        self._run_given(function, values)
        self._dynamic(node, callee, function)
        if not isinstance(node.func, ast.Attribute):
            self.mutate(function, certain=False, callee=f"({ITSELF})")
        for slot, value in given:
            if slot in {"out", "ax"}:
                self.mutate(value, certain=True)
        if isinstance(node.func, ast.Attribute) and not _is_module(function.origin):
            self._method(node, node.func, function, given, callee)
        else:
            self._function(node, function, given, callee)
        return self._result(node, callee, function, values)

    def _arguments(self, node: ast.Call) -> list[tuple[str, Value]]:
        """The values given, each with its position or name; no slot where that is not sure."""
        given = []
        for number, arg in enumerate(node.args):
            sure = not any(isinstance(item, ast.Starred) for item in node.args[: number + 1])
            given.append((str(number) if sure else "", self.expr(arg)))
        return given + [(item.arg or "", self.expr(item.value)) for item in node.keywords]

    def _run_given(self, function: Value, given: list[Value]) -> None:
        for value in (function, *given):
            if self.sink is self.cell and value.carried:
                self.run(value.carried)

    def _result(self, node: ast.Call, callee: str, function: Value, given: list[Value]) -> Value:
        origin = function.origin and function.origin + "()"
        if callee in known.FRESH_BUILTINS and self._is_builtin(callee):
            return FRESH
        if isinstance(node.func, ast.Attribute) and node.func.attr in known.FRESH_METHODS:
            return Value(origin=origin)
        if function.origin.startswith(known.FRESH_MODULES):
            return Value(origin=origin)
        if isinstance(node.func, ast.Attribute) and not keeps_arguments(function.origin):
            given = []
        named, last = isinstance(node.func, ast.Name), last_name(node.func)
        value = self._result_of(
            function,
            given,
            named=named,
            eager=last in known.EAGER_CALLERS and (last != "map" or not named),
        )
        generator = any(
            sink.generator or sink.key in self.oneshot for sink in self._sinks(function)
        )
        value.oneshot = generator or callee in known.ONESHOT_CALLS
        value.origin = origin
        value.items = self._zipped(callee, given)
        return value

    def _zipped(self, callee: str, given: list[Value]) -> list[Value]:
        """What the parts of each item of `zip(a, b)` and `enumerate(a)` are."""
        if callee not in {"zip", "enumerate"} or not self._is_builtin(callee):
            return []
        items = [value.item() for value in given]
        return items if callee == "zip" else [CONST, *items[:1]]

    def _result_of(self, function: Value, given: list[Value], *, named: bool, eager: bool) -> Value:
        """A call's result may be an argument, or what a function that is called gives."""
        value = merged(given if named else [function, *given]).indirect()
        called = self._sinks(merged([function, *given]))
        late = {sink for name in function.names for sink in self.carried.get(name, ())}
        if eager:  # the functions given have been called, and are not kept
            value.carried = function.carried
        for sink in called:
            if sink not in late:
                value.names.setdefault(sink.key, False)
            returned = (sink,) if sink.method or sink.generator else ()
            value.carried += (*returned, *self.carried.get(sink.key, ()))
        value.callees |= frozenset(function.names).union(*(item.names for item in given))
        value.carried = tuple(dict.fromkeys(value.carried))
        return value

    def _sinks(self, value: Value) -> list[Sink]:
        named = [sink for name in value.names for sink in self.carried.get(name, ())]
        return list(dict.fromkeys([*value.carried, *named]))

    def _method(
        self,
        node: ast.Call,
        func: ast.Attribute,
        owner: Value,
        given: list[tuple[str, Value]],
        callee: str,
    ) -> None:
        if func.attr in known.CALLERS:
            self._called_back([("", owner), *given])
        certain = func.attr in known.MUTATING_METHODS or _in_place(node)
        safe = leaves_arguments(owner.origin)
        if (func.attr in known.PURE_METHODS or (safe and not changes_owner(owner.origin))) and (
            not certain
        ):
            self._drawn_from(given)
            return
        self.mutate(
            owner,
            certain=certain,
            callee=token(callee or "." + func.attr, "."),
            shallow=changes_itself_only(owner.origin),
        )
        if safe:
            self._drawn_from(given)
            return
        for slot, value in given:
            for name in owner.names:
                self.share(name, value.indirect())
            if not certain:
                self._pass(value, callee or "." + func.attr, slot)

    def _function(
        self, node: ast.Call, function: Value, given: list[tuple[str, Value]], callee: str
    ) -> None:
        if last_name(node.func) in known.CALLERS:
            self._called_back(given)
        if callee in known.PURE_BUILTINS and self._is_builtin(callee):
            return
        origin = function.origin or callee
        if given and origin in known.MUTATING_FUNCTIONS:
            self.mutate(given[0][1], certain=True)
        if leaves_arguments(function.origin):
            self._drawn_from(given)
            return
        for slot, value in given:
            self._pass(value, callee, slot)
        for _, value in given[1:]:
            for name in given[0][1].names:
                self.share(name, value.indirect())

    def _drawn_from(self, given: list[tuple[str, Value]]) -> None:
        """Random generators change wherever they are given."""
        for slot, value in given:
            if slot in known.RANDOM_SLOTS or is_generator(value.origin):
                self._pass(value, "", slot)

    def _called_back(self, given: list[tuple[str, Value]]) -> None:
        """Functions among the arguments may be called with the other ones."""
        for _, function in given:
            self.mutate(function, certain=False, callee=f"({ITSELF})")
            others = merged([value for _, value in given if value is not function])
            if function.names or function.carried:
                self.sink.passed.update(others.names)
                self.sink.handed.update(dict.fromkeys(others.carried))
            for sink in function.carried:
                for key in dict.fromkeys(sink.slots.values()):
                    self.share(key, others.item())
            for name in function.names:
                self.mutate(
                    others, certain=False, callee=token(name, ANY) if is_global(name) else ""
                )

    def _pass(self, value: Value, path: str, slot: str) -> None:
        self.sink.passed.update(value.names)
        self.sink.handed.update(dict.fromkeys(value.carried))
        self.mutate(value, certain=False, callee=token(path, slot))

    def _is_builtin(self, name: str) -> bool:
        return self.frame.resolve(name)[0] is None and name not in self.defs

    def _dotted(self, node: ast.expr) -> str:
        """`np.random.seed` for such a chain on a global name, else nothing."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or self.frame.resolve(node.id)[0] is not None:
            return ""
        return ".".join([node.id, *reversed(parts)])

    def _dynamic(self, node: ast.Call, callee: str, function: Value) -> None:
        """Calls that reach names which the code does not show."""
        no_arguments = not node.args and not node.keywords
        if callee in {"exec", "eval", "globals"} or (callee in {"vars", "dir"} and no_arguments):
            self.sink.ambiguous[f"{callee}()"] = None
        elif callee == "locals" and not self._in_function():
            self.sink.ambiguous["locals()"] = None
        elif last_name(node.func) in {"query", "eval"} and node.args:
            self._at_names(node.args[0])
        if function.origin and library_of(function.origin) in known.SCANNING_LIBRARIES:
            self._tables(node)

    def _at_names(self, node: ast.expr) -> None:
        """pandas: `df.query("x > @limit")` reads the variable `limit`."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in _AT_NAME.findall(node.value):
                self.load(name)

    def _tables(self, node: ast.Call) -> None:
        """duckdb: `duckdb.sql("from df")` reads the variable `df`, if there is one."""
        if last_name(node.func) not in known.SQL_FUNCTIONS:
            return
        texts = [item for arg in node.args[:1] for item in ast.walk(arg)]
        for text in texts:
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                for name in tables(text.value):
                    self.load(name)
                    self.optional.add(name)

    def _shell(self, node: ast.Attribute) -> None:
        is_shell = isinstance(node.value, ast.Call) and last_name(node.value) == "get_ipython"
        if is_shell and node.attr in known.SHELL_METHODS:
            self.sink.ambiguous[f"get_ipython().{node.attr}"] = None


def tables(sql: str) -> list[str]:
    """The names in SQL text that may be tables."""
    lists = [match[1].split(",") for match in _TABLES.finditer(sql)]
    first = [words[0] for item in lists for part in item if (words := part.split())]
    return [name for name in first if name.isidentifier()]


def _is_module(origin: str) -> bool:
    """True for members of modules, whose owner no call changes."""
    owner = origin.rpartition(".")[0]
    return bool(owner) and not is_object(owner) and ("." not in owner or leaves_arguments(origin))


def _in_place(node: ast.Call) -> bool:
    """True for `df.drop(..., inplace=True)`, or a flag whose value is not known."""
    return any(
        item.arg == "inplace"
        and not (isinstance(item.value, ast.Constant) and not item.value.value)
        for item in node.keywords
    )
