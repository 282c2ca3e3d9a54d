"""When a run is to stop, and on whose account."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from nbflow.exceptions import (
    CancelledRun,
    CellTimeout,
    FlowRunTimeout,
    TerminationSignal,
)
from nbflow.notebooks.cell_names import kind_of
from nbflow.notebooks.events import CellInfo, CellOutcome
from nbflow.notebooks.judgement import Interruption, RunningCell
from nbflow.notebooks.limits import Limits
from nbflow.notebooks.run_options import RunOptions
from nbflow.notebooks.signals import RememberedSignals


def running(name: str, seconds: float, **more: Any) -> RunningCell:
    """A cell that has been running for some seconds."""
    info = CellInfo(0, name, name, frozenset(), name, kind_of(name, frozenset()))
    return RunningCell(info, counted_from=time.monotonic() - seconds, **more)


def limits(own: float | None = None, **options: Any) -> Limits:
    return Limits(RunOptions(**options), RememberedSignals(), lambda _: own)


def test_without_limits_nothing_stops() -> None:
    assert limits().reason_to_stop([running("a", 10_000)]) is None


@pytest.mark.parametrize(
    ("options", "own", "says"),
    [
        ({"cell_timeout": 5.0}, None, "5 s"),
        ({"cell_timeout": lambda cell: 5.0 if cell.name == "slow" else None}, None, "5 s"),
        ({}, 4.0, "4 s"),
        ({"cell_timeout": 5.0}, 4.0, "4 s"),
        ({"cell_timeout": 3.0}, 4.0, "3 s"),
    ],
)
def test_the_tightest_limit_of_a_cell_counts(
    options: dict[str, Any], own: float | None, says: str
) -> None:
    slow = running("slow", 6)
    reason = limits(own, **options).reason_to_stop([running("quick", 1), slow])
    assert reason is not None
    assert (reason.outcome, reason.culprit) == (CellOutcome.TIMED_OUT, slow)
    assert isinstance(reason.error, CellTimeout)
    assert says in str(reason.error)


def test_who_waits_while_another_works_has_its_time_before_it() -> None:
    waiting, working = running("waiting", 60, waiting=True), running("working", 1)
    checked = limits(cell_timeout=5.0)
    assert checked.reason_to_stop([waiting, working]) is None
    working.waiting = True
    working.counted_from -= 10
    reason = checked.reason_to_stop([waiting, working])
    assert reason is not None
    assert reason.culprit is working


def test_the_run_and_whoever_stops_it_come_before_cells() -> None:
    late = [running("late", 60)]
    options: dict[str, Any] = {"timeout": 0.0001, "cell_timeout": 1.0}
    over = limits(**options)
    time.sleep(0.001)
    reason = over.reason_to_stop(late)
    assert reason is not None
    assert reason.culprit is None
    assert isinstance(reason.error, FlowRunTimeout)
    options["stop"] = RunOptions().stop
    options["stop"].set()
    stopped = limits(**options).reason_to_stop(late)
    assert stopped is not None
    assert (stopped.outcome, type(stopped.error)) == (CellOutcome.CANCELLED, CancelledRun)


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminationSignal)]
)
def test_signals_are_heard_as_what_they_mean(
    number: signal.Signals, error: type[BaseException]
) -> None:
    signals = RememberedSignals()
    signals.received = number
    assert isinstance(Limits(RunOptions(), signals, lambda _: None).stop_error(), error)


def test_the_kernel_has_no_longer_than_the_run() -> None:
    assert limits(start_timeout=60.0).startup_patience() == 60.0
    assert limits(start_timeout=60.0, timeout=5.0).startup_patience() <= 5.0


def test_an_interruption_names_the_cell_whose_time_is_over() -> None:
    late, other = running("late", 9), running("other", 9)
    own = Interruption(CellOutcome.TIMED_OUT, CellTimeout("late"), 0.0, late)
    everyone = Interruption(CellOutcome.CANCELLED, KeyboardInterrupt(), 0.0)
    assert own.verdict(late) == (CellOutcome.TIMED_OUT, own.error)
    assert own.verdict(other)[0] is CellOutcome.CANCELLED
    assert "late" in str(own.verdict(other)[1])
    for cell in (late, other):
        outcome, error = everyone.verdict(cell)
        assert outcome is CellOutcome.CANCELLED
        assert isinstance(error, CancelledRun)


def test_while_a_cell_waits_for_a_person_no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("nbflow.notebooks.limits.time.monotonic", lambda: clock[0])
    checked = limits(timeout=10.0, cell_timeout=5.0)
    cell, other = running("asks", 0), running("asks too", 0)
    cell.counted_from = other.counted_from = clock[0]

    def passes(seconds: float) -> Any:
        clock[0] += seconds
        return checked.reason_to_stop([cell])

    assert passes(4) is None
    checked.pause(cell)
    checked.pause(cell)  # told twice
    assert passes(100) is None
    checked.pause(other)
    checked.go_on(cell)
    assert passes(0.5) is None  # the other one still holds the run's time
    checked.go_on(other)
    checked.go_on(other)
    reason = passes(1)
    assert reason is not None
    assert isinstance(reason.error, CellTimeout)  # 4 + 0.5 + 1 > 5
    cell.counted_from = clock[0]
    assert passes(4.5) is None
    reason = passes(1)  # 4 + 1 + 4.5 + 1 > 10, and none of the 100.5
    assert reason is not None
    assert isinstance(reason.error, FlowRunTimeout)
