"""What a target tells about itself, while nothing of it is executed."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow.deployments import here
from nbflow.deployments.deploying import draft
from nbflow.deployments.targets import source_of
from nbflow.engine.notebook_flow import notebook
from nbflow.exceptions import NotebookError, UsageError
from nbflow.models import FlowKind

FLOWS = '''
"""Flows; importing this file leaves a trace."""
from pathlib import Path
import nbflow
from nbflow import flow as f, task

Path("imported").write_text("x")
PREFIX = "pre-"

@task
def load(): ...

@f
def load_all(day: str, rows: int = 3):
    """Load everything.

    Args:
        rows: How many.
    """

@nbflow.flow(name="standard library", description="Counts.")
async def count(a: int = 1): ...

@f(name=PREFIX + "x")
def prefixed(): ...

def plain(x: float = 0.5): ...

wrapped = f(plain)
named = f(name="renamed", retries=2)(plain)
varied = load_all.with_options(name="load eu")

nameless = f(name="")(plain)
varied = varied.with_options(retries=2)

@f(name=compute())
def computed(): ...

class Holder:
    @f
    def method(self): ...
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    (work / "flows.py").write_text(FLOWS)
    monkeypatch.chdir(work)
    return work


def write_notebook(path: Path, *sources: str, language: str = "python", **metadata: Any) -> Path:
    cells = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    if cells:
        cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": language}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel, **metadata}), path)
    return path


@pytest.fixture
def module(folder: Path) -> Callable[[str], ModuleType]:
    """Imports a file of the folder, as its author's process has."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"{name}_of_test", folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = found
        spec.loader.exec_module(found)
        return found

    return load


# ── Python files ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "flow_name", "variable"),
    [
        ("load_all", "load-all", "load_all"),
        ("load-all", "load-all", "load_all"),
        ("count", "standard library", "count"),
        ("standard library", "standard library", "count"),
        ("prefixed", "pre-x", "prefixed"),
        ("wrapped", "plain", "wrapped"),
        ("named", "renamed", "named"),
        ("nameless", "plain", "nameless"),
        ("varied", "load eu", "varied"),
    ],
)
def test_flows_are_found_in_the_text(
    folder: Path, name: str, flow_name: str, variable: str
) -> None:
    source = source_of(f"flows.py:{name}")
    assert (source.flow_name, source.variable) == (flow_name, variable)
    assert source.entrypoint(follow=False) == f"flows.py:{variable}"
    assert source.entrypoint(follow=True) == f"{folder / 'flows.py'}:{variable}"
    assert (source.kind, source.cwd) == (FlowKind.FUNCTION, str(folder))
    assert not (folder / "imported").exists()


def test_description_and_parameters_come_from_the_text(folder: Path) -> None:
    source = source_of("flows.py:load_all")
    assert (source.description or "").startswith("Load everything.")
    schema = source.parameter_schema()
    assert schema["title"] == "load-all"
    assert schema["required"] == ["day"]
    assert schema["properties"]["rows"]["description"] == "How many."
    assert source_of("flows.py:count").description == "Counts."


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("flows.py:laod_all", "Did you mean flows.py:load_all"),
        ("flows.py:load", "no flow 'load'"),
        ("flows.py:computed", "is computed"),
        ("flows.py:method", "no flow 'method'"),
        ("flows.py", "several flows. Name one: .*flows.py:load_all"),
        ("flow.py:x", "Did you mean flows.py"),
        ("nothing.txt", "There is no file nothing.txt"),
        (".", "is a folder"),
        ("broken.py:x", "line 1 is not Python"),
        ("zero.py:x", r"zero\.py is not Python"),
        ("hidden.py:etl", "no flow 'etl'"),
        ("empty.py", "defines no flow"),
        ("empty.py:x", "defines none at all"),
        ("imports.py:etl", "imports that name from steps"),
        ("relative.py", "line 2: `from .steps import …` works inside of a package only"),
        ("-", "Standard input"),
    ],
)
def test_what_cannot_be_found_is_explained(folder: Path, target: str, words: str) -> None:
    (folder / "broken.py").write_text("def (")
    (folder / "empty.py").write_text("x = 1")
    (folder / "zero.py").write_text("x = '\0'")
    (folder / "hidden.py").write_text("from nbflow import flow\n@flow\ndef etl(): ...\netl = 3")
    (folder / "imports.py").write_text("from steps import etl")
    (folder / "relative.py").write_text("import os\nfrom .steps import x\n" + FLOWS)
    with pytest.raises(UsageError, match=words):
        source_of(target)


# ── notebooks ────────────────────────────────────────────────────────────────────────────


def test_a_notebook_tells_its_parameters_and_kernel(folder: Path) -> None:
    write_notebook(folder / "train.ipynb", "rows = 3  # how many\nday: str", "open('ran', 'w')")
    source = source_of("train.ipynb")
    assert (source.kind, source.flow_name) == (FlowKind.NOTEBOOK, "train")
    assert (source.kernel_name, source.cwd) == ("python3", str(folder))
    schema = source.parameter_schema()
    assert schema["required"] == ["day"]
    assert schema["properties"]["rows"]["type"] == "integer"
    assert not schema["additionalProperties"]
    assert source.entrypoint(follow=True) == str(folder / "train.ipynb")


def test_a_notebook_runs_in_its_own_folder_and_a_flow_where_it_is_deployed(folder: Path) -> None:
    (folder / "sub").mkdir()
    write_notebook(folder / "sub" / "train.ipynb", "a = 1")
    (folder / "sub" / "flows.py").write_text(FLOWS)
    assert source_of("sub/train.ipynb").cwd == str(folder / "sub")
    assert source_of("sub/flows.py:count").cwd == str(folder)


