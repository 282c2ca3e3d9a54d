"""The state machine of one run: tables of events and commands, and what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nbflow import states
from nbflow.engine import machine as m
from nbflow.retries import RetryPolicy
from nbflow.states import TRANSITIONS, State

FAILED = states.Failed(message="no")
DONE = states.Completed(data=1)
STOPPED = states.Cancelled(message="stop")


def new(retries: int = 0, **options: Any) -> m.RunMachine:
    return m.RunMachine(RetryPolicy(retries, [1.0, 2.0]), lambda: 0.5, **options)


def told(commands: m.Commands) -> list[str]:
    """Commands in short: their kind and what they carry."""
    words = []
    for command in commands:
        state = getattr(command, "state", None)
        detail = (
            state.name if state else getattr(command, "seconds", getattr(command, "attempt", ""))
        )
        words.append(f"{type(command).__name__} {detail}".strip())
    return words


STORIES = {
    "success": ({}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Returned(DONE), ["Finish Completed"]),
    ]),
    "failure": ({}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Raised(FAILED), ["Finish Failed"]),
    ]),
    "retries with the last delay repeated": ({"retries": 3}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Raised(FAILED), ["SetState AwaitingRetry", "Sleep 1.0"]),
        (m.Woke(), ["SetState Retrying", "Call 2"]),
        (m.Raised(FAILED), ["SetState AwaitingRetry", "Sleep 2.0"]),
        (m.Woke(), ["SetState Retrying", "Call 3"]),
        (m.Raised(FAILED), ["SetState AwaitingRetry", "Sleep 2.0"]),
        (m.Woke(), ["SetState Retrying", "Call 4"]),
        (m.Raised(FAILED), ["Finish Failed"]),
    ]),
    "a returned Failed is retried too": ({"retries": 1}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Returned(FAILED), ["SetState AwaitingRetry", "Sleep 1.0"]),
    ]),
    "a cancellation is not retried": ({"retries": 1}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Raised(STOPPED), ["Finish Cancelled"]),
    ]),
    "the user says no": ({"retries": 1, "asks": True}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Raised(FAILED), ["AskRetry Failed"]),
        (m.RetryAnswered(False), ["Finish Failed"]),
    ]),
    "the user says yes": ({"retries": 1, "asks": True}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Raised(FAILED), ["AskRetry Failed"]),
        (m.RetryAnswered(True), ["SetState AwaitingRetry", "Sleep 1.0"]),
    ]),
    "cache hit": ({"cached": True}, [
        (m.Begin(), ["LookUpCache"]),
        (m.CacheHit(states.Cached()), ["Finish Cached"]),
    ]),
    "cache miss": ({"cached": True}, [
        (m.Begin(), ["LookUpCache"]),
        (m.CacheMiss(), ["SetState Running", "Call 1"]),
    ]),
    "blocked": ({}, [(m.BeginBlocked(states.NotReady()), ["Finish NotReady"])]),
    "stopped while waiting": ({"retries": 1}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Raised(FAILED), ["SetState AwaitingRetry", "Sleep 1.0"]),
        (m.Stop(STOPPED), ["Finish Cancelled"]),
    ]),
    "slots are free": ({"limited": True}, [
        (m.Begin(), ["TakeSlots"]),
        (m.SlotsGranted(), ["SetState Running", "Call 1"]),
        (m.Returned(DONE), ["Finish Completed"]),
    ]),
    "slots are waited for, after a cache miss, before each attempt": (
        {"limited": True, "cached": True, "retries": 1}, [
        (m.Begin(), ["LookUpCache"]),
        (m.CacheMiss(), ["TakeSlots"]),
        (m.SlotsRefused(), ["SetState AwaitingSlot", "AwaitSlots"]),
        (m.SlotsGranted(), ["SetState Running", "Call 1"]),
        (m.Raised(FAILED), ["SetState AwaitingRetry", "Sleep 1.0"]),
        (m.Woke(), ["TakeSlots"]),
        (m.SlotsGranted(), ["SetState Retrying", "Call 2"]),
    ]),
    "a cache hit needs no slot": ({"limited": True, "cached": True}, [
        (m.Begin(), ["LookUpCache"]),
        (m.CacheHit(states.Cached()), ["Finish Cached"]),
    ]),
    "stopped while waiting for a slot": ({"limited": True}, [
        (m.Begin(), ["TakeSlots"]),
        (m.SlotsRefused(), ["SetState AwaitingSlot", "AwaitSlots"]),
        (m.Stop(STOPPED), ["Finish Cancelled"]),
    ]),
    "a suspension is the end here, and no failure": ({"retries": 1}, [
        (m.Begin(), ["SetState Running", "Call 1"]),
        (m.Raised(states.Suspended()), ["Finish Suspended"]),
    ]),
    "attempts of an earlier life count on": ({"attempt": 2}, [
        (m.Begin(), ["SetState Retrying", "Call 3"]),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_events_lead_to_commands(name: str) -> None:
    options, steps = STORIES[name]
    machine = new(**options)
    for event, commands in steps:
        assert told(machine.handle(event)) == commands


def test_nothing_follows_the_end() -> None:
    machine = new()
    machine.handle(m.Stop(STOPPED))
    with pytest.raises(m.InvalidEvent, match="over"):
        machine.handle(m.Begin())


def test_an_answer_needs_a_question() -> None:
    with pytest.raises(m.InvalidEvent):
        new().handle(m.RetryAnswered(True))


OPTIONS = st.sampled_from(["cached", "asks", "limited"])


class AnyLife(RuleBasedStateMachine):
    """A driver that obeys every command, in a world where anything may happen."""

    @initialize(retries=st.integers(0, 4), options=st.sets(OPTIONS))
    def born(self, retries: int, options: set[str]) -> None:
        self.retries = retries
        self.machine = new(retries, **dict.fromkeys(options, True))
        self.holds = 0
        self.limited = "limited" in options
        self.state: State[Any] = states.Pending()
        self.calls = 0
        self.waits_for = "begin"

    def hear(self, event: m.Event) -> None:
        assert self.machine.final is None
        for command in self.machine.handle(event):
            match command:
                case m.SetState(state, attempt) | m.Finish(state, attempt):
                    assert state.type in TRANSITIONS[self.state.type] or state.is_settled()
                    assert attempt == self.calls + (state.type is states.StateType.RUNNING)
                    self.state = state
                case m.Call(attempt):
                    self.calls += 1
                    assert attempt == self.calls
                    assert self.holds == self.limited
            self.waits_for = type(command).__name__

    def is_waiting_for(self, what: str) -> bool:
        return getattr(self, "waits_for", "") == what

    @precondition(lambda self: self.is_waiting_for("begin"))
    @rule(blocked=st.booleans())
    def begins(self, blocked: bool) -> None:
        self.hear(m.BeginBlocked(states.NotReady()) if blocked else m.Begin())

    @precondition(lambda self: self.is_waiting_for("LookUpCache"))
    @rule(hit=st.booleans())
    def looks_up(self, hit: bool) -> None:
        self.hear(m.CacheHit(states.Cached()) if hit else m.CacheMiss())

    @precondition(lambda self: self.is_waiting_for("TakeSlots"))
    @rule(free=st.booleans())
    def takes(self, free: bool) -> None:
        self.holds += free
        self.hear(m.SlotsGranted() if free else m.SlotsRefused())

    @precondition(lambda self: self.is_waiting_for("AwaitSlots"))
    @rule(stop=st.booleans())
    def gets(self, stop: bool) -> None:
        self.holds += not stop
        self.hear(m.Stop(STOPPED) if stop else m.SlotsGranted())

    @precondition(lambda self: self.is_waiting_for("Call"))
    @rule(state=st.sampled_from([FAILED, FAILED, DONE, STOPPED, states.Crashed()]))
    def ends(self, state: State[Any]) -> None:
        self.holds = 0
        self.hear(m.Returned(state) if state is DONE else m.Raised(state))

    @precondition(lambda self: self.is_waiting_for("AskRetry"))
    @rule(yes=st.booleans())
    def answers(self, yes: bool) -> None:
        self.hear(m.RetryAnswered(yes))

    @precondition(lambda self: self.is_waiting_for("Sleep"))
    @rule(stop=st.booleans())
    def wakes(self, stop: bool) -> None:
        self.hear(m.Stop(STOPPED) if stop else m.Woke())

    @precondition(lambda self: self.is_waiting_for("Finish"))
    @rule()
    def is_over(self) -> None:
        assert self.machine.final is self.state
        assert self.state.is_settled()
        with pytest.raises(m.InvalidEvent):
            self.machine.handle(m.Woke())

    @invariant()
    def never_more_attempts_than_allowed(self) -> None:
        if hasattr(self, "machine"):
            assert self.calls <= self.retries + 1

    def teardown(self) -> None:
        if not hasattr(self, "machine"):
            return
        for _ in range(4 * (self.retries + 2)):  # always ends
            if self.machine.final is not None:
                return
            self.holds = int(self.limited and self.waits_for != "Call")
            event = {
                "begin": m.Begin(), "LookUpCache": m.CacheMiss(), "Call": m.Raised(FAILED),
                "AskRetry": m.RetryAnswered(True), "Sleep": m.Woke(),
                "TakeSlots": m.SlotsGranted(), "AwaitSlots": m.SlotsGranted(),
            }[self.waits_for]  # fmt: skip
            self.hear(event)
        assert self.machine.final is not None


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, database=None
)
