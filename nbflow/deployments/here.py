"""The notebook, and the run, that the running code belongs to.

This module decides where JupyterLab, Notebook, VS Code and nbflow's own runs leave a notebook's
path, and how code finds out that it is executed by a run of another process. It must not know
what that is for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil

from nbflow.interactive import shell_here
from nbflow.models import FlowRun, FlowRunFilter
from nbflow.owner import owner_of
from nbflow.states import StateType
from nbflow.store import open_store

_UNDER_WAY: Final = FlowRunFilter(states=frozenset({StateType.PENDING, StateType.RUNNING}))
_MOST: Final = 1_000


def this_notebook() -> Path | None:
    """The file of the notebook whose kernel this process is; None when nobody tells."""
    for told in _told():
        if (path := _file(told)) is not None:
            return path
    return None


def own_runs() -> list[FlowRun]:
    """The runs under way that this process, or one that started it, executes.

    A run remembers the process that executes it; the kernel of a notebook is started by it.
    """
    process = psutil.Process()
    owners = {owner_of(each.pid) for each in (process, *process.parents())}
    running = open_store().flow_runs(_UNDER_WAY, limit=_MOST)
    return [run for run in running if run.owner in owners]


def _told() -> Iterator[str]:
    names = notebook_names()
    for name in ("__vsc_ipynb_file__", "__session__"):
        if isinstance(told := names.get(name), str):
            yield told
    if told := os.environ.get("JPY_SESSION_NAME", ""):
        yield told
    if names:  # nbflow run and papermill's nbflow engine tell no kernel its notebook
        yield from (run.source for run in own_runs() if run.source)


def notebook_names() -> dict[str, Any]:
    """The names of the notebook; empty where there is none."""
    shell = shell_here()
    names: dict[str, Any] = shell.user_ns if shell is not None else {}
    return names


def _file(told: str) -> Path | None:
    """The file that is meant; kernels start in the folder of their notebook."""
    plain = Path(told.removeprefix("RTC:"))  # documents that are edited together
    for path in (plain, Path.cwd() / plain, Path.cwd() / plain.name):
        if path.suffix == ".ipynb" and path.is_file():
            return path.absolute()
    return None
