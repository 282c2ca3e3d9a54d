"""The public face of the package: complete, sorted, typed, documented and quick to import."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nbflow

PACKAGE = Path(nbflow.__file__).parent
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts and path.name != "env.py"
)

#: What a flow process may not pay for before it needs it.
HEAVY = {
    "alembic",
    "anywidget",
    "fastapi",
    "fsspec",
    "graphviz",
    "ipywidgets",
    "jupyter_client",
    "nbclient",
    "nbformat",
    "numpy",
    "pandas",
    "papermill",
    "pydantic",
    "pygraphviz",
    "rich",
    "sqlalchemy",
}

#: Imports of our own package inside functions. Each one hides a layer, so this number may
#: shrink and must not grow without a reason that stands beside the import.
#: Loaded when called, because what calls them starts often, or must answer at once.
DEFERRED_BUDGET = 22


def imported_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after `code`."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {name.split(".")[0] for name in re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE)}


@pytest.mark.parametrize("code", ["import nbflow", "from nbflow import flow, task"])
def test_importing_loads_nothing_heavy(code: str) -> None:
    loaded = imported_by(code)
    assert "nbflow" in loaded
    assert loaded & HEAVY == set()


def test_all_is_sorted_and_complete() -> None:
    """Names are in order, without repetition, and every one exists and can be listed."""
    assert nbflow.__all__ == sorted(set(nbflow.__all__), key=str)
    assert [name for name in nbflow.__all__ if not hasattr(nbflow, name)] == []
    assert set(nbflow.__all__) <= set(dir(nbflow))


def test_no_public_name_is_left_out() -> None:
    """What type checkers see in the package is what `__all__` says."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nbflow")
        for alias in node.names
    }
    assert {name for name in seen if not name.startswith("_")} <= set(nbflow.__all__)


@pytest.mark.parametrize("name", sorted(getattr(nbflow, "__all__", ())))
def test_public_names_are_documented(name: str) -> None:
    """Each function and class says in a sentence what it does."""
    value = getattr(nbflow, name)
    assert not callable(value) or value.__doc__


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        nbflow.no_such_name  # noqa: B018


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_modules_are_documented(path: Path) -> None:
    """A module's docstring says what it decides."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert len(docstring) > 20


def test_deferred_imports_of_our_own_stay_rare() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in MODULES
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nbflow")
    ]
    assert len(found) <= DEFERRED_BUDGET, found


@pytest.mark.parametrize(
    "module",
    [
        "states",
        "futures",
        "task_runners",
        "cache_policies",
        "tasks",
        "flows",
        "runtime",
        "exceptions",
    ],
)
def test_prefects_module_names_exist(module: str) -> None:
    """Code written for Prefect finds its modules."""
    assert importlib.import_module(f"nbflow.{module}").__doc__
