"""Time limits for calls of user code, by whatever the platform can interrupt.

This module decides how a call is stopped when its time is over. It must not know tasks or
flows; it raises `RunTimeout` and says honestly when the code could not be stopped.

- In the main thread of a POSIX process a timer signal interrupts even blocking calls.
- Elsewhere the call gets a thread of its own, into which an exception is thrown. Python
  delivers it between two bytecodes, so a thread blocked in C code goes on running.
- An awaitable is cancelled; one that will not be cancelled is left behind.

A limit stands still while the code it is about waits for a person (`standing_still`).
"""

from __future__ import annotations

import contextvars
import ctypes
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any, Final, TypeVar

from nbflow.exceptions import RunTimeout

R = TypeVar("R")

#: Seconds that code gets to notice that its time is over.
GRACE: Final = 0.5


class OutOfTime(BaseException):
    """Thrown into the user's code; a BaseException, so that `except Exception` lets it pass.

    Runs inside the one whose time is over see it pass through, and end as Cancelled.
    """

    def __init__(self, limit: _Limit | None = None) -> None:
        super().__init__("The run around it exceeded its time limit.")
        self.limit = limit


class _Limit:
    """One time limit at work, whose time can stand still."""

    __slots__ = ("_deadline", "_left", "_lock", "_pauses", "fired")

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._left = seconds
        #: How many places of the limited code wait for a person.
        self._pauses = 0
        self._lock = threading.Lock()
        self.fired = False

    @property
    def stands_still(self) -> bool:
        """Whether its time does not run now."""
        return self._pauses > 0

    def left(self) -> float:
        """Seconds until it is over."""
        return self._left if self._pauses else self._deadline - time.monotonic()

    def patience(self) -> float:
        """Seconds to wait before looking again."""
        return max(self.left(), _PAUSED_LOOK) if self._pauses else self.left()

    def pause(self) -> None:
        """Let its time stand still."""
        with self._lock:
            left = self.left()
            self._pauses += 1
            self._left = left

    def go_on(self) -> None:
        """Let its time run again, once as often as it was paused."""
        with self._lock:
            self._pauses -= 1
            if not self._pauses:
                self._deadline = time.monotonic() + self._left


#: Seconds between looks at a limit that stands still.
_PAUSED_LOOK: Final = 0.25

#: The limits at work in the main thread, the outermost first.
_limits: Final[list[_Limit]] = []

#: The limits around the code that runs here, whichever thread enforces them.
_around: Final[ContextVar[tuple[_Limit, ...]]] = ContextVar("nbflow_limits", default=())


@contextmanager
def standing_still() -> Iterator[None]:
    """Let the time of every limit around this code stand still inside the block."""
    limits = _around.get()
    for limit in limits:
        limit.pause()
    _aim_again(limits)
    try:
        yield
    finally:
        for limit in limits:
            limit.go_on()
        _aim_again(limits)


def _aim_again(limits: tuple[_Limit, ...]) -> None:
    if any(limit in _limits for limit in limits):
        _set_timer()


@contextmanager
def _within(limit: _Limit) -> Iterator[None]:
    token = _around.set((*_around.get(), limit))
    try:
        yield
    finally:
        _around.reset(token)


def call_within(seconds: float, call: Callable[[], R], error: type[RunTimeout]) -> R:
    """Return `call()`, or raise `error` when it takes longer than `seconds`."""
    limit = _Limit(seconds)
    with _within(limit):
        if _can_use_signal():
            return _call_with_signal(limit, seconds, call, error)
        return _call_in_thread(limit, seconds, call, error)


async def await_within(seconds: float, awaitable: Awaitable[R], error: type[RunTimeout]) -> R:
    """Like `call_within`, for an awaitable: it is cancelled when its time is over."""
    import asyncio  # noqa: PLC0415 - only async runs need it

    limit = _Limit(seconds)
    with _within(limit):
        inner = asyncio.ensure_future(awaitable)
    try:
        done: set[Any] = set()
        while not done and limit.left() > 0:
            done, _ = await asyncio.wait({inner}, timeout=limit.patience())
        if not done:
            inner.cancel()
            done, _ = await asyncio.wait({inner}, timeout=GRACE)
            inner.add_done_callback(_look_at)
            story = "" if done else " It ignores its cancellation and goes on running."
            raise error(_message(seconds) + story)
    except asyncio.CancelledError:
        inner.cancel()
        inner.add_done_callback(_look_at)
        await asyncio.wait({inner})
        raise
    return inner.result()


