"""`%nbflow`: the commands in a notebook; what they show, and how they fail."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow import get_run, list_runs, load_ipython_extension, unload_ipython_extension
from nbflow.exceptions import FailedRun, MagicUsageError, NbflowError
from nbflow.flows import Flow

FLOWS = """
from nbflow import flow, task

@task
def double(x, y=1):
    if x > 99:
        raise ValueError(f"{x} is too large")
    return 2 * x

@flow
def etl(n: int = 3, rows: list = []):
    "Doubles."
    print("in etl")
    return double(n), rows
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def write_notebook(path: Path, *sources: str) -> None:
    document = new_notebook(cells=[new_code_cell(source) for source in sources])
    document.cells[0].metadata["tags"] = ["parameters"]
    document.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbformat.write(document, path)


# ── words ────────────────────────────────────────────────────────────────────────────────


def test_a_command_shows_one_display_with_colours_and_as_text(cells):
    cells.well(FLOWS, "etl()")
    (shown,) = cells.well("%nbflow runs ls").shown
    assert "etl" in shown["text/plain"]
    assert "\x1b" not in shown["text/plain"]
    assert all(line == line.rstrip() for line in shown["text/plain"].splitlines())
    assert '<span style="color:var(--nbf-green)">✓ completed</span>' in shown["text/html"]


def test_a_terminal_gets_the_commands_own_output(terminal):
    terminal.well(FLOWS, "etl()")
    answer = terminal.well("%nbflow runs ls")
    assert "completed" in answer.text
    assert answer.shown == []


def test_json_is_json(cells):
    cells.well(FLOWS, "etl()")
    (told,) = json.loads(cells.well("%nbflow runs ls --json").plain)
    assert told["flow"] == "etl"


@pytest.mark.parametrize(
    "line", ["", "run", "runs", "runs show", "graph", "debug", "logs", "config", "wait", "cells"]
)
def test_every_command_explains_itself(cells, line):
    shown = cells.well(f"%nbflow {line} --help" if line else "%nbflow").plain
    assert shown.startswith(f"Usage: %nbflow {line}".strip())


def test_the_overview_names_the_commands_of_the_notebook_too(cells):
    shown = cells.well("%nbflow").plain
    for name in ("run", "resume", "debug", "cells", "wait", "version"):
        assert f"\n  {name} " in shown


# ── run ──────────────────────────────────────────────────────────────────────────────────


def test_a_flow_of_the_notebook_runs_with_its_view(cells):
    answer = cells.well(FLOWS, "%nbflow run etl -p n 4 -t nightly --name tidy-fox")
    (view,) = answer.shown
    assert view["text/plain"].startswith("✓ completed  etl  1 of 1 · ")
    assert answer.text.strip() == "in etl"
    run = get_run("tidy-fox")
    assert (run.parameters["n"], run.tags) == (4, {"nightly"})


def test_a_variable_is_given_as_it_is(cells):
    cells.well(FLOWS, "table, size = [{'a': 1}], 5", "%nbflow run etl -p rows $table -r n $size")
    assert get_run().parameters == {"n": 5, "rows": [{"a": 1}]}


def test_a_variable_is_text_elsewhere(cells):
    cells.well(FLOWS, "etl()", "which = 'latest'")
    assert "etl" in cells.well("%nbflow runs show $which").plain
    answer = cells("%nbflow runs show $etl")
    assert "which is no text" in answer.text


@pytest.mark.parametrize("word", ["{name}", "'$name'", '"$name"', "a$name"])
def test_nothing_else_is_put_in(cells, word):
    cells.well(FLOWS.replace("rows: list = []", "rows: str = ''"), "name = 'x'")
    cells.well(f"%nbflow run etl -p rows {word}")
    assert get_run().parameters["rows"] == word.strip("'\"")


def test_a_variable_that_is_not_there_is_named(cells):
    answer = cells("%nbflow runs show $nowhere")
    assert isinstance(answer.error, MagicUsageError)
    assert "There is no variable 'nowhere' in the notebook." in answer.text
    assert "'$nowhere' when it is meant as it stands" in answer.text


def test_a_flow_that_fails_fails_the_cell_with_one_sentence(cells):
    answer = (cells(FLOWS), cells("%nbflow run etl -p n 100"))[1]
    assert isinstance(answer.error, FailedRun)
    assert answer.text.strip().splitlines()[-1] == (
        "FailedRun: Task 'double' failed: ValueError: 100 is too large"
    )
    assert "Traceback" not in answer.text
    assert "%nbflow runs show" in answer.html
    assert re.search(r"In\[1\], line \d, in double: raise ValueError", answer.plain)


