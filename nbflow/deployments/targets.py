"""What a person means by a target: a notebook, a flow of a Python file, or a flow object.

This module decides how targets are spelled, and what each tells about itself before anything
runs: files are read, never imported. It must not know what is done with them.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any, Final

from nbformat import NotebookNode

from nbflow.deployments.flow_files import flow_in, refuse_relative_imports
from nbflow.deployments.here import this_notebook
from nbflow.deployments.source import Source
from nbflow.engine.notebook_flow import NotebookFlow
from nbflow.exceptions import NotebookError, UsageError
from nbflow.file_targets import split_target, why_no_file
from nbflow.flows import Flow
from nbflow.models import FlowKind
from nbflow.notebooks.document import is_remote, parameters_cell, read_notebook
from nbflow.parameters import Parameter, from_cell
from nbflow.settings import get_settings

Target = str | os.PathLike[str] | Flow[Any, Any]

_PYTHON: Final = frozenset({None, "", "python", "ipython"})


def source_of(target: Target) -> Source:
    """What can be deployed of a target, without executing anything of it.

    Raises `UsageError` when it is neither notebook nor flow, and `NotebookError` when the
    notebook cannot be read.
    """
    if isinstance(target, NotebookFlow):
        return _of_notebook_flow(target)
    if isinstance(target, Flow):
        return _of_flow(target)
    if not isinstance(target, str | os.PathLike):
        raise UsageError(
            f"{target!r} cannot be deployed. Pass a notebook's path, file.py:flow, or a flow."
        )
    return _of_text(os.fspath(target))


def _of_text(text: str) -> Source:
    path, name = split_target(text)
    if is_remote(text):
        return _of_notebook(text)
    if path.is_dir():
        raise UsageError(why_no_file(path))
    if path.suffix == ".py":
        return _of_python_file(path, name)
    if path.is_file() or path.suffix == ".ipynb":
        return _of_notebook(str(path.absolute()))
    raise UsageError(why_no_file(path))


# ── Python files ─────────────────────────────────────────────────────────────────────────


def _of_python_file(path: Path, name: str) -> Source:
    if not path.is_file():
        raise UsageError(why_no_file(path))
    flow = flow_in(path, name)
    assert flow.name is not None
    return Source(
        address=str(path.absolute()),
        kind=FlowKind.FUNCTION,
        flow_name=flow.name,
        variable=flow.variable,
        description=flow.description,
        parameters=flow.parameters,
        cwd=str(Path.cwd()),
    )


# ── notebooks ────────────────────────────────────────────────────────────────────────────


def _of_notebook(address: str, **changes: Any) -> Source:
    if address == "-":
        raise UsageError("Standard input cannot be deployed. Save it as a file first.")
    document = read_notebook(address)
    known = {
        "flow_name": Path(address.split("?", maxsplit=1)[0]).stem,
        "parameters": _parameters(document, address),
        "declares_parameters": _is_python(document),
        "kernel_name": document.metadata.get("kernelspec", {}).get("name"),
        "cwd": str(Path.cwd() if is_remote(address) else Path(address).parent),
    }
    return Source(address=address, kind=FlowKind.NOTEBOOK, **{**known, **changes})


def _parameters(document: NotebookNode, address: str) -> tuple[Parameter, ...]:
    cell = parameters_cell(document)
    if cell is None or not _is_python(document):
        return ()
    return from_cell(cell.source, cell=f"the parameters cell of notebook {Path(address).name!r}")


def _is_python(document: NotebookNode) -> bool:
    info = document.metadata.get("kernelspec", {})
    language = info.get("language") or document.metadata.get("language_info", {}).get("name")
    return language in _PYTHON


def _of_notebook_flow(flow: NotebookFlow) -> Source:
    options = {name: value for name, value in flow.call_options.items() if value is not None}
    kernel, cwd = options.pop("kernel_name", None), options.pop("cwd", None)
    changes = {"kernel_name": kernel, "cwd": cwd, "description": flow.description}
    return _of_notebook(
        str(flow.path),
        flow_name=flow.name,
        stated={**options, **_retries(flow)},
        **{name: value for name, value in changes.items() if value is not None},
    )


# ── flow objects ─────────────────────────────────────────────────────────────────────────


def _of_flow(flow: Flow[Any, Any]) -> Source:
    file = _file_of(flow)
    if file is None:
        return _of_cell(flow)
    refuse_relative_imports(file)
    variable, stated = _variable_of(flow)
    return Source(
        address=str(file),
        kind=FlowKind.FUNCTION,
        flow_name=flow.name,
        variable=variable,
        description=flow.description,
        parameters=flow.parameters,
        cwd=str(Path.cwd()),
        stated=stated,
    )


def _file_of(flow: Flow[Any, Any]) -> Path | None:
    """The Python file that defines the flow; None when it is in a cell."""
    try:
        path = inspect.getsourcefile(inspect.unwrap(flow.fn))
    except TypeError:  # the function of a flow cell
        return None
    file = Path(path).absolute() if path else None
    return file if file is not None and file.is_file() else None


def _variable_of(flow: Flow[Any, Any]) -> tuple[str, dict[str, Any]]:
    """The variable of the file that holds the flow, and what the variable's flow does not say.

    A flow with other options (`etl.with_options(retries=3)`) that no variable holds runs as
    the one that it was made of, with these options.
    """
    names = getattr(inspect.unwrap(flow.fn), "__globals__", {})
    for name, value in names.items():
        if value is flow:
            return name, {}
    qualified = getattr(flow.fn, "__qualname__", "")
    if not qualified.isidentifier():
        raise UsageError(
            f"Flow {flow.name!r} is defined inside of {qualified.rpartition('.')[0]}, where a "
            "worker cannot find it. Move it to the top level of its file."
        )
    limit = flow.timeout_seconds
    timeout = {} if limit is None else {"timeout_seconds": limit}
    return qualified, {**_retries(flow), **timeout}


def _retries(flow: Flow[Any, Any]) -> dict[str, Any]:
    if flow.retries == get_settings().flow_default_retries:
        return {}
    delays = flow._options.get("retry_delay_seconds")  # noqa: SLF001 - our own
    delay = {"retry_delay_seconds": float(delays)} if isinstance(delays, int | float) else {}
    return {"retries": flow.retries, **delay}


def _of_cell(flow: Flow[Any, Any]) -> Source:
    """The notebook that a flow's cell is in, which runs as a whole."""
    path = this_notebook()
    if path is None:
        raise UsageError(
            f"Flow {flow.name!r} is in no file that can be found: in a notebook, deploy the "
            "notebook by its path, nbflow.deploy('train.ipynb', name=…); else save it as a file."
        )
    made = _of_notebook(str(path))
    if not _mentions(path, str(getattr(flow.fn, "__name__", flow.name))):
        raise NotebookError(
            f"{path.name} as it is saved has no flow {flow.name!r}. Save the notebook, then "
            "deploy it again."
        )
    return made


def _mentions(path: Path, name: str) -> bool:
    cells = read_notebook(path).cells
    return any(name in cell.source for cell in cells if cell.cell_type == "code")
