"""The examples are well-formed, and run to their end as their readers would run them."""

from __future__ import annotations

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(
    path
    for path in EXAMPLES.rglob("*.ipynb")
    if not {"out", ".ipynb_checkpoints"} & set(path.relative_to(EXAMPLES).parts)
)
BIN = Path(sys.executable).parent

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **environ},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the examples, so that runs leave nothing in the project."""
    ignored = shutil.ignore_patterns("out", ".ipynb_checkpoints", "__pycache__")
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=ignored))


@notebooks
def test_notebooks_are_clean(path: Path) -> None:
    """They are valid, have cell ids that last, and carry no outputs of anybody's machine."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []
    assert notebook.metadata.kernelspec.name == "python3"


@notebooks
def test_code_cells_follow_a_heading(path: Path) -> None:
    """Headings name the nodes of the run graph, so every code cell has one of its own."""
    cells = nbformat.read(path, as_version=4).cells
    for before, cell in itertools.pairwise(cells):
        if cell.cell_type == "code":
            assert re.search(r"^## .+$", before.source, re.MULTILINE), cell.id
            ast.parse(cell.source)


@notebooks
def test_notebooks_run_as_flows(path: Path, examples: Path, tmp_path: Path) -> None:
    """`nbflow run` completes, and every code cell ran."""
    out = tmp_path / "executed.ipynb"
    copy = examples / path.relative_to(EXAMPLES)
    run("nbflow", "run", copy.name, "-o", out, cwd=copy.parent)
    cells = nbformat.read(out, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.execution_count is None] == []


def test_the_digits_model_is_packaged_and_retrained(examples: Path, tmp_path: Path) -> None:
    """The example tells its whole story, with the parameters it was given."""
    out, box = tmp_path / "executed.ipynb", tmp_path / "box"
    given = ("-p", "folds", "2", "-p", "output_folder", box)
    run("nbflow", "run", "digits/digits.ipynb", *given, "-o", out, cwd=examples)
    assert sorted(path.name for path in box.iterdir()) == [
        "digits-model.joblib",
        "digits-model.json",
    ]
    text = out.read_text(encoding="utf-8")
    assert "Retrain: the handwriting has changed." in text
    assert text.count('"image/png"') == 2


def test_plain_python_flows_run(examples: Path) -> None:
    """`python flows.py` runs a flow of flows, and prints what it returns."""
    done = run(sys.executable, "flows.py", cwd=examples)
    sizes = ast.literal_eval(done.stdout.strip().splitlines()[-1])
    assert sizes["modules"] > 50_000
    assert 500 < sizes["packages"] < sizes["modules"]


def test_the_demo_says_where_everything_is(tmp_path: Path) -> None:
    """`make demo` leaves what it promises, and names files that exist."""
    done = run(ROOT / "tools/demo", tmp_path, cwd=tmp_path, NBFLOW_BIN=str(BIN))
    for name in ("digits.ipynb", "digits.svg", "digits-model.joblib"):
        assert str(tmp_path / name) in done.stdout
        assert (tmp_path / name).stat().st_size > 0
    assert "runs logs" in done.stdout


def test_deployed_python_flows_run_with_the_parameters_that_are_declared(tmp_path: Path) -> None:
    """Notebooks of nbflow.yaml take their declared parameters in other tests; flows, here."""
    declared = yaml.safe_load((EXAMPLES / "nbflow.yaml").read_text(encoding="utf-8"))
    flows = [each for each in declared["deployments"] if ".py:" in each["target"]]
    assert flows
    for each in flows:
        given = [
            word
            for name, value in each.get("parameters", {}).items()
            for word in ("-p", name, str(value))
        ]
        run(BIN / "nbflow", "run", EXAMPLES / each["target"], *given, cwd=tmp_path)
