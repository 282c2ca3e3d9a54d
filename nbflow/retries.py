"""Whether a failed attempt is followed by another, and how long to wait before it.

This module decides retry counts and delays. It must not know clocks, tasks or flows:
randomness is a parameter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from nbflow.exceptions import ConfigurationError

#: Most delays one policy may list; a longer list is a mistake.
MAX_DELAYS: Final = 50

#: Seconds; seconds per retry (the last one repeats); or a function of the retry count
#: that returns them.
RetryDelays = float | Sequence[float] | Callable[[int], "float | Sequence[float]"] | None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast a failed run starts again.

    Args:
        retries: How many attempts may follow the first.
        delays: Seconds before a retry; a list with one delay per retry, whose last one
            repeats; or a function that is given `retries` and returns either.
        jitter_factor: Spreads each delay d between about d/(1+factor) and d·(1+factor), so
            that runs that failed together do not return together.

    Raises:
        ConfigurationError: A number is negative, not a number, or there are too many.
    """

    retries: int = 0
    delays: RetryDelays = None
    jitter_factor: float | None = None
    #: The delays as resolved: never empty.
    schedule: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_count(self.retries)
        if self.jitter_factor is not None:
            _check_seconds("retry_jitter_factor", self.jitter_factor)
        object.__setattr__(self, "schedule", _resolve(self.delays, self.retries))

    def allows(self, attempt: int) -> bool:
        """Whether another attempt may follow after attempt number `attempt` (from 1) failed."""
        return attempt <= self.retries

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """Seconds to wait after attempt number `attempt` (from 1) failed.

        `random` returns numbers in [0, 1), as `random.random` does.
        """
        base = self.schedule[min(max(attempt, 1), len(self.schedule)) - 1]
        if not self.jitter_factor or not base:
            return base
        return _jittered(base, self.jitter_factor, random())


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Delays that double: `retry_delay_seconds=exponential_backoff(backoff_factor=10)`.

    Args:
        backoff_factor: Seconds before the first retry.
    """
    _check_seconds("backoff_factor", backoff_factor)

    def delays(retries: int) -> list[float]:
        return [backoff_factor * 2**retry for retry in range(min(retries, MAX_DELAYS))]

    return delays


def _resolve(delays: RetryDelays, retries: int) -> tuple[float, ...]:
    found = delays(retries) if callable(delays) else delays
    if found is None:
        return (0.0,)
    if isinstance(found, (str, bytes)):
        raise ConfigurationError(
            f"retry_delay_seconds must be a number, a list or a function; got {found!r}."
        )
    listed = list(found) if isinstance(found, Sequence) else [found]
    if len(listed) > MAX_DELAYS:
        raise ConfigurationError(
            f"retry_delay_seconds lists {len(listed)} delays; the most is {MAX_DELAYS}. "
            "Leave the rest out: the last one repeats."
        )
    for seconds in listed:
        _check_seconds("retry_delay_seconds", seconds)
    return tuple(float(seconds) for seconds in listed) or (0.0,)


def _check_count(retries: object) -> None:
    if not isinstance(retries, int) or retries < 0:
        raise ConfigurationError(f"retries must be a whole number, 0 or more; got {retries!r}.")


def _check_seconds(name: str, value: object) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf:  # type: ignore[operator]
        raise ConfigurationError(f"{name} must be a number, 0 or more; got {value!r}.")


def _jittered(base: float, factor: float, uniform: float) -> float:
    """The waiting time of a Poisson process with median `base`, cut on both sides.

    Cutting the same share of probability from both tails keeps the median where it is:
    below at base·(1+factor), above at the point with as much probability beneath it.
    """
    tail = 2.0 ** -(1.0 + factor)
    return -math.log2(tail + uniform * (1.0 - 2.0 * tail)) * base
