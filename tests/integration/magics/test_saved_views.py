"""What files keep of views: static pictures, whoever executed the notebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

BIN = Path(sys.executable).parent

CELLS = [
    "from nbflow import flow, task",
    "@task\ndef double(n):\n    return 2 * n",
    "@flow\ndef doubled(names='<img src=x onerror=alert(1)>'):\n    return sum(double.map([1, 2, 3]).result())",
    "doubled()",
    "%load_ext nbflow",
    "%%flow trebled\ntotal = double(3)",
    "import nbflow\nnbflow.get_run('latest')",
    "%nbflow show latest",
]
#: The cells that show a run.
SHOWING = (3, 5, 6, 7)
AFTERWARDS = (6, 7)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("views") / "views.ipynb"
    v4 = nbformat.v4
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


COMMANDS = {
    "nbflow": ["nbflow", "run", "{source}", "--output", "{target}", "--quiet"],
    "papermill": ["papermill", "{source}", "{target}", "--no-progress-bar"],
    "nbconvert": ["jupyter", "nbconvert", "--to", "notebook", "--execute", "{source}", "--output", "{target}"],
}  # fmt: skip


@pytest.mark.parametrize("by", COMMANDS)
def test_executed_files_keep_static_pictures(notebook: Path, tmp_path: Path, by: str) -> None:
    target = tmp_path / "executed.ipynb"
    words = [word.format(source=notebook, target=target) for word in COMMANDS[by]]
    subprocess.run([str(BIN / words[0]), *words[1:]], check=True, capture_output=True, timeout=200)
    executed = nbformat.read(target, as_version=4)
    assert "widgets" not in executed.metadata
    for index in SHOWING:
        shown = [o.data for o in executed.cells[index].outputs if "text/html" in o.get("data", {})]
        assert len(shown) == 1, index
        assert set(shown[0]) == {"text/html", "text/plain"}
        assert shown[0]["text/html"].startswith("<nbflow-view run=")
        assert "<svg" in shown[0]["text/html"]
        assert "<script" not in shown[0]["text/html"]
        # The latest run is the notebook's own, where nbflow executes it.
        state = "running" if by == "nbflow" and index in AFTERWARDS else "completed"
        assert state in shown[0]["text/plain"]
    html = subprocess.run(
        [str(BIN / "jupyter"), "nbconvert", "--to", "html", str(target), "--stdout"],
        check=True, capture_output=True, timeout=200,
    ).stdout.decode()  # fmt: skip
    assert html.count("<nbflow-view") == len(SHOWING)
    assert html.count("double") > len(SHOWING)
    assert "html-manager" not in html  # what nbconvert takes from a network for widgets
    assert "<img src=x" not in html
