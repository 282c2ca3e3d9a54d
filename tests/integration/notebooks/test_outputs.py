"""Displays, updates, widgets and parameters end up in the executed notebook as users expect."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest

from nbflow.exceptions import NbflowError, OutputPathError
from nbflow.notebooks.events import NotebookSaved
from nbflow.notebooks.execute import run_notebook


def test_results_displays_and_streams_keep_their_order(run) -> None:
    ran = run("import sys\nprint('a')\ndisplay('b')\nprint('c')\nprint('d', file=sys.stderr)\n'e'")

    kinds = [(o.output_type, o.get("name")) for o in ran.nb.cells[0].outputs]
    assert kinds[0] == ("stream", "stdout")
    assert kinds[1] == ("display_data", None)
    assert set(kinds[2:4]) == {("stream", "stdout"), ("stream", "stderr")}
    assert kinds[4] == ("execute_result", None)
    assert ran.nb.cells[0].execution_count == 1


def test_a_display_is_updated_also_from_a_later_cell(run) -> None:
    ran = run(
        "handle = display('before', display_id=True)\nprint('text')",
        "handle.update('after')",
        "for n in range(3): handle.update(n)",
    )

    first = ran.nb.cells[0].outputs
    assert first[0].data["text/plain"] == "2"
    assert first[1].text == "text\n"
    assert ran.nb.cells[1].outputs == ran.nb.cells[2].outputs == []


def test_cleared_output_is_gone(run) -> None:
    ran = run(
        "from IPython.display import clear_output\nprint('old')\nclear_output()\nprint('new')",
        "for n in range(5):\n    clear_output(wait=True)\n    print(n); display(n)",
        "print('kept')\nclear_output(wait=True)",
    )

    assert [ran.text(n) for n in range(3)] == ["new\n", "4\n", "kept\n"]
    assert len(ran.nb.cells[1].outputs) == 2


def test_widget_state_is_saved(run) -> None:
    ran = run("import ipywidgets\nslider = ipywidgets.IntSlider(7)\nslider", "slider.value = 42")

    state = ran.nb.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    (value,) = (s["state"]["value"] for s in state.values() if s["model_name"] == "IntSliderModel")
    assert value == 42
    bundle = ran.nb.cells[0].outputs[0].data
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] in state


def test_the_output_widget_captures(run) -> None:
    ran = run(
        "import ipywidgets\nout = ipywidgets.Output()\nout",
        "with out:\n    print('inside')\nprint('outside')",
        "print('later')",
    )

    state = ran.nb.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    (captured,) = (
        s["state"]["outputs"] for s in state.values() if s["model_name"] == "OutputModel"
    )
    assert captured[0]["text"] == "inside\n"
    assert [ran.text(1), ran.text(2)] == ["outside\n", "later\n"]


def test_parameters_arrive_with_their_types(run) -> None:
    values = {"day": dt.date(2026, 2, 3), "share": Decimal("0.1"), "place": Path("a/b"), "n": 3}

    ran = run(
        ("n = 1\nday = share = place = None", ["parameters"]),
        "print(type(day).__name__, share + 1, place.name, n)",
        parameters=values,
    )

    assert ran.text(2) == "date 1.1 b 3\n"
    injected = ran.nb.cells[1]
    assert injected.metadata.tags == ["injected-parameters"]
    assert ran.nb.metadata.papermill.parameters.n == 3
    assert [record.cell.name for record in ran.outcome.cells][:2] == [
        "parameters",
        "injected parameters",
    ]
    assert [record.cell.source_index for record in ran.outcome.cells] == [0, None, 1]


def test_the_executed_notebook_carries_papermills_metadata(run, notebook) -> None:
    ran = run("# Title", "1", ("2", ["skip-execution"]))

    about = ran.nb.metadata.papermill
    assert about.output_path == str(ran.output)
    assert about.input_path.endswith("source.ipynb")
    assert about.duration > 0
    assert about.exception is None
    assert about.version
    cell = ran.nb.cells[1].metadata.papermill
    assert (cell.status, cell.exception) == ("completed", False)
    assert cell.duration >= 0
    assert set(ran.nb.cells[1].metadata.execution) >= {"iopub.status.busy", "iopub.status.idle"}


def test_an_executed_notebook_can_be_executed_again(run, tmp_path) -> None:
    ran = run(("x = 1", ["parameters"]), "1/x", "3", parameters={"x": 0})
    again = tmp_path / "again.ipynb"

    outcome = run_notebook(ran.output, output=again, parameters={"x": 2})

    nb = nbformat.read(again, as_version=4)
    assert outcome.succeeded
    assert len(nb.cells) == 4
    assert nb.cells[1].source.endswith("x = 2\n")


def test_an_earlier_run_leaves_no_traces_in_the_next(run, tmp_path) -> None:
    ran = run("import ipywidgets\nipywidgets.IntSlider()", "print('x' * 3_000_000)\n1/0", "3")
    assert "full_text" in ran.nb.cells[3].metadata.nbflow
    again = tmp_path / "again.ipynb"

    with pytest.raises(NbflowError):
        run_notebook(ran.output, output=again, timeout=0.01)

    nb = nbformat.v4.reads(again.read_text())
    assert [c.metadata.nbflow for c in nb.cells] == [{"state": "not_run"}] * 3
    assert "widgets" not in nb.metadata
    assert nb.metadata.nbflow.outcome == "timed_out"
    assert not any(c.outputs or c.execution_count for c in nb.cells)


@pytest.mark.parametrize("fails", ["first", "last"])
def test_an_address_that_cannot_be_written_is_said(notebook, monkeypatch, fails) -> None:
    from papermill.iorw import papermill_io

    writes = []

    def write(text: str, address: str) -> None:
        writes.append(address)
        if fails == "first" or '"outcome": "completed"' in text:
            raise RuntimeError("no such bucket")

    monkeypatch.setattr(papermill_io, "write", write)

    with pytest.raises(OutputPathError, match="no such bucket"):
        run_notebook(notebook("1"), output="memory://x/out.ipynb")
    assert writes[0] == "memory://x/out.ipynb"


def test_report_mode_hides_the_code(run) -> None:
    ran = run("1", report_mode=True)

    assert ran.nb.cells[0].metadata.jupyter.source_hidden is True


def test_the_notebook_on_disk_grows_while_it_runs(notebook, tmp_path) -> None:
    output = tmp_path / "out.ipynb"
    seen = []

    def look(event: object) -> None:
        if isinstance(event, NotebookSaved):
            nb = nbformat.read(output, as_version=4)
            seen.append([c.metadata.nbflow.state for c in nb.cells])
            if seen[-1][1] == "running":
                (tmp_path / "saved").touch()

    wait = (
        "import pathlib, time\n"
        f"while not pathlib.Path({str(tmp_path / 'saved')!r}).exists(): time.sleep(0.02)"
    )
    run_notebook(notebook("1", wait, "3"), output=output, on_event=look, cell_timeout=60)

    assert ["completed", "running", "not_run"] in seen
    assert seen[-1] == ["completed"] * 3


def test_nothing_is_written_without_an_output(notebook, tmp_path) -> None:
    source = notebook("print(1)")
    before = sorted(tmp_path.iterdir())

    outcome = run_notebook(source, output=None)

    assert outcome.succeeded
    assert outcome.output is None
    assert sorted(tmp_path.iterdir()) == before


PYTHON = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python"},
}
PAPERMILL = [sys.executable, "-m", "papermill", "--engine", "nbflow", "--no-progress-bar"]


@pytest.mark.parametrize(
    ("last", "code", "statuses"),
    [
        ("print(x)", 0, ["completed"] * 3),
        ("1/0", 1, ["completed", "completed", "failed"]),
        ("import sys; sys.exit(0)", 0, ["completed"] * 3),
        ("import os; os._exit(1)", 1, ["completed", "completed", "failed"]),
    ],
    ids=["success", "failure", "early stop", "crash"],
)
def test_papermills_own_command_works_with_the_engine(
    notebook, tmp_path, last, code, statuses
) -> None:
    source = notebook(("x = 1", ["parameters"]), last, **PYTHON)
    output = tmp_path / "out.ipynb"

    done = subprocess.run(
        [*PAPERMILL, str(source), str(output), "-p", "x", "5", "--log-output"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        check=False,
        timeout=250,
    )

    nb = nbformat.read(output, as_version=4)
    assert done.returncode == code, done.stderr
    codes = [c for c in nb.cells if c.cell_type == "code"]
    assert [c.metadata.papermill.status for c in codes] == statuses
    if not code and "print" in last:
        assert codes[2].outputs[0].text == "5\n"
        assert "5" in done.stderr
    if code:
        assert "An Exception was encountered at" in nb.cells[0].source


def test_papermill_reads_and_writes_streams_with_the_engine(notebook) -> None:
    done = subprocess.run(
        [*PAPERMILL, "-", "-"],
        input=notebook("print('streamed')").read_text(),
        capture_output=True,
        text=True,
        check=True,
        timeout=250,
    )

    assert nbformat.reads(done.stdout, as_version=4).cells[0].outputs[0].text == "streamed\n"


def test_papermills_working_directory_moves_the_kernel_and_not_the_output(
    notebook, tmp_path
) -> None:
    notebook("import os; print(os.getcwd())", **PYTHON)
    (tmp_path / "elsewhere").mkdir()

    subprocess.run(
        [*PAPERMILL, "source.ipynb", "out.ipynb", "--cwd", "elsewhere"],
        cwd=tmp_path,
        check=True,
        timeout=250,
    )

    (output,) = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[0].outputs
    assert output.text.strip() == os.path.realpath(tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []
