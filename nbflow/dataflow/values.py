"""What is known of a value while code is visited, and what a body of code does.

This module decides how such knowledge is merged; it must not know how it is found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from . import known
from .records import (
    NONE,
    Effects,
)

#: The names surely bound (`+x`) or gone (`-x`) by now; None where the code never gets.
State = set[str] | None


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


def merged(values: Iterable[Value]) -> Value:
    """What is known of something that may be, or hold, any of several values."""
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


FRESH = Value()
CONST = Value(const=True)


class Sink:
    """Where the effects of one body of code are gathered."""

    def __init__(self, serial: int = 0) -> None:
        #: What stands for the body's result among all names.
        self.key = f"return@{serial}"
        #: The number of the body's own scope; those of scopes around are smaller.
        self.scope = serial
        #: The keys of the parameters, by slot: position and name.
        self.slots: dict[str, str] = {}
        #: True when it may be given arguments that stand in no slot.
        self.open = False
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
        #: The locals read, by the serial number of their scope: those around are kept.
        self.locals: dict[str, int] = {}
        #: Global names that it found in a copy of the namespace: it keeps what they were.
        self.holds: set[str] = set()
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
        self.locals.update(other.locals)
        self.ambiguous.update(other.ambiguous)

    def kept(self) -> dict[str, bool]:
        """What a closure holds: locals of scopes around, and all of a namespace of its own."""
        around = {key: False for key, scope in self.locals.items() if scope < self.scope}
        return around | dict.fromkeys(self.holds, False)

    def read(self, name: str) -> None:
        """Count a global name as read."""
        (self.builtins if name in known.BUILTINS else self.reads).add(name)


def join(*states: State) -> State:
    """What holds whichever of the paths was taken."""
    reached = [state for state in states if state is not None]
    return set.intersection(*reached) if reached else None


def copied(state: State) -> State:
    """The same state, to go on from on another path."""
    return None if state is None else set(state)


def is_local(key: str) -> bool:
    """Locals are known by `name@scope`."""
    return "@" in key


def is_global(key: str) -> bool:
    """Names of the notebook stand for themselves."""
    return "@" not in key


def token(path: str, slot: str) -> str:
    """`np.sort(0)`: who gets an object, and as which argument; empty when that is not sure."""
    return f"{path}({slot})" if path and slot else ""


def last_name(node: ast.expr) -> str:
    """`suppress` for `contextlib.suppress(OSError)`."""
    while isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
