"""Task cells in a notebook run: in the background, by tags, restored, gone on with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from nbflow import notebook as notebook_flow
from nbflow.exceptions import CancelledRun, CellFailed, CellTimeout
from nbflow.models import FlowRunFilter, RunKind
from nbflow.notebooks.events import CellEnded, CellOutcome, CellRecord, CellStarted, Note
from nbflow.notebooks.execute import run_notebook
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.store import open_store

LOAD = "%load_ext nbflow"


class Gate:
    """A file that one cell waits for and another makes: no variable, so no dependency."""

    def __init__(self, path: Path) -> None:
        self.opens = f"__import__('pathlib').Path({str(path)!r}).touch()\n"
        self.waits = (
            f"import pathlib, time\nwhile not pathlib.Path({str(path)!r}).exists():\n"
            "    time.sleep(0.02)\n"
        )


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


def last_run() -> Any:
    return open_store().flow_runs(FlowRunFilter(top_level=True), limit=1)[0]


def histories() -> list[list[tuple[str, int]]]:
    """The states of each cell of the last run."""
    store = open_store()
    cells = store.task_runs(last_run().id)
    return [[(c.state.name, c.attempt) for c in store.states(RunKind.TASK, x.id)] for x in cells]


# ── in the background ────────────────────────────────────────────────────────────────────


def test_independent_cells_overlap_and_their_reader_waits(run: Any, gate: Gate) -> None:
    ran = run(
        LOAD,
        f"%%task --submit\n{gate.waits}print('one')\none = 1",
        f"%%task --submit\nprint('two')\n{gate.opens}two = 2",
        "print(one + two)",
        cell_timeout=30,
    )

    assert ran.told.outcomes() == ran.states() == ["completed"] * 4
    assert [ran.text(index) for index in (1, 2, 3)] == ["one\n", "two\n", "3\n"]


def test_a_failure_in_the_background_is_the_runs_own(run: Any, gate: Gate) -> None:
    ran = run(
        LOAD,
        f"%%task load --submit\n{gate.waits}rows = 1 / 0",
        gate.opens,
        "print(rows)",
        "print('never')",
        cell_timeout=30,
    )

    assert ran.told.outcomes()[:3] == ["completed", "failed", "completed"]
    assert ran.told.outcomes()[3] in {"failed", "not_run"}  # told before or after it began
    assert ran.told.outcomes()[4] == "not_run"
    assert isinstance(ran.outcome.error, CellFailed)
    assert (ran.outcome.error.label, ran.outcome.error.ename) == ("load", "ZeroDivisionError")
    codes = [cell for cell in ran.nb.cells if cell.cell_type == "code"]
    [error] = codes[1].outputs
    assert (error.output_type, error.ename) == ("error", "ZeroDivisionError")


def test_a_background_cell_has_the_cells_time(run: Any) -> None:
    ran = run(
        LOAD,
        "%%task --submit\nimport time\nfor _ in range(600):\n    time.sleep(0.1)",
        "x = 1",
        cell_timeout=lambda cell: 4.0 if cell.index == 1 else None,
    )

    assert ran.told.outcomes() == ["completed", "timed_out", "completed"]
    assert isinstance(ran.outcome.error, CellTimeout)


def test_a_stop_reaches_the_background(run: Any) -> None:
    stop = threading.Event()

    def stop_at_the_end(event: object) -> None:
        if isinstance(event, CellEnded) and event.cell.index == 3:
            stop.set()

    ran = run(
        LOAD,
        "%%task --submit\nimport time\nfor _ in range(600):\n    time.sleep(0.1)",
        "%%task --submit\nx = 1",
        "print(x)",
        stop=stop,
        also_tell=stop_at_the_end,
    )

    assert ran.told.outcomes() == ["completed", "cancelled", "completed", "completed"]
    assert isinstance(ran.outcome.error, CancelledRun)


@pytest.mark.parametrize("fails", [False, True])
def test_papermill_itself_runs_background_cells(
    notebook: Callable[..., Path], tmp_path: Path, fails: bool
) -> None:
    last = "raise ValueError('boom')" if fails else "y = 2"
    source = notebook(LOAD, "%%task --submit\nx = 1\nprint('x')", f"%%task --submit\n{last}")
    output = tmp_path / "executed.ipynb"

    def execute() -> None:
        papermill.execute_notebook(
            str(source),
            str(output),
            engine_name="nbflow",
            kernel_name="python3",
            progress_bar=False,
        )

    if fails:
        with pytest.raises(papermill.PapermillExecutionError) as raised:
            execute()
        assert (raised.value.ename, raised.value.evalue) == ("ValueError", "boom")
    else:
        execute()
    codes = [c for c in nbformat.read(output, 4).cells if c.cell_type == "code"]
    statuses = [cell.metadata.papermill.status for cell in codes]
    assert statuses == ["completed", "completed", "failed" if fails else "completed"]
    assert codes[1].outputs[0].text == "x\n"


# ── by tags ──────────────────────────────────────────────────────────────────────────────


def test_tags_make_tasks_of_plain_cells(notebook: Callable[..., Path], tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tried = f"import pathlib\nmark = pathlib.Path({str(mark)!r})\ntimes = len(mark.read_text()) if mark.exists() else 0\nmark.write_text('x' * (times + 1))\nassert times == 2"
    path = notebook((tried, ["step:try", "retries:2", "retry-delay:0.05"]), ("y = times", ["task"]))

    outcome = notebook_flow(path)()

    assert histories()[0] == [
        ("Pending", 0),
        ("Running", 1),
        ("AwaitingRetry", 1),
        ("Retrying", 2),
        ("AwaitingRetry", 2),
        ("Retrying", 3),
        ("Completed", 3),
    ]
    assert nbformat.read(outcome.output, 4).cells[0].source == tried


def test_line_numbers_of_a_tagged_cell_are_the_notebooks(run: Any) -> None:
    ran = run(("x = 1\nraise ValueError(x)", ["task"]))

    [error] = ran.nb.cells[-1].outputs
    assert "line 2" in "".join(error.traceback)
    assert ran.nb.cells[-1].source == "x = 1\nraise ValueError(x)"


def test_a_tagged_time_limit_is_kept(notebook: Callable[..., Path]) -> None:
    path = notebook(
        ("import time\nfor _ in range(600):\n    time.sleep(0.1)", ["timeout:0.5"]), "x = 1"
    )

    with pytest.raises(CellTimeout):
        notebook_flow(path)()
    assert [states[-1] for states in histories()] == [("TimedOut", 1), ("NotRun", 0)]


def test_a_cached_cell_is_told_as_cached(notebook: Callable[..., Path]) -> None:
    path = notebook("n = 3", ("print('computed')\nm = n * 2", ["cache"]), "print(m)")

    first, second = notebook_flow(path)(), notebook_flow(path)()

    assert [str(cell.outcome) for cell in first.cells] == ["completed"] * 3
    assert [str(cell.outcome) for cell in second.cells] == ["completed", "cached", "completed"]
    assert histories()[1][-1] == ("Cached", 1)
    executed = nbformat.read(second.output, 4)
    assert executed.cells[1].metadata.nbflow.state == "cached"
    assert executed.cells[1].metadata.papermill.status == "completed"
    assert [cell.outputs[0].text for cell in executed.cells[1:]] == ["computed\n", "6\n"]


def test_a_kernel_without_nbflow_runs_plain_cells_and_says_so(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "without" / "nbflow"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('not here')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))

    ran = run(
        ("print('plain')", ["task", "retries:2"]), ("import time\ntime.sleep(60)", ["timeout:0.5"])
    )

    assert ran.told.outcomes() == ["completed", "timed_out"]
    assert ran.text(0) == "plain\n"
    [note] = [note for note in ran.told.of(Note) if note.warning]
    assert "has no nbflow" in note.message


def test_another_language_runs_plain_cells_and_says_so(run: Any, echo_kernel: str) -> None:
    ran = run(("one", ["task:one", "submit"]), "two", kernel_name=echo_kernel)

    assert ran.told.outcomes() == ["completed", "completed"]
    assert ran.text(0) == "one\n"
    assert any("has no nbflow" in note.message for note in ran.told.of(Note))


def test_no_tags_no_extension(run: Any) -> None:
    ran = run("import sys\nprint('nb' + 'flow' in sys.modules)", "x = 1")

    assert ran.text(0) == "False\n"
    assert [str(event.cell.index) for event in ran.told.of(CellStarted)] == ["0", "1"]


# ── going on in a kernel that was kept ───────────────────────────────────────────────────


def test_a_failed_runs_kernel_can_be_kept_and_gone_on_with(
    notebook: Callable[..., Path], tmp_path: Path, processes: Any
) -> None:
    kept: list[tuple[Kernel, CellRecord | None, CellOutcome]] = []

    def keep(kernel: Kernel, culprit: CellRecord | None, outcome: Any) -> bool:
        kept.append((kernel, culprit, outcome.outcome))
        return True

    first = tmp_path / "first.ipynb"
    source = notebook("print('once')\nx = 1", "print(x + y)", "print('end')")
    run_notebook(source, output=first, keep=keep, raise_on_failure=False)

    [(kernel, culprit, outcome)] = kept
    assert outcome is CellOutcome.FAILED
    assert culprit is not None
    assert culprit.cell.index == 1
    pid = kernel.pid
    assert pid is not None
    assert processes.alive(pid)

    again = notebook("print('once')\nx = 1", "y = 2\nprint(x + y)", "print('end')")
    left = {cell.id: cell for cell in nbformat.read(first, 4).cells if cell.cell_type == "code"}
    second = run_notebook(
        again,
        output=tmp_path / "second.ipynb",
        kernel=kernel,
        start_at=1,
        known={"cell-0": left["cell-0"]},
    )

    assert [str(cell.outcome) for cell in second.cells] == ["completed"] * 3
    executed = nbformat.read(tmp_path / "second.ipynb", 4)
    assert [cell.outputs[0].text for cell in executed.cells] == ["once\n", "3\n", "end\n"]
    assert [cell.execution_count for cell in executed.cells] == [1, 3, 4]
    assert executed.cells[0].metadata.nbflow.state == "completed"
    assert executed.cells[0].metadata.papermill.status == "completed"
    assert processes.gone(pid)


@pytest.mark.parametrize(
    ("cells", "options", "asked"),
    [
        (("x = 1",), {}, False),
        (("import os\nos._exit(3)",), {}, False),
        (("import sys\nsys.exit(0)",), {}, False),
        (("1/0",), {}, True),
        (("import time\ntime.sleep(60)",), {"cell_timeout": 3}, True),
    ],
)
def test_keeping_is_asked_for_live_kernels_of_bad_ends(
    run: Any, processes: Any, cells: tuple[str, ...], options: dict[str, Any], asked: bool
) -> None:
    pids: list[int | None] = []

    def keep(kernel: Kernel, culprit: CellRecord | None, outcome: Any) -> bool:
        assert culprit is not None
        assert culprit.cell.index == 0
        pids.append(kernel.pid)
        return False

    run(*cells, keep=keep, **options)

    assert bool(pids) is asked
    assert processes.gone(*pids)
