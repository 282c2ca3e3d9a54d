"""Deploying from inside of a notebook, and serving from a script."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nbflow.exceptions import NotebookError
from nbflow.store import Store

from .conftest import write_notebook

FLOW = "from nbflow import flow\n@flow\ndef clean(rows: int = 3):\n    return rows"
SCRIPT = """
from nbflow import flow

@flow
def etl(): ...

if __name__ == "__main__":
    etl.serve("scripted", cron="0 6 * * *")
"""


@pytest.fixture
def cells(terminal: Any, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Cells of a notebook that is saved, and whose front end tells where."""
    path = write_notebook(folder / "lab.ipynb", "rows: int = 3", FLOW, "%nbflow deploy")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return terminal


def test_the_magic_deploys_the_notebook_it_is_in(cells: Any, store: Store) -> None:
    said = cells.well('%nbflow deploy --name nightly --cron "0 6 * * *" -p rows 4')
    assert "lab/nightly deployed (version 1)" in said.text
    assert store.deployments.find("lab/nightly").spec.parameters == {"rows": 4}
    assert (
        "is as it was"
        in cells.well('%nbflow deploy --name nightly --cron "0 6 * * *" -p rows 4').text
    )


def test_a_flow_of_a_cell_stands_for_its_notebook(cells: Any, store: Store) -> None:
    cells.well(FLOW, "%nbflow deploy clean --name by-magic", "made = clean.deploy('by-call')")
    assert [d.full_name for d in store.deployments.search()] == ["lab/by-call", "lab/by-magic"]
    assert store.deployments.find("by-call").spec.entrypoint == "lab.ipynb"
    answer = cells(FLOW.replace("clean", "unsaved"), "unsaved.deploy('x')")
    assert isinstance(answer.error, NotebookError)
    assert "Save the notebook" in str(answer.error)


def test_variables_are_parameters(cells: Any, store: Store) -> None:
    cells.well("import numpy as np\nsome = np.int64(7)", "%nbflow deploy --name x -p rows $some")
    assert store.deployments.find("x").spec.parameters == {"rows": 7}
    cells.well("%nbflow deployment run x --name there -p rows $some")
    assert store.find_flow_run("there").parameters == {"rows": 7}


def test_serving_returns_at_once(cells: Any, store: Store) -> None:
    cells.well(FLOW, "handle = clean.serve('live', interval=3600)")
    handle = cells.names["handle"]
    assert handle.running
    assert repr(handle).startswith("Serving lab/live: next in ")
    assert not store.deployments.find("lab/live").paused
    cells.well("handle.stop()")
    assert repr(handle) == "Not serving any more: lab/live"
    assert store.deployments.find("lab/live").paused


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_serves_until_it_is_told_to_end(
    folder: Path, store: Store, number: signal.Signals
) -> None:
    (folder / "script.py").write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, "script.py"], stderr=subprocess.PIPE, text=True, cwd=folder
    )
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Press Ctrl-C to stop." in line:
                break
        assert not store.deployments.find("etl/scripted").paused
        process.send_signal(number)
        assert "rest until it is served again" in process.stderr.read()
    assert process.returncode == 0
    assert store.deployments.find("etl/scripted").paused
