"""Every error nbflow raises, as one tree. A class's docstring is its default message.

NbflowError
├── UsageError                      the command or call is wrong: exit code 2
│   ├── ParameterError
│   │   ├── ParameterTypeError
│   │   ├── ParameterBindError
│   │   └── UnknownParameterError
│   ├── SignatureMismatchError
│   ├── ReservedArgumentError
│   ├── InvalidNameError
│   ├── MappingLengthMismatch
│   ├── MappingMissingIterable
│   ├── ConfigurationError
│   ├── ScheduleError               a cron text, interval, RRULE or time zone cannot be used
│   ├── MagicUsageError             a magic's line says something that cannot be
│   ├── CellInterfaceError          what a task cell states is not what its code does
│   ├── ResumeError                 a run cannot go on from where it failed
│   ├── NotebookError               not there, not a notebook, no such kernel
│   ├── OutputPathError             the executed notebook cannot be written there
│   ├── ObjectNotFound
│   ├── ObjectAlreadyExists
│   └── VisualizationError
├── MissingContextError
├── HashError
├── SerializationError
├── MissingResult
├── NotKept                         a cell's values cannot be restored later: they are not kept
├── UpstreamTaskError
│   └── UpstreamCellError           a cell needs what a failed background cell was to make
├── RunEnded
│   ├── FailedRun
│   ├── CrashedRun
│   ├── CancelledRun
│   ├── PausedRun
│   └── UnfinishedRun
├── RunTimeout (also TimeoutError)
│   ├── TaskRunTimeout
│   ├── FlowRunTimeout
│   └── CellTimeout
├── CellFailed                      a notebook cell raised
├── KernelDied                      the kernel process ended under the run
├── ProcessDied                     a task's worker process ended under it
└── StoreError
    ├── StoreCorrupt
    ├── StoreTooNew
    ├── LeaseLost                   another worker may have the run: stop writing about it
    └── ServerUnreachable           nobody answers at the server's address, or it refuses us
TerminationSignal (SystemExit)      SIGTERM, seen by the main thread
"""

from __future__ import annotations

import inspect


class NbflowError(Exception):
    """Something went wrong inside nbflow."""

    #: Whether a run has taken its final state from this error already.
    recorded = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))


class UsageError(NbflowError):
    """The command or call cannot be carried out as given."""


class ParameterError(UsageError):
    """A parameter does not fit."""


class ParameterTypeError(ParameterError):
    """A parameter's value does not have the declared type."""


class ParameterBindError(ParameterError, TypeError):
    """The arguments do not fit the signature."""


class UnknownParameterError(ParameterError):
    """There is no parameter of that name."""


class SignatureMismatchError(UsageError, TypeError):
    """The arguments do not fit the function's signature."""


class ReservedArgumentError(UsageError, TypeError):
    """An argument name is reserved by nbflow; rename it in the function."""


class InvalidNameError(UsageError, ValueError):
    """A name contains characters that are not allowed."""


class MappingLengthMismatch(UsageError):
    """The iterables given to map() differ in length; wrap constants in unmapped()."""


class MappingMissingIterable(UsageError):
    """map() got nothing to map over; pass a list, or call submit() for a single run."""


class ConfigurationError(UsageError, ValueError):
    """A setting has a value that cannot be used."""


class ScheduleError(UsageError, ValueError):
    """The schedule cannot be used.

    `field` names the part at fault: `cron`, `interval`, `rrule`, `timezone` or `anchor_date`.
    """

    def __init__(self, message: str | None = None, *, field: str = "cron") -> None:
        super().__init__(message)
        self.field = field


class MagicUsageError(UsageError):
    """The line of the magic cannot be understood."""


class CellInterfaceError(UsageError):
    """What the task cell states is not what its code does."""


class ResumeError(UsageError):
    """The run cannot go on from where it failed."""


class NotebookError(UsageError):
    """The notebook cannot be run."""


class OutputPathError(UsageError):
    """The executed notebook cannot be written to that place."""


class ObjectNotFound(UsageError):
    """There is no such thing in the store."""


class ObjectAlreadyExists(UsageError):
    """A thing of that name exists already."""


class VisualizationError(UsageError):
    """The flow cannot be drawn without running it."""


class MissingContextError(NbflowError, RuntimeError):
    """There is no active run here; call this inside a flow or task."""


class HashError(NbflowError):
    """A value has no stable content hash."""


class SerializationError(NbflowError):
    """A value cannot be serialized."""


class MissingResult(NbflowError):
    """The run's value was not kept; pass persist_result=True to keep it."""


class UpstreamTaskError(NbflowError):
    """An upstream task did not complete, so this one did not start."""


class UpstreamCellError(UpstreamTaskError):
    """A background cell that this cell needs did not complete, so it was not run."""


class NotKept(NbflowError):
    """The cell's values could not be restored faithfully later, so they are not kept."""


class RunEnded(NbflowError):
    """The run ended without a result."""


class FailedRun(RunEnded):
    """The run failed."""


class CrashedRun(RunEnded):
    """The run crashed: its process or kernel died."""


class CancelledRun(RunEnded):
    """The run was cancelled."""


class PausedRun(RunEnded):
    """The run is paused; resume it to get a result."""


class UnfinishedRun(RunEnded):
    """The run has not finished; wait for it first."""


class RunTimeout(NbflowError, TimeoutError):
    """The run exceeded its time limit."""


class TaskRunTimeout(RunTimeout):
    """The task run exceeded its time limit."""


class FlowRunTimeout(RunTimeout):
    """The flow run exceeded its time limit."""


class CellTimeout(RunTimeout):
    """The cell exceeded its time limit."""


class CellFailed(NbflowError):
    """A cell raised an exception.

    Attributes carry what the kernel reported: `index` (0-based position in the notebook),
    `label`, `ename`, `evalue` and `traceback` (lines, possibly with ANSI colours).
    """

    def __init__(
        self, *, index: int, label: str, ename: str, evalue: str, traceback: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"Cell {label!r} raised {ename}: {evalue}".rstrip(": "))
        self.index = index
        self.label = label
        self.ename = ename
        self.evalue = evalue
        self.traceback = traceback


class KernelDied(NbflowError):
    """The kernel process ended while the notebook was running."""


class ProcessDied(NbflowError):
    """The worker process ended while the task was running."""


class StoreError(NbflowError):
    """The run database could not be read or written."""


class StoreCorrupt(StoreError):
    """The run database is damaged; move it away, or restore a backup."""


class StoreTooNew(StoreError):
    """The run database was written by a newer nbflow; upgrade nbflow to read it."""


class LeaseLost(StoreError):
    """The run was claimed anew, or ended, since: this process must not write about it."""


class ServerUnreachable(StoreError):
    """The server does not answer."""


class TerminationSignal(SystemExit):
    """The process was asked to stop (SIGTERM).

    A `SystemExit`, so that a process which nobody stops from ending does so without a
    traceback, and with the exit code that shells and supervisors know.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.code = 143  # 128 + SIGTERM
