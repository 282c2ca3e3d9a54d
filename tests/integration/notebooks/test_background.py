"""Cells that go on in the background: told, awaited, limited, stopped, and never called complete.

The kernel's side is simulated by hand: a first cell defines `submit`, whose threads tell what
the protocol says, and a `settle` that waits for them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbflow.exceptions import (
    CancelledRun,
    CellFailed,
    CellTimeout,
    FlowRunTimeout,
    KernelDied,
)
from nbflow.notebooks.events import CellEnded, CellMoved, CellStarted

#: Each body gets `told`, which tells the runner, and `stop`, which settling sets to cancel.
KERNEL_SIDE = """
import sys, threading, time, types
from nbflow import states
from nbflow.cells import joining

class Board:
    threads, stop = [], threading.Event()

def submit(body, *, starts=True):
    joined = joining.join(get_ipython().get_parent())
    joined.tell("submitted")
    if not starts:
        joined.tell("state", state=states.Pending())

    def run():
        if starts:
            joined.tell("state", state=states.Running())
        try:
            state = body(Board.stop) or states.Completed()
            error = None
        except Exception as raised:
            state = states.Failed(message=f"{type(raised).__name__}: {raised}")
            error = {"ename": type(raised).__name__, "evalue": str(raised), "traceback": ["line 1", "line 2"]}
        joined.tell("ended", state=state, error=error)

    thread = threading.Thread(target=run, daemon=True)
    Board.threads.append(thread)
    thread.start()

def settle(cancel=False):
    if cancel:
        Board.stop.set()
    for thread in Board.threads:
        while thread.is_alive():
            thread.join(0.05)

module = types.ModuleType("nbflow.cells.settling")
module.settle = settle
sys.modules["nbflow.cells.settling"] = module

def until_stopped(stop):
    stop.wait(60)
    return states.Cancelled()

def raises(stop):
    raise ValueError("boom")

def gate(name):
    return globals().setdefault(f"gate_{name}", threading.Event())
"""
GO_ON_UNTIL_STOPPED = "submit(until_stopped)"
FAIL = "submit(raises)"


@pytest.fixture
def run_in_background(run: Any) -> Any:
    """Run cells below the simulated kernel side."""

    def go(*cells: Any, **options: Any) -> Any:
        # The time that it takes to import nbflow is not to count as a cell's own.
        return run((KERNEL_SIDE, ["timeout:60"]), *cells, **options)

    return go


def outcomes(ran: Any) -> list[str]:
    assert ran.states() == ran.told.outcomes()
    return ran.told.outcomes()[1:]


def test_the_next_cell_runs_while_a_submitted_one_does(run_in_background: Any) -> None:
    ran = run_in_background(
        "def wait(stop):\n    assert gate('a').wait(30)\n    print('from the first', flush=True)\nsubmit(wait)",
        "print('from the second', flush=True)\ngate('a').set()",
    )

    assert outcomes(ran) == ["completed", "completed"]
    assert ran.papermill() == ["completed"] * 3
    assert ran.text(1) == "from the first\n"
    assert ran.text(2) == "from the second\n"
    ended = [event.cell.index for event in ran.told.of(CellEnded)]
    assert ended.index(2) < ended.index(1) or ended == [0, 1, 2]


def touch_after(index: int, file: Path) -> Callable[[object], None]:
    """Makes a file once a cell's end was told."""

    def tell(event: object) -> None:
        if isinstance(event, CellEnded) and event.cell.index == index:
            file.touch()

    return tell


def test_the_end_of_the_notebook_awaits_what_still_runs(
    run_in_background: Any, tmp_path: Path
) -> None:
    file = tmp_path / "the next one has ended"
    ran = run_in_background(
        "from pathlib import Path\n"
        "def wait(stop):\n"
        f"    while not Path({str(file)!r}).exists():\n        assert not stop.wait(0.02)\n"
        "    assert not stop.wait(0.3)\n    print('done', flush=True)\nsubmit(wait)",
        "x = 1",
        also_tell=touch_after(2, file),
    )

    assert outcomes(ran) == ["completed", "completed"]
    assert ran.text(1) == "done\n"
    assert [event.cell.index for event in ran.told.of(CellEnded)] == [0, 2, 1]


