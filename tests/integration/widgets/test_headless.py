"""Notebooks that are run with nobody looking: their views are static, and nothing else is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from nbflow import notebook
from nbflow.settings import temporary_settings

SETUP = """
from pathlib import Path
from nbflow.widgets import static
static._FOLDER = Path({folder!r})
from nbflow import flow, task, get_run
from nbflow.settings import temporary_settings
from nbflow.widgets import RunView, FlowView, RunsTable
from nbflow.widgets.bridge import bridge

@flow
def etl():
    return 1

with temporary_settings(inline_views=False, logging_to_console=False):
    etl()
run = get_run()
"""
VIEWS = ("RunView(run)", "FlowView(etl)", "RunsTable()")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A notebook with views, and a front end that could make them live."""
    front = tmp_path / "static"
    front.mkdir()
    (front / "bootstrap.js").write_text("export default {};")
    (front / "widget.js").write_text("export {};")
    sources = [SETUP.format(folder=str(front)), *VIEWS, "print(bridge())"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(document, tmp_path / "views.ipynb")
    return tmp_path / "views.ipynb"


def by_papermill(path: Path) -> Any:
    return papermill.execute_notebook(
        path, path.with_name("out.ipynb"), progress_bar=False, cwd=path.parent
    )


def by_nbflow(path: Path) -> Any:
    state = notebook(path, output=path.with_name("out.ipynb"), cwd=path.parent)(return_state=True)
    assert state.is_completed(), state
    return nbformat.read(path.with_name("out.ipynb"), as_version=4)


@pytest.mark.parametrize("run", [by_papermill, by_nbflow])
def test_executed_notebooks_hold_static_views_alone(
    run: Any, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBFLOW_HOME", str(tmp_path / "home"))
    with temporary_settings(home=tmp_path / "home", logging_to_console=False):
        executed = run(path)
    assert "widgets" not in executed.metadata
    shown = [cell.outputs for cell in executed.cells if cell.source in VIEWS]
    assert len(shown) == len(VIEWS)
    for [output] in shown:
        assert set(output.data) == {"text/html", "text/plain"}
        assert output.data["text/html"].startswith("<nbflow-view ")
        assert "<script" not in output.data["text/html"]
    assert executed.cells[-1].outputs[0].text == "None\n"
