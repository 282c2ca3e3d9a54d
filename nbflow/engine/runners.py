"""Task runners: where a flow's submitted tasks execute.

This module decides which thread or process does the work. It must not decide states: it
asks the work what to do next, does it, and reports back. A run that waits, for upstream
runs or for a retry, holds no worker, so that a pool of size 1 finishes any DAG.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, Self

from nbflow import states
from nbflow.engine.loop import background_loop, call_later, in_background_loop
from nbflow.engine.machine import Call, Event, Sleep, Stop, Woke
from nbflow.engine.processes import ProcessPool, RemoteCall
from nbflow.exceptions import ConfigurationError
from nbflow.futures import Future
from nbflow.settings import get_settings


class Work(Protocol):
    """One submitted run, as a runner sees it."""

    future: Future[Any]
    #: The context of the place where it was submitted.
    context: contextvars.Context

    @property
    def is_async(self) -> bool:
        """Whether the call has to be awaited."""

    def claim(self) -> bool:
        """Whether the caller may start it: True for the first who asks."""

    def begin(self) -> Event:
        """The first event: everything the run waited for is there."""

    def proceed(self, event: Event) -> Call | Sleep | None:
        """Take in an event; returns what to do next, or None when the run is over."""

    def call(self) -> Event:
        """Call the user's function in this thread."""

    async def call_async(self) -> Event:
        """Call and await the user's function."""

    def remote_call(self) -> RemoteCall:
        """The call in a form that another process understands."""

    def called(self, remote: RemoteCall) -> Event:
        """What the outcome of a remote call means."""

    def failed_to_run(self, error: BaseException) -> Event:
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
        step = work.proceed(work.begin())
        while step is not None:
            if isinstance(step, Sleep):
                threading.Event().wait(step.seconds)
                step = work.proceed(Woke())
            elif work.is_async:
                step = work.proceed(_await_elsewhere(work))
            else:
                step = work.proceed(work.context.run(work.call))


def _await_elsewhere(work: Work) -> Event:
    """Await the call in the background loop while this thread waits."""
    if in_background_loop():
        raise ConfigurationError(
            "SequentialTaskRunner cannot submit from inside a submitted async task, which would "
            "wait for itself. Await the task instead of submitting it."
        )
    done = threading.Event()
    events: list[Event] = []

    def receive(event: Event) -> None:
        events.append(event)
        done.set()

    _start_coroutine(work, receive)
    done.wait()
    return events[0]


def _start_coroutine(work: Work, receive: Callable[[Event], Any]) -> None:
    """Run `work.call_async()` in the background loop; `receive` gets its event there."""
    loop = background_loop()

    def finish(task: asyncio.Task[Event]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        receive(work.failed_to_run(error) if error else task.result())

    def start() -> None:
        loop.create_task(work.call_async(), context=work.context).add_done_callback(finish)

    loop.call_soon_threadsafe(start)


class _PooledRunner(TaskRunner):
    """Drives work on threads that are only held while user code runs in them."""

    def __init__(self, max_workers: int | None) -> None:
        if max_workers is not None and max_workers < 1:
            raise ConfigurationError(f"max_workers must be 1 or more; got {max_workers!r}.")
        self.max_workers = max_workers
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._stopped = False
        #: Threads of this pool, so that waiting in one of them can lend a hand.
        self._here = threading.local()

    def duplicate(self) -> Self:
        """A fresh runner with the same number of workers."""
        return type(self)(self.max_workers)

    def submit(self, work: Work) -> None:
        """Queue the work."""
        work.future.helped_by(lambda: self._help(work))
        self._enqueue(lambda: self._start(work), work)

    def close(self) -> None:
        """Let the threads end."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    def stop(self) -> None:
        """Forget what was not started."""
        self._stopped = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, job: Callable[[], Any], work: Work) -> None:
        with self._lock:
            if self._pool is None:
                workers = self.max_workers or self._default_workers()
                self._pool = ThreadPoolExecutor(workers, thread_name_prefix="nbflow-task")
        try:
            self._pool.submit(self._in_worker, job, work)
        except RuntimeError:  # the pool was stopped, or the interpreter is going down
            with suppress(Exception):
                work.proceed(
                    Stop(states.Cancelled(message="The flow run ended before it started."))
                )

    def _default_workers(self) -> int:
        return get_settings().task_runner_max_workers

    def _in_worker(self, job: Callable[[], Any], work: Work) -> None:
        self._here.depth = 1
        try:
            job()
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave a run hanging
            with suppress(Exception):
                work.proceed(work.failed_to_run(error))

    def _start(self, work: Work) -> None:
        if work.claim():
            self._go_on(work, work.begin())

    def _help(self, work: Work) -> None:
        """A worker of this pool waits for queued work: it does the work itself instead."""
        if getattr(self._here, "depth", 0):
            self._start(work)

    def _go_on(self, work: Work, event: Event) -> None:
        step = work.proceed(event)
        while step is not None:
            if isinstance(step, Sleep):
                call_later(step.seconds, lambda: self._enqueue(lambda: self._wake(work), work))
                return
            outcome = self._call(work)
            if outcome is None:
                return
            step = work.proceed(outcome)

    def _wake(self, work: Work) -> None:
        if self._stopped:
            work.proceed(Stop(states.Cancelled(message="The flow run ended before the retry.")))
        else:
            self._go_on(work, Woke())

    @abstractmethod
    def _call(self, work: Work) -> Event | None:
        """Make the call and return its event; None when it will arrive by `_resume`."""

    def _resume(self, work: Work, event: Event) -> None:
        self._enqueue(lambda: self._go_on(work, event), work)


class ThreadPoolTaskRunner(_PooledRunner):
    """Runs submitted tasks on threads; async tasks share one event loop beside them.

    Args:
        max_workers: Most threads at a time; default: the setting `task_runner_max_workers`.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__(max_workers)

    def _call(self, work: Work) -> Event | None:
        if work.is_async:
            _start_coroutine(work, lambda event: self._resume(work, event))
            return None
        return work.context.run(work.call)

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

    def _call(self, work: Work) -> Event | None:
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