def test_parameters_are_listed_instead_of_running(cells):
    shown = cells.well(FLOWS, "%nbflow run etl --help-parameters").plain
    assert "etl takes 2 parameters" in shown
    assert list_runs() == []


def test_a_notebook_runs_with_its_view(cells, folder):
    write_notebook(folder / "train.ipynb", "n = 1", "m = n * 2\nprint('m is', m)")
    answer = cells.well("%nbflow run train.ipynb -p n 21")
    (view,) = answer.shown
    assert view["text/plain"].startswith("✓ completed  train  3 of 3 · ")
    assert "✓ m " in view["text/plain"]
    assert get_run().parameters == {"n": 21}


def test_a_notebook_that_fails_tells_the_cell_and_the_line(cells, folder):
    write_notebook(folder / "train.ipynb", "n = 1", "print('so far')\n1 / 0")
    answer = cells("%nbflow run train.ipynb")
    assert isinstance(answer.error, FailedRun)
    assert "ZeroDivisionError: division by zero" in answer.text
    (view,) = answer.shown
    assert "line 2: 1 / 0" in view["text/plain"]
    assert "so far" in view["text/plain"]


FAULTS = {
    "rns": ("There is no command 'rns'. Did you mean `%nbflow runs`?", MagicUsageError),
    "runs show --jsn": ("No such option", MagicUsageError),
    "runs show nothing": ("No run has the id or name 'nothing'", NbflowError),
    "run": ("Missing argument 'NOTEBOOK'", MagicUsageError),
    "run nowhere.ipynb": ("There is no notebook nowhere.ipynb", NbflowError),
    "run etl -p n": ("'-p' requires 2 arguments", MagicUsageError),
    "run 'etl": ("The quote ' in 'etl has no partner", MagicUsageError),
    "run etl --kernel x": ("--kernel is for notebooks", NbflowError),
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_mistake_is_told_without_a_traceback(cells, folder, line):
    answer = (cells(FLOWS), cells(f"%nbflow {line}"))[1]
    words, kind = FAULTS[line]
    assert isinstance(answer.error, kind)
    assert words in answer.text
    assert "Traceback" not in answer.text
    assert "File " not in answer.text


# ── graph ────────────────────────────────────────────────────────────────────────────────


def test_without_a_target_the_sessions_cells_are_drawn(cells):
    cells("x = 1")
    cells("1 / 0")
    (shown,) = cells.well("%nbflow graph").shown
    assert "image/svg+xml" in shown
    assert "✓ x" in shown["text/plain"]
    assert "✗ 1 / 0" in shown["text/plain"]


def test_a_flow_of_the_notebook_is_drawn_without_running(cells):
    (shown,) = cells.well(FLOWS.replace("print", "str"), "%nbflow graph etl").shown
    assert "double" in shown["text/plain"]
    assert list_runs() == []


def test_a_run_and_a_notebook_are_drawn(cells, folder):
    write_notebook(folder / "train.ipynb", "n = 1", "m = n * 2")
    assert "m" in cells.well("%nbflow graph train.ipynb").plain
    cells.well(FLOWS, "etl()")
    assert "✓ double" in cells.well("%nbflow graph latest --radial").plain


def test_a_picture_is_written_to_a_file(cells, folder):
    cells.well("x = 1", "%nbflow graph -o cells.svg")
    assert (folder / "cells.svg").read_text().startswith("<svg")


def test_characters_are_drawn_on_request(cells, terminal):
    cells.well("x = 1")
    assert "✓ x" in cells.well("%nbflow graph --text").plain


# ── debug ────────────────────────────────────────────────────────────────────────────────


def test_a_failed_task_is_done_again_on_its_inputs(cells):
    cells(FLOWS)
    cells("%nbflow run etl -p n 100")
    answer = cells.well("%nbflow debug latest")
    assert "loads what 'double' was given: x, y" in answer.plain
    assert answer.inserted is not None
    again = cells(answer.inserted)
    assert isinstance(again.error, ValueError)
    assert (cells.names["x"], cells.names["y"]) == (100, 1)
    assert cells.well(answer.inserted.replace("x > 99", "x > 999")).value == 200


def test_a_failed_plain_cell_is_done_again_after_what_it_needs(cells, folder):
    write_notebook(folder / "train.ipynb", "n = 0", "unrelated = 5", "m = 1 / n")
    cells("%nbflow run train.ipynb")
    answer = cells.well("%nbflow debug latest")
    assert answer.inserted is not None
    assert answer.inserted.startswith("n = 0\n\n# m failed in run ")
    assert "unrelated" not in answer.inserted
    assert isinstance(cells(answer.inserted).error, ZeroDivisionError)


def test_the_inputs_can_be_loaded_alone(cells):
    cells(FLOWS)
    cells("%nbflow run etl -p n 100")
    answer = cells.well("%nbflow debug latest --task double --load\nz = x + y")
    assert cells.names["z"] == 101
    assert answer.inserted is None


def test_a_run_without_failure_has_nothing_to_debug(cells):
    cells.well(FLOWS, "etl()")
    answer = cells("%nbflow debug latest")
    assert "No task of" in answer.text
    assert "%nbflow runs ls --state failed" in answer.text


def test_a_flow_that_was_refused_its_parameters_has_no_task_to_debug(cells):
    cells.well(FLOWS)
    cells("etl('many')")
    answer = cells("%nbflow debug latest")
    assert "failed before or between its tasks" in answer.text
    assert "%nbflow runs show" in answer.text


def test_a_flow_that_is_not_there_is_told_with_those_of_the_notebook(cells):
    cells.well(FLOWS)
    answer = cells("%nbflow run elt")
    assert "There is no file elt" in answer.text
    assert "The flows of this notebook: etl." in answer.text


def test_a_mistake_in_a_call_shows_the_call_and_not_our_own_code(cells):
    cells.well(FLOWS)
    for call in ("etl('many')", "etl(1, 2, 3)"):
        shown = cells(call).text
        assert "Cell In[" in shown
        assert shown.count(f"{os.sep}nbflow{os.sep}") <= 1  # IPython always shows the last frame


@pytest.mark.skipif(sys.platform == "win32", reason="kernels are kept on Linux and macOS")
def test_while_the_kernel_is_kept_one_is_told_how_to_attach(cells, folder):
    write_notebook(folder / "train.ipynb", "n = 0", "m = 1 / n")
    cells("%nbflow run train.ipynb --keep-kernel 1m")
    try:
        answer = cells.well("%nbflow debug latest")
        assert "waits" in answer.plain
        assert "jupyter console --existing" in answer.plain
        assert answer.inserted is None
        assert cells.well("%nbflow debug latest --task m").inserted is not None
    finally:
        cells.well("%nbflow debug latest --free")


def test_kernels_that_wait_are_listed(cells):
    assert cells.well("%nbflow debug").plain.startswith("No kernel waits.")


# ── background cells ─────────────────────────────────────────────────────────────────────


def test_background_cells_are_listed_and_awaited(cells):
    assert cells.well("%nbflow cells").plain == "No cell is under way in the background."
    cells.well(
        "import threading\ngo = threading.Event()", "%%task held --submit\ngo.wait(20)\nx = 1"
    )
    assert "held" in cells.well("%nbflow cells").plain
    threading.Timer(0.3, cells.names["go"].set).start()
    assert cells.well("%nbflow wait").plain == "1 cell completed."
    assert cells.names["x"] == 1
    assert cells.well("%nbflow cells").plain == "No cell is under way in the background."


def test_waiting_for_a_cell_that_fails_fails(cells):
    cells.well(
        "import threading\ngo = threading.Event()",
        "%%task broken --submit\ngo.wait(20)\n1 / 0",
    )
    threading.Timer(0.3, cells.names["go"].set).start()
    answer = cells("%nbflow wait")
    assert "Did not complete: 'broken'." in answer.text


# ── coming and going ─────────────────────────────────────────────────────────────────────


def test_unloading_takes_the_magics_away(cells):
    unload_ipython_extension(cells.ip)
    assert not cells("%nbflow runs ls").ok
    assert not cells("%%flow x\n1").ok
    load_ipython_extension(cells.ip)
    cells.well("%nbflow runs ls")
    matchers = cells.ip.Completer.custom_matchers
    assert [matcher.matcher_identifier for matcher in matchers] == ["nbflow"]


def test_a_flow_is_not_taken_for_a_file(cells, folder):
    (folder / "etl").write_text("")
    cells.well(FLOWS)
    assert isinstance(cells.names["etl"], Flow)
    cells.well("%nbflow run etl")
    assert get_run().flow_name == "etl"