def test_nothing_is_known_of_parameters_in_another_language(folder: Path) -> None:
    write_notebook(folder / "r.ipynb", "rows <- 3", language="R")
    assert source_of("r.ipynb").parameter_schema() == {}


def test_a_notebook_without_parameters_takes_none(folder: Path) -> None:
    write_notebook(folder / "plain.ipynb")
    assert source_of("plain.ipynb").parameter_schema()["properties"] == {}


def test_a_parameters_cell_that_is_not_python_is_refused(folder: Path) -> None:
    write_notebook(folder / "bad.ipynb", "rows = = 3")
    with pytest.raises(NotebookError, match=r"parameters cell of notebook 'bad\.ipynb'"):
        source_of("bad.ipynb")


def test_a_notebook_flow_brings_its_options(folder: Path) -> None:
    write_notebook(folder / "train.ipynb", "rows = 3")
    flow = notebook(
        "train.ipynb", cell_timeout_seconds=5, timeout_seconds=60, name="trainer", cwd=folder.parent
    ).with_options(retries=2)
    source = source_of(flow)
    assert (source.flow_name, source.cwd) == ("trainer", str(folder.parent))
    assert source.stated == {
        "cell_timeout_seconds": 5.0,
        "timeout_seconds": 60.0,
        "retries": 2,
    }
    spec = draft(flow, cell_timeout_seconds=9).spec
    assert (spec.cell_timeout_seconds, spec.timeout_seconds, spec.retries) == (9, 60.0, 2)


# ── flow objects ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variable", ["load_all", "count", "wrapped", "named", "varied"])
def test_a_flow_object_says_what_its_text_says(
    folder: Path, module: Callable[[str], ModuleType], variable: str
) -> None:
    (folder / "flows.py").write_text(FLOWS.replace("name=compute()", "name='c'"))
    live, read = source_of(getattr(module("flows"), variable)), source_of(f"flows.py:{variable}")
    assert live.parameter_schema() == read.parameter_schema()
    assert (live.flow_name, live.variable, live.address) == (
        read.flow_name,
        read.variable,
        read.address,
    )


def test_options_that_no_variable_holds_go_into_the_spec(
    folder: Path, module: Callable[[str], ModuleType]
) -> None:
    (folder / "flows.py").write_text("from nbflow import flow\n\n@flow\ndef etl(): ...\n")
    etl = module("flows").etl
    changed = etl.with_options(name="etl-eu", retries=3, retry_delay_seconds=2, timeout_seconds=9)
    source = source_of(changed)
    assert (source.flow_name, source.variable) == ("etl-eu", "etl")
    assert source.stated == {"retries": 3, "retry_delay_seconds": 2.0, "timeout_seconds": 9}
    assert source_of(etl).stated == {}


def test_a_flow_inside_of_a_function_is_refused(
    folder: Path, module: Callable[[str], ModuleType]
) -> None:
    (folder / "flows.py").write_text(
        "from nbflow import flow\ndef make():\n    @flow\n    def etl(): ...\n    return etl\n"
    )
    with pytest.raises(UsageError, match="inside of make"):
        source_of(module("flows").make())


def cell_flow(name: str = "etl") -> Any:
    """A flow whose source is no file, as in a notebook's cell."""
    names: dict[str, Any] = {}
    code = f"from nbflow import flow\n@flow\ndef {name}(rows: int = 1): ...\n"
    exec(compile(code, "<ipython-input-1>", "exec"), names)
    return names[name]


def test_a_flow_of_a_cell_deploys_its_notebook(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(folder / "train.ipynb", "rows = 3", "@flow\ndef etl(rows=1): ...")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    source = source_of(cell_flow())
    assert (source.kind, source.flow_name) == (FlowKind.NOTEBOOK, "train")
    assert list(source.parameter_schema()["properties"]) == ["rows"]


def test_a_flow_of_a_cell_that_is_not_saved_yet_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(folder / "train.ipynb", "rows = 3")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    with pytest.raises(NotebookError, match="Save the notebook"):
        source_of(cell_flow())


def test_a_flow_of_nowhere_says_how_to_name_its_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with pytest.raises(UsageError, match=r"deploy the notebook by its path"):
        source_of(cell_flow())


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"__vsc_ipynb_file__": "{folder}/a.ipynb"}, "a.ipynb"),
        ({"__session__": "{folder}/a.ipynb"}, "a.ipynb"),
        ({"__session__": "a.ipynb"}, "a.ipynb"),
        ({"__session__": "elsewhere/of/the/server/a.ipynb"}, "a.ipynb"),
        ({"__session__": "RTC:a.ipynb"}, "a.ipynb"),
        ({"__session__": "console-1"}, None),
        ({"__session__": "b.ipynb"}, None),
        ({}, None),
    ],
)
def test_front_ends_tell_the_notebook(
    folder: Path, monkeypatch: pytest.MonkeyPatch, names: dict[str, str], told: str | None
) -> None:
    write_notebook(folder / "a.ipynb")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    filled = {name: text.format(folder=folder) for name, text in names.items()}
    monkeypatch.setattr(here, "notebook_names", lambda: filled)
    assert here.this_notebook() == (folder / told if told else None)


@pytest.mark.parametrize("target", [3, None, len])
def test_other_things_are_no_targets(target: Any) -> None:
    with pytest.raises(UsageError, match="cannot be deployed"):
        source_of(target)


def test_schemas_are_json(folder: Path) -> None:
    assert json.dumps(source_of("flows.py:load_all").parameter_schema())
