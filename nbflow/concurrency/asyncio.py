"""`concurrency` and `rate_limit` for async code, under the name they have in Prefect.

This module decides that neither blocks the event loop while it waits.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbflow.concurrency import concurrency
from nbflow.concurrency.occupation import out_of_time, use_of

__all__ = ["concurrency", "rate_limit"]


async def rate_limit(
    names: str | Sequence[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    strict: bool = False,
) -> None:
    """Wait until named rate limits let one more through; see `nbflow.concurrency.rate_limit`."""
    request = use_of(names, occupy, strict=strict)
    if not await request.wait_async(timeout_seconds):
        raise out_of_time(request.names, timeout_seconds)
