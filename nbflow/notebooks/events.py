"""What is told about a notebook while it runs, and what is left to say at its end.

This module decides the vocabulary between the execution of a notebook and whoever records
or shows it: cells, their outcomes, events in order, the final outcome. It must not know
kernels, files or stores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from nbflow.exceptions import NbflowError
from nbflow.states import State, now


class CellKind(str, Enum):
    """What a code cell is for."""

    PLAIN = "plain"  # code like any other
    PARAMETERS = "parameters"  # tagged `parameters`: the defaults
    INJECTED = "injected"  # tagged `injected-parameters`: the values of this run
    TASK = "task"  # begins with %%task
    FLOW = "flow"  # begins with %%flow
    MAGIC = "magic"  # begins with another cell magic, such as %%bash

    def __str__(self) -> str:
        return self.value


class CellOutcome(str, Enum):
    """How a code cell ended, honestly."""

    COMPLETED = "completed"  # ran to its end; raised only what its tags allow
    CACHED = "cached"  # its values were restored; it did not run
    FAILED = "failed"  # raised
    TIMED_OUT = "timed_out"  # was stopped by its own time limit or the notebook's
    CRASHED = "crashed"  # the kernel died under it
    CANCELLED = "cancelled"  # was stopped on request
    SKIPPED = "skipped"  # tagged `skip-execution`
    STOPPED_EARLY = "stopped_early"  # left with sys.exit(0): success, and the rest is not run
    SUSPENDED = "suspended"  # left, to be run again once somebody has answered
    NOT_RUN = "not_run"  # never started

    def __str__(self) -> str:
        return self.value

    @property
    def is_good(self) -> bool:
        """Whether what comes after may rely on it."""
        return self in {CellOutcome.COMPLETED, CellOutcome.CACHED, CellOutcome.STOPPED_EARLY}


@dataclass(frozen=True, slots=True)
class CellInfo:
    """One code cell, as views and records speak of it."""

    #: Position in the executed notebook, counted from 0 over all cells.
    index: int
    #: The notebook format's cell id; made up from content and place when the file has none.
    cell_id: str
    source: str
    tags: frozenset[str]
    #: Unique within the notebook, for people.
    name: str
    kind: CellKind = CellKind.PLAIN
    #: Position in the source notebook; None for a cell that only the run has.
    source_index: int | None = None

    @property
    def skipped(self) -> bool:
        """Whether its tags say that it is not to run."""
        return "skip-execution" in self.tags

    @property
    def may_raise(self) -> bool:
        """Whether its tags say that an exception is expected."""
        return "raises-exception" in self.tags


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelStarting:
    """A kernel process is being started."""

    at: datetime = field(default_factory=now)
    kernel_name: str
    #: Why this kernel: asked for, named by the notebook, or by its language.
    reason: str
    #: The kernel the notebook names, when that one is not installed.
    missing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelReady:
    """The kernel answered and takes cells."""

    at: datetime = field(default_factory=now)
    kernel_name: str
    language: str
    #: None when the kernel does not run on this machine.
    pid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelEnded:
    """The kernel's process is no more; nothing that it began goes on."""

    at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStarted:
    """A cell was sent to the kernel."""

    at: datetime = field(default_factory=now)
    cell: CellInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMoved:
    """A started cell moved to another state, as its kernel tells: it waits or tries again."""

    at: datetime = field(default_factory=now)
    cell: CellInfo
    state: State[Any]
    #: How often the cell was started, this time included.
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPrinted:
    """A cell wrote text: whole lines, but for the last piece before the cell's end."""

    at: datetime = field(default_factory=now)
    cell: CellInfo
    #: `stdout` or `stderr`.
    stream: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEnded:
    """A cell reached its outcome; also told of cells that never started (NOT_RUN)."""

    at: datetime = field(default_factory=now)
    cell: CellInfo
    outcome: CellOutcome
    #: CellFailed, CellTimeout, FlowRunTimeout or KernelDied.
    error: NbflowError | None = None
    #: Seconds; None when it never started.
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookSaved:
    """The executed notebook on disk is up to date."""

    at: datetime = field(default_factory=now)
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something a person should know; it does not change the outcome."""

    at: datetime = field(default_factory=now)
    message: str
    warning: bool = False
    cell: CellInfo | None = None


NotebookEvent: TypeAlias = (
    KernelStarting
    | KernelReady
    | KernelEnded
    | CellStarted
    | CellMoved
    | CellPrinted
    | CellEnded
    | NotebookSaved
    | Note
)


@dataclass(frozen=True, slots=True)
class CellRecord:
    """What became of one code cell."""

    cell: CellInfo
    outcome: CellOutcome
    started: datetime | None = None
    ended: datetime | None = None
    error: NbflowError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookOutcome:
    """What became of a notebook run."""

    #: COMPLETED, STOPPED_EARLY, FAILED, TIMED_OUT, CRASHED, CANCELLED or SUSPENDED.
    outcome: CellOutcome
    cells: tuple[CellRecord, ...]
    #: Where the executed notebook was written.
    output: str | None
    kernel_name: str
    started: datetime
    ended: datetime
    #: What `run_notebook` raises unless told not to.
    error: BaseException | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the notebook did what it was meant to do."""
        return self.outcome in {CellOutcome.COMPLETED, CellOutcome.STOPPED_EARLY}

    @property
    def output_path(self) -> Path | None:
        """The executed notebook as a local path; None when it is elsewhere or was not kept."""
        return Path(self.output) if self.output and "://" not in self.output else None
