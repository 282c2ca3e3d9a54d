"""What all clients share that follow events.

This module decides how they wait, and that those in step read the store once for all. It must
not know HTTP.

No events are queued for a client: each has a place in the order of events, and reads on from
there when it can. One that is slow falls behind in the database, not in memory.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from nbflow.models.deployments import Event
from nbflow.server.bell import Bell
from nbflow.store.base import Store

#: Events of one reading.
PAGE: Final = 500

#: Events, and the number to go on from.
Reading = tuple[list[Event], int]


class EventHub:
    """Tells clients that there is something new, and what."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bell = Bell(store)
        self._closing: asyncio.Future[None] | None = None
        self._shared: tuple[int, asyncio.Task[Reading]] | None = None
        self.closed = False

    async def after(self, cursor: int, flow_run_id: UUID | None = None) -> Reading:
        """Events after a number, and the number to go on from."""
        if flow_run_id is not None:
            return await self._read(cursor, flow_run_id)
        if self._shared is None or self._shared[0] != cursor:
            self._shared = (cursor, asyncio.ensure_future(self._read(cursor)))
        task = self._shared[1]
        try:
            found = await asyncio.shield(task)
        except BaseException:
            self._forget(task)
            raise
        if found[1] == cursor:  # nothing yet: the next who asks is to look again
            self._forget(task)
        return found

    async def wait(self, cursor: int, patience: float) -> bool:
        """Wait for something after a number; False when the time is over."""
        if self.closed:
            return True
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_future()
        ringing = asyncio.ensure_future(self._bell.wait(cursor, patience))
        waiting: set[asyncio.Future[Any]] = {ringing, self._closing}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return self._closing.done() or ringing.result() > cursor
        finally:
            ringing.cancel()

    def close(self) -> None:
        """End all streams; called in their event loop."""
        self.closed = True
        if self._closing is not None and not self._closing.done():
            self._closing.set_result(None)

    def _forget(self, task: asyncio.Task[Reading]) -> None:
        if self._shared is not None and self._shared[1] is task:
            self._shared = None

    async def _read(self, cursor: int, flow_run_id: UUID | None = None) -> Reading:
        since = self._store.events.since
        return await run_in_threadpool(since, cursor, limit=PAGE, flow_run_id=flow_run_id)
