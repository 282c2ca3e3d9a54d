"""Where runs are remembered: `open_store` gives the store that the settings name.

This module decides which store that is, and how long stores live: one per database or server
and process, closed when the process ends.
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
    from nbflow.store.http.client import HTTPStore

#: By the database's URL, or by a server's with the token for it.
_open_stores: Final[dict[tuple[str, ...], SQLStore | HTTPStore]] = {}
_lock = threading.Lock()


def open_store(settings: Settings | None = None, *, fence: Fence | None = None) -> Store:
    """The store of these settings (default: of this process), opened once and then shared.

    With `api_url` it is the one of that server, else the database's. With `fence`, everything
    this process writes about runs carries that claim, and is dropped once the claim is lost;
    `flush` then raises `LeaseLost`. The store is flushed and closed when the process ends.
    Raises `StoreError`, `StoreCorrupt`, `StoreTooNew` or `ServerUnreachable`.
    """
    store = _shared_store(settings or get_settings())
    if fence is not None:
        store.write_under(fence)
    return store


def _shared_store(settings: Settings) -> SQLStore | HTTPStore:
    server = settings.api_url
    key = (server, settings.api_token) if server else (settings.resolved_database_url(),)
    store = _open_stores.get(key)
    if store is not None and not store.closed:
        return store
    with _lock:
        store = _open_stores.get(key)
        if store is None or store.closed:
            opened = _server_store(settings) if server else _database_store(settings)
            store = _open_stores[key] = opened
    return store


def _database_store(settings: Settings) -> SQLStore:
    if settings.has_own_database:
        settings.ensure_home()
    return SQLStore(settings.resolved_database_url())


def _server_store(settings: Settings) -> HTTPStore:
    # Without a server nobody needs it, and it takes its time to import.
    from nbflow.store.http.client import HTTPStore  # noqa: PLC0415
    from nbflow.store.http.local import token_of_own_server  # noqa: PLC0415

    token = settings.api_token or token_of_own_server(settings.home, settings.api_url)
    return HTTPStore(settings.api_url, token)


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


_parents_stores: Final[list[SQLStore | HTTPStore]] = []
atexit.register(close_stores)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

__all__ = ["SQLStore", "Store", "StoreInfo", "close_stores", "open_store"]
