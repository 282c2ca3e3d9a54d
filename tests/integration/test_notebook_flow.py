"""A notebook as a flow: every cell is a node with a state, times, logs and edges of its own."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbflow import flow, notebook, task
from nbflow.exceptions import (
    CellFailed,
    NotebookError,
    OutputPathError,
    ParameterBindError,
    ParameterTypeError,
    UnknownParameterError,
)
from nbflow.models import FlowKind, LogFilter, RunKind, TaskKind, TaskRun
from nbflow.store import Store, open_store

MakeNotebook = Callable[..., Path]


@pytest.fixture
def make_notebook(tmp_path: Path) -> MakeNotebook:
    """Write a notebook of the given code cells; a `(tag, source)` pair tags its cell."""

    def make(*cells: str | tuple[str, str], name: str = "work.ipynb") -> Path:
        nodes = []
        for cell in cells:
            tag, source = cell if isinstance(cell, tuple) else (None, cell)
            if source.startswith("# "):
                nodes.append(new_markdown_cell(source))
                continue
            nodes.append(new_code_cell(source, metadata={"tags": [tag]} if tag else {}))
        path = tmp_path / name
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(new_notebook(cells=nodes, metadata={"kernelspec": kernel}), path)
        return path

    return make


@pytest.fixture
def store() -> Store:
    """The store of this test's home."""
    return open_store()


def cells_of_last_run(store: Store) -> dict[str, TaskRun]:
    run = store.flow_runs(limit=1)[0]
    return {cell.name: cell for cell in store.task_runs(run.id)}


def test_every_cell_is_recorded(make_notebook: MakeNotebook, store: Store) -> None:
    path = make_notebook(
        "raw = list(range(4))", "total = sum(raw)\nprint('total', total)", "done = 1"
    )
    outcome = notebook(path)()
    run = store.flow_runs(limit=1)[0]
    assert (run.flow_name, run.kind, run.state.name) == ("work", FlowKind.NOTEBOOK, "Completed")
    assert run.source == str(path)
    assert run.output == outcome.output
    assert nbformat.read(outcome.output, 4).cells[1].outputs[0].text == "total 6\n"
    cells = cells_of_last_run(store)
    assert list(cells) == ["raw", "total", "done"]
    for cell in cells.values():
        assert (cell.kind, cell.state.name, cell.attempt) == (TaskKind.CELL, "Completed", 1)
        assert cell.start_time is not None
        assert cell.end_time is not None
        assert cell.end_time >= cell.start_time
    assert [(d.upstream, d.name) for d in cells["total"].dependencies] == [(cells["raw"].id, "raw")]
    assert cells["done"].dependencies == ()
    logs = store.logs(LogFilter(task_run_id=cells["total"].id))
    assert [(log.logger, log.message) for log in logs] == [("nbflow.stdout", "total 6")]
    history = store.states(RunKind.TASK, cells["raw"].id)
    assert [change.state.name for change in history] == ["Pending", "Running", "Completed"]


def test_a_failure_is_told_where_it_happened(make_notebook: MakeNotebook, store: Store) -> None:
    path = make_notebook("a = 1", "b = a / 0", "c = b")
    with pytest.raises(CellFailed, match=r"Cell 'b' raised ZeroDivisionError: division by zero"):
        notebook(path)()
    run = store.flow_runs(limit=1)[0]
    assert run.state.name == "Failed"
    assert run.output is not None
    assert Path(run.output).exists()
    cells = cells_of_last_run(store)
    assert [cell.state.name for cell in cells.values()] == ["Completed", "Failed", "NotRun"]
    assert cells["b"].state.message == "ZeroDivisionError: division by zero"
    assert cells["c"].start_time is None
    assert cells["c"].attempt == 0
    story = store.logs(LogFilter(task_run_id=cells["b"].id, min_level=40))[0].message
    assert "----> 1 b = a / 0" in story
    assert "\x1b" not in story


