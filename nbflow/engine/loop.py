"""One event loop in a background thread, for timers and submitted async tasks.

This module decides where waiting happens that must not hold a thread. It must not know what
is waited for.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_pid = 0


def background_loop() -> asyncio.AbstractEventLoop:
    """The loop, started when first asked for; a forked child gets one of its own."""
    global _loop, _pid  # noqa: PLW0603 - one loop per process
    with _lock:
        if _loop is None or _pid != os.getpid():
            _loop = asyncio.new_event_loop()
            _pid = os.getpid()
            threading.Thread(target=_run, args=(_loop,), name="nbflow-loop", daemon=True).start()
        return _loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


def in_background_loop() -> bool:
    """Whether the current thread is the loop's own, which must never be blocked."""
    return threading.current_thread().name == "nbflow-loop"


def call_later(seconds: float, fn: Callable[[], Any]) -> None:
    """Call `fn` in the loop's thread after a delay; `fn` must return at once."""
    loop = background_loop()
    loop.call_soon_threadsafe(loop.call_later, seconds, fn)
