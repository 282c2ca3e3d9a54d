"""What the runs of one flow run share while it executes.

This module decides what a flow run holds on to: its store, task runner, lineage and the
runs it is still waiting for. It must not decide states.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Protocol

from nbflow import states
from nbflow.context import FlowRunContext
from nbflow.engine.lineage import Lineage
from nbflow.engine.machine import Event, Stop
from nbflow.engine.naming import NameCounter
from nbflow.engine.runners import TaskRunner
from nbflow.futures import Future
from nbflow.store import Store


class Submitted(Protocol):
    """A submitted run, as its flow run sees it."""

    future: Future[Any]

    def claim(self) -> bool:
        """Whether the caller may start it: True for the first who asks."""

    def proceed(self, event: Event) -> Any:
        """Take in an event."""


class Outstanding:
    """The submitted runs that have not settled, so that the flow can wait for them."""

    def __init__(self) -> None:
        self._runs: dict[int, Submitted] = {}
        self._lock = threading.Lock()

    def add(self, run: Submitted) -> None:
        """Wait for this one too."""
        with self._lock:
            self._runs[id(run)] = run
        run.future.add_done_callback(lambda _: self._discard(run))

    def _discard(self, run: Submitted) -> None:
        with self._lock:
            self._runs.pop(id(run), None)

    def pending(self) -> list[Submitted]:
        """Those that have not settled."""
        with self._lock:
            return list(self._runs.values())

    def wait(self) -> None:
        """Return when all have settled, those submitted meanwhile included."""
        while pending := self.pending():
            for run in pending:
                run.future.wait()

    async def wait_async(self) -> None:
        """The same, without blocking the event loop."""
        while pending := self.pending():
            for run in pending:
                await run.future.wait_async()

    def abandon(self, reason: str) -> None:
        """Settle all at once: what has not started never will, the rest is cancelled."""
        for run in self.pending():
            state = states.NotRun if run.claim() else states.Cancelled
            run.proceed(Stop(state(message=reason)))


@dataclass(slots=True, eq=False, kw_only=True)
class FlowSession(FlowRunContext):
    """The context of a flow run, as the engine sees it."""

    store: Store
    runner: TaskRunner
    lineage: Lineage = field(default_factory=Lineage)
    names: NameCounter = field(default_factory=NameCounter)
    outstanding: Outstanding = field(default_factory=Outstanding)


def current_session() -> FlowSession | None:
    """The session of the flow run this code belongs to, if any."""
    context = FlowRunContext.get()
    return context if isinstance(context, FlowSession) else None
