"""What state a run can be in, how it may move, and how each state looks.

This module decides the vocabulary of states: their types, the names people see,
the legal transitions and one table of colours and icons that every view shares.
It must not know how runs are executed, stored or drawn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, Generic, Protocol, TypeVar, cast

from nbflow.exceptions import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    PausedRun,
    UnfinishedRun,
)

R = TypeVar("R")


class StateType(str, Enum):
    """The fixed kinds of state; names are sub-states for people."""

    SCHEDULED = "SCHEDULED"  # will run at `scheduled_time`
    PENDING = "PENDING"  # claimed, waiting for upstream, or settled without ever starting
    RUNNING = "RUNNING"  # user code is executing
    PAUSED = "PAUSED"  # waits for a person
    CANCELLING = "CANCELLING"  # a stop was requested, the infrastructure is still up
    COMPLETED = "COMPLETED"  # final: success
    FAILED = "FAILED"  # final: the user's code raised, or a time limit passed
    CANCELLED = "CANCELLED"  # final: stopped on request
    CRASHED = "CRASHED"  # final: the infrastructure died under the run

    def __str__(self) -> str:
        return self.value


FINAL_TYPES: Final = frozenset(
    {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED}
)

#: PENDING names of runs that will never start: they count as settled, not as final.
SETTLED_NAMES: Final = frozenset({"NotReady", "NotRun"})

#: From each type, the types a run may move to next. A final state is left only by a retry.
TRANSITIONS: Final[dict[StateType, frozenset[StateType]]] = {
    StateType.SCHEDULED: frozenset(StateType) - {StateType.COMPLETED, StateType.PAUSED},
    StateType.PENDING: frozenset(StateType) - {StateType.PAUSED},
    StateType.RUNNING: frozenset(StateType) - {StateType.PENDING},
    StateType.PAUSED: frozenset(StateType) - {StateType.PENDING, StateType.PAUSED},
    StateType.CANCELLING: frozenset({StateType.CANCELLED, StateType.CRASHED}),
    # A flow's retry runs cells again that had completed; finished flows stay finished.
    StateType.COMPLETED: frozenset({StateType.COMPLETED, StateType.PENDING, StateType.RUNNING}),
    StateType.FAILED: frozenset({StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING}),
    StateType.CANCELLED: frozenset({StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING}),
    StateType.CRASHED: frozenset({StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING}),
}


class StoredResult(ABC):
    """A value that lives outside this process and can be loaded when asked for.

    A base class, and no protocol: values of the user's may well have a method `load`.
    """

    __slots__ = ()

    @abstractmethod
    def load(self) -> Any:
        """Return the value; raises `MissingResult` when it is gone."""


def now() -> datetime:
    """The wall clock as an aware UTC time, the only kind of time inside nbflow."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class State(Generic[R]):
    """What happened to a run at one moment.

    `data` is the value a completed run returned, the exception of a failed one, or a
    `StoredResult` that loads it. It stays in this process: records carry no values.
    """

    type: StateType
    name: str
    message: str | None = None
    timestamp: datetime = field(default_factory=now)
    #: When a SCHEDULED run is due.
    scheduled_time: datetime | None = None
    data: Any = field(default=None, repr=False, compare=False)

    def is_scheduled(self) -> bool:
        """Whether the run waits for its time."""
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        """Whether the run was accepted and has not started."""
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        """Whether user code is executing."""
        return self.type is StateType.RUNNING

    def is_paused(self) -> bool:
        """Whether the run waits for a person."""
        return self.type is StateType.PAUSED

    def is_cancelling(self) -> bool:
        """Whether a stop was requested and has not been carried out."""
        return self.type is StateType.CANCELLING

    def is_completed(self) -> bool:
        """Whether the run succeeded."""
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        """Whether the user's code failed or ran out of time."""
        return self.type is StateType.FAILED

    def is_cancelled(self) -> bool:
        """Whether the run was stopped on request."""
        return self.type is StateType.CANCELLED

    def is_crashed(self) -> bool:
        """Whether the infrastructure died under the run."""
        return self.type is StateType.CRASHED

    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self.type in FINAL_TYPES

    def is_settled(self) -> bool:
        """Whether nothing more will happen: final, or will never start (NotReady, NotRun)."""
        return self.type in FINAL_TYPES or self.name in SETTLED_NAMES

    def result(self, raise_on_failure: bool = True) -> R:
        """Return the run's value, or raise what it raised.

        With `raise_on_failure=False` a failed run's exception is returned instead.
        Raises `UnfinishedRun` while the run has not ended and `MissingResult` when the
        value was not kept.
        """
        __tracebackhide__ = True
        if not self.is_final():
            error: BaseException = _unfinished(self)
        elif self.is_completed():
            return self._value()
        else:
            error = _failure(self)
        if raise_on_failure:
            raise error
        return cast("R", error)

    def _value(self) -> R:
        if isinstance(self.data, StoredResult):
            return cast("R", self.data.load())
        if self.data is MISSING:
            raise MissingResult
        return cast("R", self.data)

    def with_data(self, data: Any) -> State[Any]:
        """The same state around another value."""
        return replace(self, data=data)

    def __str__(self) -> str:
        return f"{self.name}({self.message!r})" if self.message else f"{self.name}()"


