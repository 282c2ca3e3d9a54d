"""Which run a value came from, so that plain values draw edges too.

This module decides how long a value's origin is remembered: as long as someone other than
this table holds the value. It must not know runs beyond their ids.
"""

from __future__ import annotations

import sys
import threading
import weakref
from typing import Any, Final
from uuid import UUID

_SMALL_INTS: Final = range(-5, 257)
#: Entries after which values nobody else holds are dropped; doubles with what is left.
_FIRST_SWEEP: Final = 256
#: References to a value during a sweep if only the table holds it: the tuple in the table,
#: the loop variable and `getrefcount`'s argument.
_OWN_REFERENCES: Final = 3
#: Elements of a returned container whose origins are remembered too.
_MOST_ELEMENTS: Final = 32


class Lineage:
    """The origins of the values that one flow run's tasks returned.

    Values that allow it are held weakly; the others until a sweep finds that only this
    table still holds them. So memory stays bounded by what the user's own code keeps.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[Any, UUID]] = {}
        self._sweep_at = _FIRST_SWEEP
        self._lock = threading.Lock()

    def remember(self, value: Any, run_id: UUID) -> None:
        """Note that a run returned this value (and, for tuples and short lists, its parts)."""
        self._add(value, run_id)
        if type(value) in (tuple, list) and len(value) <= _MOST_ELEMENTS:
            for element in value:
                self._add(element, run_id)

    def origin(self, value: Any) -> UUID | None:
        """The run that returned this very object, if it is known."""
        entry = self._entries.get(id(value))
        if entry is None:
            return None
        held, run_id = entry
        if type(held) is weakref.ref:
            held = held()
        return run_id if held is value else None

    def __len__(self) -> int:
        return len(self._entries)

    def _add(self, value: Any, run_id: UUID) -> None:
        if _is_shared(value):
            return
        try:
            held: Any = weakref.ref(value)
        except TypeError:
            held = value
        self._entries[id(value)] = (held, run_id)
        if len(self._entries) >= self._sweep_at:
            with self._lock:
                self._sweep()

    def _sweep(self) -> None:
        # A copy is made in one go; a walk over the table could meet another thread's entries.
        for key, entry in self._entries.copy().items():
            held = entry[0]
            if type(held) is weakref.ref:
                gone = held() is None
            else:
                gone = sys.getrefcount(held) <= _OWN_REFERENCES
            if gone:
                self._entries.pop(key, None)
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._entries))


def _is_shared(value: Any) -> bool:
    kind = type(value)
    if kind is int:
        return value in _SMALL_INTS
    if kind in (str, bytes, tuple):
        return len(value) == 0 or (kind is not tuple and len(value) == 1)
    return value is None or value is True or value is False or value is ... or kind is type
