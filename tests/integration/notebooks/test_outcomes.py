"""However a notebook ends, its record says how each cell ended, and the file agrees."""

from __future__ import annotations

import os
import threading

import nbformat
import pytest

from nbflow.exceptions import (
    CancelledRun,
    CellFailed,
    CellTimeout,
    FlowRunTimeout,
    KernelDied,
)
from nbflow.notebooks import running
from nbflow.notebooks.events import (
    CellEnded,
    CellOutcome,
    CellStarted,
    KernelReady,
    KernelStarting,
    Note,
)
from nbflow.notebooks.execute import run_notebook
from tests.waiting import until

SLEEP = "import time\ntime.sleep(60)"

#: cells, options, outcomes of the cells, papermill's statuses, the run's outcome, its error
ENDINGS = {
    "all is well": (
        ("x = 1", "print(x)"),
        {},
        ["completed", "completed"],
        ["completed", "completed"],
        "completed",
        None,
        "",
    ),
    "R1: the kernel exits": (
        ("1", "import os\nos._exit(7)", "3"),
        {},
        ["completed", "crashed", "not_run"],
        ["completed", "failed", "pending"],
        "crashed",
        KernelDied,
        "exit code 7",
    ),
    "R1: the kernel is killed": (
        ("1", "import os\nos.kill(os.getpid(), 9)", "3"),
        {},
        ["completed", "crashed", "not_run"],
        ["completed", "failed", "pending"],
        "crashed",
        KernelDied,
        "SIGKILL",
    ),
    "a segmentation fault": (
        ("import faulthandler\nfaulthandler.enable()\nfaulthandler._sigsegv()", "2"),
        {},
        ["crashed", "not_run"],
        ["failed", "pending"],
        "crashed",
        KernelDied,
        "SIGSEGV",
    ),
    "R2: a cell takes too long": (
        ("1", SLEEP, "3"),
        {"cell_timeout": lambda cell: 0.5 if cell.index == 1 else None},
        ["completed", "timed_out", "not_run"],
        ["completed", "failed", "pending"],
        "timed_out",
        CellTimeout,
        "0.5 s",
    ),
    "the notebook takes too long": (
        ("1", SLEEP, "3"),
        {"timeout": 15},  # enough to reach the second cell
        ["completed", "timed_out", "not_run"],
        ["completed", "failed", "pending"],
        "timed_out",
        FlowRunTimeout,
        "15 s",
    ),
    "R5: sys.exit(0)": (
        ("1", "import sys\nsys.exit(0)", "3"),
        {},
        ["completed", "stopped_early", "not_run"],
        ["completed", "completed", "pending"],
        "stopped_early",
        None,
        "",
    ),
    "R5: raise SystemExit": (
        ("raise SystemExit", "2"),
        {},
        ["stopped_early", "not_run"],
        ["completed", "pending"],
        "stopped_early",
        None,
        "",
    ),
    "R5: IPython's exit()": (
        ("exit()", "2"),
        {},
        ["stopped_early", "not_run"],
        ["completed", "pending"],
        "stopped_early",
        None,
        "",
    ),
    "R5: sys.exit(1)": (
        ("import sys\nsys.exit(1)", "2"),
        {},
        ["failed", "not_run"],
        ["failed", "pending"],
        "failed",
        CellFailed,
        "SystemExit: 1",
    ),
    "R5: sys.exit with words": (
        ("import sys\nsys.exit('no data')", "2"),
        {},
        ["failed", "not_run"],
        ["failed", "pending"],
        "failed",
        CellFailed,
        "no data",
    ),
    "R6: a shell command fails": (
        ("!false", "2"),
        {},
        ["completed", "completed"],
        ["completed", "completed"],
        "completed",
        None,
        "",
    ),
    "R6: a shell command fails, strictly": (
        ("!true", "!false", "3"),
        {"strict_shell": True},
        ["completed", "failed", "not_run"],
        ["completed", "failed", "pending"],
        "failed",
        CellFailed,
        "exit code 1",
    ),
    "R16: input()": (
        ("input()", "2"),
        {},
        ["failed", "not_run"],
        ["failed", "pending"],
        "failed",
        CellFailed,
        "parameter",
    ),
    "R18: a magic that does not exist": (
        ("%no_such_magic", "2"),
        {},
        ["failed", "not_run"],
        ["failed", "pending"],
        "failed",
        CellFailed,
        "no_such_magic",
    ),
    "a syntax error": (
        ("x = = 1", "2"),
        {},
        ["failed", "not_run"],
        ["failed", "pending"],
        "failed",
        CellFailed,
        "SyntaxError",
    ),
    "an exception that is expected": (
        (("1/0", ["raises-exception"]), "2"),
        {},
        ["completed", "completed"],
        ["completed", "completed"],
        "completed",
        None,
        "",
    ),
    "errors allowed everywhere": (
        ("1/0", "2"),
        {"allow_errors": True},
        ["failed", "completed"],
        ["failed", "completed"],
        "completed",
        None,
        "",
    ),
    "a cell to be skipped": (
        ("1", ("1/0", ["skip-execution"]), "3"),
        {},
        ["completed", "skipped", "completed"],
        ["completed", "completed", "completed"],
        "completed",
        None,
        "",
    ),
    "a handler of the user's own shows the exception": (
        (
            "get_ipython().set_custom_exc((Exception,), lambda s, t, v, tb, tb_offset=None: None)",
            "1/0",
            "3",
        ),
        {},
        ["completed", "failed", "not_run"],
        ["completed", "failed", "pending"],
        "failed",
        CellFailed,
        "ZeroDivisionError",
    ),
    "a traceback shown as a display": (
        ("from rich.traceback import install\n_ = install()", "1/0", "3"),
        {},
        ["completed", "failed", "not_run"],
        ["completed", "failed", "pending"],
        "failed",
        CellFailed,
        "ZeroDivisionError",
    ),
}


