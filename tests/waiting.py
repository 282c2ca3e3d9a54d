"""Waiting for what other threads and processes do.

This module decides how long a test waits before it says that something never happened: longer
than any machine needs, however busy, since only a failure takes that long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

#: Seconds that a test waits for anything.
PATIENCE: Final = 60.0
_PAUSE: Final = 0.01


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """What the condition answers as soon as that is true; fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(_PAUSE)
    return answer
