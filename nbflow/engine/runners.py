"""Task runners: where a flow's submitted tasks execute.

This module decides which thread or process does the work. It must not decide states: it
asks the work what to do next, does it, and reports back. A run that waits, for upstream
runs or for a retry, holds no worker, so that a pool of size 1 finishes any DAG.
"""

from __future__ import annotations

import atexit
import contextvars
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, Self

from nbflow import states
from nbflow.engine.machine import Call, Event, Raised, Sleep, Stop, Woke
from nbflow.engine.pool import Place, PoolClosed, ThreadPool
from nbflow.engine.processes import ProcessPool, RemoteCall
from nbflow.engine.rest import rest
from nbflow.engine.slot_wait import SlotWait
from nbflow.engine.timeouts import OutOfTime
from nbflow.engine.timer import call_later
from nbflow.exceptions import ConfigurationError, TerminationSignal
from nbflow.futures import Future, occupy
from nbflow.settings import get_settings


class Work(Protocol):
    """One submitted run, as a runner sees it."""

    future: Future[Any]
    #: The context of the place where it was submitted.
    context: contextvars.Context
    #: What ended the program while the work's code was executing.
    interrupt: BaseException | None

    @property
    def is_async(self) -> bool:
        """Whether the call has to be awaited."""

    def claim(self) -> bool:
        """Whether the caller may start it: True for the first who asks."""

    def begin(self) -> Event:
        """The first event: everything the run waited for is there."""

    def proceed(self, event: Event) -> Call | Sleep | SlotWait | None:
        """Take in an event; returns what to do next, or None when the run is over."""

    def call(self) -> Event:
        """Call the user's function in this thread."""

    async def call_async(self) -> Event:
        """Call and await the user's function."""

    def remote_call(self) -> RemoteCall:
        """The call in a form that another process understands."""

    def called(self, remote: RemoteCall) -> Event:
        """What the outcome of a remote call means."""

    def failed_to_run(self, error: BaseException) -> Raised:
        """The call could not even be made."""


class TaskRunner(ABC):
    """Where submitted tasks execute. `duplicate()` gives each flow run a runner of its own."""

    @property
    def name(self) -> str:
        """The runner's kind, in short."""
        return type(self).__name__.removesuffix("TaskRunner").lower()

    @abstractmethod
    def duplicate(self) -> Self:
        """A fresh runner with the same options."""

    @abstractmethod
    def submit(self, work: Work) -> None:
        """Start work whose upstream runs have settled; returns without waiting for it."""

    def close(self) -> None:  # noqa: B027 - many runners hold nothing to release
        """Release threads and processes; nothing is running any more."""

    def stop(self) -> None:
        """Release threads and processes at once; work that was not started never will be."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class SequentialTaskRunner(TaskRunner):
    """Runs each submitted task at once, in the thread that submits it, one after another."""

    def duplicate(self) -> Self:
        """A fresh runner."""
        return type(self)()

    def submit(self, work: Work) -> None:
        """Run the work to its end."""
        if not work.claim():
            return
        work.context.run(_run_here, work)
        if isinstance(work.interrupt, KeyboardInterrupt | TerminationSignal | OutOfTime):
            raise work.interrupt  # it was meant for this thread, not only for the work


def _run_here(work: Work) -> None:
    step = work.proceed(work.begin())
    while step is not None:
        event = _call(work) if isinstance(step, Call) else rest(step, work.failed_to_run)
        step = work.proceed(event)


def _call(work: Work) -> Event:
    """Call the work's function in this thread, awaiting it in a loop of its own if need be."""
    if not work.is_async:
        return work.call()
    if _loop_is_running():
        return _in_new_thread(lambda: _await_here(work))
    return _await_here(work)


def _await_here(work: Work) -> Event:
    import asyncio  # noqa: PLC0415 - slow to load, and only async tasks need it

    try:
        with asyncio.Runner() as loop:
            return loop.run(work.call_async())
    except BaseException as error:  # noqa: BLE001 - an interrupt, in the main thread
        return work.failed_to_run(error)


def _loop_is_running() -> bool:
    import asyncio  # noqa: PLC0415 - slow to load, and only async tasks need it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_new_thread(call: Callable[[], Event]) -> Event:
    """Two loops cannot run in one thread: this one waits for another."""
    events: list[Event] = []
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=lambda: events.append(context.run(call)), name="nbflow-async", daemon=True
    )
    thread.start()
    thread.join()
    return events[0]


#: Drives work until it is over (None), or has to wait.
_Job = Callable[[Work], "Sleep | SlotWait | None"]


