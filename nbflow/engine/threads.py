"""Threads that users' code starts inside a run know which run they belong to.

This module decides what such threads inherit: the context of the place that started them,
as Python itself does from 3.14 on. Threads started outside of runs are left alone.
"""

from __future__ import annotations

import contextvars
import functools
import sys
import threading
from typing import Any, Final

from nbflow.context import current_context

#: Threads of our own serve many runs, so they must belong to none.
_OURS: Final = "nbflow-"
_MARK: Final = "inherits_nbflow_context"


def let_threads_inherit() -> None:
    """From now on, threads and pool jobs started inside a run carry its context."""
    if not hasattr(threading.Thread.start, _MARK):
        threading.Thread.start = _inheriting(threading.Thread.start)  # type: ignore[method-assign]
    # Slow to load: who uses it has loaded it, or starts its threads inside the run.
    executors: Any = sys.modules.get("concurrent.futures.thread")
    if executors is not None and not hasattr(executors.ThreadPoolExecutor.submit, _MARK):
        executors.ThreadPoolExecutor.submit = _carrying(executors.ThreadPoolExecutor.submit)


def _inheriting(start: Any) -> Any:
    @functools.wraps(start)
    def start_inside(thread: threading.Thread) -> None:
        if current_context() is not None and not thread.name.startswith(_OURS):
            context = contextvars.copy_context()
            thread.run = functools.partial(context.run, thread.run)  # type: ignore[method-assign]
        start(thread)

    setattr(start_inside, _MARK, True)
    return start_inside


def _carrying(submit: Any) -> Any:
    @functools.wraps(submit)
    def submit_inside(pool: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if current_context() is not None:
            fn = functools.partial(contextvars.copy_context().run, fn)
        return submit(pool, fn, *args, **kwargs)

    setattr(submit_inside, _MARK, True)
    return submit_inside
