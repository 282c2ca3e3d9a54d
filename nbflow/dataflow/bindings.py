"""How names are read, bound, deleted and changed while one cell is visited.

This module decides what each such event means for the state of the visit: see `names` for the
idea. It must not know which syntax causes the event.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from . import known
from .libraries import (
    is_object,
    library_of,
)
from .records import (
    ITSELF,
)
from .scopes import Frame
from .sharing import Sharing
from .values import (
    FRESH,
    Sink,
    Value,
    merged,
)

_HISTORY = re.compile(r"_i?\d+$")


class Bindings(Sharing):
    """Names, scopes and targets of one cell."""

    def expr(self, node: ast.expr) -> Value:
        """Evaluate an expression: count its effects, tell what is known of its value."""
        raise NotImplementedError

    # ── names ────────────────────────────────────────────────────────────────────────────

    def load(self, name: str) -> Value:
        """Read a name."""
        name = self.frame.mangle(name)
        frame, perhaps_outer = self.frame.resolve(name)
        if frame is None:
            self.read_global(name)
            is_builtin = name in known.BUILTINS and name not in self.defs
            return FRESH if is_builtin else Value({name: True}, origin=self._origin_of(name))
        key = frame.key(name)
        self.sink.locals[key] = frame.serial
        if perhaps_outer and self.state is not None and key not in self.state:
            return self._load_unbound(frame, name)
        carried = tuple(self.carried.get(key, ()))
        return Value({key: True}, carried, origin=self.origins.get(key, ""))

    def _origin_of(self, name: str) -> str:
        """What a global name stands for; code that runs later may find other objects there."""
        origin = self.origins.get(name, "")
        return "" if self.sink is not self.cell and is_object(origin) else origin

    def _load_unbound(self, frame: Frame, name: str) -> Value:
        """Read a name that a class or body may not have bound yet: then it is an outer one."""
        around = frame.parent
        while around and around.kind not in {"module", "body", "parameters"}:
            around = around.parent  # a class passes over the functions around it, then
        outer = around.resolve(name)[0] if around else None
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
            if self.sink is self.cell:
                self.called[sink] = None
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
            for name in names:
                self.imports.pop(name, None)
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

    def _stand_for(self, key: str, origin: str) -> None:
        """The key holds this from here on, or perhaps what it held before."""
        old = self.origins.get(key, origin)
        sure = self.straight and self.sink is self.cell and self.frame.kind == "module"
        if not sure and library_of(old) != library_of(origin):
            origin = ""
        self.origins[key] = origin

    def _bind_global(self, name: str, value: Value) -> None:
        self._settle(name)
        if not value.const:  # `np = None` is what a failed import leaves
            self.imports.pop(name, None)
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
        if value.oneshot:
            self.oneshot.add(key)
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
        if owner is not None:
            if owner.kind == "body":
                self.load(name)
            self._unbind(owner.key(name))
            return
        self.load(name)
        self._forget(name)

    def _unbind(self, key: str) -> None:
        """A local name is gone; in a class, the name means an outer one again."""
        if self.state is not None:
            self.state.discard(key)

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

    def give(self, value: Value) -> None:
        """A function hands the value to its caller."""
        self.share(self.sink.key, value)

    # ── targets ──────────────────────────────────────────────────────────────────────────

    @staticmethod
    def _also(name: str, value: Value, frame: Frame) -> Value:
        """The value, now that a name holds it too."""
        if value.const:
            return value
        name = frame.mangle(name)
        owner, _ = frame.resolve(name)
        return merged([value, Value({owner.key(name) if owner else name: True})])

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
        self._change_part(self._target_parts(target), value)

    def _change_part(self, owner: Value, value: Value) -> None:
        self.mutate(owner, certain=True)
        for name in owner.names:
            self.share(name, value)

    def _target_parts(self, target: ast.expr) -> Value:
        if isinstance(target, ast.Subscript):
            owner = self.expr(target.value)
            self.expr(target.slice)
            return owner
        return self.expr(target.value) if isinstance(target, ast.Attribute) else self.expr(target)

    def _delete_target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.delete(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._delete_target(item)
        else:
            self.mutate(self._target_parts(target), certain=True)

    # ── scopes ───────────────────────────────────────────────────────────────────────────

    def _push(self, kind: str, class_name: str = "") -> Frame:
        self.serial += 1
        name = class_name or self.frame.class_name
        self.frame = Frame(kind, self.serial, self.frame, class_name=name)
        return self.frame

    def _in_copy(self) -> bool:
        """True in code that a called body makes: it finds all names in the body's namespace."""
        frame: Frame | None = self.frame.parent
        while frame and frame.kind != "body":
            frame = frame.parent
        return frame is not None

    def _in_function(self) -> bool:
        frame = self.frame
        while frame.kind == "types" and frame.parent:
            frame = frame.parent
        return frame.kind == "function"