class _PooledRunner(TaskRunner):
    """Drives work on threads that are only held while user code runs in them."""

    def __init__(self, max_workers: int | None) -> None:
        if max_workers is not None and max_workers < 1:
            raise ConfigurationError(f"max_workers must be 1 or more; got {max_workers!r}.")
        self.max_workers = max_workers
        self._lock = threading.Lock()
        self._pool: ThreadPool | None = None
        self._stopped = False

    def duplicate(self) -> Self:
        """A fresh runner with the same number of workers."""
        return type(self)(self.max_workers)

    def submit(self, work: Work) -> None:
        """Queue the work."""
        self._enqueue(work, self._start)

    def close(self) -> None:
        """Let the threads end."""
        if self._pool is not None:
            self._pool.close()

    def stop(self) -> None:
        """Forget what was not started."""
        self._stopped = True
        if self._pool is not None:
            self._pool.close(forget=True)

    def drain(self) -> None:
        """Return when nothing is queued or running."""
        if self._pool is not None:
            self._pool.drain()

    def _enqueue(self, work: Work, job: _Job) -> None:
        try:
            self._threads().submit(lambda: self._in_worker(work, job))
        except PoolClosed:
            work.proceed(Stop(states.Cancelled(message="The flow run ended before it started.")))

    def _threads(self) -> ThreadPool:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPool(self.max_workers or self._default_workers())
            return self._pool

    def _default_workers(self) -> int:
        return get_settings().task_runner_max_workers

    def _in_worker(self, work: Work, job: _Job) -> None:
        try:
            step = work.context.run(job, work)
        except BaseException as error:  # noqa: BLE001 - whatever it is must not leave a run hanging
            with suppress(Exception):
                work.proceed(Stop(work.failed_to_run(error).state))
            return
        if isinstance(step, Sleep):
            call_later(step.seconds, lambda: self._enqueue(work, self._wake))
        elif step is not None:
            step.then(lambda: self._enqueue(work, lambda work: self._go_on(work, step.event())))

    def _start(self, work: Work) -> Sleep | SlotWait | None:
        occupy(Place(self._threads()).given_away)
        return self._go_on(work, work.begin()) if work.claim() else None

    def _wake(self, work: Work) -> Sleep | SlotWait | None:
        if self._stopped:
            stopped = states.Cancelled(message="The flow run ended before the retry.")
            return self._go_on(work, Stop(stopped))
        return self._go_on(work, Woke())

    def _go_on(self, work: Work, event: Event) -> Sleep | SlotWait | None:
        """Drive the work until it is over (None) or has to wait, which holds no thread."""
        step = work.proceed(event)
        while isinstance(step, Call):
            step = work.proceed(self._call(work))
        return step

    @abstractmethod
    def _call(self, work: Work) -> Event:
        """Make the call and return its event."""


class ThreadPoolTaskRunner(_PooledRunner):
    """Runs submitted tasks on threads; an async task gets an event loop on its thread.

    Args:
        max_workers: Most threads at a time; default: the setting `task_runner_max_workers`.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__(max_workers)

    def _call(self, work: Work) -> Event:
        return _call(work)

    def __repr__(self) -> str:
        return f"ThreadPoolTaskRunner(max_workers={self.max_workers})"


#: The name this runner had in Prefect 2.
ConcurrentTaskRunner = ThreadPoolTaskRunner


class ProcessPoolTaskRunner(_PooledRunner):
    """Runs submitted tasks in other Python processes, which can be killed.

    Functions are sent by value, so tasks defined in a notebook cell work too. Arguments and
    values must be picklable (by cloudpickle).

    Args:
        max_workers: Most processes at a time; default: one per processor.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__(max_workers)
        self._processes = ProcessPool()

    def _default_workers(self) -> int:
        return os.cpu_count() or 1

    def _call(self, work: Work) -> Event:
        call = work.remote_call()
        self._processes.run(call)
        return work.called(call)

    def close(self) -> None:
        """End the processes."""
        super().close()
        self._processes.close()

    def stop(self) -> None:
        """Kill the processes."""
        super().stop()
        self._processes.close()

    def __repr__(self) -> str:
        return f"ProcessPoolTaskRunner(max_workers={self.max_workers})"


_outside: ThreadPoolTaskRunner | None = None
_outside_lock = threading.Lock()


def runner_outside_flows() -> TaskRunner:
    """Threads for tasks that are submitted outside of any flow; the process waits for them."""
    global _outside  # noqa: PLW0603 - one per process, made when first needed
    with _outside_lock:
        if _outside is None:
            _outside = ThreadPoolTaskRunner()
            atexit.register(_outside.drain)
        return _outside


def _after_fork() -> None:
    # The threads, and the tasks they run, are the parent's.
    global _outside, _outside_lock
    if _outside is not None:
        atexit.unregister(_outside.drain)
    _outside, _outside_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
