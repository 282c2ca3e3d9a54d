"""How often something costly may be done, so that it takes a small part of the time at most.

This module decides when the next time has come. It must not know what is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]


class Allowance:
    """A share of the time: after something took a second, 3 % let it rest for half a minute."""

    def __init__(self, share: float, clock: Clock, work: Clock = time.thread_time) -> None:
        """Take the share, the clock, and what counts the seconds of work."""
        self._share = share
        self._clock = clock
        self._work = work
        self._rests_until = 0.0
        #: Seconds spent so far.
        self.spent = 0.0

    @property
    def permits(self) -> bool:
        """Whether it may be done again."""
        return self._clock() >= self._rests_until

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Do it, and let it rest in proportion."""
        begin = self._work()
        try:
            yield
        finally:
            took = self._work() - begin
            self.spent += took
            self._rests_until = self._clock() + took / self._share
