"""The worker's own eye on the time limit of a run.

This module decides when a run has gone on for so long after its limit that its process cannot
be relied on to end it. It must not know how limits are kept in the process itself.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from nbflow.exceptions import StoreError
from nbflow.settings import Settings
from nbflow.states import StateType, now
from nbflow.store.base import Store
from nbflow.worker.held import HeldRun


class Stopwatch:
    """Ends a run that goes on after its time is over, when its own process did not see to it."""

    def __init__(self, held: HeldRun, store: Store, settings: Settings) -> None:
        version = held.claim.version
        self._limit = version.spec.timeout_seconds if version else None
        self._held = held
        self._store = store
        #: Seconds in which the run's own process should have ended it.
        self._margin = 2 * settings.cancel_grace_seconds
        #: Seconds that the process may take to begin, which is not the run's own time.
        self._beginning = settings.kernel_start_timeout_seconds
        self._timer: threading.Timer | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin to watch; a run without a limit is not watched."""
        if self._limit is not None:
            self._look_in(self._limit + self._margin)

    def stop(self) -> None:
        """Watch no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _look_in(self, seconds: float) -> None:
        if self._stopped:
            return
        self._timer = threading.Timer(max(seconds, 0.05), self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        assert self._limit is not None
        left = longest = self._limit + self._margin
        with suppress(StoreError):  # then later
            state = self._store.flow_run(self._held.claim.run.id).state
            if state.type is StateType.PENDING:
                left += self._beginning
            if state.type in {StateType.RUNNING, StateType.PENDING}:
                left -= (now() - state.timestamp).total_seconds()
        if left > 0:
            self._look_in(min(left, longest))  # it may begin in the next moment
            return
        self._held.overdue = (
            f"The run exceeded its time limit of {self._limit:g} s, and did not end by itself: "
            "its process was killed."
        )
        self._held.runner.kill()
