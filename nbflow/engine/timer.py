"""Waiting that holds no thread: one daemon thread calls functions when their time comes.

This module decides where delays before retries are spent. It must not know what is waited
for.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

_order: Final = itertools.count()


class _Timer:
    """A heap of due functions and the thread that calls them."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], Any]]] = []
        self._changed = threading.Condition()
        self._running = False

    def call_at(self, when: float, fn: Callable[[], Any]) -> None:
        """Call `fn` in the timer's thread at the monotonic time `when`."""
        with self._changed:
            heapq.heappush(self._due, (when, next(_order), fn))
            self._changed.notify()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="nbflow-timer", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._next()()

    def _next(self) -> Callable[[], Any]:
        """The next function, once it is due."""
        with self._changed:
            while True:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)


_timer = _Timer()


def call_later(seconds: float, fn: Callable[[], Any]) -> None:
    """Call `fn` on another thread after a delay; `fn` must return at once and not raise."""
    _timer.call_at(time.monotonic() + seconds, fn)


def _after_fork() -> None:
    # What was due is the parent's to do; its thread does not live here.
    global _timer  # noqa: PLW0603 - one timer per process
    _timer = _Timer()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
