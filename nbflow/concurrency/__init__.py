"""Limits by name: `with concurrency("database"): …` and `rate_limit("api")`.

This module decides what using a named limit reads like, the same in flows, tasks and plain
cells. Its submodules `sync` and `asyncio` offer both under their Prefect names. It must not know
how slots are granted, kept or returned.

The module can be called, because `nbflow.concurrency` is the function's public name, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from nbflow.concurrency.occupation import Occupation, out_of_time, use_of

__all__ = ["Occupation", "concurrency", "rate_limit"]


def concurrency(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    strict: bool = False,
    lease_duration: float = 60.0,
) -> Occupation:
    """Hold slots of named limits inside a `with` (or `async with`) block, waiting for them.

    A name without a limit lets everybody through. Slots are leases, which a thread of this
    process renews: those of a process that died become free by themselves.

    Args:
        names: The limit's name, or several: of all of them, or of none, slots are taken.
        occupy: How many slots of each.
        timeout_seconds: Longest wait; `RunTimeout` is raised when it is over.
        strict: Raise `ObjectNotFound` where there is no limit of that name.
        lease_duration: Seconds after which the slots of a dead process become free.
    """
    return Occupation(names, occupy, timeout_seconds, strict, lease_duration)


def rate_limit(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    strict: bool = False,
) -> None:
    """Wait until named rate limits let one more through; in async code: that of `.asyncio`.

    Arguments are those of `concurrency`. A rate limit is a limit whose slots become free by
    themselves; `strict` refuses any other.
    """
    request = use_of(names, occupy, strict=strict)
    if not request.wait(timeout_seconds):
        raise out_of_time(request.names, timeout_seconds)


class _Callable(ModuleType):
    """Lets `from nbflow import concurrency` be the function, whichever was imported first."""

    def __call__(self, *args: Any, **kwargs: Any) -> Occupation:
        return concurrency(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