def _look_at(task: Any) -> None:
    # An exception nobody looked at would be reported when the task is collected.
    if not task.cancelled():
        task.exception()


def _message(seconds: float) -> str:
    return f"Exceeded its time limit of {seconds:g} seconds."


def _can_use_signal() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


# ── the main thread: a timer signal ──────────────────────────────────────────────────────


def _call_with_signal(
    limit: _Limit, seconds: float, call: Callable[[], R], error: type[RunTimeout]
) -> R:
    outer_handler = signal.getsignal(signal.SIGALRM)
    foreign_left = 0.0 if _limits else signal.getitimer(signal.ITIMER_REAL)[0]
    started = time.monotonic()
    struck: BaseException | None = None
    try:
        _limits.append(limit)
        signal.signal(signal.SIGALRM, _interrupt)
        _set_timer()
        value = call()
    except OutOfTime as thrown:
        if thrown.limit is not limit:
            raise
        struck = thrown
    except BaseException as turned:
        if not limit.fired:
            raise
        struck = turned  # the user's code made an error of its own of the interruption
    else:
        if not limit.fired:
            return value
        # It swallowed the interruption, and took its time.
    finally:
        _limits.remove(limit)
        signal.signal(signal.SIGALRM, outer_handler)
        _set_timer()
        if foreign_left:  # someone else's alarm goes on where it was
            left = max(foreign_left - (time.monotonic() - started), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left)
    out_of_time = error(_message(seconds))
    out_of_time.__context__ = struck  # where it struck, for those who show tracebacks
    out_of_time.__suppress_context__ = True
    raise out_of_time


def _set_timer() -> None:
    """Aim the one timer at the limit that is over next."""
    times = [limit.left() for limit in _limits if not (limit.fired or limit.stands_still)]
    left = max(min(times), 0.0001) if times else 0
    signal.setitimer(signal.ITIMER_REAL, left)


def _interrupt(_: int, __: FrameType | None) -> None:
    running = (each for each in _limits if not (each.fired or each.stands_still))
    over = next((each for each in running if each.left() <= 0), None)
    if over is not None:
        over.fired = True
    _set_timer()
    if over is not None:
        raise OutOfTime(over)


# ── other threads: a thread of its own ───────────────────────────────────────────────────


class _ThreadCall:
    """A call in a thread of its own that may be told to stop."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self.outcome: tuple[bool, Any] | None = None
        self.over = threading.Event()
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name="nbflow-limited", daemon=True
        )
        self._thread.start()

    def _run(self) -> None:
        try:
            outcome = (True, self._call())
        except BaseException as raised:  # noqa: BLE001 - handed to the waiting thread
            outcome = (False, raised)
        try:
            with self._lock:
                self.outcome = outcome
        except OutOfTime as thrown:  # it arrived when the call was just over
            self.outcome = (False, thrown)
        self.over.set()

    def stop(self) -> None:
        """Throw `OutOfTime` into the thread, unless it is over already."""
        with self._lock:
            if self.outcome is None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(OutOfTime)
                )


def _call_in_thread(
    limit: _Limit, seconds: float, call: Callable[[], R], error: type[RunTimeout]
) -> R:
    running = _ThreadCall(call)
    try:
        in_time = _wait_within(running.over, limit)
    except BaseException:  # an outer limit's
        running.stop()
        raise
    if not in_time:
        running.stop()
        running.over.wait(GRACE)
        if running.outcome is None:
            raise error(
                f"{_message(seconds)} Its thread could not be interrupted and goes on running: "
                "it is blocked in code that Python cannot stop. "
                "Use ProcessPoolTaskRunner for tasks that must be killed."
            )
        raise error(_message(seconds))
    assert running.outcome is not None
    returned, value = running.outcome
    if returned:
        return value  # type: ignore[no-any-return]
    raise value


def _wait_within(over: threading.Event, limit: _Limit) -> bool:
    """Wait for the inner thread; an outer limit's exception gets its chance now and then.

    What is thrown into a thread arrives when it runs Python code, which it does not do while
    it waits.
    """
    while limit.left() > 0:
        if over.wait(min(limit.patience(), 0.25)):
            return True
    return over.is_set()
