"""What this kernel has shown: the objects behind views, by the ids that pages know them by.

This module decides how long an object lives for its view's sake. It must not know what the
objects are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from nbflow.store import open_store
from nbflow.store.base import Store

#: The last so many objects are kept alive; older ones live as long as somebody else has them.
_KEPT: Final = 200


class Registry:
    """Objects by id; from any thread."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._most = kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._all: WeakValueDictionary[str, Any] = WeakValueDictionary()

    def add(self, thing: Any) -> str:
        """Remember an object, and return its id."""
        return self.put(uuid4().hex, thing)

    def put(self, name: str, thing: Any) -> str:
        """Remember an object under a name, and return that."""
        with self._lock:
            self._all[name] = self._kept[name] = thing
            self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return name

    def get(self, name: str) -> Any:
        """The object; None when it is gone, or never was."""
        return self._all.get(name)


#: What views of this kernel show.
shown: Final = Registry()
#: Stores of shown runs.
_stores: Final = Registry()


def remember_store(run: UUID, store: Store) -> None:
    """A run is in this store, which need not be that of the settings."""
    _stores.put(str(run), store)


def store_of(run: UUID) -> Store:
    """The store that a shown run is in; raises `StoreError` when it cannot be opened."""
    known: Store | None = _stores.get(str(run))
    return known if known is not None and not getattr(known, "closed", False) else open_store()