@pytest.mark.parametrize("case", ENDINGS.values(), ids=ENDINGS.keys())
def test_every_ending_is_told_as_it_was(run, case) -> None:
    cells, options, states, papermill, outcome, error, words = case

    ran = run(*cells, **options)

    assert ran.told.outcomes() == states
    assert ran.states() == states
    assert ran.papermill() == papermill
    assert str(ran.outcome.outcome) == outcome
    assert ran.nb.metadata.nbflow.outcome == outcome
    if error is None:
        assert ran.outcome.error is None
    else:
        assert type(ran.outcome.error) is error
        assert words in str(ran.outcome.error)
        assert words in ran.nb.metadata.nbflow.error


def test_a_cell_that_ignores_the_interrupt_is_killed(run) -> None:
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        print('no', flush=True)"

    ran = run("1", stubborn, "3", cell_timeout=lambda cell: 2 if cell.index == 1 else None)

    assert ran.told.outcomes() == ["completed", "timed_out", "not_run"]
    assert ran.text(1) == "no\n"


def test_each_cell_can_have_its_own_time_limit(run) -> None:
    limits = {"patient": None, "hasty": 0.3}

    ran = run(
        "# patient\n",
        "import time\ntime.sleep(0.6)",
        "# hasty\n",
        "time.sleep(60)",
        cell_timeout=lambda cell: limits[cell.name],
    )

    assert ran.told.outcomes() == ["completed", "timed_out"]


def test_a_stop_request_interrupts_the_cell_and_saves(run) -> None:
    stop = threading.Event()

    def stop_in_the_second_cell(event: object) -> None:
        if isinstance(event, CellStarted) and event.cell.index == 1:
            stop.set()

    ran = run(
        "print('before', flush=True)", SLEEP, "3", stop=stop, also_tell=stop_in_the_second_cell
    )

    assert ran.told.outcomes() == ["completed", "cancelled", "not_run"]
    assert ran.states() == ["completed", "cancelled", "not_run"]
    assert ran.papermill() == ["completed", "failed", "pending"]
    assert isinstance(ran.outcome.error, CancelledRun)
    assert ran.text(0) == "before\n"


def test_events_come_in_order_and_name_the_kernel(run) -> None:
    ran = run("print('a')", "2")

    names = [type(event).__name__ for event in ran.told.events]
    assert names[:3] == ["KernelStarting", "KernelReady", "CellStarted"]
    assert names[-1] == "NotebookSaved"
    (starting,), (ready,) = ran.told.of(KernelStarting), ran.told.of(KernelReady)
    assert (starting.kernel_name, ready.language) == ("python3", "python")
    assert [event.at for event in ran.told.events] == sorted(e.at for e in ran.told.events)
    assert all(event.at.utcoffset().total_seconds() == 0 for event in ran.told.events)
    assert len(ran.told.of(CellStarted)) == 2


