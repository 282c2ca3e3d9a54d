"""The scheduler beside the API, and how punctual it is.

This module decides what is measured of it. It must not know when there is something to do.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from nbflow.states import now
from nbflow.store.base import Store
from nbflow.worker.scheduler import Scheduler

_LAST_WORDS: Final = 5.0


class PunctualScheduler(Scheduler):
    """A scheduler in a thread of its own, which notes how late it looks."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._thread = threading.Thread(target=self.run, name="nbflow-scheduler", daemon=True)
        self._planned: datetime | None = None
        #: How much later than planned the store was looked at last; None: never yet.
        self.lag_seconds: float | None = None

    def start(self) -> None:
        """Begin, and return."""
        self._thread.start()

    def close(self) -> None:
        """End; a look that is under way is finished."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(_LAST_WORDS)

    def _look(self) -> float:
        moment = now()
        if self._planned is not None and moment >= self._planned:
            self.lag_seconds = (moment - self._planned).total_seconds()
        rest = super()._look()
        self._planned = now() + timedelta(seconds=rest)
        return rest
