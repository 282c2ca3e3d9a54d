"""The scheduler beside the API: fires what is due, and cleans up now and then.

This module decides when the store is asked to look at its schedules and leases, and how late
that was. It must not know what the store does then: `store.dispatch.tick` may be called at any
time, from any number of processes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from nbflow.exceptions import NbflowError
from nbflow.states import now
from nbflow.store.base import Store

#: Seconds that pass at most between two looks: clocks jump, machines sleep.
_LONGEST: Final = 30.0
#: Seconds after which it looks whether it is to end.
_PATIENCE: Final = 1.0
_AFTER_ERROR: Final = 5.0
_PRUNE_SECONDS: Final = 3_600.0
#: The first cleaning comes when the server has settled in.
_FIRST_PRUNE_SECONDS: Final = 300.0
#: Kinds of events after which something may be due earlier than was known.
_TELLING: Final = ("deployment.", "schedule.", "backfill.")

_log = logging.getLogger("nbflow.server")


class Scheduler:
    """A thread that lets a store fire its schedules in time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nbflow-scheduler", daemon=True)
        self._prune_at = time.monotonic() + _FIRST_PRUNE_SECONDS
        #: How late the store was asked when something was due last; None: nothing was yet.
        self.lag_seconds: float | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End; a look that is under way is finished."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._ended.is_set():
            self._carefully(self._look_and_wait)
            if time.monotonic() >= self._prune_at:
                self._prune_at = time.monotonic() + _PRUNE_SECONDS
                self._carefully(self._prune)

    def _carefully(self, action: Callable[[], None]) -> None:
        try:
            action()
        except NbflowError as error:  # the database may come back
            if not self._ended.is_set():
                _log.warning("The scheduler tries again in %g s: %s", _AFTER_ERROR, error)
            self._ended.wait(_AFTER_ERROR)

    def _look_and_wait(self) -> None:
        seen = self._store.events.latest()
        due = self._store.dispatch.tick()
        if self._wait(seen, due) and due is not None:
            self.lag_seconds = max(0.0, (now() - due).total_seconds())

    def _wait(self, seen: int, due: datetime | None) -> bool:
        """Wait until something is due (True), or may be due earlier than was known (False)."""
        deadline = time.monotonic() + _LONGEST
        while not self._ended.is_set():
            left = min(deadline - time.monotonic(), _until(due))
            if left <= 0:
                return _until(due) <= 0
            if self._store.events.wait(seen, min(left, _PATIENCE)) > seen:
                events, seen = self._store.events.since(seen)
                if any(event.kind.startswith(_TELLING) for event in events):
                    return False
        return False

    def _prune(self) -> None:
        removed = self._store.upkeep.prune()
        if removed.flow_runs:
            _log.info("Removed %d old flow runs.", removed.flow_runs)


def _until(due: datetime | None) -> float:
    return _LONGEST if due is None else (due - now()).total_seconds()