#: cells below the kernel's side, options, their outcomes, the run's outcome, its error, words
ENDINGS: dict[str, Any] = {
    "a failure behind is the run's, and no further cell starts": (
        (FAIL + "\nBoard.threads[-1].join()", "x = 1"),
        {},
        ["failed", "not_run"],
        "failed",
        CellFailed,
        "ValueError: boom",
    ),
    "a failure told while the notebook is at its end": (
        ("def late(stop):\n    stop.wait(0.3)\n    raise ValueError('late')\nsubmit(late)",),
        {},
        ["failed"],
        "failed",
        CellFailed,
        "ValueError: late",
    ),
    "others are awaited after a failure": (
        (
            "def slow(stop):\n    stop.wait(0.5)\n    assert not stop.is_set()\nsubmit(slow)",
            FAIL + "\nBoard.threads[-1].join()",
            "x = 1",
        ),
        {},
        ["completed", "failed", "not_run"],
        "failed",
        CellFailed,
        "boom",
    ),
    "others are awaited after a failure of a cell that was waited for": (
        ("def slow(stop):\n    assert not stop.wait(0.5)\nsubmit(slow)", "1/0", "x = 1"),
        {},
        ["completed", "failed", "not_run"],
        "failed",
        CellFailed,
        "ZeroDivisionError",
    ),
    "errors allowed everywhere": (
        (FAIL + "\nBoard.threads[-1].join()", "x = 1"),
        {"allow_errors": True},
        ["failed", "completed"],
        "completed",
        None,
        "",
    ),
    "an exception that is expected": (
        ((FAIL + "\nBoard.threads[-1].join()", ["raises-exception"]), "x = 1"),
        {},
        ["completed", "completed"],
        "completed",
        None,
        "",
    ),
    "sys.exit(0) leaves early, but not before the others": (
        ("def slow(stop):\n    assert not stop.wait(0.5)\nsubmit(slow)", "sys.exit(0)", "x = 1"),
        {},
        ["completed", "stopped_early", "not_run"],
        "stopped_early",
        None,
        "",
    ),
    "the kernel dies in the foreground": (
        (GO_ON_UNTIL_STOPPED, GO_ON_UNTIL_STOPPED, "import os\nos._exit(7)", "x = 1"),
        {},
        ["crashed", "crashed", "crashed", "not_run"],
        "crashed",
        KernelDied,
        "exit code 7",
    ),
    "the kernel dies in the background": (
        (GO_ON_UNTIL_STOPPED, "import os\nsubmit(lambda stop: stop.wait(0.3) or os._exit(7))"),
        {},
        ["crashed", "crashed"],
        "crashed",
        KernelDied,
        "exit code 7",
    ),
    "the cell's time is over in the background, while others run": (
        (GO_ON_UNTIL_STOPPED, "time.sleep(60)", "x = 1"),
        {"cell_timeout": lambda cell: 3 if cell.index == 1 else None},  # time for the next one
        ["timed_out", "cancelled", "not_run"],
        "timed_out",
        CellTimeout,
        "3 s",
    ),
    "the cell's time is over while all is awaited": (
        (GO_ON_UNTIL_STOPPED, "x = 1"),
        {"cell_timeout": 3},
        ["timed_out", "completed"],
        "timed_out",
        CellTimeout,
        "3 s",
    ),
    "waiting for another is not a cell's own time": (
        (
            "submit(lambda stop: states.Completed() if not stop.wait(4) else None)",
            "submit(lambda stop: Board.threads[0].join(), starts=False)",
        ),
        {"cell_timeout": lambda cell: 2 if cell.index == 2 else None},
        ["completed", "completed"],
        "completed",
        None,
        "",
    ),
    "a cell that is waited for may wait, too": (
        (
            "submit(lambda stop: stop.wait(4) and None)",
            (
                "with joining.join(get_ipython().get_parent()).waiting('for the first'):\n"
                "    Board.threads[0].join()"
            ),
        ),
        {"cell_timeout": lambda cell: 2 if cell.index == 2 else None},
        ["completed", "completed"],
        "completed",
        None,
        "",
    ),
    "who waits for nobody has no more time than others": (
        ("submit(until_stopped, starts=False)",),
        {"cell_timeout": 0.5},
        ["timed_out"],
        "timed_out",
        CellTimeout,
        "0.5 s",
    ),
    "the run's time is over": (
        (GO_ON_UNTIL_STOPPED, GO_ON_UNTIL_STOPPED, "x = 1"),
        {"timeout": 15},  # enough to start a kernel and reach the last cell
        ["timed_out", "timed_out", "completed"],
        "timed_out",
        FlowRunTimeout,
        "15 s",
    ),
    "what does not stop is killed": (
        ("submit(lambda stop: time.sleep(60))", "x = 1"),
        {"cell_timeout": 3},
        ["timed_out", "completed"],
        "timed_out",
        CellTimeout,
        "3 s",
    ),
    "an end that is never told": (
        ("joining.join(get_ipython().get_parent()).tell('submitted')", "x = 1"),
        {},
        ["failed", "completed"],
        "failed",
        CellFailed,
        "never told its end",
    ),
    "a cell that was taken from the cache": (
        (
            "submit(lambda stop: states.Cached())",
            "joining.join(get_ipython().get_parent()).tell('state', state=states.Cached())",
        ),
        {},
        ["cached", "cached"],
        "completed",
        None,
        "",
    ),
    "a time limit of the cell's own": (
        (
            "submit(lambda stop: gate('a').wait(30) and states.TimedOut(message='more than 3 s'))",
            "gate('a').set()\nBoard.threads[0].join()",
            "x = 1",
        ),
        {},
        ["timed_out", "completed", "not_run"],
        "timed_out",
        CellTimeout,
        "more than 3 s",
    ),
}


