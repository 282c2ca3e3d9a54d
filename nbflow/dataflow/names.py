"""What one cell's Python code reads, binds and may change.

This module decides it from the syntax tree alone, by Python's own scoping rules, walking the
code in the order in which it runs. It must not know of magics, of other cells, or of values.

How it works. `_Visitor` keeps a *state*: the names that this cell has surely bound or deleted
by now (None: this point is never reached). Reading a global name outside the state is a `ref`.
Bodies of functions run later: what they do is gathered in a `Sink` of their own, carried by the
name they are bound to, and counted wherever that name is read. Values are followed as far as
aliasing goes: `flows` says which names may share an object.
"""
# ruff: noqa: N815, ARG002 - visitors are named after the nodes of `ast`, and take them all

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import known
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
    ENTANGLED,
    ITSELF,
    NONE,
    CellAnalysis,
    Effects,
    Names,
    merge_effects,
    slot_of,
)
from .scopes import Frame, bound_by_import, declare, defaults_of, parameters

State = set[str] | None

#: Code of this name, made by `cells`, runs at once in a namespace of its own (`%timeit`).
LOCAL_CODE = "__nbflow_local__"

_AT_NAME = re.compile(r"(?<![\w@])@([A-Za-z_]\w*)")
_HISTORY = re.compile(r"_i?\d+$")


def analyse_python(source: str, origins: Mapping[str, str] | None = None) -> CellAnalysis:
    """The analysis of plain Python code; code that Python cannot parse gives an opaque one.

    `origins` says what names of earlier cells stand for: `np` for `numpy`, `df` for
    `pandas.read_csv()`, an object that pandas made.
    """
    try:
        tree = parse(source)
        return _Visitor(origins or {}).analyse(tree)
    except SyntaxError as error:
        return opaque(f"line {error.lineno or 1}: {error.msg}")
    except (RecursionError, MemoryError):
        return opaque("line 1: too deeply nested to be analysed")
    except ValueError as error:  # null bytes
        return opaque(f"line 1: {error}")


def opaque(reason: str) -> CellAnalysis:
    """The analysis of code that cannot be understood."""
    return CellAnalysis(parse_error=reason, ambiguous=("cannot be parsed",))


def parse(source: str) -> ast.Module:
    """The syntax tree, without the warnings that Python prints about doubtful literals."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


class Value:
    """What is known of an expression's value."""

    __slots__ = ("callees", "carried", "const", "items", "names", "oneshot", "origin")

    def __init__(
        self,
        names: dict[str, bool] | None = None,
        carried: tuple[Sink, ...] = (),
        *,
        callees: frozenset[str] = NONE,
        oneshot: bool = False,
        const: bool = False,
        origin: str = "",
    ) -> None:
        #: Names whose object this may be, or be part of, or contain; True when it surely may.
        self.names = names or {}
        #: Code that whoever holds the value may run.
        self.carried = carried
        #: Functions and classes whose result it may be.
        self.callees = callees
        self.oneshot = oneshot
        #: True for numbers, strings and the like, which nothing can change.
        self.const = const
        #: The module, or member of a module, that this is, or that made it (`numpy.zeros()`).
        self.origin = origin
        #: The values of a tuple or list written out.
        self.items: list[Value] = []

    def indirect(self) -> Value:
        """The value as seen through a call, which may or may not pass it on."""
        names = dict.fromkeys(self.names, False)
        return Value(names, self.carried, callees=self.callees, oneshot=self.oneshot)

    def item(self) -> Value:
        """What iterating over the value, or taking a part of it, gives."""
        origin = self.origin and self.origin + "[]"
        return Value(self.names, self.carried, callees=self.callees, origin=origin)


def _merged(values: Iterable[Value]) -> Value:
    names: dict[str, bool] = {}
    carried: dict[Sink, None] = {}
    oneshot = False
    callees: frozenset[str] = NONE
    for value in values:
        callees |= value.callees
        for name, direct in value.names.items():
            names[name] = direct or names.get(name, False)
        carried.update(dict.fromkeys(value.carried))
        oneshot = oneshot or value.oneshot
    return Value(names, tuple(carried), callees=callees, oneshot=oneshot)


_FRESH = Value()
_CONST = Value(const=True)


class Sink:
    """Where the effects of one body of code are gathered."""

    def __init__(self, serial: int = 0) -> None:
        #: What stands for the body's result among all names.
        self.key = f"return@{serial}"
        #: The keys of the parameters, by slot: position and name.
        self.slots: dict[str, str] = {}
        #: True for methods: their class's instances carry them.
        self.method = False
        self.reads: set[str] = set()
        self.builtins: set[str] = set()
        self.writes: set[str] = set()
        self.mutates: dict[str, bool] = {}
        #: Keys changed without what their objects were made with.
        self.shallow: set[str] = set()
        #: Functions whose results are changed.
        self.changed: set[str] = set()
        self.callees: dict[str, set[str]] = {}
        self.calls: set[str] = set()
        self.passed: set[str] = set()
        self.handed: dict[Sink, None] = {}
        self.ambiguous: dict[str, None] = {}
        self.generator = False
        #: The outcome, once everything is gathered.
        self.effects: Effects | None = None

    def absorb(self, other: Sink) -> None:
        """Count another body's effects as this one's; reads are the caller's business."""
        for key, certain in other.mutates.items():
            self.mutates[key] = certain or self.mutates.get(key, False)
        for key, callees in other.callees.items():
            self.callees.setdefault(key, set()).update(callees)
        self.shallow |= other.shallow
        self.changed |= other.changed
        self.calls |= other.calls
        self.passed |= other.passed
        self.handed.update(other.handed)
        self.ambiguous.update(other.ambiguous)

    def read(self, name: str) -> None:
        """Count a global name as read."""
        (self.builtins if name in known.BUILTINS else self.reads).add(name)


