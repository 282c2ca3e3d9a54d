"""The scheduler: lets schedules fire, leases end and old runs go, each when its time comes.

This module decides when to look at the store and when to rest. Any number of schedulers may
work on one store. It must not know schedules: the store says when there is something to do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

from nbflow.exceptions import StoreError
from nbflow.models.deployments import Event
from nbflow.settings import get_settings
from nbflow.states import now
from nbflow.store.base import Store
from nbflow.worker.waking import Listener, Patience, Tell

#: Seconds of rest at most: the clock may be set meanwhile, or the machine have slept.
_LONGEST_REST: Final = 30.0
#: Seconds in which changes are gathered before they are looked at.
_GATHERING: Final = 0.05
_PRUNE_EVERY: Final = 3_600.0
#: Kinds of events that may bring the next thing to do forward.
_INTERESTING: Final = ("deployment.", "schedule.")

_logger = logging.getLogger("nbflow.scheduler")


class Scheduler:
    """Looks after schedules, leases and old runs, until it is told to stop."""

    def __init__(self, store: Store, *, tell: Tell | None = None) -> None:
        """Make a scheduler; `run` lets it work. `tell` hears of trouble, in one line each."""
        self._store = store
        self._tell: Tell = tell or (lambda line: _logger.info("%s", line))
        self._patience = Patience(self._tell)
        self._listener = Listener(store, self._hear, self._patience)
        self._alarm = threading.Event()
        self._stopping = threading.Event()
        #: A lease that ran out is found at least so soon.
        self._rest = min(_LONGEST_REST, get_settings().lease_seconds)
        self._pruned = time.monotonic()  # the first hour is for what has to be done
        #: Set once it looks after the store.
        self.ready = threading.Event()

    def run(self) -> None:
        """Work until `stop`."""
        self._listener.start()
        self.ready.set()
        while not self._stopping.is_set():
            self._alarm.clear()
            rest = self._look()
            self._prune_if_due()
            if self._alarm.wait(rest):
                self._stopping.wait(_GATHERING)
        self._patience.over.set()

    def stop(self) -> None:
        """Return from `run`."""
        self._stopping.set()
        self._alarm.set()
        self._patience.over.set()

    def _look(self) -> float:
        """Do what is due; seconds until there is something again."""
        next_look = self._patience.ask(self._store.dispatch.tick)
        if next_look is None:
            return self._rest
        left = (next_look - now()).total_seconds()
        return min(max(left, _GATHERING), self._rest)

    def _prune_if_due(self) -> None:
        if time.monotonic() - self._pruned < _PRUNE_EVERY:
            return
        #: A lease that ran out is found at least so soon.
        self._rest = min(_LONGEST_REST, get_settings().lease_seconds)
        self._pruned = time.monotonic()
        try:
            removed = self._store.upkeep.prune()
        except StoreError as error:
            self._tell(f"Old runs could not be removed; next try in an hour. ({error})")
            return
        if removed.flow_runs:
            self._tell(f"{removed.flow_runs} old runs removed")

    def _hear(self, events: Sequence[Event]) -> None:
        if any(event.kind.startswith(_INTERESTING) for event in events):
            self._alarm.set()
