"""Exported modules do what their notebooks do."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbflow.export import export_python

HERE = Path(__file__).parent
Cell = str | tuple[str, list[str]]
NOTEBOOKS: dict[str, list[Cell]] = runpy.run_path(str(HERE / "export_notebooks.py"))["NOTEBOOKS"]
EXAMPLES = HERE.parents[1] / "examples"


#: What magics say of themselves.
CHATTER = re.compile(r"^(CPU times|Wall time|env|Writing|Overwriting)\b.*\n", re.MULTILINE)


def write(folder: Path, name: str, cells: list[Cell]) -> Path:
    """The cells as a notebook's file."""
    nb = nbformat.v4.new_notebook()
    for cell in cells:
        source, tags = (cell, []) if isinstance(cell, str) else cell
        nb.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    path = folder / f"{name}.ipynb"
    nbformat.write(nb, path)
    return path


def flow_of(text: str) -> str:
    """The flow that the module's last lines run."""
    found = re.findall(r"^    (?:\w+\.run\()?(\w+)\(\)\)?$", text, re.MULTILINE)
    return found[-1]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def without_magic(cell: Cell) -> list[Any]:
    source, tags = (cell, []) if isinstance(cell, str) else cell
    return [re.sub(r"\A%%(task|flow)[^\n]*\n", "", source), tags]


#: What the lines of cells do to a notebook, in plain words.
PLAIN: dict[str, list[Cell]] = {
    "tasks_are_called_later": [
        "names = ['a', 'b']",
        "def load(names):\n    print('loading', names)\n    return [n.upper() for n in names]",
        "once = load(['x'])",
        "again = load(names)",
        "print(once, again)",
    ],
    "flow_cells": [
        "base = 10",
        "k = 3\nparts = [base * i for i in range(k)]\ntotal = sum(parts)",
        "print(total, parts)",
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def modules(folder: Path) -> dict[str, str]:
    """The text of every module."""
    return {name: export_python(write(folder, name, cells)) for name, cells in NOTEBOOKS.items()}


@pytest.fixture(scope="module")
def outcomes(folder: Path, modules: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What all notebooks did, and what all modules did."""
    cells = {name: list(map(without_magic, PLAIN.get(name, NOTEBOOKS[name]))) for name in NOTEBOOKS}
    paths = {}
    for name, text in modules.items():
        path = folder / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        paths[name] = [str(path), flow_of(text)]
    found = []
    for kind, job in (("notebooks", cells), ("modules", paths)):
        told, answer = folder / f"{kind}.json", folder / f"{kind}-done.json"
        told.write_text(json.dumps(job), encoding="utf-8")
        work = folder / kind
        work.mkdir()
        run(sys.executable, HERE / "export_reference.py", kind, told, answer, cwd=work)
        found.append(json.loads(answer.read_text(encoding="utf-8")))
    return found[0], found[1]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_modules_do_what_notebooks_do(name: str, outcomes: Any) -> None:
    """They print the same, and end with the same values."""
    notebook, module = (outcome[name] for outcome in outcomes)
    assert (notebook["error"], module["error"]) == ("", "")
    assert module["out"] == CHATTER.sub("", notebook["out"])
    shared = {n: notebook["values"].get(n) for n in module["values"]}
    assert module["values"] == shared
