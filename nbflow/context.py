"""Which run the current code belongs to.

This module decides how code finds its own run: context variables that follow `await`,
tasks and the threads and processes nbflow starts. It must not know how runs are executed;
it only offers the one door through which definitions reach the engine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbflow.exceptions import MissingContextError
from nbflow.models import FlowRun, LogRecord, TaskRun
from nbflow.states import now

if TYPE_CHECKING:  # flows that are simply called have none
    from nbflow.models.deployments import Deployment

LogSink = Callable[[Sequence[LogRecord]], None]

_flow: ContextVar[FlowRunContext | None] = ContextVar("nbflow_flow_run", default=None)
_task: ContextVar[TaskRunContext | None] = ContextVar("nbflow_task_run", default=None)
_tags: ContextVar[frozenset[str]] = ContextVar("nbflow_tags", default=frozenset())


@dataclass(slots=True, eq=False)
class RunContext:
    """What code inside a flow or task run can know about its run."""

    parameters: Mapping[str, Any]
    #: Where log records of this run go.
    sink: LogSink
    log_prints: bool = False
    start_time: datetime = field(default_factory=now)
    #: The unfinished line of each captured stream, by logger name.
    unfinished_lines: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False, kw_only=True)
class FlowRunContext(RunContext):
    """The context of a flow run."""

    flow: Any
    flow_run: FlowRun

    @property
    def ids(self) -> tuple[UUID | None, UUID | None]:
        """Flow run id and task run id of what runs here."""
        return self.flow_run.id, None

    @property
    def label(self) -> str:
        """How console lines name this run."""
        return f"Flow run {self.flow_run.name!r}"

    def record(self) -> FlowRun:
        """All that is known of the flow run."""
        return self.flow_run

    def given(self) -> Mapping[str, Any]:
        """What the flow run was given."""
        return self.parameters

    def scheduled_time(self) -> datetime:
        """When the flow run was due."""
        return self.flow_run.created

    def root_id(self) -> UUID:
        """The id of the outermost flow run around this one; its own, where there is none."""
        return self.flow_run.id

    def deployment(self) -> Deployment | None:
        """The deployment it is a run of."""
        return None

    def deployment_version(self) -> int | None:
        """The number of the deployment's version that runs."""
        return None

    @staticmethod
    def get() -> FlowRunContext | None:
        """The flow run this code belongs to, if any."""
        return _flow.get()


@dataclass(slots=True, eq=False, kw_only=True)
class TaskRunContext(RunContext):
    """The context of a task run."""

    task: Any
    task_run: TaskRun

    @property
    def ids(self) -> tuple[UUID | None, UUID | None]:
        """Flow run id and task run id of what runs here."""
        return self.task_run.flow_run_id, self.task_run.id

    @property
    def label(self) -> str:
        """How console lines name this run."""
        return f"Task run {self.task_run.name!r}"

    @staticmethod
    def get() -> TaskRunContext | None:
        """The task run this code belongs to, if any."""
        return _task.get()


def current_context() -> FlowRunContext | TaskRunContext | None:
    """The innermost run this code belongs to, or None."""
    return _task.get() or _flow.get()


def get_run_context() -> FlowRunContext | TaskRunContext:
    """The innermost run this code belongs to; raises `MissingContextError` outside runs."""
    context = current_context()
    if context is None:
        raise MissingContextError(
            "There is no active run here. Call get_run_context() inside a flow or task."
        )
    return context


@contextmanager
def enter_flow(context: FlowRunContext) -> Iterator[None]:
    """Make `context` current; a surrounding task run is left behind, so subflows are flows."""
    flow_token = _flow.set(context)
    task_token = _task.set(None)
    try:
        yield
    finally:
        _task.reset(task_token)
        _flow.reset(flow_token)


def settle_in(context: FlowRunContext | TaskRunContext) -> None:
    """Make `context` current for good, in a copied context that only this run uses."""
    if isinstance(context, FlowRunContext):
        _flow.set(context)
        _task.set(None)
    else:
        _task.set(context)


def leave_runs() -> None:
    """Make no run current, where one was made current for good."""
    _flow.set(None)
    _task.set(None)


@contextmanager
def enter_task(context: TaskRunContext) -> Iterator[None]:
    """Make `context` current."""
    token = _task.set(context)
    try:
        yield
    finally:
        _task.reset(token)


def enter(context: FlowRunContext | TaskRunContext) -> AbstractContextManager[None]:
    """Make `context` current, of whichever kind it is."""
    return enter_flow(context) if isinstance(context, FlowRunContext) else enter_task(context)


@contextmanager
def tags(*new_tags: str) -> Iterator[frozenset[str]]:
    """Add tags to every flow and task run created inside the block."""
    token = _tags.set(_tags.get() | frozenset(new_tags))
    try:
        yield _tags.get()
    finally:
        _tags.reset(token)


def current_tags() -> frozenset[str]:
    """The tags that runs created here get."""
    return _tags.get()


_ENGINE: Final = "nbflow.engine"


def engine() -> ModuleType:
    """The engine, loaded when the first run starts.

    Definitions lie below the engine, so that importing them costs next to nothing; calling
    a task or flow is the one moment they reach up, and this is the one place they do.
    """
    return importlib.import_module(_ENGINE)