class _Missing(Enum):
    MISSING = "MISSING"


#: `State.data` of a completed run whose value was not kept.
MISSING: Final = _Missing.MISSING


def _unfinished(state: State[Any]) -> Exception:
    if isinstance(state.data, Exception):  # e.g. NotReady carries its UpstreamTaskError
        return state.data
    if state.is_paused():
        return PausedRun(state.message)
    return UnfinishedRun(f"The run is {state.name}: it has no result yet. Wait for it first.")


def _failure(state: State[Any]) -> BaseException:
    data = state.data.load() if isinstance(state.data, StoredResult) else state.data
    if isinstance(data, BaseException):
        return data
    kind = {StateType.CRASHED: CrashedRun, StateType.CANCELLED: CancelledRun}
    return kind.get(state.type, FailedRun)(state.message or f"The run ended {state.name}.")


# ── constructors, named as the states people see ─────────────────────────────────────────


class StateConstructor(Protocol):
    """Makes a state of one type; `name` is what people see."""

    def __call__(
        self,
        *,
        name: str = ...,
        message: str | None = None,
        data: Any = None,
        scheduled_time: datetime | None = None,
    ) -> State[Any]:
        """A state of this constructor's type."""
        ...


def _constructor(type_: StateType, default_name: str) -> StateConstructor:
    def construct(
        *,
        name: str = default_name,
        message: str | None = None,
        data: Any = None,
        scheduled_time: datetime | None = None,
    ) -> State[Any]:
        return State(type_, name, message, now(), scheduled_time, data)

    construct.__name__ = construct.__qualname__ = default_name
    construct.__doc__ = f"A {type_.value} state, named {default_name} unless told otherwise."
    return construct


Pending = _constructor(StateType.PENDING, "Pending")
NotReady = _constructor(StateType.PENDING, "NotReady")
NotRun = _constructor(StateType.PENDING, "NotRun")
KernelStarting = _constructor(StateType.PENDING, "KernelStarting")
Submitting = _constructor(StateType.PENDING, "Submitting")
Running = _constructor(StateType.RUNNING, "Running")
Retrying = _constructor(StateType.RUNNING, "Retrying")
Paused = _constructor(StateType.PAUSED, "Paused")
Suspended = _constructor(StateType.PAUSED, "Suspended")
Cancelling = _constructor(StateType.CANCELLING, "Cancelling")
Completed = _constructor(StateType.COMPLETED, "Completed")
Cached = _constructor(StateType.COMPLETED, "Cached")
Skipped = _constructor(StateType.COMPLETED, "Skipped")
RolledBack = _constructor(StateType.COMPLETED, "RolledBack")
Failed = _constructor(StateType.FAILED, "Failed")
TimedOut = _constructor(StateType.FAILED, "TimedOut")
Cancelled = _constructor(StateType.CANCELLED, "Cancelled")
Crashed = _constructor(StateType.CRASHED, "Crashed")
Late = _constructor(StateType.SCHEDULED, "Late")
AwaitingSlot = _constructor(StateType.SCHEDULED, "AwaitingSlot")
Resuming = _constructor(StateType.SCHEDULED, "Resuming")


