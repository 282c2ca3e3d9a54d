"""Hearing of what happens in a store as soon as it does.

This module decides how somebody is woken who waits for changes, and that a store which does
not answer is said once and tried again. It must not know what the changes mean.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from nbflow.exceptions import LeaseLost, NbflowError, StoreError
from nbflow.models.deployments import Event
from nbflow.store.base import Store

T = TypeVar("T")

#: Seconds that one wait for changes takes at most.
_WAIT: Final = 20.0
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0

Tell = Callable[[str], None]


class Patience:
    """Asks a store again while it does not answer, and says so once, not each time."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._silent = False
        self._lock = threading.Lock()
        #: Set when nothing is worth waiting for any more.
        self.over = threading.Event()

    def ask(self, question: Callable[[], T]) -> T | None:
        """The answer; None when it is over before the store answers."""
        pause = _FIRST_PAUSE
        while True:
            try:
                answer = question()
            except LeaseLost:
                raise
            except StoreError as error:
                if self.over.is_set():
                    return None
                self._complain(error)
            else:
                self._relax()
                return answer
            if self.over.wait(pause):
                return None
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _complain(self, error: NbflowError) -> None:
        with self._lock:
            said, self._silent = self._silent, True
        if not said:
            self._tell(f"The store does not answer; runs go on, trying again. ({error})")

    def _relax(self) -> None:
        with self._lock:
            was, self._silent = self._silent, False
        if was:
            self._tell("The store answers again.")


class Listener:
    """A thread that hands on what happens in a store."""

    def __init__(
        self, store: Store, hear: Callable[[Sequence[Event]], None], patience: Patience
    ) -> None:
        self._store = store
        self._hear = hear
        self._patience = patience
        self._thread = threading.Thread(target=self._listen, name="nbflow-listener", daemon=True)

    def start(self) -> None:
        """Begin to listen: nothing is missed from now on."""
        self._after = self._patience.ask(self._store.events.latest) or 0
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait until it has stopped listening, which the next event at the latest ends."""
        self._thread.join(timeout)

    def _listen(self) -> None:
        while not self._patience.over.is_set():
            heard = self._patience.ask(self._wait)
            if heard:
                self._hear(heard)

    def _wait(self) -> Sequence[Event]:
        events = self._store.events
        if events.wait(self._after, _WAIT) <= self._after:
            return ()
        heard, self._after = events.since(self._after)
        return heard
