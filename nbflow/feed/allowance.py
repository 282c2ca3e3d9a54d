"""How often something costly may be done, so that it takes a small part of the time at most.

This module decides when the next time has come. It must not know what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]


class Allowance:
    """A share of the time: after something took a second, 3 % let it rest for half a minute."""

    def __init__(self, share: float, clock: Clock) -> None:
        self._share = share
        self._clock = clock
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
        begin = self._clock()
        try:
            yield
        finally:
            end = self._clock()
            self.spent += end - begin
            self._rests_until = end + (end - begin) / self._share