@pytest.mark.parametrize("case", ENDINGS.values(), ids=ENDINGS.keys())
def test_every_ending_is_told_as_it_was(run_in_background: Any, case: Any) -> None:
    cells, options, states, outcome, error, words = case

    ran = run_in_background(*cells, **options)

    assert outcomes(ran) == states
    assert str(ran.outcome.outcome) == outcome
    statuses = {"failed": "failed", "timed_out": "failed", "crashed": "failed"}
    statuses |= {"cancelled": "failed", "not_run": "pending"}
    assert ran.papermill()[1:] == [statuses.get(state, "completed") for state in states]
    assert type(ran.outcome.error) is (error or type(None))
    assert words in str(ran.outcome.error or "")


def test_the_error_stands_in_its_own_cell_once(run_in_background: Any) -> None:
    ran = run_in_background(
        "submit(lambda stop: gate('a').wait(30) and raises(stop))",
        "gate('a').set()\nBoard.threads[0].join()\nprint('here')",
        "x = 1",
    )

    codes = [cell for cell in ran.nb.cells if cell.cell_type == "code"]
    [error] = codes[1].outputs
    assert (error.ename, error.evalue, error.traceback) == (
        "ValueError",
        "boom",
        ["line 1", "line 2"],
    )
    assert ran.text(2) == "here\n"
    marked = ran.nb.cells.index(codes[1]) - 1
    assert ran.nb.cells[marked].id == "papermill-error-cell"
    assert ran.outcome.error.index == 1


