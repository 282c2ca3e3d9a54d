"""Which names of one cell may share objects and code, and so what the cell may change.

This module decides what follows from the links that were noted while a cell was visited, and
writes the cell's analysis. It must not know of syntax.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .libraries import (
    is_object,
)
from .records import (
    ANY,
    ENTANGLED,
    NONE,
    CellAnalysis,
    Effects,
    Names,
    merge_effects,
    slot_of,
)
from .scopes import Frame
from .values import (
    Sink,
    State,
    Value,
    is_global,
    is_local,
)

#: Steps from name to name that one cell may take; ordinary ones take some hundreds.
BUDGET = 200_000


class TooEntangled(Exception):
    """A cell's names share so much that following them all would take too long."""


class Sharing:
    """Who shares with whom in one cell, and what that makes of the cell."""

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
        #: All code of this cell that the cell may call.
        self.called: dict[Sink, None] = {}
        #: Steps taken from name to name.
        self.steps = 0
        self.looked_up: set[str] = set()
        #: Names that SQL may mean, if they exist.
        self.optional: set[str] = set()
        self.statements: dict[type, Any] = {}
        self.expressions: dict[type, Any] = {}

    # ── result ───────────────────────────────────────────────────────────────────────────

    def _entangled(self) -> CellAnalysis:
        """What is known without following what names share."""
        return CellAnalysis(
            defs=frozenset(self.defs),
            deletes=frozenset(self.deletes),
            refs=frozenset(self.cell.reads),
            builtins=frozenset(self.cell.builtins),
            ambiguous=(*self.cell.ambiguous, ENTANGLED),
        )

    def share(self, key: str, value: Value) -> None:
        """Note that the object of `key` may share with the value, and carry its code."""
        raise NotImplementedError

    def _hand_over(self) -> None:
        """Called functions may store their arguments in what they touch."""
        given = Value(dict.fromkeys(self.cell.passed, False), tuple(self.cell.handed))
        if not given.names and not given.carried:
            return
        touched = {name for sink in self.called for name in (*sink.writes, *self._changes(sink)[1])}
        for name in sorted(filter(is_global, touched)):
            if not self._is_plain_function(name):
                self.share(name, given)

    def _is_plain_function(self, name: str) -> bool:
        """True for functions of this cell that hold nothing: they are called, not changed."""
        return name in self.carried and name not in self.flows and name not in self.results

    def _analysis(self) -> CellAnalysis:
        self._hand_over()
        state = self.state or set()
        gone = {name[1:] for name in state if name[0] == "-"}
        sure = {name[1:] for name in state if name[0] == "+"}
        defs = frozenset(self.defs - gone)
        mutates, may_mutate, callees = self._mutations(self.cell)
        functions = {
            name: self._effects(sinks)
            for name, sinks in self.carried.items()
            if sinks and is_global(name)
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
            interpolated=frozenset(self.optional),
            ambiguous=tuple(self.cell.ambiguous),
        )

    def _effects(self, sinks: Iterable[Sink]) -> Effects:
        return merge_effects([self._effects_of(sink) for sink in sinks])

    def _effects_of(self, sink: Sink) -> Effects:
        if sink.effects is None:
            certain, handed = self._changes(sink)
            mutates = frozenset(filter(is_global, certain))
            touched = {*filter(is_global, {*certain, *handed}), *sink.writes}
            keys = {sink.key, *self._near([sink.key])}
            kept = {*self._near(touched), *sink.passed} if touched else set[str]()
            inside = {key for key in keys if is_local(key)}
            keys |= {name for name in touched if not inside.isdisjoint(self._near([name]))}
            callees = frozenset[str]().union(*(self.results.get(key, NONE) for key in keys))
            carries = any(self.carried.get(key) for key in keys if not is_global(key))
            sink.effects = Effects(
                frozenset(sink.reads),
                frozenset(sink.writes),
                mutates,
                frozenset(filter(is_global, handed)) - mutates,
                frozenset(sink.builtins),
                frozenset(sink.calls),
                frozenset(filter(is_global, keys)),
                frozenset(filter(is_global, callees)),
                frozenset(filter(is_global, kept)),
                self._changed(sink, handed),
                carries or sink.method or sink.generator,
                sink.generator or not self.oneshot.isdisjoint(keys),
                bool(sink.kept()),
                {}
                if sink.method or sink.generator or sink.open
                else self._hands(sink, certain, handed),
                tuple(sink.ambiguous),
            )
        return sink.effects

    def _changed(self, sink: Sink, keys: Iterable[str]) -> Names:
        """The functions whose results are changed, given the keys that are."""
        found = sink.changed.union(*(self.results.get(key, NONE) for key in keys))
        return frozenset(filter(is_global, found))

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
        certain = frozenset(filter(is_global, surely))
        perhaps = {key for key in handed if is_global(key)} - certain
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
            callees = filter(is_local, callees)
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
            todo += filter(is_local, new)
        return found

    def _globals(self, keys: Iterable[str]) -> Names:
        return frozenset(filter(is_global, self._closure(keys)))

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
                    if not is_global(name):
                        todo.append((name, through))
        return found

    def _global_flows(self, names: Iterable[str]) -> dict[str, dict[str, bool]]:
        flows = {}
        for name in sorted(names):
            near = self._neighbours(name)
            if found := {other: near[other] for other in sorted(near) if is_global(other)}:
                flows[name] = found
        return flows

    def _global_results(self, names: Iterable[str]) -> dict[str, Names]:
        """The functions whose result a name's value may be."""
        results = {}
        for name in sorted(names):
            keys = [name, *(key for key in self._neighbours(name) if not is_global(key))]
            found = frozenset().union(*(self.results.get(key, NONE) for key in keys))
            if callees := frozenset(filter(is_global, found)):
                results[name] = callees
        return results
