"""Waiting for news of the store, without a thread for each who waits.

This module decides who is woken: everybody who waits for a number that has been passed. One
thread listens to the store, and only while somebody waits. It must not know what the news is.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from starlette.concurrency import run_in_threadpool

from nbflow.exceptions import NbflowError, StoreError
from nbflow.store.base import Store

#: Seconds after which the listener looks whether anybody still waits.
_PATIENCE: Final = 1.0


class _Sleeper(NamedTuple):
    after: int
    loop: asyncio.AbstractEventLoop
    #: The latest number, or why it is not known.
    woken: asyncio.Future[int]

    def wake(self, latest: int) -> None:
        self._tell(self.woken.set_result, latest)

    def fail(self, error: NbflowError) -> None:
        self._tell(self.woken.set_exception, error)

    def _tell(self, action: Callable[[Any], None], what: Any) -> None:
        def tell() -> None:
            if not self.woken.done():
                action(what)

        with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            self.loop.call_soon_threadsafe(tell)


class Bell:
    """Rings when anything was committed, in whatever process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sleepers: dict[int, _Sleeper] = {}
        self._numbers = itertools.count()
        self._latest = 0
        self._listening = False

    async def wait(self, after: int, seconds: float) -> int:
        """The latest number, as soon as it is greater than `after`, or when the time is over.

        Raises what the store raises.
        """
        loop = asyncio.get_running_loop()
        sleeper = _Sleeper(after, loop, loop.create_future())
        number = next(self._numbers)
        with self._lock:
            if self._latest > after:
                return self._latest
            self._sleepers[number] = sleeper
            self._listen()
        try:
            return await asyncio.wait_for(sleeper.woken, seconds)
        except TimeoutError:
            return await run_in_threadpool(self._store.events.latest)
        finally:
            with self._lock:
                self._sleepers.pop(number, None)

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            threading.Thread(target=self._run, name="nbflow-bell", daemon=True).start()

    def _run(self) -> None:
        while self._is_wanted():
            try:
                latest = self._store.events.wait(self._latest, _PATIENCE)
            except NbflowError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - those who wait must hear of it
                self._fail(StoreError(f"The store cannot be listened to ({error!r}). Try again."))
            else:
                self._ring(latest)

    def _is_wanted(self) -> bool:
        with self._lock:
            self._listening = bool(self._sleepers)
            return self._listening

    def _ring(self, latest: int) -> None:
        with self._lock:
            self._latest = latest
            ready = [each for each in self._sleepers.values() if each.after < latest]
        for each in ready:
            each.wake(latest)

    def _fail(self, error: NbflowError) -> None:
        with self._lock:
            sleepers, self._sleepers = self._sleepers, {}
        for each in sleepers.values():
            each.fail(error)
