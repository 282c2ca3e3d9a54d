"""The threads of one task runner: at most so many at work, and none counted while it waits.

This module decides which job gets a thread. A job that waits for another run gives its
place away until it goes on, so that a pool of size 1 finishes tasks that submit to the same
pool and wait. Threads are daemons: one that is stuck in code which cannot be interrupted
does not keep the process from ending. It must not know runs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

#: Seconds an idle thread waits for work before it ends.
_IDLE_SECONDS: Final = 30.0

Job = Callable[[], Any]


class PoolClosed(RuntimeError):
    """The pool takes no more jobs."""


class ThreadPool:
    """Runs jobs, which must not raise, on at most `size` threads at a time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: deque[Job] = deque()
        lock = threading.Lock()
        #: For idle threads: a job and a place are there.
        self._work = threading.Condition(lock)
        #: For jobs that go on after a wait: a place is there.
        self._place = threading.Condition(lock)
        #: For `drain`: nothing is left to do.
        self._quiet = threading.Condition(lock)
        self._lock = lock
        self._busy = 0  # places taken
        self._returning = 0  # jobs that want their place back
        self._waiting = 0  # jobs that gave their place away
        self._starting = 0  # threads that have not looked for work yet
        self._idle = 0
        self._closed = False

    def submit(self, job: Job) -> None:
        """Queue a job; raises `PoolClosed`."""
        with self._lock:
            if self._closed:
                raise PoolClosed
            self._jobs.append(job)
            self._call_up()

    def close(self, *, forget: bool = False) -> None:
        """Let the threads end once the queue is empty; with `forget`, empty it."""
        with self._lock:
            self._closed = True
            if forget:
                self._jobs.clear()
            self._work.notify_all()

    def drain(self) -> None:
        """Return when nothing is queued or at work."""
        with self._lock:
            while self._jobs or self._busy or self._waiting:
                self._quiet.wait()

    def give_place_away(self) -> None:
        """The calling job waits from now on: another may run."""
        with self._lock:
            self._waiting += 1
            self._leave()

    def take_place_back(self) -> None:
        """The calling job goes on, as soon as there is a place."""
        with self._lock:
            self._returning += 1
            while self._busy >= self._size:
                self._place.wait()
            self._returning -= 1
            self._waiting -= 1
            self._busy += 1

    # ── inside the lock ──────────────────────────────────────────────────────────────────

    def _has_place(self) -> bool:
        return self._busy + self._returning < self._size

    def _call_up(self) -> None:
        """See to it that a waiting job meets a thread."""
        if not self._jobs or not self._has_place():
            return
        if self._idle:
            self._work.notify()
        elif self._busy + self._returning + self._starting < self._size:
            self._starting += 1
            threading.Thread(target=self._serve, name="nbflow-task", daemon=True).start()

    def _leave(self) -> None:
        self._busy -= 1
        if self._returning:
            self._place.notify()
        self._call_up()
        if not self._busy:
            self._quiet.notify_all()

    # ── the threads ──────────────────────────────────────────────────────────────────────

    def _serve(self) -> None:
        with self._lock:
            self._starting -= 1
            job = self._next()
        while job is not None:
            job()
            del job  # what it held must not wait for the next one
            with self._lock:
                self._leave()
                job = self._next()

    def _next(self) -> Job | None:
        while not (self._jobs and self._has_place()):
            if self._closed and not self._jobs:
                return None
            self._idle += 1
            in_time = self._work.wait(_IDLE_SECONDS)
            self._idle -= 1
            if not in_time and not self._jobs:
                return None
        self._busy += 1
        job = self._jobs.popleft()
        self._call_up()
        return job


class Place:
    """One job's place in its pool; coroutines and threads of the job may wait side by side."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        self._waits = 0
        self._lock = threading.Lock()

    @contextmanager
    def given_away(self) -> Iterator[None]:
        """Let another job run while this one waits inside the block."""
        with self._lock:
            self._waits += 1
            if self._waits == 1:
                self._pool.give_place_away()
        try:
            yield
        finally:
            with self._lock:
                self._waits -= 1
                if not self._waits:
                    self._pool.take_place_back()
