"""Slots of named concurrency limits, as this process asks for, keeps and returns them.

This module decides who of this process tries next, how often, and that held slots are kept
alive. Who gets a slot is the store's decision. It must not know tasks or states.

Those who want the same limits stand in one line, and only its head asks the store: five hundred
waiting tasks ask no more often than one. One daemon thread asks for all lines and renews all
leases; it exists only while there is something to do.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbflow.exceptions import StoreError

if TYPE_CHECKING:  # where there are no limits nothing of this is needed
    from nbflow.models.deployments import ConcurrencyLimit
    from nbflow.store.orchestration import LimitStore

_logger: Final = logging.getLogger("nbflow.concurrency")

#: Seconds between two tries for slots that another process holds: at first, and at most.
_FIRST_PAUSE: Final = 0.01
_LAST_PAUSE: Final = 0.5
#: Seconds that the list of limits is believed.
_BELIEVED: Final = 2.0


@dataclass(eq=False, slots=True, kw_only=True)
class SlotRequest:
    """Slots that somebody wants, waits for or holds."""

    limits: LimitStore
    names: tuple[str, ...]
    occupy: int = 1
    #: Who holds them, for people.
    holder: str = ""
    lease_seconds: float = 60.0
    #: False for slots that nobody gives back: those of a rate limit.
    kept: bool = True
    #: The longest pause between two tries.
    patience: float = _LAST_PAUSE
    slot: UUID | None = None
    #: Why it will never be granted.
    error: Exception | None = None
    settled: threading.Event = field(default_factory=threading.Event)
    _then: Callable[[], Any] | None = None
    _renew_at: float = 0.0
    #: Nobody wants them any more, whatever is still on its way to the line.
    _given_up: bool = False

    def take(self) -> bool:
        """Take the slots if they are free and nobody of this process waits for them."""
        if _keeper.has_line(self.names):
            return False
        slot = self._acquire()
        if slot is None:
            return False
        _keeper.keep(self, slot)
        return True

    def line_up(self, then: Callable[[], Any] | None = None, *, refused: bool = True) -> None:
        """Wait in line; `then` is called in another thread once it is settled.

        With `refused` the slots were asked for in vain just now.
        """
        self._then = then
        _keeper.line_up(self, _FIRST_PAUSE if refused else 0.0)

    def wait(self, seconds: float | None = None) -> bool:
        """Take the slots, waiting for them so long; False when the time is over before."""
        if self.take():
            return True
        self.line_up()
        try:
            _wait_patiently(self.settled, seconds)
        except BaseException:  # an interrupt
            self.release()
            raise
        return self._arrived()

    async def wait_async(self, seconds: float | None = None) -> bool:
        """The same, without blocking the event loop."""
        import asyncio  # noqa: PLC0415 - slow to load, and only async code needs it

        loop, heard = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(heard.set)

        self.line_up(tell, refused=False)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), seconds)
        except BaseException:  # a cancellation
            self.release()
            raise
        return self._arrived()

    def _arrived(self) -> bool:
        _keeper.withdraw(self)
        if self.error is not None:
            raise self.error
        return self.slot is not None

    def release(self) -> None:
        """Give the slots back, or leave the line; once more is fine."""
        _keeper.give_up(self)
        slot = _keeper.let_go(self)
        if slot is not None and self.kept:
            _give_back(self, slot)

    def settle(self) -> None:
        """Tell whoever waits."""
        self.settled.set()
        if self._then is not None:
            self._then()

    def _acquire(self) -> UUID | None:
        return self.limits.acquire(
            self.names, self.occupy, self.holder, lease_seconds=self.lease_seconds
        )


def _wait_patiently(settled: threading.Event, seconds: float | None) -> None:
    """Wait, waking now and then: what is thrown into a thread arrives when it runs Python code."""
    end = math.inf if seconds is None else time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if settled.wait(min(left, 0.5)):
            return


def _give_back(request: SlotRequest, slot: UUID) -> None:
    try:
        request.limits.release(slot)
    except StoreError as error:  # the lease ends by itself, a little later
        _logger.warning("The slots of %s could not be given back: %s", _words(request), error)
    _keeper.ring(request.names)


def _words(request: SlotRequest) -> str:
    return ", ".join(repr(name) for name in request.names)


class _Line:
    """Those who want the same limits, in the order they came."""

    def __init__(self, delay: float) -> None:
        self.waiting: deque[SlotRequest] = deque()
        self.pause = _FIRST_PAUSE
        self.due = time.monotonic() + delay

    def hurry(self) -> None:
        """Something may be free now."""
        self.pause, self.due = _FIRST_PAUSE, time.monotonic()

    def rest(self) -> None:
        """Nothing was free: ask again, a little later than last time."""
        self.due = time.monotonic() + self.pause
        longest = self.waiting[0].patience if self.waiting else _LAST_PAUSE
        self.pause = min(2 * self.pause, longest)


class _Keeper:
    """All lines and all held slots of this process."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, ...], _Line] = {}
        self._held: set[SlotRequest] = set()
        self._changed = threading.Condition()
        self._running = False

    # ── what requests do ─────────────────────────────────────────────────────────────────

    def has_line(self, names: tuple[str, ...]) -> bool:
        """Whether somebody waits for these limits."""
        with self._changed:
            return names in self._lines

    def line_up(self, request: SlotRequest, delay: float) -> None:
        """Put a request at the end of its line; who is alone asks after the delay."""
        with self._changed:
            if request._given_up:  # noqa: SLF001 - our own
                return
            self._lines.setdefault(request.names, _Line(delay)).waiting.append(request)
            self._wake()

    def withdraw(self, request: SlotRequest) -> None:
        """Take a request out of its line, if it still is there."""
        with self._changed:
            line = self._lines.get(request.names)
            if line is None or request not in line.waiting:
                return
            line.waiting.remove(request)
            self._close_if_empty(request.names, line)

    def give_up(self, request: SlotRequest) -> None:
        """Take a request out of its line, or keep it from lining up: nobody wants it."""
        with self._changed:
            request._given_up = True  # noqa: SLF001 - our own
        self.withdraw(request)

    def keep(self, request: SlotRequest, slot: UUID) -> None:
        """Renew the lease of slots that were just granted, until they are let go."""
        with self._changed:
            self._hold(request, slot)

    def let_go(self, request: SlotRequest) -> UUID | None:
        """Renew a request's lease no more; the slots it held."""
        with self._changed:
            self._held.discard(request)
            slot, request.slot = request.slot, None
            return slot

    def ring(self, names: Iterable[str]) -> None:
        """Let the lines that want any of these limits ask at once."""
        with self._changed:
            freed = set(names)
            for wanted, line in self._lines.items():
                if not freed.isdisjoint(wanted):
                    line.hurry()
            self._changed.notify()

    def _hold(self, request: SlotRequest, slot: UUID) -> None:
        request.slot = slot
        if request.kept:
            request._renew_at = time.monotonic() + request.lease_seconds / 3  # noqa: SLF001 - our own
            self._held.add(request)
            self._wake()

    def _wake(self) -> None:
        self._changed.notify()
        if not self._running:
            self._running = True
            threading.Thread(target=self._run, name="nbflow-slots", daemon=True).start()

    def _close_if_empty(self, names: tuple[str, ...], line: _Line) -> None:
        if not line.waiting:
            del self._lines[names]

    # ── what the thread does ─────────────────────────────────────────────────────────────

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:  # whoever is told may fail; others still wait
                _logger.exception("Something went wrong while slots were handed out.")

    def _next(self) -> Callable[[], None] | None:
        """What is to be done, once it is due; None when there is nothing more."""
        with self._changed:
            while self._lines or self._held:
                due, job = self._soonest()
                left = due - time.monotonic()
                if left <= 0:
                    return job
                self._changed.wait(left)
            self._running = False
            return None

    def _soonest(self) -> tuple[float, Callable[[], None]]:
        jobs: list[tuple[float, Callable[[], None]]] = [
            (line.due, lambda names=names: self._try(names))  # type: ignore[misc] # bound at once
            for names, line in self._lines.items()
        ]
        if self._held:
            oldest = min(self._held, key=lambda each: each._renew_at)  # noqa: SLF001 - our own
            jobs.append((oldest._renew_at, lambda: self._renew(oldest)))  # noqa: SLF001
        return min(jobs, key=lambda job: job[0])

    def _try(self, names: tuple[str, ...]) -> None:
        """Ask for the slots that the head of a line wants."""
        with self._changed:
            line = self._lines.get(names)
            if line is None:
                return
            head = line.waiting[0]
            line.rest()
        slot = error = None
        try:
            slot = head._acquire()  # noqa: SLF001 - our own
        except StoreError as passing:  # a server that restarts, a disk that is full
            _logger.debug("Slots of %s cannot be asked for: %s", _words(head), passing)
            return
        except Exception as found:  # noqa: BLE001 - told to whoever waits; the thread goes on
            error = found
        if slot is not None or error is not None:
            self._settle(line, head, slot, error)

    def _settle(
        self, line: _Line, head: SlotRequest, slot: UUID | None, error: Exception | None
    ) -> None:
        with self._changed:
            waits = head in line.waiting
            if waits:
                line.waiting.remove(head)
                line.hurry()
                self._close_if_empty(head.names, line)
                head.error = error
                if slot is not None:
                    self._hold(head, slot)
        if waits:
            head.settle()
        elif slot is not None:  # it did not want to wait any longer
            _give_back(head, slot)

    def _renew(self, request: SlotRequest) -> None:
        with self._changed:
            slot = request.slot
            request._renew_at = time.monotonic() + request.lease_seconds / 3  # noqa: SLF001 - our own
        if slot is None:
            return
        try:
            alive = request.limits.renew(slot, lease_seconds=request.lease_seconds)
        except Exception as error:  # noqa: BLE001 - any store's; the next time it may work
            _logger.warning("The slots of %s could not be renewed: %s", _words(request), error)
            return
        if not alive and request.slot is not None:
            self._lose(request)

    def _lose(self, request: SlotRequest) -> None:
        with self._changed:
            self._held.discard(request)
        _logger.warning(
            "The slots of %s that %s held were lost: the lease was not renewed in time. Others may "
            "use them now.",
            _words(request),
            request.holder or "this process",
        )


_keeper = _Keeper()


class _Known:
    """The limits there are, looked up every few seconds at most."""

    def __init__(self) -> None:
        self._of: LimitStore | None = None
        self._until = 0.0
        self._limits: dict[str, ConcurrencyLimit] = {}

    def limits(self, store: LimitStore) -> dict[str, ConcurrencyLimit]:
        """The active limits by name."""
        if store is not self._of or time.monotonic() >= self._until:
            found = {limit.name: limit for limit in store.limits() if limit.active}
            self._of, self._limits, self._until = store, found, time.monotonic() + _BELIEVED
        return self._limits


_known = _Known()


def known_limits(store: LimitStore, names: Iterable[str]) -> list[ConcurrencyLimit]:
    """The active limits among `names`, as they were a few seconds ago at most."""
    found = _known.limits(store)
    return [found[name] for name in sorted(names) if name in found] if found else []


def forget_limits() -> None:
    """Look the limits up again when they are needed next."""
    global _known  # noqa: PLW0603 - one per process
    _known = _Known()


def _after_fork() -> None:
    # The slots that are held are the parent's, and so is the thread that renews them.
    global _keeper  # noqa: PLW0603 - one per process
    _keeper = _Keeper()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
