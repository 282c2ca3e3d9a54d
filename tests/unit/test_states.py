"""States: their constructors, questions, values, moves and looks."""

from __future__ import annotations

from typing import Any

import pytest

from nbflow import states
from nbflow.exceptions import CancelledRun, CrashedRun, FailedRun, MissingResult, UnfinishedRun
from nbflow.states import FINAL_TYPES, LOOKS, SETTLED_NAMES, TRANSITIONS, State, StateType

MADE = [
    (states.Pending, StateType.PENDING),
    (states.NotReady, StateType.PENDING),
    (states.NotRun, StateType.PENDING),
    (states.Running, StateType.RUNNING),
    (states.Retrying, StateType.RUNNING),
    (states.Paused, StateType.PAUSED),
    (states.Cancelling, StateType.CANCELLING),
    (states.Completed, StateType.COMPLETED),
    (states.Cached, StateType.COMPLETED),
    (states.Failed, StateType.FAILED),
    (states.TimedOut, StateType.FAILED),
    (states.Cancelled, StateType.CANCELLED),
    (states.Crashed, StateType.CRASHED),
    (states.Scheduled, StateType.SCHEDULED),
    (states.AwaitingRetry, StateType.SCHEDULED),
]


@pytest.mark.parametrize(("make", "type_"), MADE)
def test_constructors_and_questions_agree(make: Any, type_: StateType) -> None:
    state = make(message="m")
    assert (state.type, state.message) == (type_, "m")
    assert getattr(state, f"is_{type_.value.lower()}")()
    asked = [getattr(state, f"is_{each.value.lower()}")() for each in StateType]
    assert sum(asked) == 1
    assert state.is_final() == (type_ in FINAL_TYPES)
    assert state.is_settled() == (state.is_final() or state.name in SETTLED_NAMES)
    assert state.name in LOOKS


VALUES = [
    (states.Failed(message="m"), FailedRun),
    (states.Crashed(message="m"), CrashedRun),
    (states.Cancelled(message="m"), CancelledRun),
    (states.Running(), UnfinishedRun),
    (states.Completed(data=states.MISSING), MissingResult),
    (states.Failed(data=KeyError("k")), KeyError),
]


@pytest.mark.parametrize(("state", "error"), VALUES)
def test_a_result_that_is_not_there_raises(state: State[Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        state.result()


def test_a_failures_exception_can_be_asked_for() -> None:
    error = KeyError("k")
    assert states.Failed(data=error).result(raise_on_failure=False) is error


def test_a_state_is_equal_whatever_its_value() -> None:
    state = states.Completed(data=1)
    assert state.with_data(2) == state
    assert state.with_data(2).result() == 2


def test_every_type_says_where_it_may_go() -> None:
    assert set(TRANSITIONS) == set(StateType)
    assert TRANSITIONS[StateType.CANCELLING] <= FINAL_TYPES


def test_a_value_with_a_method_load_of_its_own_is_just_a_value() -> None:
    class Dataset:
        def load(self) -> None:
            raise AssertionError("it is the user's to call")

    value = Dataset()

    assert states.Completed(data=value).result() is value