def test_a_stop_request_reaches_cells_in_the_background(run_in_background: Any) -> None:
    stop = threading.Event()

    def stop_in_the_last_cell(event: object) -> None:
        if isinstance(event, CellStarted) and event.cell.index == 2:
            stop.set()

    ran = run_in_background(
        GO_ON_UNTIL_STOPPED, "time.sleep(60)", "x = 1", stop=stop, also_tell=stop_in_the_last_cell
    )

    assert outcomes(ran) == ["cancelled", "cancelled", "not_run"]
    assert isinstance(ran.outcome.error, CancelledRun)


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_signals_reach_cells_that_are_awaited(
    run_in_background: Any, number: signal.Signals, error: type[BaseException]
) -> None:
    def interrupt(event: object) -> None:
        if isinstance(event, CellEnded) and event.cell.index == 2:
            signal.raise_signal(number)

    ran = run_in_background(GO_ON_UNTIL_STOPPED, "x = 1", also_tell=interrupt)

    assert outcomes(ran) == ["cancelled", "completed"]
    assert isinstance(ran.outcome.error, error)


def test_what_was_done_when_the_stop_came_is_complete(run_in_background: Any) -> None:
    stop = threading.Event()

    def stop_in_the_last_cell(event: object) -> None:
        if isinstance(event, CellStarted) and event.cell.index == 3:
            stop.set()

    ran = run_in_background(
        "submit(lambda stop: None)\nBoard.threads[0].join()",
        GO_ON_UNTIL_STOPPED,
        "time.sleep(60)",
        stop=stop,
        also_tell=stop_in_the_last_cell,
    )

    assert outcomes(ran) == ["completed", "cancelled", "cancelled"]


def test_states_are_passed_on_as_they_are_told(run_in_background: Any) -> None:
    ran = run_in_background(
        "me = joining.join(get_ipython().get_parent())\n"
        "me.tell('state', state=states.Running())\n"
        "me.tell('state', state=states.AwaitingRetry(message='boom'))\n"
        "me.tell('state', state=states.Retrying(), attempt=2)\n"
        "me.tell('state', state=states.Completed(), attempt=2)",
    )

    moved = [(event.state.name, event.attempt) for event in ran.told.of(CellMoved)]
    assert moved == [("AwaitingRetry", 1), ("Retrying", 2)]
    assert outcomes(ran) == ["completed"]


def test_news_that_say_nothing_are_passed_over(run_in_background: Any) -> None:
    ran = run_in_background(
        "me = joining.join(get_ipython().get_parent())\n"
        "for content in ({}, {'event': 'ended'}, {'event': 'sleeps'}, {'event': 'state', 'state': 3}):\n"
        "    joining._send(me.request, content)",
    )

    assert outcomes(ran) == ["completed"]


def test_previous_cells_in_the_background_are_awaited(
    run_in_background: Any, tmp_path: Path
) -> None:
    file = tmp_path / "the next one has ended"
    ran = run_in_background(
        "x = 0  # papermill_description=first\n"
        "from pathlib import Path\n"
        "def wait(stop):\n"
        f"    while not Path({str(file)!r}).exists():\n        stop.wait(0.02)\n"
        "    print(stop.wait(0.3), flush=True)\nsubmit(wait)",
        "print(Board.threads[0].is_alive())",
        ("print('after')", ["prev:first"]),
        also_tell=touch_after(2, file),
    )

    ended = [event.cell.index for event in ran.told.of(CellEnded)]
    assert ended == [0, 2, 1, 3]
    assert [ran.text(2), ran.text(1), ran.text(3)] == ["True\n", "False\n", "after\n"]


def test_all_submitted_cells_run_at_once(run_in_background: Any) -> None:
    """None of them ends before all six have begun."""
    meet = "submit(lambda stop: print(together.wait(60), flush=True))"

    ran = run_in_background("together = threading.Barrier(6)", *[meet] * 6)

    assert outcomes(ran) == ["completed"] * 7
    assert sorted(ran.text(n).strip() for n in range(2, 8)) == list("012345")