def Scheduled(
    *, scheduled_time: datetime | None = None, message: str | None = None, name: str = "Scheduled"
) -> State[Any]:
    """A run that is due at `scheduled_time` (default: at once)."""
    at = now()
    return State(StateType.SCHEDULED, name, message, at, scheduled_time or at)


def AwaitingRetry(
    *, scheduled_time: datetime | None = None, message: str | None = None, delay: float = 0.0
) -> State[Any]:
    """A failed attempt that starts again at `scheduled_time`, or `delay` seconds from now."""
    at = now()
    due = scheduled_time or at + timedelta(seconds=delay)
    return State(StateType.SCHEDULED, "AwaitingRetry", message, at, due)


# ── looks ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class StateLook:
    """How one named state is shown: colour never stands alone, so an icon and a word too."""

    role: str
    light: str
    dark: str
    icon: str
    #: One text cell for terminals; always followed by the word.
    glyph: str
    #: Outline only, dashed: nothing ran.
    hollow: bool = False


_SLATE: Final = ("slate", "#64748b", "#94a3b8")
_AMBER: Final = ("amber", "#a16207", "#facc15")
_BLUE: Final = ("blue", "#2563eb", "#60a5fa")
_GREEN: Final = ("green", "#15803d", "#4ade80")
_TEAL: Final = ("teal", "#0f766e", "#2dd4bf")
_RED: Final = ("red", "#b91c1c", "#f87171")
_ORANGE: Final = ("orange", "#c2410c", "#fb923c")
_STONE: Final = ("stone", "#57534e", "#a8a29e")
_VIOLET: Final = ("violet", "#6d28d9", "#a78bfa")
_BORDER: Final = ("border", "#64748b", "#94a3b8")

#: The one table of looks; keys are state names.
LOOKS: Final[dict[str, StateLook]] = {
    "Scheduled": StateLook(*_SLATE, "clock", "◷"),
    "Late": StateLook(*_AMBER, "clock", "◷"),
    "AwaitingRetry": StateLook(*_SLATE, "clock", "◷"),
    "AwaitingSlot": StateLook(*_SLATE, "clock", "◷"),
    "Resuming": StateLook(*_SLATE, "clock", "◷"),
    "Pending": StateLook(*_AMBER, "hourglass", "⧗"),
    "Submitting": StateLook(*_AMBER, "hourglass", "⧗"),
    "KernelStarting": StateLook(*_AMBER, "hourglass", "⧗"),
    "Running": StateLook(*_BLUE, "ring", "◉"),
    "Retrying": StateLook(*_BLUE, "ring", "◉"),
    "Paused": StateLook(*_VIOLET, "bars", "‖"),
    "Suspended": StateLook(*_VIOLET, "bars", "‖"),
    "Cancelling": StateLook(*_STONE, "slash", "⊘"),
    "Cancelled": StateLook(*_STONE, "slash", "⊘"),
    "Completed": StateLook(*_GREEN, "check", "✓"),
    "Cached": StateLook(*_TEAL, "bolt", "ϟ"),
    "RolledBack": StateLook(*_STONE, "slash", "⊘"),
    "Failed": StateLook(*_RED, "cross", "✗"),
    "TimedOut": StateLook(*_RED, "clock", "◷"),
    "Crashed": StateLook(*_ORANGE, "broken-bolt", "↯"),
    "NotRun": StateLook(*_BORDER, "dot", "·", hollow=True),
    "NotReady": StateLook(*_BORDER, "dot", "·", hollow=True),
    "Skipped": StateLook(*_BORDER, "dot", "·", hollow=True),
}

_DEFAULT_NAMES: Final = {type_: type_.value.capitalize() for type_ in StateType}


def look_of(name: str, type_: StateType) -> StateLook:
    """The look of a state; a name of the user's own looks like its type."""
    return LOOKS.get(name) or LOOKS[_DEFAULT_NAMES[type_]]
