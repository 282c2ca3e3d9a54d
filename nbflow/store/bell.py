"""A wake-up call between two threads that Ctrl-C cannot break.

This module decides how one thread waits until another calls. It must not know what for.
"""

from __future__ import annotations

import threading
from contextlib import suppress


class Bell:
    """Rings for one thread that waits for it, now or later; rung twice unheard, it rings once.

    A bare lock, each of whose operations happens whole or not at all. `threading.Event` is made
    of several in Python: a thread that Ctrl-C interrupts in its `wait` lets go of the lock of the
    thread that calls `set`, which then raises; one that is interrupted in `set` may keep it.
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Let whoever waits go on, or who waits next."""
        with suppress(RuntimeError):  # it rings already
            self._silence.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it rings, which silences it; False: not in time."""
        return self._silence.acquire(timeout=-1 if seconds is None else max(0.0, seconds))

    def silence(self) -> None:
        """Forget that it rang."""
        self._silence.acquire(blocking=False)
