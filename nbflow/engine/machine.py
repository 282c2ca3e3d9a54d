"""The life of one run, as a pure state machine: events in, commands out.

This module decides which state follows which, when a failed attempt is repeated and when a
run is over. It does no I/O, calls no user code and reads no clock; the driver does, and
reports back with the next event.

    Begin ──▶ LookUpCache ──CacheMiss──▶ SetState(Running) + Call ──Returned──▶ Finish
      │            └──────CacheHit──▶ Finish                 └──Raised──▶ AskRetry | Sleep | Finish
      └──BeginBlocked──▶ Finish(NotReady)          Sleep ──Woke──▶ SetState(Retrying) + Call

A limited run takes slots before each call, and holds none while it sleeps:

    TakeSlots ──SlotsGranted──▶ SetState(Running) + Call
        └──SlotsRefused──▶ SetState(AwaitingSlot) + AwaitSlots ──SlotsGranted──▶ …
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbflow import states
from nbflow.exceptions import NbflowError
from nbflow.retries import RetryPolicy
from nbflow.states import State, StateType

# ── events: what happened ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Begin:
    """Everything the run waits for is there."""


@dataclass(frozen=True, slots=True)
class BeginBlocked:
    """An upstream run did not complete: this one must not start."""

    state: State[Any]


@dataclass(frozen=True, slots=True)
class CacheHit:
    """The value is there already."""

    state: State[Any]


@dataclass(frozen=True, slots=True)
class CacheMiss:
    """The value has to be computed."""


@dataclass(frozen=True, slots=True)
class SlotsGranted:
    """The run holds the slots that its tags ask for."""


@dataclass(frozen=True, slots=True)
class SlotsRefused:
    """Others hold the slots: the run has to wait for them."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The call came back; `state` is the final state its value stands for."""

    state: State[Any]


@dataclass(frozen=True, slots=True)
class Raised:
    """The call ended with an exception; `state` is the final state it stands for."""

    state: State[Any]


@dataclass(frozen=True, slots=True)
class RetryAnswered:
    """The user's retry condition gave its answer."""

    retry: bool


@dataclass(frozen=True, slots=True)
class Woke:
    """The delay before a retry is over."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The run is ended from outside, between two attempts."""

    state: State[Any]


Event = (
    Begin
    | BeginBlocked
    | CacheHit
    | CacheMiss
    | SlotsGranted
    | SlotsRefused
    | Returned
    | Raised
    | RetryAnswered
    | Woke
    | Stop
)

# ── commands: what to do next ────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SetState:
    """Record that the run is now in this state."""

    state: State[Any]
    attempt: int


@dataclass(frozen=True, slots=True)
class LookUpCache:
    """Find out whether the value is there already."""


@dataclass(frozen=True, slots=True)
class TakeSlots:
    """Take the slots that the run's tags ask for, if they are free."""


@dataclass(frozen=True, slots=True)
class AwaitSlots:
    """Wait until the slots are the run's."""


@dataclass(frozen=True, slots=True)
class Call:
    """Call the user's code."""

    attempt: int


@dataclass(frozen=True, slots=True)
class AskRetry:
    """Ask the user's condition whether this failure may be retried."""

    state: State[Any]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait before the next attempt."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Record this state as the run's last, and hand it out."""

    state: State[Any]
    attempt: int


Command = SetState | LookUpCache | TakeSlots | AwaitSlots | Call | AskRetry | Sleep | Finish
Commands = tuple[Command, ...]


class InvalidEvent(NbflowError):
    """An event does not fit what the machine waits for."""


class RunMachine:
    """Decides what happens next in one run.

    Args:
        retries: How often and how fast failed attempts are repeated.
        random: Source of jitter, a function returning numbers in [0, 1).
        cached: Whether to look for the value before computing it.
        asks: Whether the user has a say in each retry.
        limited: Whether each call needs slots.
        attempt: How many attempts the run has behind it.
    """

    __slots__ = (
        "_asks",
        "_cached",
        "_failure",
        "_limited",
        "_random",
        "_retries",
        "_started",
        "attempt",
        "final",
    )

    def __init__(
        self,
        retries: RetryPolicy,
        random: Callable[[], float],
        *,
        cached: bool = False,
        asks: bool = False,
        limited: bool = False,
        attempt: int = 0,
    ) -> None:
        self._retries = retries
        self._random = random
        self._cached = cached
        self._asks = asks
        self._limited = limited
        #: The failure that a retry is being decided for.
        self._failure: State[Any] | None = None
        self._started = 0
        #: Attempts started, those before this machine included.
        self.attempt = attempt
        #: The last state, once the run is over.
        self.final: State[Any] | None = None

    def handle(self, event: Event) -> Commands:
        """Take in one event; returns what to do, in order."""
        if self.final is not None:
            raise InvalidEvent(f"The run is over ({self.final.name}); {event!r} came too late.")
        match event:
            case Begin():
                return (LookUpCache(),) if self._cached else self._may_start()
            case CacheMiss() | Woke():
                return self._may_start()
            case SlotsGranted():
                return self._start_attempt()
            case SlotsRefused():
                return SetState(states.AwaitingSlot(), self.attempt), AwaitSlots()
            case Returned(state) | Raised(state):
                return self._ended(state)
            case RetryAnswered(retry):
                return self._answered(retry)
            case BeginBlocked(state) | CacheHit(state) | Stop(state):
                return self._finish(state)

    def _may_start(self) -> Commands:
        return (TakeSlots(),) if self._limited else self._start_attempt()

    def _start_attempt(self) -> Commands:
        self.attempt += 1
        self._started += 1
        state = states.Retrying() if self.attempt > 1 else states.Running()
        return SetState(state, self.attempt), Call(self.attempt)

    def _ended(self, state: State[Any]) -> Commands:
        if state.type is not StateType.FAILED or not self._retries.allows(self._started):
            return self._finish(state)
        self._failure = state
        return (AskRetry(state),) if self._asks else self._retry_later()

    def _answered(self, retry: bool) -> Commands:
        if self._failure is None:
            raise InvalidEvent("No failure is waiting for an answer.")
        return self._retry_later() if retry else self._finish(self._failure)

    def _retry_later(self) -> Commands:
        assert self._failure is not None
        delay = self._retries.delay(self._started, self._random)
        waiting = states.AwaitingRetry(delay=delay, message=self._failure.message)
        self._failure = None
        return SetState(waiting, self.attempt), Sleep(delay)

    def _finish(self, state: State[Any]) -> Commands:
        self.final = state
        return (Finish(state, self.attempt),)
