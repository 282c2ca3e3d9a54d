"""`serve`: deploys flows and executes their runs, in processes that this one starts.

This module decides how long a served flow lives, and what is left of it afterwards. Claiming
and executing is for the worker, firing for the scheduler; both work in threads here.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Any, Final, Self

from nbflow.deployments.deploying import Draft, draft, own_deployment
from nbflow.deployments.targets import Target
from nbflow.exceptions import NbflowError, StoreError, UsageError
from nbflow.flows import Flow
from nbflow.interactive import shell_here
from nbflow.models.deployments import DEFAULT_QUEUE, Deployment
from nbflow.schedules import from_json, preview
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.wording import counted
from nbflow.worker.scheduler import Scheduler
from nbflow.worker.worker import Worker

#: Seconds that threads get to end.
_PATIENCE: Final = 30.0
#: Options of Prefect's `serve` that have no meaning here.
_PREFECT_ONLY: Final = ("webserver", "print_starting_message", "global_limit", "entrypoint_type")


class ServeHandle:
    """Flows that are being served; `stop()` it, or use it in a `with` statement."""

    def __init__(
        self,
        deployments: Sequence[Deployment],
        store: Store,
        *,
        limit: int | None = None,
        pause_on_shutdown: bool = True,
    ) -> None:
        """Take deployments that are made already; `start` serves them."""
        self.deployments = tuple(deployments)
        self._store = store
        self._pause_on_shutdown = pause_on_shutdown
        queues = sorted({each.spec.queue for each in deployments})
        self._worker = Worker(store, queues=queues, limit=limit)
        self._scheduler = Scheduler(store)
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None
        #: Set once nothing is served any more.
        self._ended = threading.Event()
        self._stop_once = threading.Lock()

    @property
    def deployment(self) -> Deployment:
        """The deployment that is served, or the first of several."""
        return self.deployments[0]

    @property
    def running(self) -> bool:
        """Whether runs are still executed."""
        return bool(self._threads) and not self._ended.is_set()

    def start(self) -> ServeHandle:
        """Serve from now on; returns when runs are claimed."""
        for name, target in (("worker", self._worker.run), ("scheduler", self._scheduler.run)):
            thread = threading.Thread(
                target=self._guarded, args=(target,), name=f"nbflow-serve-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        atexit.register(self._at_exit)
        while not self._worker.ready.wait(0.1) and self._failure is None:
            pass
        if self._failure is not None:
            failure = self._failure
            self.stop()
            raise failure
        return self

    def _guarded(self, target: Any) -> None:
        try:
            target()
        except NbflowError as error:
            self._failure = error
            self._ended.set()

    def stop(self, *, hard: bool = False) -> None:
        """Start no more runs, and return when those under way have ended; `hard` ends them.

        The schedules of what was served rest from then on, unless `pause_on_shutdown=False`.
        """
        with self._stop_once:
            if self._pause_on_shutdown and not self._ended.is_set():
                self._let_rest()
            self._worker.stop(hard=hard)
            self._scheduler.stop()
            for thread in self._threads:
                thread.join(_PATIENCE if hard else None)
            atexit.unregister(self._at_exit)
            self._ended.set()

    def _let_rest(self) -> None:
        for each in self.deployments:
            with suppress(StoreError, UsageError):  # deleted meanwhile, or the store is gone
                self._store.deployments.set_paused(each.id, paused=True)

    def _at_exit(self) -> None:
        self.stop(hard=True)

    def wait(self) -> None:
        """Serve until Ctrl-C, or until the process is asked to end; once more ends runs at once."""
        try:
            with _told_to_end():
                _say(f"{self!r}\nPress Ctrl-C to stop.")
                while not self._ended.wait(1.0):
                    pass
        except KeyboardInterrupt:
            self._end_in_words()
        if self._failure is not None:
            raise self._failure

    def _end_in_words(self) -> None:
        if held := len(self._worker.held()):
            _say(f"Waiting for {counted(held, 'run')} to end. Press Ctrl-C again to end at once.")
        try:
            with _told_to_end():
                self.stop()
        except KeyboardInterrupt:
            self._worker.stop(hard=True)
            self.stop(hard=True)
        if self._pause_on_shutdown:
            _say("Stopped. The schedules of what was served rest until it is served again.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop(hard=kind is not None)

    def __repr__(self) -> str:
        verb = "Serving" if self.running else "Not serving any more:"
        return "\n".join(
            f"{verb} {each.full_name}{self._next_words(each)}" for each in self.deployments
        )

    def _next_words(self, deployment: Deployment) -> str:
        with suppress(NbflowError):
            deployment = self._store.deployments.get(deployment.id)
        if not self.running:
            return ""
        moment = datetime.now(UTC)
        words = [
            preview(from_json(each.schedule), moment)
            for each in deployment.schedules
            if each.active and not deployment.paused
        ]
        run = f"nbflow deployment run {_quoted(deployment.full_name)}"
        return f": {'; '.join(words)}" if words else f": {run} starts a run"


def serve(
    *targets: Target | Draft,
    limit: int | None = None,
    pause_on_shutdown: bool = True,
    block: bool | None = None,
    **options: Any,
) -> ServeHandle:
    """Deploy flows and execute their runs, in processes that this one starts.

    In a notebook it returns at once; in a script it goes on until Ctrl-C.

    Args:
        *targets: Flows, notebooks, or `flow.to_deployment(...)`.
        limit: Most runs at the same time.
        pause_on_shutdown: Whether their schedules rest afterwards.
        block: Whether to wait until Ctrl-C; default: not in a notebook.
        **options: Accepted for compatibility with Prefect.
    """
    for name in options:
        if name not in _PREFECT_ONLY:
            raise UsageError(
                f"serve() has no option {name!r}. Options of one flow go to its "
                "to_deployment(...), or to flow.serve(...)."
            )
    if not targets:
        raise UsageError("There is nothing to serve. Pass flows, notebooks or drafts.")
    store = open_store()
    own = [d for t in targets if not isinstance(t, Draft) and (d := own_deployment(t))]
    if own:  # a run of what would be served: it is being executed already
        return ServeHandle(own, store, pause_on_shutdown=False)
    drafts = [each if isinstance(each, Draft) else draft(each) for each in targets]
    handle = ServeHandle(
        [_with_own_queue(each).save(store) for each in drafts],
        store,
        limit=limit,
        pause_on_shutdown=pause_on_shutdown,
    ).start()
    if block is None:
        block = shell_here() is None
    if block:
        handle.wait()
    return handle


def serve_flow(
    flow: Flow[Any, Any],
    name: str | None = None,
    *,
    limit: int | None = None,
    pause_on_shutdown: bool = True,
    block: bool | None = None,
    **options: Any,
) -> ServeHandle:
    """What `flow.serve(...)` does; options are those of `deploy`."""
    beside = {key: options.pop(key) for key in _PREFECT_ONLY if key in options}
    own = own_deployment(flow)
    target = flow if own else draft(flow, name, **{"paused": False, **options})
    return serve(target, limit=limit, pause_on_shutdown=pause_on_shutdown, block=block, **beside)


def _with_own_queue(made: Draft) -> Draft:
    """The draft with a queue that only it is in, unless its author names one.

    A process that serves some flows is no worker for whatever else waits.
    """
    paused = False if made.paused is None else made.paused
    spec = made.spec
    if spec.queue == DEFAULT_QUEUE:
        spec = replace(spec, queue=f"serve-{made.flow_name}-{made.name}")
    return replace(made, spec=spec, paused=paused)


def _quoted(text: str) -> str:
    return f"'{text}'" if " " in text else text


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a script's author reads it


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Let SIGTERM end the wait as Ctrl-C does, where this is the main thread."""
    if threading.current_thread() is not threading.main_thread() or os.name == "nt":
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


__all__ = ["ServeHandle", "serve", "serve_flow"]