def test_a_dead_kernel_is_a_crash(make_notebook: MakeNotebook, store: Store) -> None:
    path = make_notebook("a = 1", "import os; os._exit(9)", "c = 1")
    state = notebook(path)(return_state=True)
    assert state.name == "Crashed"
    states = [cell.state.name for cell in cells_of_last_run(store).values()]
    assert states == ["Completed", "Crashed", "NotRun"]


@pytest.mark.parametrize(
    ("limit", "seconds"), [("timeout_seconds", 10), ("cell_timeout_seconds", 2)]
)
def test_time_limits(make_notebook: MakeNotebook, store: Store, limit: str, seconds: int) -> None:
    path = make_notebook("import time; time.sleep(90)", "c = 1")
    state = notebook(path, **{limit: seconds})(return_state=True)  # the first covers the start
    assert state.name == "TimedOut"
    states = [cell.state.name for cell in cells_of_last_run(store).values()]
    assert states == ["TimedOut", "NotRun"]


def test_sys_exit_0_is_an_early_success(make_notebook: MakeNotebook, store: Store) -> None:
    path = make_notebook("a = 1", "import sys; sys.exit(0)", "c = 1")
    assert notebook(path)(return_state=True).is_completed()
    cells = list(cells_of_last_run(store).values())
    assert [cell.state.name for cell in cells] == ["Completed", "Completed", "NotRun"]
    assert "early" in (cells[1].state.message or "")


def test_skipped_and_allowed_failures(make_notebook: MakeNotebook, store: Store) -> None:
    path = make_notebook(("skip-execution", "1/0"), ("raises-exception", "2/0"), "c = 1")
    assert notebook(path)(return_state=True).is_completed()
    states = [cell.state.name for cell in cells_of_last_run(store).values()]
    assert states == ["Skipped", "Completed", "Completed"]


PARAMETERS = ("parameters", "day: str = '2026-01-01'\nrounds = 3\nfactor = 0.5")


