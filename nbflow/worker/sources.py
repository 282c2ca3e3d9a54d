"""From a deployment's version to a flow that can be called, on the machine that runs it.

This module decides which file is read, in which folder and with which path the code runs, and
which of the deployment's options become the flow's. It must not know runs' states, nor how
processes begin and end.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbflow.exceptions import NotebookError, UsageError
from nbflow.flows import Flow
from nbflow.models import FlowKind
from nbflow.models.deployments import DeploymentSpec, DeploymentVersion
from nbflow.worker.snapshots import unpacked


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version's code lies on this machine, and where it is to work."""

    file: Path
    #: The flow's name in a Python file; empty for notebooks and a file's only flow.
    name: str
    #: Folders that come first when the code imports something.
    path: tuple[Path, ...]
    cwd: Path


def place_of(version: DeploymentVersion, home: Path, fetch: Callable[[str], bytes]) -> Place:
    """Find a version's code, unpacking its snapshot where that is new here.

    Args:
        version: Of the deployment.
        home: The nbflow home.
        fetch: Gives the archive of a snapshot.

    Raises `NotebookError` when the code is not there.
    """
    spec = version.spec
    entry, name = _split(spec)
    hash_ = version.snapshot
    if hash_ is None:
        file = Path(entry)
        return Place(_found(file, spec), name, (file.parent,), _working_folder(spec, file.parent))
    root = unpacked(home, hash_, lambda: fetch(hash_))
    file = _found(root / entry, spec)
    path = (root,) if file.parent == root else (file.parent, root)
    return Place(file, name, path, _working_folder(spec, file.parent))


def _split(spec: DeploymentSpec) -> tuple[str, str]:
    if spec.kind is FlowKind.NOTEBOOK:
        return spec.entrypoint, ""
    file, colon, name = spec.entrypoint.rpartition(":")
    return (file, name) if colon and file.endswith(".py") else (spec.entrypoint, "")


def _found(file: Path, spec: DeploymentSpec) -> Path:
    if file.is_file():
        return file
    if spec.follow:
        raise NotebookError(
            f"The file {file}, which the deployment follows, is not there on this machine. Put it "
            "back, or deploy it with a snapshot."
        )
    raise NotebookError(
        f"The deployment's snapshot has no file {_split(spec)[0]}. Deploy the flow again."
    )


def _working_folder(spec: DeploymentSpec, otherwise: Path) -> Path:
    if spec.cwd is not None and Path(spec.cwd).is_dir():
        return Path(spec.cwd)
    return otherwise


# ── flows ────────────────────────────────────────────────────────────────────────────────


def settle_in(place: Place, kind: FlowKind) -> None:
    """Let this process find the code's modules, and work where it works."""
    front = [str(folder) for folder in place.path]
    known = [text for text in os.environ.get("PYTHONPATH", "").split(os.pathsep) if text]
    os.environ["PYTHONPATH"] = os.pathsep.join([*front, *known])
    if kind is FlowKind.FUNCTION:  # a notebook's kernel is another process
        sys.path[:0] = front
        os.chdir(place.cwd)


def flow_of(place: Place, version: DeploymentVersion, name: str) -> Flow[Any, Any]:
    """The flow of a version, with the deployment's options.

    Raises `NotebookError` or `UsageError` when its file does not hold it.
    """
    if version.spec.kind is FlowKind.NOTEBOOK:
        return _notebook(place, version.spec, name)
    return _function(place, version.spec)


def _notebook(place: Place, spec: DeploymentSpec, name: str) -> Flow[Any, Any]:
    from nbflow.engine.notebook_flow import NotebookFlow  # noqa: PLC0415 - not for functions

    return NotebookFlow(
        place.file,
        name=name,
        cwd=place.cwd,
        kernel_name=spec.kernel_name,
        output=spec.output,
        timeout_seconds=spec.timeout_seconds,
        cell_timeout_seconds=spec.cell_timeout_seconds,
        keep_kernel_seconds=spec.keep_kernel_seconds,
        retries=spec.retries,
        retry_delay_seconds=spec.retry_delay_seconds,
    )


def _function(place: Place, spec: DeploymentSpec) -> Flow[Any, Any]:
    flow = _named(place, _imported(place.file))
    stated = {
        "retries": spec.retries,
        "retry_delay_seconds": spec.retry_delay_seconds,
        "timeout_seconds": spec.timeout_seconds,
    }
    changes = {option: value for option, value in stated.items() if value is not None}
    return flow.with_options(**changes) if changes else flow


def _imported(file: Path) -> dict[str, Flow[Any, Any]]:
    """The flows that a Python file defines, by their variables."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return {name: each for name, each in vars(module).items() if isinstance(each, Flow)}


def _named(place: Place, flows: dict[str, Flow[Any, Any]]) -> Flow[Any, Any]:
    wanted = place.name
    for variable, flow in flows.items():
        if wanted in {variable, flow.name}:
            return flow
    if not wanted and len({id(flow) for flow in flows.values()}) == 1:
        return next(iter(flows.values()))
    has = f"It has {', '.join(sorted(flows))}." if flows else "It has none."
    raise UsageError(
        f"{place.file.name} has no flow {wanted!r}. {has} Deploy the flow again by its name."
    )
