"""What the runs of one flow run share while it executes.

This module decides what a flow run holds on to: its store, task runner, lineage and the
runs it is still waiting for. It must not decide states.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from nbflow import states
from nbflow.annotations import BaseAnnotation, quote
from nbflow.context import FlowRunContext
from nbflow.engine.lineage import Lineage
from nbflow.engine.machine import Event, Stop
from nbflow.engine.naming import NameCounter
from nbflow.engine.runners import TaskRunner
from nbflow.futures import SCALARS, Future
from nbflow.models import Dependency
from nbflow.states import State
from nbflow.store import Store

#: How deep nested arguments are searched for values of other tasks.
_DEPTH = 3
#: Elements of one container that are searched; a longer one is data, not a bundle of results.
_MOST_ELEMENTS = 100


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


def dependencies_of(
    parameters: Mapping[str, Any], wait_for: Any, lineage: Lineage | None
) -> tuple[tuple[Dependency, ...], list[Future[Any]]]:
    """Which runs the arguments come from, and the futures among them."""
    found: dict[tuple[UUID, str], Dependency] = {}
    futures: dict[int, Future[Any]] = {}

    def add(run_id: UUID | None, name: str) -> None:
        if run_id is not None:
            found.setdefault((run_id, name), Dependency(run_id, name))

    def search(value: Any, name: str, depth: int) -> None:
        if isinstance(value, Future):
            futures[id(value)] = value
            add(value.task_run_id, name)
            return
        if isinstance(value, BaseAnnotation):
            if not isinstance(value, quote):
                search(value.unwrap(), name, depth)
            return
        if lineage is not None:
            add(lineage.origin(value), name)
        if depth and type(value) not in SCALARS:
            for element in _elements(value):
                search(element, name, depth - 1)

    for name, value in parameters.items():
        search(value, name, _DEPTH)
    if wait_for is not None:
        search(list(wait_for) if not isinstance(wait_for, Future) else wait_for, "", _DEPTH)
    return tuple(found.values()), list(futures.values())


def _elements(value: Any) -> Any:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple | set | frozenset):
        # Futures hide in dataclasses too; `vars` finds them without a copy.
        is_data = hasattr(value, "__dataclass_fields__") and not isinstance(value, State)
        return vars(value).values() if is_data and hasattr(value, "__dict__") else ()
    if len(value) > _MOST_ELEMENTS:
        return [v for v in value if isinstance(v, Future | BaseAnnotation)]
    return value