def test_parameters_keep_their_types_and_feed_the_cells_that_read_them(
    make_notebook: MakeNotebook, store: Store
) -> None:
    path = make_notebook(
        ("parameters", "import datetime\nwhen: datetime.date = None\nsizes: tuple = ()"),
        "print(type(when).__name__, when.year, sizes)",
    )
    outcome = notebook(path)(when=dt.date(2026, 5, 4), sizes=(1, 2))
    cells_recorded = list(cells_of_last_run(store).values())
    assert [d.upstream for d in cells_recorded[2].dependencies] == [cells_recorded[1].id]
    cells = nbformat.read(outcome.output, 4).cells
    assert cells[1].metadata.tags == ["injected-parameters"]
    assert cells[2].outputs[0].text == "date 2026 (1, 2)\n"


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"rouns": 2}, UnknownParameterError, "rounds"),
        ({"rounds": "many"}, ParameterTypeError, "rounds"),
        ({"factor": [1]}, ParameterTypeError, "factor"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(
    make_notebook: MakeNotebook,
    store: Store,
    given: dict[str, object],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        notebook(make_notebook(PARAMETERS, "x = rounds"))(**given)
    assert store.flow_runs() == []


def test_a_notebook_without_parameters_takes_none(make_notebook: MakeNotebook) -> None:
    with pytest.raises(ParameterBindError, match="declares no parameters"):
        notebook(make_notebook("x = 1"))(day="2026-01-01")


def test_a_parameters_cell_that_cannot_be_read_runs_without_parameters(
    make_notebook: MakeNotebook,
) -> None:
    path = make_notebook(("parameters", "a = 1\nfiles = !ls\nb ="))
    assert "SyntaxError" in (notebook(path)(return_state=True).message or "")
    with pytest.raises(NotebookError, match="parameters cell"):
        notebook(path)(a=2)


def test_a_required_parameter_is_asked_for(make_notebook: MakeNotebook) -> None:
    with pytest.raises(ParameterBindError, match="day"):
        notebook(make_notebook(("parameters", "day: str\nfiles = !ls"), "x = day"))()


def test_the_schema_describes_the_parameters(make_notebook: MakeNotebook) -> None:
    schema = notebook(make_notebook(PARAMETERS)).parameter_schema
    assert json.loads(json.dumps(schema))["properties"]["rounds"]["type"] == "integer"


def test_a_retry_runs_the_same_cells_again(
    make_notebook: MakeNotebook, store: Store, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    path = make_notebook(
        "a = 1",
        f"import pathlib\nflag = pathlib.Path({str(flag)!r})\n"
        "tries = int(flag.read_text()) if flag.exists() else 0\n"
        "flag.write_text(str(tries + 1))\nassert tries == 1",
    )
    assert notebook(path, retries=1)(return_state=True).is_completed()
    run = store.flow_runs(limit=1)[0]
    assert run.attempt == 2
    cells = cells_of_last_run(store)
    assert len(cells) == 2
    assert [cell.attempt for cell in cells.values()] == [2, 2]
    assert all(cell.state.is_completed() for cell in cells.values())


def test_inside_a_flow_it_is_a_subflow_with_edges(
    make_notebook: MakeNotebook, store: Store
) -> None:
    train = notebook(make_notebook(PARAMETERS, "x = rounds"))

    @task
    def rounds() -> int:
        return 700

    @task
    def report(outcome: object) -> str:
        return "reported"

    @flow
    def pipeline() -> str:
        return report(train(rounds=rounds()))

    assert pipeline() == "reported"
    runs = {run.flow_name: run for run in store.flow_runs()}
    tasks = {run.name: run for run in store.task_runs(runs["pipeline"].id)}
    assert runs["work"].parent_id == runs["pipeline"].id
    assert [d.upstream for d in runs["work"].dependencies] == [tasks["rounds"].id]
    assert [d.upstream for d in tasks["report"].dependencies] == [runs["work"].id]


def test_a_kernel_in_place_of_the_notebooks_own_is_told(
    make_notebook: MakeNotebook, store: Store
) -> None:
    path = make_notebook("x = 1")
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "conda-env-lost"'))

    notebook(path)()

    messages = [line.message for line in store.logs(LogFilter(min_level=30))]
    says = "kernel 'conda-env-lost' is not installed; it runs on 'python3', chosen by the notebook"
    assert [message for message in messages if says in message] == messages[:1] != []


def test_it_runs_in_its_own_folder(make_notebook: MakeNotebook, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("beside the notebook")
    path = make_notebook("print(open('data.txt').read())")
    outcome = notebook(path)()
    assert nbformat.read(outcome.output, 4).cells[0].outputs[0].text == "beside the notebook\n"


def test_the_graph_needs_no_run(make_notebook: MakeNotebook) -> None:
    path = make_notebook("a = 1", "b = a", "def broken(:", "c = a")
    graph = notebook(path).graph()
    assert [node.label for node in graph.nodes][:2] == ["a", "b"]
    assert len(graph.nodes) == 4
    assert (graph.nodes[0].id, graph.nodes[1].id) in {(e.source, e.target) for e in graph.edges}
    assert "image/svg+xml" in notebook(path)._repr_mimebundle_()


def test_bad_places_are_refused(make_notebook: MakeNotebook, tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"wrok\.ipynb"):
        notebook(tmp_path / "wrok.ipynb")
    path = make_notebook("a = 1")
    with pytest.raises(NotebookError, match="no-such-kernel"):
        notebook(path, kernel_name="no-such-kernel")()
    with pytest.raises(OutputPathError):
        notebook(path, output=tmp_path / "work.ipynb" / "out.ipynb")()


def test_options_can_be_changed(make_notebook: MakeNotebook, tmp_path: Path) -> None:
    target = tmp_path / "kept.ipynb"
    variant = notebook(make_notebook("a = 1")).with_options(output=target, name="other")
    assert variant.name == "other"
    assert variant().output == str(target)
    assert target.exists()
