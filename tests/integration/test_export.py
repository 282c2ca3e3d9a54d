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

from nbflow.cli.main import main
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
        timeout=250,
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


def test_modules_are_as_careful_people_write_them(folder: Path, modules: dict[str, str]) -> None:
    """A linter finds nothing in them that the notebooks do not have themselves."""
    clean = folder / "clean"
    clean.mkdir()
    theirs = {"star_import", "raises_exception", "annotations"}  # what they read, and make in vain
    for name, text in modules.items():
        if name not in theirs:
            (clean / f"{name}.py").write_text(text, encoding="utf-8")
    rules = "E4,E7,E9,F"
    allowed = "E731,F811,F821,E741"  # lambdas with names, redefinitions: the notebooks' own
    run(
        Path(sys.executable).with_name("ruff"),
        *("check", "--isolated", "--select", rules, "--ignore", allowed, "."),
        cwd=clean,
    )


def test_only_needed_names_are_global(modules: dict[str, str]) -> None:
    """Names that no function looks at stay the flow's own."""
    declared = {
        name: re.findall(r"^    global (.+)$", text, re.MULTILINE) for name, text in modules.items()
    }
    assert declared["mutation_through_an_alias"] == []
    assert declared["pandas_in_place"] == []
    assert declared["submitted_tasks"] == []
    assert declared["closures_bind_late"] == ["factor"]
    assert declared["a_task_reads_a_function_that_reads_a_name"] == ["offset"]
    assert declared["a_name_that_shadows_a_builtin"] == ["list, max, sum"]


def test_submitted_tasks_overlap(modules: dict[str, str]) -> None:
    """Both are submitted before either's result is taken, right before the cell that reads it."""
    lines = [line.strip() for line in modules["submitted_tasks"].splitlines()]
    order = [
        "slow_future = slow.submit(base)",
        "other_future = other.submit(base)",
        "quick = 1",
        "left = slow_future.result()",
        "right = other_future.result()",
        "both = left + right",
    ]
    assert [line for line in lines if line in order] == order


TRAINING: list[Cell] = [
    ("rate: float = 0.5  # of learning\nsteps = 3", ["parameters"]),
    (
        "%%task fit --retries 2 --retry-delay 1 5 --timeout 90 --cache 2h --tags slow\n"
        "weights = [rate * i for i in range(steps)]"
    ),
    "print(weights)\nweights",
]


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """A notebook, and the module beside it."""
    path = write(tmp_path, "my-training", TRAINING)
    assert main(["export", str(path)]) == 0
    return tmp_path / "my-training.py"


NBFLOW = (sys.executable, "-m", "nbflow")


def test_scripts_run(training: Path) -> None:
    """`python FILE.py` does what the notebook does, and shows what it shows."""
    done = run(sys.executable, training.name, cwd=training.parent)
    assert done.stdout == "[0.0, 0.5, 1.0]\n[0.0, 0.5, 1.0]\n"


def test_flows_take_parameters(training: Path) -> None:
    """`nbflow run FILE.py:flow -p` sets what the parameters cell declares, by type."""
    target = f"{training.name}:my_training"
    done = run(*NBFLOW, "run", target, "-p", "rate", "2", "-p", "steps", "2", cwd=training.parent)
    assert "[0.0, 2.0]" in done.stdout
    told = run(*NBFLOW, "run", target, "--help-parameters", cwd=training.parent)
    assert "rate" in told.stdout
    assert "float" in told.stdout


def test_options_become_arguments(training: Path) -> None:
    """What the line of a cell asks for stands in the decorator."""
    tree = ast.parse(training.read_text(encoding="utf-8"))
    tasks = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "fit"]
    assert ast.unparse(tasks[0].decorator_list[0]) == (
        "task(retries=2, retry_delay_seconds=[1, 5], timeout_seconds=90, tags=['slow'], "
        "cache_policy=INPUTS + TASK_SOURCE, cache_expiration=timedelta(hours=2))"
    )
    assert [a.arg for a in tasks[0].args.args] == ["rate", "steps"]


def test_files_are_not_overwritten(training: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is there stays, unless --force says otherwise; - prints."""
    notebook, folder = str(training.with_suffix(".ipynb")), training.parent / "flows"
    training.write_text("mine", encoding="utf-8")
    capsys.readouterr()
    assert main(["export", notebook]) == 2
    assert "--force" in capsys.readouterr().err
    assert training.read_text(encoding="utf-8") == "mine"
    assert main(["export", notebook, "--to", "python", "-o", "-"]) == 0
    printed = capsys.readouterr().out
    assert main(["export", notebook, "--force"]) == 0
    assert training.read_text(encoding="utf-8") == printed
    folder.mkdir()
    assert main(["export", notebook, "-o", str(folder)]) == 0
    assert (folder / "my-training.py").read_text(encoding="utf-8") == printed


def test_tasks_run_in_processes(tmp_path: Path) -> None:
    """`--runner process` is kept: the task gets copies, in a process of its own."""
    cells: list[Cell] = [
        "import os\nrows = [1]\nhere = os.getpid()",
        "%%task grow --runner process\nrows.append(2)\nthere = os.getpid()\nseen = len(rows)",
        "print(here == there, rows, seen)",
    ]
    assert main(["export", str(write(tmp_path, "elsewhere", cells))]) == 0
    done = run(sys.executable, "elsewhere.py", cwd=tmp_path)
    assert done.stdout == "False [1] 2\n"


@pytest.mark.parametrize("name", ["quickstart", "digits/digits"])
def test_examples_run_as_modules(name: str, tmp_path: Path) -> None:
    """The examples, exported, run to their end."""
    ignored = shutil.ignore_patterns("out", ".ipynb_checkpoints", "__pycache__")
    examples = Path(shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=ignored))
    notebook = examples / f"{name}.ipynb"
    assert main(["export", str(notebook)]) == 0
    module = notebook.with_suffix(".py").name
    if name == "quickstart":
        done = run(sys.executable, module, cwd=notebook.parent)
        assert "Completed" in done.stdout
    else:
        target = f"{module}:digits_flow"
        done = run(*NBFLOW, "run", target, "-p", "folds", "2", cwd=notebook.parent)
        assert "Retrain: the handwriting has changed." in done.stdout
        assert (notebook.parent / "out" / "digits-model.joblib").exists()
