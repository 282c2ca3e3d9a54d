"""One listener for all clients that follow events.

This module decides who waits for the store: one thread, and only while somebody follows. It
reads what is new once, and keeps the newest events for all. It must not know HTTP.

No events are queued for a client: each has a place in the order of events, and reads on from
there when it can. One that is slow falls behind in the database, not in memory.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from nbflow.exceptions import NbflowError
from nbflow.models.deployments import Event
from nbflow.store.base import Store

#: Events of one reading.
PAGE: Final = 500
#: Newest events that are kept for all clients.
_KEPT: Final = 2_000
#: Seconds after which the listener looks whether it is still wanted.
_PATIENCE: Final = 2.0
_AFTER_ERROR: Final = 1.0

_log = logging.getLogger("nbflow.server")


class EventHub:
    """Tells clients that there is something new, and what."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clients = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._recent: deque[Event] = deque(maxlen=_KEPT)
        #: Everything after this number, up to `_latest`, is among the recent ones.
        self._known_from = 0
        self._latest = 0
        self._listening = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether streams have to end."""
        return self._ended.is_set()

    @contextmanager
    def follow(self) -> Iterator[None]:
        """While somebody does, the hub listens."""
        self._loop = asyncio.get_running_loop()
        with self._lock:
            self._clients += 1
            self._start_listening()
        try:
            yield
        finally:
            with self._lock:
                self._clients -= 1

    async def after(self, cursor: int, flow_run_id: UUID | None) -> tuple[list[Event], int]:
        """Events after a number, and the number to go on from."""
        if flow_run_id is None:
            found = self._shared(cursor)
            if found is not None:
                return found
        return await run_in_threadpool(
            self._store.events.since, cursor, limit=PAGE, flow_run_id=flow_run_id
        )

    async def wait(self, cursor: int, patience: float) -> bool:
        """Wait for something after a number; False when the time is over."""
        news = self._news
        if self._latest > cursor or self.closed:
            return True
        try:
            await asyncio.wait_for(news.wait(), patience)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """End all streams; from any thread."""
        self._ended.set()
        self._wake()

    # ── the listener ─────────────────────────────────────────────────────────────────────

    def _shared(self, cursor: int) -> tuple[list[Event], int] | None:
        """What all clients share, when it reaches back as far."""
        with self._lock:
            if not self._listening or not self._known_from <= cursor:
                return None
            found = [event for event in self._recent if event.sequence > cursor]
            return found, max(cursor, self._latest)

    def _start_listening(self) -> None:
        if not self._listening and not self.closed:
            self._listening = True
            self._recent.clear()
            self._known_from, self._latest = 2**63, -1  # nothing is known before the first look
            threading.Thread(target=self._listen, name="nbflow-events", daemon=True).start()

    def _listen(self) -> None:
        cursor: int | None = None
        while self._is_wanted():
            try:
                if cursor is None:
                    cursor = self._begin()
                cursor = self._look(cursor)
            except NbflowError as error:
                if not self._ended.wait(_AFTER_ERROR):
                    _log.warning("Events cannot be read: %s", error)

    def _is_wanted(self) -> bool:
        with self._lock:
            self._listening = self._clients > 0 and not self.closed
            return self._listening

    def _begin(self) -> int:
        cursor = self._store.events.latest()
        with self._lock:
            self._known_from = self._latest = cursor
        self._wake()  # a client may stand before this number
        return cursor

    def _look(self, cursor: int) -> int:
        if self._store.events.wait(cursor, _PATIENCE) <= cursor:
            return cursor
        found, cursor = self._store.events.since(cursor, limit=PAGE)
        with self._lock:
            if len(self._recent) + len(found) > _KEPT:
                gone = len(self._recent) + len(found) - _KEPT
                self._known_from = [*self._recent, *found][gone - 1].sequence
            self._recent.extend(found)
            self._latest = cursor
        self._wake()
        return cursor

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._announce)
            except RuntimeError:  # the loop has just been closed
                return

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