def _join(*states: State) -> State:
    """What holds whichever of the paths was taken."""
    reached = [state for state in states if state is not None]
    return set.intersection(*reached) if reached else None


def _copy(state: State) -> State:
    return None if state is None else set(state)


def _is_local(key: str) -> bool:
    return "@" in key


def _is_global(key: str) -> bool:
    """Locals are known by `name@scope`."""
    return "@" not in key


class _Visitor:
    """Walks one cell's tree in execution order; see the module's docstring."""

    def __init__(self, origins: Mapping[str, str]) -> None:
        self.serial = 0
        #: What keys stand for, or what made what they hold; "" when that is not sure.
        self.origins = dict(origins)
        #: True while a statement runs that runs whatever happened before.
        self.straight = False
        self.module = Frame("module", 0)
        self.frame = self.module
        self.cell = Sink()
        self.sink = self.cell
        self.state: State = set()
        self.loops: list[list[State]] = []
        self.flows: dict[str, dict[str, bool]] = {}
        self.carried: dict[str, dict[Sink, None]] = {}
        self.results: dict[str, set[str]] = {}
        self.class_sinks: list[Sink] | None = None
        self.oneshot: set[str] = set()
        self.constants: set[str] = set()
        self.variables: set[str] = set()
        self.defs: set[str] = set()
        self.deletes: set[str] = set()
        self.imports: dict[str, str] = {}
        #: Code whose effects are counted already, and the names that were bound by then.
        self.done: set[Sink] = set()
        self.skipped: set[str] = set()
        #: Steps taken from name to name.
        self.steps = 0
        self.looked_up: set[str] = set()
        self.statements: dict[type, Any] = {}
        self.expressions: dict[type, Any] = {}

    # ── result ───────────────────────────────────────────────────────────────────────────

    def analyse(self, tree: ast.Module) -> CellAnalysis:
        for statement in tree.body:
            self.straight = isinstance(statement, _STRAIGHT)
            self.statement(statement)
        try:
            return self._analysis()
        except TooEntangled:
            return self._entangled()

    def _entangled(self) -> CellAnalysis:
        """What is known without following what names share."""
        return CellAnalysis(
            defs=frozenset(self.defs),
            refs=frozenset(self.cell.reads),
            builtins=frozenset(self.cell.builtins),
            ambiguous=(*self.cell.ambiguous, ENTANGLED),
        )

    def _analysis(self) -> CellAnalysis:
        state = self.state or set()
        gone = {name[1:] for name in state if name[0] == "-"}
        sure = {name[1:] for name in state if name[0] == "+"}
        defs = frozenset(self.defs - gone)
        mutates, may_mutate, callees = self._mutations(self.cell)
        functions = {
            name: self._effects(sinks)
            for name, sinks in self.carried.items()
            if sinks and _is_global(name)
        }
        return CellAnalysis(
            defs=defs,
            sure_defs=frozenset(sure) & defs,
            deletes=frozenset(self.deletes),
            sure_deletes=frozenset(gone),
            refs=frozenset(self.cell.reads),
            builtins=frozenset(self.cell.builtins),
            mutates=mutates,
            may_mutate=may_mutate,
            mutated_by=callees,
            imports={name: self.imports[name] for name in sorted(self.imports) if name in defs},
            functions=functions,
            flows=self._global_flows(defs | mutates | may_mutate),
            constants=frozenset(self.constants - self.variables) & defs,
            made=self._made(frozenset(sure) & defs),
            oneshot=frozenset(name for name in self.oneshot if "@" not in name),
            results=self._global_results(defs | mutates | may_mutate),
            changes=self._changed(self.cell, self._changes(self.cell)[1]),
            handed=self._effects(self.cell.handed),
            passed=self._globals(self.cell.passed),
            calls=frozenset(self.cell.calls),
            ambiguous=tuple(self.cell.ambiguous),
        )

    def _effects(self, sinks: Iterable[Sink]) -> Effects:
        return merge_effects([self._effects_of(sink) for sink in sinks])

    def _effects_of(self, sink: Sink) -> Effects:
        if sink.effects is None:
            certain, handed = self._changes(sink)
            mutates = frozenset(filter(_is_global, certain))
            touched = {*filter(_is_global, {*certain, *handed}), *sink.writes}
            keys = self._near([sink.key])
            kept = {*self._near(touched), *sink.passed} if touched else set[str]()
            callees = frozenset[str]().union(*(self.results.get(key, NONE) for key in keys))
            carries = any(self.carried.get(key) for key in keys if not _is_global(key))
            sink.effects = Effects(
                frozenset(sink.reads),
                frozenset(sink.writes),
                mutates,
                frozenset(filter(_is_global, handed)) - mutates,
                frozenset(sink.builtins),
                frozenset(sink.calls),
                frozenset(filter(_is_global, keys)),
                frozenset(filter(_is_global, callees)),
                frozenset(filter(_is_global, kept)),
                self._changed(sink, handed),
                carries or sink.method or sink.generator,
                sink.generator,
                {} if sink.method or sink.generator else self._hands(sink, certain, handed),
                tuple(sink.ambiguous),
            )
        return sink.effects

    def _changed(self, sink: Sink, keys: Iterable[str]) -> Names:
        """The functions whose results are changed, given the keys that are."""
        found = sink.changed.union(*(self.results.get(key, NONE) for key in keys))
        return frozenset(filter(_is_global, found))

    @staticmethod
    def _hands(sink: Sink, certain: set[str], handed: dict[str, set[str]]) -> dict[str, Names]:
        """For the parameters that the body does not change itself, who gets them."""
        found = {}
        for slot, key in sink.slots.items():
            callees = handed.get(key, set())
            if key not in certain and "" not in callees:
                found[slot] = frozenset(callees)
        if found.keys() == sink.slots.keys():
            found[ANY] = NONE.union(*found.values())
        return found

    def _made(self, names: Names) -> dict[str, str]:
        """The objects of libraries that names surely hold at the end."""
        found = {name: self.origins.get(name, "") for name in sorted(names)}
        return {name: origin for name, origin in found.items() if is_object(origin)}

    def _mutations(self, sink: Sink) -> tuple[Names, Names, dict[str, Names]]:
        """The global names changed: surely, perhaps, and by calling what."""
        surely, handed = self._changes(sink)
        certain = frozenset(filter(_is_global, surely))
        perhaps = {key for key in handed if _is_global(key)} - certain
        callees = {name: self._open(handed[name]) for name in sorted(perhaps)}
        callees = {name: found for name, found in callees.items() if found}
        return certain, frozenset(callees), callees

    def _changes(self, sink: Sink) -> tuple[set[str], dict[str, set[str]]]:
        """The keys changed in place: surely, and perhaps, by whom."""
        surely = {key for key, certain in sink.mutates.items() if certain}
        callees: dict[str, set[str]] = {key: {""} for key in sink.mutates}
        for key, names in sink.callees.items():
            callees.setdefault(key, set()).update(names)
        for body in (item for name in sink.changed for item in self.carried.get(name, ())):
            callees.setdefault(body.key, set()).add("")
        self._spread(callees)
        return self._closure(surely | sink.shallow, direct=True), callees

    def _open(self, callees: Iterable[str]) -> Names:
        """Without the functions of this cell that are known to leave their argument alone."""
        todo, found, done = list(callees), set[str](), set[str]()
        while todo:
            callee = todo.pop()
            if callee in done:
                continue
            done.add(callee)
            own = self._own_handing(callee)
            if own is None:
                found.add(callee)
            else:
                todo += own
        return frozenset(found)

    def _own_handing(self, callee: str) -> Names | None:
        """Who gets the argument from a function that surely is this cell's own."""
        path, slot = slot_of(callee)
        is_own = path in self.carried and "+" + path in (self.state or ())
        if not is_own or path in self.flows or path in self.results or path in self.cell.reads:
            return None
        return self._effects(self.carried[path]).handing(slot)

    def _spread(self, callees: dict[str, set[str]]) -> None:
        """Whoever changes a key's object changes it for all that may share it."""
        todo = list(callees)
        while todo:
            key = todo.pop()
            for name in self._links(key):
                found = callees.setdefault(name, set())
                if not callees[key] <= found:
                    found |= callees[key]
                    todo.append(name)

    def _links(self, key: str, *, local: bool = False) -> Mapping[str, bool]:
        """The keys whose object the key's value may share, the results of calls among them.

        If `local`, of calls of local functions only.
        """
        self.steps += 1
        if self.steps > BUDGET:
            raise TooEntangled
        near = self.flows.get(key, {})
        callees: Iterable[str] = self.results.get(key, ())
        if local:
            callees = filter(_is_local, callees)
        late = {sink.key: False for name in callees for sink in self.carried.get(name, ())}
        return {**late, **near} if late else near

    def _closure(self, keys: Iterable[str], *, direct: bool = False) -> set[str]:
        """The keys that may share an object with these; by direct links only, if asked."""
        found = set(keys)
        todo = list(found)
        while todo:
            for name, is_direct in self._links(todo.pop()).items():
                if name not in found and (is_direct or not direct):
                    found.add(name)
                    todo.append(name)
        return found

    def _near(self, keys: Iterable[str]) -> set[str]:
        """What these share with; what other globals share in turn is the graph's business."""
        found, todo = set[str](), list(keys)
        while todo:
            new = self._links(todo.pop(), local=True).keys() - found
            found |= new
            todo += filter(_is_local, new)
        return found

    def _globals(self, keys: Iterable[str]) -> Names:
        return frozenset(filter(_is_global, self._closure(keys)))

    def _neighbours(self, key: str) -> dict[str, bool]:
        """What the key's value may share: the next global names, and the locals on the way."""
        found: dict[str, bool] = {}
        todo = [(key, True)]
        while todo:
            source, so_far = todo.pop()
            for name, direct in self._links(source, local=True).items():
                through = so_far and direct
                if name not in found or (through and not found[name]):
                    found[name] = through
                    if not _is_global(name):
                        todo.append((name, through))
        return found

    def _global_flows(self, names: Iterable[str]) -> dict[str, dict[str, bool]]:
        flows = {}
        for name in sorted(names):
            near = self._neighbours(name)
            if found := {other: near[other] for other in sorted(near) if _is_global(other)}:
                flows[name] = found
        return flows

    def _global_results(self, names: Iterable[str]) -> dict[str, Names]:
        """The functions whose result a name's value may be."""
        results = {}
        for name in sorted(names):
            keys = [name, *(key for key in self._neighbours(name) if not _is_global(key))]
            found = frozenset().union(*(self.results.get(key, NONE) for key in keys))
            if callees := frozenset(filter(_is_global, found)):
                results[name] = callees
        return results

    # ── names ────────────────────────────────────────────────────────────────────────────

    def load(self, name: str) -> Value:
        """Read a name."""
        name = self.frame.mangle(name)
        frame, of_class = self.frame.resolve(name)
        if frame is None:
            self.read_global(name)
            is_builtin = name in known.BUILTINS and name not in self.defs
            return _FRESH if is_builtin else Value({name: True}, origin=self._origin_of(name))
        key = frame.key(name)
        if of_class and self.state is not None and key not in self.state:
            return self._load_class_name(frame, name)
        carried = tuple(self.carried.get(key, ()))
        return Value({key: True}, carried, origin=self.origins.get(key, ""))

    def _origin_of(self, name: str) -> str:
        """What a global name stands for; code that runs later may find other objects there."""
        origin = self.origins.get(name, "")
        return "" if self.sink is not self.cell and is_object(origin) else origin

    def _load_class_name(self, frame: Frame, name: str) -> Value:
        """Read a name that a class body may not have bound yet: then it is an outer one."""
        outer = frame.parent.resolve(name)[0] if frame.parent else None
        key = outer.key(name) if outer else name
        if outer is None:
            self.read_global(name)
        return Value({frame.key(name): True, key: True})

    def read_global(self, name: str) -> None:
        """Count a read of a global name, and of what the code it carries reads."""
        if self.state is not None and name not in self.state:
            self.sink.read(name)
            if name in known.HISTORY or _HISTORY.match(name):
                self.sink.ambiguous[f"reads the history of cells ({name})"] = None
        if self.sink is self.cell and name in self.carried:
            self.looked_up.add(name)
            self.run(self.carried[name])

    def run(self, sinks: Iterable[Sink]) -> None:
        """Count the effects of bodies of code that may run now, and of what they call."""
        if self.state is not None and not self.skipped <= self.state:
            self.done.clear()  # some names that were bound then may not be bound here
            self.skipped.clear()
        todo = list(sinks)
        while todo:
            sink = todo.pop()
            if sink in self.done:
                continue
            self.done.add(sink)
            if sink is not self.sink:
                self.sink.absorb(sink)
            self._write_perhaps(sink.writes)
            for name in sink.reads | sink.builtins:
                todo += self._read_by_code(name)

    def _read_by_code(self, name: str) -> Iterable[Sink]:
        """Called code reads a global name; gives the code that the name carries."""
        if self.state is not None and name in self.state:
            self.skipped.add(name)
        elif self.state is not None:
            self.sink.read(name)
        if self.sink is not self.cell:
            return ()
        self.looked_up.add(name)
        return self.carried.get(name, ())

    def _write_perhaps(self, names: Iterable[str]) -> None:
        if self.sink is self.cell:
            self.defs.update(names)
            self.variables.update(names)
        else:
            self.sink.writes.update(names)

    def store(self, name: str, value: Value, frame: Frame | None = None) -> None:
        """Bind a name to a value."""
        frame = frame or self.frame
        name = frame.mangle(name)
        if frame.kind == "module" or name in frame.globals:
            key = name
            self._bind_global(name, value)
        elif name in frame.nonlocals:
            owner = frame.parent.resolve(name)[0] if frame.parent else None
            key = owner.key(name) if owner else name
        else:
            key = frame.key(name)
            self._settle(key)
        self.share(key, value)
        self._stand_for(key, value.origin)
        if value.oneshot:
            self.oneshot.add(key)

    def _stand_for(self, key: str, origin: str) -> None:
        """The key holds this from here on, or perhaps what it held before."""
        old = self.origins.get(key, origin)
        sure = self.straight and self.sink is self.cell and self.frame.kind == "module"
        if not sure and library_of(old) != library_of(origin):
            origin = ""
        self.origins[key] = origin

    def _bind_global(self, name: str, value: Value) -> None:
        self._settle(name)
        if self.sink is self.cell:
            self.defs.add(name)
            self._settle("+" + name)
            if self.state is not None:
                self.state.discard("-" + name)
        else:
            self.sink.writes.add(name)
        (self.constants if value.const else self.variables).add(name)

    def _settle(self, key: str) -> None:
        if self.state is not None:
            self.state.add(key)

    def share(self, key: str, value: Value) -> None:
        """Note that the object of `key` may share with the value, and carry its code."""
        if value.names:
            links = self.flows.setdefault(key, {})
            for name, direct in value.names.items():
                links[name] = direct or links.get(name, False)
        if value.callees:
            self.results.setdefault(key, set()).update(value.callees)
        sinks = dict.fromkeys(value.carried)
        for name, direct in value.names.items():
            sinks.update(self.carried.get(name, ()))
            if direct and name in self.oneshot:
                self.oneshot.add(key)
        if sinks:
            self._carry(key, sinks)

    def _carry(self, key: str, sinks: dict[Sink, None]) -> None:
        known_sinks = self.carried.setdefault(key, {})
        if key in self.looked_up and not sinks.keys() <= known_sinks.keys():
            self.done.clear()  # code that reads this name does more from now on
        known_sinks.update(sinks)

    def delete(self, name: str) -> None:
        """`del name`: it must exist, and is gone afterwards."""
        name = self.frame.mangle(name)
        owner = self.frame.resolve(name)[0]
        self.load(name)
        if owner is not None:
            if self.state is not None:
                self.state.discard(owner.key(name))
            return
        self._forget(name)

    def _forget(self, name: str) -> None:
        """A global name is gone from here on."""
        self._settle(name)
        if self.sink is not self.cell:
            self.sink.writes.add(name)
            return
        self.deletes.add(name)
        if self.state is not None:
            self.state.discard("+" + name)
            self.state.add("-" + name)

    def mutate(
        self, value: Value, *, certain: bool, callee: str = "", shallow: bool = False
    ) -> None:
        """Note that the value's object is, or may be, changed in place.

        A shallow change leaves alone what the object was made with.
        """
        if not shallow and callee != f"({ITSELF})":
            self.sink.changed |= value.callees
        for name, direct in value.names.items():
            if certain and shallow:
                self.sink.shallow.update([name] if direct else [])
            elif certain:
                self.sink.mutates[name] = direct or self.sink.mutates.get(name, False)
            else:
                self.sink.callees.setdefault(name, set()).add(callee)

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

    @staticmethod
    def _also(name: str, value: Value, frame: Frame) -> Value:
        """The value, now that a name holds it too."""
        if value.const:
            return value
        name = frame.mangle(name)
        owner, _ = frame.resolve(name)
        return _merged([value, Value({owner.key(name) if owner else name: True})])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        value = self.expr(node.value) if node.value else None
        if value is not None:
            self.assign(node.target, value)
        elif not isinstance(node.target, ast.Name):
            self._target_parts(node.target)
        if not self._in_function():
            self.expr(node.annotation)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        target = node.target
        if not isinstance(target, ast.Name):
            self._change_parts(target, self.expr(node.value))
            return
        old = self.load(target.id)
        value = self.expr(node.value)
        if not value.const:  # `x += 1` and `s += "a"` change no list in place
            self.mutate(old, certain=True)
        both = _merged([old, value.indirect()])
        both.const = value.const
        self.store(target.id, both)

    def assign(self, target: ast.expr, value: Value, node: ast.expr | None = None) -> None:
        """Bind a target: a name, a pattern of names, or a part of an object."""
        if isinstance(target, ast.Name):
            self.store(target.id, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._assign_each(target.elts, value, node)
        else:
            self._change_parts(target, value)

    def _assign_each(self, targets: list[ast.expr], value: Value, node: ast.expr | None) -> None:
        del node
        pairs = value.items
        if len(pairs) != len(targets) or any(isinstance(item, ast.Starred) for item in targets):
            pairs = [value.item()] * len(targets)
        for target, item in zip(targets, pairs, strict=True):
            self.assign(target, item)

    def _change_parts(self, target: ast.expr, value: Value) -> None:
        """`x.a = v`, `x[k] = v`: x is changed, and may hold v from now on."""
        owner = self._target_parts(target)
        self.mutate(owner, certain=True)
        for name in owner.names:
            self.share(name, value)

    def _target_parts(self, target: ast.expr) -> Value:
        if isinstance(target, ast.Subscript):
            owner = self.expr(target.value)
            self.expr(target.slice)
            return owner
        return self.expr(target.value) if isinstance(target, ast.Attribute) else self.expr(target)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete_target(target)

    def _delete_target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.delete(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._delete_target(item)
        else:
            self.mutate(self._target_parts(target), certain=True)

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
        self.store(name, Value(origin=origin))
        if self.frame.kind == "module":
            self.imports[name] = origin

    def visit_Return(self, node: ast.Return) -> None:
        if node.value:
            self.give(self.expr(node.value))
        self.state = None

    def give(self, value: Value) -> None:
        """A function hands the value to its caller."""
        self.share(self.sink.key, value)

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
        self.state = _join(*ends, self.state)

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
        before = _copy(self.state)
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
        self.state = _join(self.state, *breaks)

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
            swallows = swallows or _last_name(item.context_expr) in known.SUPPRESSORS
            if item.optional_vars:
                self.assign(item.optional_vars, value)
        before = _copy(self.state)
        self.block(node.body)
        if swallows:
            self.state = _join(self.state, before)

    visit_AsyncWith = visit_With

    def visit_Try(self, node: ast.Try) -> None:
        before = _copy(self.state)
        self.block(node.body)
        self.block(node.orelse)
        ends = [self.state]
        for handler in node.handlers:
            self.state = _copy(before)
            self._handler(handler)
            ends.append(self.state)
        after = _join(*ends)
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
        self.store(handler.name, _FRESH)
        if not was_defined:  # it never outlives the handler
            self.defs.discard(handler.name)
        self.block(handler.body)
        frame = self.frame
        if frame.kind == "module" or frame.mangle(handler.name) in frame.globals:
            self._forget(frame.mangle(handler.name))

    def _finally(self, body: list[ast.stmt], before: State, after: State) -> State:
        """Runs after anything, and then adds to whatever held."""
        self.state = _copy(before)
        self.block(body)
        if self.state is None or after is None:
            return None
        return after | (self.state - (before or set()))

    def visit_Match(self, node: ast.Match) -> None:
        value = self.expr(node.subject)
        ends: list[State] = []
        for case in node.cases:
            before = _copy(self.state)
            self._pattern(case.pattern, value)
            missed: State = before
            if case.guard:
                self.state, failed = self.condition(case.guard)
                missed = _join(before, failed)
            self.block(case.body)
            ends.append(self.state)
            self.state = missed
            if case.guard is None and _always_matches(case.pattern):
                self.state = None
        self.state = _join(*ends, self.state)

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
            self.state = _copy(before)
            self._pattern(alternative, value)
            ends.append(self.state)
        self.state = _join(*ends)

    # ── conditions ───────────────────────────────────────────────────────────────────────

    def condition(self, node: ast.expr) -> tuple[State, State]:
        """Evaluate a test; the states in which it held and in which it did not."""
        if isinstance(node, ast.BoolOp):
            return self._bool_op(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            when_true, when_false = self.condition(node.operand)
            return when_false, when_true
        self.expr(node)
        if isinstance(node, ast.Constant):
            return (self.state, None) if node.value else (None, self.state)
        return self.state, _copy(self.state)

    def _bool_op(self, node: ast.BoolOp) -> tuple[State, State]:
        conjunction = isinstance(node.op, ast.And)
        short: list[State] = []
        for operand in node.values:
            when_true, when_false = self.condition(operand)
            short.append(_copy(when_false if conjunction else when_true))
            self.state = when_true if conjunction else when_false
        going, stopped = self.state, _join(*short)
        return (going, stopped) if conjunction else (stopped, going)

    # ── functions, lambdas, classes ──────────────────────────────────────────────────────

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.expr(decorator)
        defaults = self._defaults(node.args)
        outer = self.frame
        self._type_params(node)
        if node.name != LOCAL_CODE:
            self._annotations(node)
        sink = self._body(node.args, node.body, outer.owner_key(node.name))
        self.frame = outer
        sink.generator = sink.generator or isinstance(node, ast.AsyncFunctionDef)
        if node.name == LOCAL_CODE or self._decorators_may_call(node.decorator_list):
            sink.slots = {}  # the decorator may give another function
            self.run([sink])
        if node.name != LOCAL_CODE:
            self.store(node.name, Value(defaults.indirect().names, (sink, *defaults.carried)))

    visit_AsyncFunctionDef = visit_FunctionDef

    def _decorators_may_call(self, decorators: list[ast.expr]) -> bool:
        return any(_last_name(item) not in known.QUIET_DECORATORS for item in decorators)

    def _defaults(self, args: ast.arguments) -> Value:
        present = [*args.defaults, *(default for default in args.kw_defaults if default)]
        return _merged([self.expr(default) for default in present])

    def _annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for arg in parameters(node.args):
            if arg.annotation:
                self.expr(arg.annotation)
        if node.returns:
            self.expr(node.returns)

    def _push(self, kind: str, class_name: str = "") -> Frame:
        self.serial += 1
        name = class_name or self.frame.class_name
        self.frame = Frame(kind, self.serial, self.frame, class_name=name)
        return self.frame

    def _type_params(self, node: ast.AST) -> None:
        """PEP 695: `def f[T: int]` puts T in a scope around the function; bounds are lazy."""
        params: list[ast.AST] = getattr(node, "type_params", [])
        if not params:
            return
        frame = self._push("types")
        frame.bound.update(frame.mangle(param.name) for param in params)  # type: ignore[attr-defined]
        for param in params:
            for attribute in ("bound", "default_value"):
                if lazy := getattr(param, attribute, None):
                    self._deferred_expression(lazy)

    def _deferred_expression(self, node: ast.expr) -> Sink:
        outer = self.frame
        self._push("function")
        sink = self._in_sink(lambda: self.expr(node))
        self.frame = outer
        return sink

    def visit_TypeAlias(self, node: ast.AST) -> None:
        """PEP 695: `type X = ...` binds X at once and evaluates its value when asked for."""
        outer = self.frame
        self._type_params(node)
        sink = self._deferred_expression(node.value)  # type: ignore[attr-defined]
        self.frame = outer
        self.store(node.name.id, Value(carried=(sink,)))  # type: ignore[attr-defined]

    def _body(self, args: ast.arguments, body: Sequence[ast.AST], key: str = "") -> Sink:
        """Visit a body that runs later, in a scope of its own; `key` holds the function."""
        outer, frame = self.frame, self._push("function")
        frame.bound.update(frame.mangle(arg.arg) for arg in parameters(args))
        slots = _slots(args, frame)
        if key:
            self._shared_parameters(args, outer, frame, key)
        declare(frame, body)
        if isinstance(body[0], ast.expr):
            lone = body[0]
            sink = self._in_sink(lambda: self.give(self.expr(lone)))
        else:
            statements = [node for node in body if isinstance(node, ast.stmt)]
            sink = self._in_sink(lambda: self.block(statements))
        sink.slots = slots
        self.frame = outer
        return sink

    def _shared_parameters(self, args: ast.arguments, outer: Frame, frame: Frame, key: str) -> None:
        """A mutable default belongs to the function, and outlives its calls."""
        if outer.shared_state and parameters(args):
            self.share(frame.key(frame.mangle(parameters(args)[0].arg)), Value({outer.owner: True}))
        for arg, default in defaults_of(args):
            if not isinstance(default, ast.Constant):
                self.share(frame.key(frame.mangle(arg.arg)), Value({key: True}))

    def _in_sink(self, visit: Callable[[], object]) -> Sink:
        """Gather the effects of code that runs later; an outer function has them too."""
        outer, state, loops, classes = self.sink, self.state, self.loops, self.class_sinks
        done, skipped = self.done, self.skipped
        self.serial += 1
        sink = self.sink = Sink(self.serial)
        self.state, self.loops, self.class_sinks = set(), [], None
        self.done, self.skipped = set(), set()
        visit()
        self.sink, self.state, self.loops, self.class_sinks = outer, state, loops, classes
        self.done, self.skipped = done, skipped
        if classes is not None:
            classes.append(sink)
        if outer is not self.cell:
            outer.absorb(sink)
            outer.reads |= sink.reads
            outer.builtins |= sink.builtins
            outer.writes |= sink.writes
        return sink

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.expr(decorator)
        outer, sinks = self.frame, self.class_sinks
        self._type_params(node)
        bases = _merged([self.expr(base) for base in _bases(node)])
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
        names = attributes | bases.indirect().names
        self.store(node.name, Value(names, (*own, *bases.carried)))

    def _in_function(self) -> bool:
        frame = self.frame
        while frame.kind == "types" and frame.parent:
            frame = frame.parent
        return frame.kind == "function"

    # ── expressions ──────────────────────────────────────────────────────────────────────

    def expr(self, node: ast.expr) -> Value:
        """Evaluate an expression: count its effects, tell what is known of its value."""
        kind = type(node)
        method: Any = self.expressions.get(kind)
        if method is None:
            method = getattr(self, f"visit_{kind.__name__}", self._fresh)
            self.expressions[kind] = method
        value: Value = method(node)
        return value

    def _children(self, node: ast.AST) -> list[Value]:
        return [
            self.expr(item) for item in ast.iter_child_nodes(node) if isinstance(item, ast.expr)
        ]

    def _fresh(self, node: ast.expr) -> Value:
        self._children(node)
        return _FRESH

    def _whole(self, node: ast.expr) -> Value:
        return _merged(self._children(node))

    visit_Set = visit_Starred = _whole

    def visit_Tuple(self, node: ast.Tuple | ast.List) -> Value:
        items = self._children(node)
        value = _merged(items)
        if not any(isinstance(item, ast.Starred) for item in node.elts):
            value.items = items
        return value

    visit_List = visit_Tuple

    def visit_Dict(self, node: ast.Dict) -> Value:
        values = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key:
                values.append(self.expr(key))
            values.append(self.expr(value))
        return _merged(values)

    def visit_Constant(self, node: ast.Constant) -> Value:
        return _CONST

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Value:
        self._children(node)
        return _CONST

    visit_TemplateStr = _whole

    def visit_Compare(self, node: ast.Compare) -> Value:
        self.expr(node.left)
        self.expr(node.comparators[0])
        before = _copy(self.state)
        for comparator in node.comparators[1:]:  # evaluated only while all before held
            self.expr(comparator)
        if len(node.comparators) > 1:
            self.state = before
        return _FRESH

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Value:
        value = self.expr(node.operand)
        return _CONST if value.const or isinstance(node.op, ast.Not) else _FRESH

    def visit_BinOp(self, node: ast.BinOp) -> Value:
        operands, operators = _spine(node)
        values = [self.expr(operand) for operand in operands]
        if all(value.const for value in values):
            return _CONST
        shares = any(isinstance(op, ast.Add | ast.Mult | ast.BitOr) for op in operators)
        return _merged(values).indirect() if shares else _FRESH

    def visit_BoolOp(self, node: ast.BoolOp) -> Value:
        first, *others = node.values
        values = [self.expr(first)]
        before = _copy(self.state)
        values += [self.expr(other) for other in others]
        self.state = before  # the others may not have been evaluated
        return _merged(values)

    def visit_IfExp(self, node: ast.IfExp) -> Value:
        when_true, when_false = self.condition(node.test)
        self.state = when_true
        body = self.expr(node.body)
        after_body, self.state = self.state, when_false
        orelse = self.expr(node.orelse)
        self.state = _join(after_body, self.state)
        merged = _merged([body, orelse])
        merged.const = body.const and orelse.const
        return merged

    def visit_Name(self, node: ast.Name) -> Value:
        return self.load(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.expr(node.value)
        frame = self.frame
        while frame.kind == "comprehension" and frame.parent:
            frame = frame.parent
        self.store(node.target.id, value, frame)
        return self._also(node.target.id, value, frame)

    def visit_Attribute(self, node: ast.Attribute) -> Value:
        dotted = self._dotted(node)
        if dotted:
            self.sink.calls.add(dotted)
        self._shell(node)
        return self._part(self.expr(node.value), f".{node.attr}")

    @staticmethod
    def _part(value: Value, step: str) -> Value:
        """A part of a value, as long as the value is known to be, or come from, a module."""
        if not value.origin:
            return value
        part = Value(value.names, value.carried, callees=value.callees, oneshot=value.oneshot)
        part.origin = value.origin + step
        return part

    def visit_Subscript(self, node: ast.Subscript) -> Value:
        value = self.expr(node.value)
        self.expr(node.slice)
        return value.item()

    def visit_Lambda(self, node: ast.Lambda) -> Value:
        defaults = self._defaults(node.args)
        sink = self._body(node.args, [node.body])
        return Value(defaults.indirect().names, (sink, *defaults.carried))

    def visit_Await(self, node: ast.Await) -> Value:
        return self.expr(node.value).indirect()

    def visit_Yield(self, node: ast.Yield) -> Value:
        self.sink.generator = True
        value = self.expr(node.value) if node.value else _FRESH
        self.give(value)
        return value.indirect()

    def visit_YieldFrom(self, node: ast.YieldFrom) -> Value:
        self.sink.generator = True
        value = self.expr(node.value)
        self.give(value)
        return value.indirect()

    # ── comprehensions ───────────────────────────────────────────────────────────────────

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> Value:
        return self._comprehension(node.generators, [node.elt])

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> Value:
        return self._comprehension(node.generators, [node.key, node.value])

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Value:
        first = self.expr(node.generators[0].iter)
        frame = self.frame
        inner: list[Value] = []
        sink = self._in_sink(
            lambda: inner.append(self._clauses(node.generators, [node.elt], first))
        )
        self.frame = frame
        if self.sink is self.cell:
            self.run([sink])
        value = _merged([first, *inner])
        carried = (sink, *value.carried)
        return Value(value.names, carried, callees=value.callees, oneshot=True)

    def _comprehension(self, clauses: list[ast.comprehension], parts: list[ast.expr]) -> Value:
        first = self.expr(clauses[0].iter)
        before, frame = _copy(self.state), self.frame
        value = self._clauses(clauses, parts, first)
        self.state, self.frame = before, frame
        return value

    def _clauses(
        self, clauses: list[ast.comprehension], parts: list[ast.expr], first: Value
    ) -> Value:
        """Everything of a comprehension but its first iterable, which the outer scope evaluates."""
        frame = self._push("comprehension")
        for clause in clauses:
            frame.bound.update(
                item.id
                for item in ast.walk(clause.target)
                if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            )
        for number, clause in enumerate(clauses):
            value = self.expr(clause.iter) if number else first
            self.assign(clause.target, value.item())
            for test in clause.ifs:
                self.state = self.condition(test)[0]
        return _merged([self.expr(part) for part in parts])

    # ── calls ────────────────────────────────────────────────────────────────────────────

    def visit_Call(self, node: ast.Call) -> Value:
        function = self.expr(node.func)
        given = self._arguments(node)
        values = [value for _, value in given]
        callee = self._dotted(node.func)
        if callee:
            self.sink.calls.add(callee)
        self._run_given(function, values)
        self._dynamic(node, callee)
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
            return _FRESH
        if isinstance(node.func, ast.Attribute) and node.func.attr in known.FRESH_METHODS:
            return Value(origin=origin)
        if function.origin.startswith(known.FRESH_MODULES):
            return Value(origin=origin)
        if isinstance(node.func, ast.Attribute) and not keeps_arguments(function.origin):
            given = []
        named, last = isinstance(node.func, ast.Name), _last_name(node.func)
        value = self._result_of(
            function,
            given,
            named=named,
            eager=last in known.EAGER_CALLERS and (last != "map" or not named),
        )
        generator = any(sink.generator for sink in self._sinks(function))
        value.oneshot = generator or callee in known.ONESHOT_CALLS
        value.origin = origin
        value.items = self._zipped(callee, given)
        return value

    def _zipped(self, callee: str, given: list[Value]) -> list[Value]:
        """What the parts of each item of `zip(a, b)` and `enumerate(a)` are."""
        if callee not in {"zip", "enumerate"} or not self._is_builtin(callee):
            return []
        items = [value.item() for value in given]
        return items if callee == "zip" else [_CONST, *items[:1]]

    def _result_of(self, function: Value, given: list[Value], *, named: bool, eager: bool) -> Value:
        """A call's result may be an argument, or what a function that is called gives."""
        value = _merged(given if named else [function, *given]).indirect()
        called = self._sinks(_merged([function, *given]))
        late = {sink for name in function.names for sink in self.carried.get(name, ())}
        if eager:  # the functions given have been called, and are not kept
            value.carried = function.carried
        for sink in called:
            if sink not in late:
                value.names.setdefault(sink.key, False)
            returned = (sink,) if sink.method or sink.generator else ()
            value.carried += (*returned, *self.carried.get(sink.key, ()))
        value.callees |= frozenset(function.names)
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
            callee=_token(callee or "." + func.attr, "."),
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
        if _last_name(node.func) in known.CALLERS:
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
            others = _merged([value for _, value in given if value is not function])
            for sink in function.carried:
                for key in dict.fromkeys(sink.slots.values()):
                    self.share(key, others.item())
            for name in function.names:
                self.mutate(
                    others, certain=False, callee=_token(name, ANY) if _is_global(name) else ""
                )

    def _pass(self, value: Value, path: str, slot: str) -> None:
        self.sink.passed.update(value.names)
        self.sink.handed.update(dict.fromkeys(value.carried))
        self.mutate(value, certain=False, callee=_token(path, slot))

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

    def _dynamic(self, node: ast.Call, callee: str) -> None:
        """Calls that reach names which the code does not show."""
        no_arguments = not node.args and not node.keywords
        if callee in {"exec", "eval", "globals"} or (callee in {"vars", "dir"} and no_arguments):
            self.sink.ambiguous[f"{callee}()"] = None
        elif callee == "locals" and not self._in_function():
            self.sink.ambiguous["locals()"] = None
        elif _last_name(node.func) in {"query", "eval"} and node.args:
            self._at_names(node.args[0])

    def _at_names(self, node: ast.expr) -> None:
        """pandas: `df.query("x > @limit")` reads the variable `limit`."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in _AT_NAME.findall(node.value):
                self.load(name)

    def _shell(self, node: ast.Attribute) -> None:
        is_shell = isinstance(node.value, ast.Call) and _last_name(node.value) == "get_ipython"
        if is_shell and node.attr in known.SHELL_METHODS:
            self.sink.ambiguous[f"get_ipython().{node.attr}"] = None


def _token(path: str, slot: str) -> str:
    """`np.sort(0)`: who gets an object, and as which argument; empty when that is not sure."""
    return f"{path}({slot})" if path and slot else ""


def _is_module(origin: str) -> bool:
    """True for members of modules, whose owner no call changes."""
    owner = origin.rpartition(".")[0]
    return bool(owner) and not is_object(owner) and ("." not in owner or leaves_arguments(origin))


def _each(node: ast.For | ast.AsyncFor, value: Value) -> Value:
    """What one turn of a loop gets."""
    item = value.item()
    is_zip = isinstance(node.iter, ast.Call) and _last_name(node.iter) in {"zip", "enumerate"}
    item.items = value.items if is_zip else []
    return item


def _slots(args: ast.arguments, frame: Frame) -> dict[str, str]:
    """The keys of a function's parameters, by position and by name; `*` takes the rest."""
    slots: dict[str, str] = {}
    for number, arg in enumerate([*args.posonlyargs, *args.args]):
        slots[str(number)] = slots[arg.arg] = frame.key(frame.mangle(arg.arg))
    for arg in args.kwonlyargs:
        slots[arg.arg] = frame.key(frame.mangle(arg.arg))
    for slot, rest in (("*", args.vararg), ("**", args.kwarg)):
        if rest:
            slots[slot] = frame.key(frame.mangle(rest.arg))
    return slots


#: Statements that run whatever happened before, and end where they end.
_STRAIGHT = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.With)

#: Steps from name to name that one cell may take; ordinary ones take some hundreds.
BUDGET = 200_000


class TooEntangled(Exception):
    """A cell's names share so much that following them all would take too long."""


def _bases(node: ast.ClassDef) -> list[ast.expr]:
    return [*node.bases, *(keyword.value for keyword in node.keywords)]


def _is_mutable_attribute(node: ast.stmt) -> bool:
    """`items = []` in a class body: all instances share the list."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return value is not None and not isinstance(value, ast.Constant)


def _last_name(node: ast.expr) -> str:
    """`suppress` for `contextlib.suppress(OSError)`."""
    while isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _in_place(node: ast.Call) -> bool:
    """True for `df.drop(..., inplace=True)`, or a flag whose value is not known."""
    return any(
        item.arg == "inplace"
        and not (isinstance(item.value, ast.Constant) and not item.value.value)
        for item in node.keywords
    )


def _always_matches(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return any(map(_always_matches, pattern.patterns))
    return isinstance(pattern, ast.MatchAs) and (
        pattern.pattern is None or _always_matches(pattern.pattern)
    )


def _spine(node: ast.BinOp) -> tuple[list[ast.expr], list[ast.operator]]:
    """The operands of `a + b + c…` in order: long sums must not recurse."""
    operands: list[ast.expr] = []
    operators: list[ast.operator] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp):
        operands.append(left.right)
        operators.append(left.op)
        left = left.left
    return [left, *reversed(operands)], operators


__all__ = ["LOCAL_CODE", "NONE", "analyse_python", "opaque", "parse"]
