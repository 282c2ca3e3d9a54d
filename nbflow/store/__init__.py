"""Where runs are remembered: `open_store` gives the store that the settings name.

This module decides how long stores live: one per database and process, closed when the
process ends.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING, Final

from nbflow.settings import Settings, get_settings
from nbflow.store.base import Store, StoreInfo
from nbflow.store.sql import SQLStore

if TYPE_CHECKING:
    from nbflow.models.deployments import Fence

_open_stores: Final[dict[str, SQLStore]] = {}
_lock = threading.Lock()


def open_store(settings: Settings | None = None, *, fence: Fence | None = None) -> Store:
    """The store of these settings (default: of this process), opened once and then shared.

    With `fence`, everything this process writes about runs carries that claim, and is dropped
    once the claim is lost; `flush` then raises `LeaseLost`. The store is flushed and closed
    when the process ends. Raises `StoreError`, `StoreCorrupt` or `StoreTooNew`.
    """
    store = _shared_store(settings)
    if fence is not None:
        store.write_under(fence)
    return store


def _shared_store(settings: Settings | None) -> SQLStore:
    settings = settings or get_settings()
    url = settings.resolved_database_url()
    store = _open_stores.get(url)
    if store is not None and not store.closed:
        return store
    with _lock:
        store = _open_stores.get(url)
        if store is None or store.closed:
            if settings.has_own_database:
                settings.ensure_home()
            store = _open_stores[url] = SQLStore(url)
    return store


def close_stores() -> None:
    """Flush and close every store of this process."""
    with _lock:
        stores = list(_open_stores.values())
        _open_stores.clear()
    for store in stores:
        store.close()


def _after_fork() -> None:
    # The child opens stores of its own; the parent's stay untouched, not even closed.
    global _lock  # noqa: PLW0603 - another thread may have held it when the parent forked
    _lock = threading.Lock()
    _parents_stores.extend(_open_stores.values())
    _open_stores.clear()


_parents_stores: Final[list[SQLStore]] = []
atexit.register(close_stores)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

__all__ = ["SQLStore", "Store", "StoreInfo", "close_stores", "open_store"]
