"""What an ending stands for, as a table."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nbflow import states
from nbflow.engine.outcomes import (
    MESSAGE_LIMIT,
    describe,
    state_of_exception,
    state_of_flow_value,
    state_of_task_value,
)
from nbflow.engine.timeouts import OutOfTime
from nbflow.exceptions import (
    CancelledRun,
    ConfigurationError,
    FlowRunTimeout,
    KernelDied,
    ProcessDied,
    TaskRunTimeout,
    TerminationSignal,
)
from nbflow.states import Cancelled, Completed, Crashed, Failed, NotReady, Pending

EXCEPTIONS = [
    (ValueError("v"), "Failed"),
    (TimeoutError(), "Failed"),
    (ConfigurationError("c"), "Failed"),
    (TaskRunTimeout("t"), "TimedOut"),
    (FlowRunTimeout("t"), "TimedOut"),
    (ProcessDied("p"), "Crashed"),
    (KernelDied("k"), "Crashed"),
    (KeyboardInterrupt(), "Cancelled"),
    (asyncio.CancelledError(), "Cancelled"),
    (CancelledRun("c"), "Cancelled"),
    (OutOfTime(), "Cancelled"),
    (TerminationSignal(), "Crashed"),
    (SystemExit(2), "Crashed"),
    (GeneratorExit(), "Crashed"),
]


@pytest.mark.parametrize(("error", "name"), EXCEPTIONS, ids=repr)
def test_exceptions_become_states_that_carry_them(error: BaseException, name: str) -> None:
    state = state_of_exception(error)
    assert state.name == name
    assert state.data is error
    assert state.message


@pytest.mark.parametrize("error", [TaskRunTimeout("t"), ProcessDied("p")])
def test_only_the_run_that_met_it_first_takes_the_name(error: BaseException) -> None:
    assert state_of_exception(error).name != "Failed"
    assert state_of_exception(error).name == "Failed"


VALUES: list[tuple[Any, str, str | None]] = [
    (None, "Completed", None),
    ([1, 2], "Completed", None),
    (ValueError("a value"), "Completed", None),
    (Completed(name="Skipped"), "Skipped", None),
    ([Completed(), Completed()], "Completed", "All states completed."),
    ([Completed(), Failed()], "Failed", "1 of 2 states failed."),
    ({"a": (Failed(), Crashed())}, "Failed", "2 of 2 states failed."),
    ([Cancelled(), Completed()], "Cancelled", "1 of 2 states were cancelled."),
    ([Cancelled(), Failed()], "Failed", "2 of 2 states failed."),
    ([NotReady(), Completed()], "Failed", "1 of 2 states failed."),
    ([Pending()], "Failed", "1 of 1 states did not complete."),
]


@pytest.mark.parametrize(("value", "name", "message"), VALUES)
def test_a_flows_value_decides_its_state(value: Any, name: str, message: str | None) -> None:
    state = state_of_flow_value(value)
    assert (state.name, state.message) == (name, message)


@pytest.mark.parametrize("decide", [state_of_task_value, state_of_flow_value])
def test_a_state_with_which_no_run_ends_is_a_failure(decide: Any) -> None:
    state = decide(states.Running())
    assert state.name == "Failed"
    assert "Return a final state" in state.message


def test_a_tasks_list_of_states_is_only_a_value() -> None:
    value = [Failed()]
    assert state_of_task_value(value).result() is value


def test_long_texts_are_cut() -> None:
    assert len(describe(ValueError("x" * 10_000))) == MESSAGE_LIMIT
