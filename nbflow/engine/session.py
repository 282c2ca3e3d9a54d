"""What the runs of one flow run share while it executes.

This module decides what a flow run holds on to: its store, task runner, lineage and the
runs it is still waiting for. It must not decide states.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from nbflow import states
from nbflow.context import FlowRunContext
from nbflow.engine.lineage import Lineage
from nbflow.engine.machine import Event, Stop
from nbflow.engine.naming import NameCounter
from nbflow.engine.runners import TaskRunner
from nbflow.futures import Future
from nbflow.models import RunKind, StateChange
from nbflow.states import State
from nbflow.store import Store

if TYPE_CHECKING:  # flows that are simply called have none
    from nbflow.models.deployments import Deployment


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
    #: How often the run has paused, by the kind of pause: it names those without a key.
    pauses: Counter[str] = field(default_factory=Counter)
    #: What stands in front of those names; empty for code that runs once in a run.
    place: str = ""

    def move(self, state: State[Any]) -> None:
        """Record that the flow run is in another state now, in the middle of an attempt."""
        run = self.flow_run = replace(self.flow_run, state=state)
        self.store.set_state(StateChange(RunKind.FLOW, run.id, state, run.attempt, None, run.id))

    # ── what code may ask, through `nbflow.runtime` ──────────────────────────────────────

    def scheduled_time(self) -> datetime:
        """When the run was due; when it was made, where nobody scheduled it."""
        run = self.record()
        if run.deployment_id is None:
            return run.created
        queued = self.store.dispatch.queued(run.id)
        if queued is not None and queued.nominal is not None:
            return queued.nominal
        history = self.store.states(RunKind.FLOW, run.id)
        due = (change.state.scheduled_time for change in history)
        return next((time for time in due if time is not None), run.created)

    def root_id(self) -> UUID:
        """The id of the outermost flow run around this one; its own, where there is none."""
        run = self.record()
        while run.parent_id is not None:
            run = self.store.flow_run(run.parent_id)
        return run.id

    def deployment(self) -> Deployment | None:
        """The deployment it is a run of."""
        run = self.record()
        return self.store.deployments.get(run.deployment_id) if run.deployment_id else None

    def deployment_version(self) -> int | None:
        """The number of the deployment's version that runs."""
        run = self.record()
        queued = self.store.dispatch.queued(run.id) if run.deployment_id else None
        return queued.version if queued else None


def current_session() -> FlowSession | None:
    """The session of the flow run this code belongs to, if any."""
    context = FlowRunContext.get()
    return context if isinstance(context, FlowSession) else None