def test_a_failed_run_keeps_its_notebook_with_papermills_marks(run) -> None:
    ran = run("1", "1/0", "3")

    marks = [c for c in ran.nb.cells if "papermill-error-cell-tag" in c.metadata.get("tags", [])]
    assert "An Exception was encountered at" in marks[0].source
    assert "In [2]" in marks[0].source
    assert ran.nb.cells.index(marks[1]) + 1 == next(
        i for i, c in enumerate(ran.nb.cells) if c.source == "1/0"
    )
    assert ran.nb.metadata.papermill.exception is True


def test_the_error_carries_the_users_traceback(run) -> None:
    ran = run("def inner():\n    raise ValueError('bad row')", "inner()")

    error = ran.outcome.error
    assert (error.label, error.ename, error.evalue) == ("inner", "ValueError", "bad row") or (
        error.label == "inner (2)"
    )
    assert "inner()" in "".join(error.traceback)


def test_allowed_errors_are_mentioned(run) -> None:
    ran = run("1/0", "2", allow_errors=True)

    assert any("ZeroDivisionError" in note.message for note in ran.told.of(Note))


def test_an_error_is_raised_unless_the_caller_wants_the_outcome(notebook, tmp_path) -> None:
    with pytest.raises(CellFailed, match="ZeroDivisionError"):
        run_notebook(notebook("1/0"), output=tmp_path / "out.ipynb")
    assert (tmp_path / "out.ipynb").exists()


def test_a_listener_that_raises_ends_the_run_honestly(notebook, tmp_path, processes) -> None:
    pids = []

    def listen(event: object) -> None:
        if isinstance(event, KernelReady):
            pids.append(event.pid)
        if isinstance(event, CellStarted) and event.cell.index == 1:
            raise LookupError("the store is gone")

    with pytest.raises(LookupError):
        run_notebook(notebook("1", "2", "3"), output=tmp_path / "out.ipynb", on_event=listen)
    nb = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert [c.metadata.nbflow.state for c in nb.cells] == ["completed", "crashed", "not_run"]
    assert processes.gone(*pids)


def test_outcomes_say_whether_they_are_success(run) -> None:
    assert run("1").outcome.succeeded
    assert not run("1/0").outcome.succeeded
    assert run("1/0").outcome.cells[0].outcome is CellOutcome.FAILED


def has_ended(child: int) -> bool:
    """Whether all threads of a child are gone; its first one alone is no sign of that."""
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, child, look) is not None


def test_a_kernel_that_dies_between_cells_crashes_the_run_and_no_cell(
    notebook, tmp_path, processes
) -> None:
    pids = []

    def kill(event: object) -> None:
        if isinstance(event, KernelReady):
            pids.append(event.pid)
        if isinstance(event, CellEnded) and event.cell.index == 0:
            os.kill(pids[0], 9)
            until(lambda: has_ended(pids[0]), "the kernel's end")

    outcome = run_notebook(
        notebook("1", "2"), output=tmp_path / "out.ipynb", on_event=kill, raise_on_failure=False
    )

    assert [str(record.outcome) for record in outcome.cells] == ["completed", "not_run"]
    assert outcome.outcome is CellOutcome.CRASHED
    assert "before the cell" in str(outcome.error)


def test_lack_of_memory_is_named(run, monkeypatch) -> None:
    counts = iter([0, 1, 1, 1])
    monkeypatch.setattr("nbflow.notebooks.kernels.kernel.oom_kills", lambda: next(counts))

    ran = run("import os\nos.kill(os.getpid(), 9)")

    assert "because the memory limit was reached" in str(ran.outcome.error)


def test_a_kernel_that_will_not_end_is_killed_and_that_is_said(run, monkeypatch) -> None:
    monkeypatch.setattr(running, "SHUTDOWN_GRACE", 0.5)

    ran = run("import threading, time\nthreading.Thread(target=time.sleep, args=[60]).start()")

    assert ran.outcome.succeeded
    assert any("did not end by itself" in note.message for note in ran.told.of(Note))
