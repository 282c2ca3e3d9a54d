"""One thread that carries out accepted work in groups.

This module decides when groups go out and who waits for them: accepting costs the caller an
append; a group gathers for up to 20 ms, or until somebody waits for it. It must not know what
the work is, nor what happens when it fails.
"""

from __future__ import annotations

import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, Final, Generic, TypeVar

from nbflow.exceptions import StoreError
from nbflow.store.bell import Bell

#: Seconds a group gathers.
GROUP_SECONDS: Final = 0.02

T = TypeVar("T")


class Wait(Bell):
    """Somebody waits until it, and so everything accepted before, is carried out: it rings."""


class Grouping(ABC, Generic[T]):
    """Accepts work from any thread, and carries it out in order."""

    #: Items in one group.
    most_in_group = 2_000
    #: The thread's name.
    name = "nbflow-grouping"

    def __init__(self) -> None:
        self._start_fresh()
        _alive.add(self)

    def _start_fresh(self) -> None:
        self._queue: deque[T | Wait] = deque()
        # Reentrant: a signal handler may flush while its thread holds it.
        self._lock = threading.RLock()
        self._work = Bell()
        self._kick = Bell()
        #: True while the thread is not there or waits for work: what comes must wake it. The
        #: thread alone says that it is awake: who wakes it may be interrupted half-way.
        self._asleep = True
        self._active = False
        self._closed = False
        self._thread: threading.Thread | None = None
        #: Held by who carries out.
        self._turn = threading.Lock()

    def forget_parent(self) -> None:
        """In a forked child: what is queued is the parent's."""
        _left_alone.append(self._queue)
        self._start_fresh()

    # ── callers' side ────────────────────────────────────────────────────────────────────
    def put(self, item: T | Wait) -> None:
        """Accept an item."""
        self._queue.append(item)
        if self._asleep:
            self._wake()

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until all that was accepted is carried out or given up; False: not in time."""
        if not self._queue and not self._active:
            return True
        return self.wait_for(Wait(), timeout)

    def wait_for(self, wait: Wait, timeout: float | None = None) -> bool:
        """Accept something to be waited for, at once, and wait; False: not in time."""
        Grouping.put(self, wait)
        self._kick.ring()
        return wait.wait(timeout)

    def _wake(self) -> None:
        if self._closed:
            self._refuse()
        with self._lock:
            if self._thread is None:
                self._start_thread()
        self._work.ring()

    def _refuse(self) -> None:
        with self._turn:  # not before the thread has ended: it may be taking from the queue
            self._queue.clear()
        raise StoreError("The store is closed. Open it again: nbflow.store.open_store().")

    def _start_thread(self) -> None:
        try:
            threading.Thread(target=self._run, name=self.name, daemon=True).start()
        except RuntimeError:  # mostly the interpreter is ending: nobody else is left to do it
            if self._turn.acquire(blocking=False):
                try:
                    self._step()
                finally:
                    self._turn.release()

    def stop(self) -> None:
        """Accept nothing more, and end the thread once the queue is empty."""
        self._closed = True
        self._work.ring()
        self._kick.ring()
        if self._thread is not None:
            self._thread.join()
        self._asleep = True

    # ── the thread's side ────────────────────────────────────────────────────────────────
    def _run(self) -> None:
        if not self._turn.acquire(blocking=False):
            return  # a second one: who started the first was interrupted before it was seen
        try:
            self._thread = threading.current_thread()
            while not self._is_over():
                self._gather()
                self._step()
        finally:
            self._turn.release()

    def _is_over(self) -> bool:
        if self._closed and not self._queue:
            self._asleep = True  # from now on who brings something is refused
            return not self._queue  # what came before that is still done
        return False

    def _gather(self) -> None:
        if not self._queue:
            self._asleep = True
            if not self._queue:  # what came before `_asleep` was seen did not wake us
                self._work.wait()
        self._asleep = False
        self._work.silence()
        if len(self._queue) < self.most_in_group:
            self._kick.wait(GROUP_SECONDS)
        self._kick.silence()

    def _step(self) -> None:
        self._active = True  # before the queue shrinks: `settle` looks at the queue first
        queue = self._queue
        items = [queue.popleft() for _ in range(min(len(queue), self.most_in_group))]
        try:
            self._carry_out(items)
        finally:
            self._active = False
            for item in items:
                if isinstance(item, Wait):
                    item.ring()

    @abstractmethod
    def _carry_out(self, items: list[T | Wait]) -> None:
        """Do the work of a group; raises nothing. Those who wait may be told before it returns."""


_alive: weakref.WeakSet[Grouping[Any]] = weakref.WeakSet()
#: A parent's queues, kept for ever.
_left_alone: list[Any] = []


def _after_fork() -> None:
    for grouping in list(_alive):
        grouping.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
