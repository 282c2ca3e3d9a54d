"""The records of runs.

This module decides what is remembered of a run. It must not know where records are kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from nbflow.states import State, StateType


def new_id() -> UUID:
    """A random id whose order is its time of birth (UUID version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    high = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    return UUID(int=high | 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF)


class RunKind(str, Enum):
    """What kind of run a record is about."""

    FLOW = "flow"  # a flow run
    TASK = "task"  # a task run, cells included

    def __str__(self) -> str:
        return self.value


class FlowKind(str, Enum):
    """What a flow is made of."""

    FUNCTION = "function"  # a decorated function
    NOTEBOOK = "notebook"  # a whole notebook

    def __str__(self) -> str:
        return self.value


class TaskKind(str, Enum):
    """What a task is made of."""

    FUNCTION = "function"  # a decorated function
    CELL = "cell"  # a notebook cell

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Dependency:
    """One run waits for, or takes a value from, another."""

    #: The run (task run or subflow's flow run) that must come first.
    upstream: UUID
    #: The parameter or variable that carries the value; empty when only the order matters.
    name: str = ""
    #: False when inferred from code that may not really touch the value.
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ResultRef:
    """Where a value lies in a result store; the run database never opens it."""

    #: The storage key, a relative path inside the result storage.
    key: str
    #: The result storage's root: a folder or an fsspec URL.
    storage: str
    serializer: str
    size: int
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRun:
    """One execution of a flow."""

    id: UUID
    name: str
    flow_name: str
    state: State[Any]
    kind: FlowKind = FlowKind.FUNCTION
    flow_version: str | None = None
    #: JSON-able; a value that is not JSON is shown by a short `repr`.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    #: How often the run was started; 0 before the first start.
    attempt: int = 0
    #: The flow run that called this one as a subflow.
    parent_id: UUID | None = None
    dependencies: tuple[Dependency, ...] = ()
    created: datetime
    start_time: datetime | None = None
    end_time: datetime | None = None
    #: The file the flow came from: a notebook or a Python file.
    source: str | None = None
    #: The executed notebook, once it is being written.
    output: str | None = None
    result: ResultRef | None = None
    #: The process that executes the run, as `Owner` writes it; None once it let go.
    owner: str | None = None
    #: The deployment it is a run of; None for a flow that was simply called.
    deployment_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """One execution of a task, or of a notebook cell, inside a flow run (or on its own)."""

    id: UUID
    name: str
    task_name: str
    state: State[Any]
    kind: TaskKind = TaskKind.FUNCTION
    flow_run_id: UUID | None = None
    #: The task run whose body called this one.
    parent_id: UUID | None = None
    #: Stable across runs of the same flow: the task's qualified name, or the cell's id.
    task_key: str = ""
    #: Shared by all runs of one `.map` call, and the place within it.
    map_id: UUID | None = None
    map_index: int | None = None
    #: The cell's position in its notebook, counted from 0 over all cells.
    cell_index: int | None = None
    tags: frozenset[str] = frozenset()
    dependencies: tuple[Dependency, ...] = ()
    attempt: int = 0
    cache_key: str | None = None
    created: datetime
    start_time: datetime | None = None
    end_time: datetime | None = None
    result: ResultRef | None = None


@dataclass(frozen=True, slots=True)
class StateChange:
    """A run moved to a state: the unit of history and of live views."""

    kind: RunKind
    run_id: UUID
    state: State[Any]
    #: The attempt the state belongs to, counted from 1; 0 before the first start.
    attempt: int = 0
    result: ResultRef | None = None
    #: The flow run this belongs to (for a flow run: itself); None for a lone task run.
    flow_run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line a run logged or printed."""

    flow_run_id: UUID | None
    task_run_id: UUID | None
    #: Python's numeric level.
    level: int
    #: The logger's name; `nbflow.stdout` and `nbflow.stderr` for printed text.
    logger: str
    message: str
    timestamp: datetime
    #: Place in the store's log, growing; None until stored.
    sequence: int | None = None


class FlowRunOrder(str, Enum):
    """In which order flow runs are listed; what has no such time or name comes last."""

    NEWEST = "-created"
    OLDEST = "created"
    LAST_STARTED = "-start_time"
    FIRST_STARTED = "start_time"
    LAST_ENDED = "-end_time"
    FIRST_ENDED = "end_time"
    LAST_DUE = "-scheduled_time"  # when it is or was to start
    FIRST_DUE = "scheduled_time"
    LONGEST = "-duration"  # from start to end
    SHORTEST = "duration"
    NAME = "name"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRunFilter:
    """Which flow runs to list; every given condition must hold."""

    states: frozenset[StateType] = frozenset()
    state_names: frozenset[str] = frozenset()
    flow_names: frozenset[str] = frozenset()
    #: All of these tags.
    tags: frozenset[str] = frozenset()
    created_after: datetime | None = None
    created_before: datetime | None = None
    #: Occurs in the run's or flow's name.
    text: str | None = None
    #: True: only runs without a parent; False: only subflows.
    top_level: bool | None = None
    parent_id: UUID | None = None
    deployment_ids: frozenset[UUID] = frozenset()
    #: Runs of this backfill.
    backfill_id: UUID | None = None
    queues: frozenset[str] = frozenset()
    #: When it is or was to start; for runs without a schedule, when they were created.
    scheduled_after: datetime | None = None
    scheduled_before: datetime | None = None
    #: Parameters by name, equal to these JSON values.
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which log records to read; every given condition must hold."""

    #: The flow run, its subflows not included.
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    min_level: int = 0
    text: str | None = None
    #: Only records after this sequence number.
    after: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new in one flow run since a cursor: full records, in order of change."""

    flow_run: FlowRun | None
    task_runs: tuple[TaskRun, ...]
    logs: tuple[LogRecord, ...]
    #: Pass this as `after` to get what comes next.
    cursor: int
