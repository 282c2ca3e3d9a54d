"""How a cell ended: what its kernel replied or told of it, as an outcome and an error.

This module decides outcomes, purely. It must not know sockets, files or when cells run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from nbflow.exceptions import (
    CancelledRun,
    CellFailed,
    CellTimeout,
    NbflowError,
    PausedRun,
    ProcessDied,
)
from nbflow.notebooks.events import CellInfo, CellOutcome, CellRecord
from nbflow.notebooks.protocol import CellError, CellNews
from nbflow.states import State, StateType

#: An outcome, and the error that explains it.
Verdict: TypeAlias = tuple[CellOutcome, NbflowError | None]

#: What sys.exit was given when it means success.
_CLEAN_EXITS: Final = frozenset({"", "0", "None", "False"})


@dataclass(slots=True, eq=False)
class RunningCell:
    """A code cell on its way."""

    info: CellInfo
    outcome: CellOutcome = CellOutcome.NOT_RUN
    started: datetime | None = None
    ended: datetime | None = None
    error: NbflowError | None = None
    #: When it was started, by the monotonic clock.
    clock: float = 0.0
    #: Since when its time limit counts.
    counted_from: float = 0.0
    #: How often it was started, this time included.
    attempt: int = 1
    #: It belongs to a recorded run.
    recorded: bool = False
    #: It waits for its turn, which is not its own time.
    waiting: bool = False
    #: Since when it waits for a person, by the monotonic clock.
    paused_since: float | None = None
    #: It goes on in the background.
    submitted: bool = False
    #: What its kernel told last, and which state people were last told of.
    told: State[Any] | None = None
    shown: tuple[str, int] = ("", 0)
    #: The end of a submitted cell, once it was told.
    end: CellNews | None = None

    def record(self) -> CellRecord:
        """What became of it."""
        return CellRecord(self.info, self.outcome, self.started, self.ended, self.error)


@dataclass(slots=True)
class Interruption:
    """What runs was told to stop; after `deadline` the kernel is killed."""

    outcome: CellOutcome
    error: BaseException
    deadline: float
    #: The cell that had no more time; None: the whole run is to stop.
    culprit: RunningCell | None = None

    def verdict(self, cell: RunningCell) -> Verdict:
        """How a cell ended that was stopped."""
        error = self.error if isinstance(self.error, NbflowError) else CancelledRun()
        if self.culprit in {None, cell}:
            return self.outcome, error
        return CellOutcome.CANCELLED, CancelledRun(f"It was stopped with its run: {error}")


def verdict_of_reply(cell: RunningCell, reply: Mapping[str, Any]) -> Verdict:
    """How a cell ended that was waited for."""
    if reply["status"] == "ok":
        if any(p.get("source") == "ask_exit" for p in reply.get("payload", ())):
            return CellOutcome.STOPPED_EARLY, None
        return _good(cell.told), None
    if reply.get("ename") == "SystemExit" and reply.get("evalue", "") in _CLEAN_EXITS:
        return CellOutcome.STOPPED_EARLY, None
    lines = tuple(map(str, reply.get("traceback") or ()))
    raised = CellError(str(reply.get("ename") or "Error"), str(reply.get("evalue") or ""), lines)
    return _bad(cell, cell.told, raised)


def verdict_of_news(cell: RunningCell, news: CellNews) -> Verdict:
    """How a cell of the background ended."""
    state = news.state
    if state is not None and state.is_completed():
        return _good(state), None
    if state is not None and state.is_cancelled():
        return CellOutcome.CANCELLED, CancelledRun(state.message)
    message = state.message if state else None
    return _bad(cell, state, news.error or CellError("Failed", message or ""))


def _good(told: State[Any] | None) -> CellOutcome:
    cached = told is not None and told.is_completed() and told.name == "Cached"
    return CellOutcome.CACHED if cached else CellOutcome.COMPLETED


def _bad(cell: RunningCell, told: State[Any] | None, raised: CellError) -> Verdict:
    if told is not None and told.is_paused() and told.name == "Suspended":
        return CellOutcome.SUSPENDED, PausedRun(told.message)
    if cell.info.may_raise:
        return CellOutcome.COMPLETED, None
    if told is not None and told.is_failed() and told.name == "TimedOut":
        message = told.message or f"The cell {cell.info.name!r} exceeded its time limit."
        return CellOutcome.TIMED_OUT, CellTimeout(message)
    if told is not None and told.type is StateType.CRASHED:
        return CellOutcome.CRASHED, ProcessDied(told.message)
    return CellOutcome.FAILED, failure(cell.info, raised)


def failure(info: CellInfo, raised: CellError) -> CellFailed:
    """The error of a cell that raised."""
    value = raised.evalue
    if raised.ename == "StdinNotImplementedError":
        value = "nobody answers input() during a run. Make the value a parameter."
    return CellFailed(
        index=info.index,
        label=info.name,
        ename=raised.ename,
        evalue=value,
        traceback=raised.traceback,
    )
