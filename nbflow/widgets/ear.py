"""Listens whether anything happened in a store, so that nobody has to look again and again.

This module decides how a thread of its own waits for the store's news, one piece at a time: what
happens while nobody wants to know does not wake it. It must not know what the news is about.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from nbflow.store.base import Store

#: Seconds of one question to the store: each begins with quick looks, so there should be few.
_PATIENCE: Final = 30.0
#: Seconds between questions after an error.
_RECOVERY: Final = 1.0
#: Before the first thing that happened.
_UNKNOWN: Final = -1


class Ear:
    """Calls back, from its own thread, once after each `listen`."""

    def __init__(self, store: Store, heard: Callable[[], None]) -> None:
        self.store = store
        #: Whether something happened that was not looked at yet.
        self.news = True
        self._heard = heard
        self._wanted = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._keep_listening, name="nbflow-ear", daemon=True)

    def listen(self) -> None:
        """From now on, call back at the next thing that happens."""
        self.news = False
        if not self._closed:
            self._wanted.set()
            if self._thread.ident is None:
                self._thread.start()

    def rest(self) -> None:
        """Do not listen: nobody wants to know."""
        self._wanted.clear()

    def close(self) -> None:
        """End soon, and do not call back any more."""
        self._closed = True
        self._wanted.set()

    def _keep_listening(self) -> None:
        after = 0
        while True:
            self._wanted.wait()
            if self._closed:
                return
            before, after = after, self._latest(after)
            if after != before and not self._closed:
                self._wanted.clear()
                self.news = True
                self._heard()

    def _latest(self, after: int) -> int:
        try:
            return self.store.events.wait(after, _PATIENCE)
        except Exception:  # noqa: BLE001 - any store, and one that is closed under it at exit
            time.sleep(_RECOVERY)
            return _UNKNOWN  # whoever reads now, meets the error and can tell of it
