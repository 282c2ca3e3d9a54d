"""Time limits for calls of user code, by whatever the platform can interrupt.

This module decides how a call is stopped when its time is over. It must not know tasks or
flows; it raises `RunTimeout` and says honestly when the code could not be stopped.

- In the main thread of a POSIX process a timer signal interrupts even blocking calls.
- Elsewhere the call gets a thread of its own, into which an exception is thrown. Python
  delivers it between two bytecodes, so a thread blocked in C code goes on running.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, Final, TypeVar

from nbflow.exceptions import RunTimeout

R = TypeVar("R")

#: Seconds a thread gets to notice the exception thrown into it.
GRACE: Final = 0.5


class _OutOfTime(BaseException):
    """Thrown into the user's code; a BaseException, so that `except Exception` lets it pass."""


def call_within(seconds: float, call: Callable[[], R], error: type[RunTimeout]) -> R:
    """Return `call()`, or raise `error` when it takes longer than `seconds`."""
    if _can_use_signal():
        return _call_with_signal(seconds, call, error)
    return _call_in_thread(seconds, call, error)


async def await_within(seconds: float, awaitable: Awaitable[R], error: type[RunTimeout]) -> R:
    """Like `call_within`, for an awaitable: it is cancelled when its time is over."""
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            return await awaitable
    except TimeoutError:
        if scope.expired():
            raise error(_message(seconds)) from None
        raise


def _message(seconds: float) -> str:
    return f"Exceeded its time limit of {seconds:g} seconds."


def _can_use_signal() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def _call_with_signal(seconds: float, call: Callable[[], R], error: type[RunTimeout]) -> R:
    def interrupt(_: int, __: FrameType | None) -> None:
        raise _OutOfTime

    outer_handler = signal.signal(signal.SIGALRM, interrupt)
    started = time.monotonic()
    outer_left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    except _OutOfTime:
        raise error(_message(seconds)) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, outer_handler)
        if outer_left:  # an enclosing limit goes on where it was
            left = max(outer_left - (time.monotonic() - started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left)


def _call_in_thread(seconds: float, call: Callable[[], R], error: type[RunTimeout]) -> R:
    outcome: list[tuple[bool, Any]] = []
    over = threading.Event()

    def run() -> None:
        try:
            outcome.append((True, call()))
        except BaseException as raised:  # noqa: BLE001 - handed to the waiting thread
            outcome.append((False, raised))
        finally:
            over.set()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="nbflow-limited", daemon=True)
    thread.start()
    if not over.wait(seconds):
        _throw_into(thread)
        if not over.wait(GRACE):
            raise error(
                f"{_message(seconds)} Its thread could not be interrupted and goes on running: "
                "it is blocked in code that Python cannot stop. "
                "Use ProcessPoolTaskRunner for tasks that must be killed."
            )
    returned, value = outcome[0]
    if returned:
        return value  # type: ignore[no-any-return]
    if isinstance(value, _OutOfTime):
        raise error(_message(seconds)) from None
    raise value


def _throw_into(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_OutOfTime)
    )
