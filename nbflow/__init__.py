"""From a notebook to a production flow without leaving the notebook.

This module decides the public names and loads each one when it is first used, so that
`import nbflow` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from nbflow.late_grammar import put_off as _put_off

if TYPE_CHECKING:
    from nbflow.annotations import allow_failure, quote, unmapped
    from nbflow.context import get_run_context, tags
    from nbflow.deployments.running import run_deployment
    from nbflow.engine.notebook_flow import NotebookFlow, notebook
    from nbflow.flows import Flow, flow
    from nbflow.futures import Future, as_completed, wait
    from nbflow.logging import disable_run_logger, get_run_logger
    from nbflow.runs import Run, get_run, list_runs
    from nbflow.states import State
    from nbflow.tasks import Task, task

__version__ = "0.1.0"

__all__ = [
    "Flow",
    "Future",
    "NotebookFlow",
    "Run",
    "State",
    "Task",
    "allow_failure",
    "as_completed",
    "disable_run_logger",
    "flow",
    "get_run",
    "get_run_context",
    "get_run_logger",
    "list_runs",
    "notebook",
    "quote",
    "run_deployment",
    "tags",
    "task",
    "unmapped",
    "wait",
]

_put_off()

_HOMES: Final = {
    "Flow": "nbflow.flows",
    "Future": "nbflow.futures",
    "NotebookFlow": "nbflow.engine.notebook_flow",
    "Run": "nbflow.runs",
    "State": "nbflow.states",
    "Task": "nbflow.tasks",
    "allow_failure": "nbflow.annotations",
    "as_completed": "nbflow.futures",
    "disable_run_logger": "nbflow.logging",
    "flow": "nbflow.flows",
    "get_run": "nbflow.runs",
    "get_run_context": "nbflow.context",
    "get_run_logger": "nbflow.logging",
    "list_runs": "nbflow.runs",
    "notebook": "nbflow.engine.notebook_flow",
    "quote": "nbflow.annotations",
    "run_deployment": "nbflow.deployments.running",
    "tags": "nbflow.context",
    "task": "nbflow.tasks",
    "unmapped": "nbflow.annotations",
    "wait": "nbflow.futures",
}


#: Reached as attributes too, without an import of their own.
_MODULES: Final = frozenset(
    {"context", "exceptions", "futures", "runtime", "states", "task_runners"}
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"nbflow.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'nbflow' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def load_ipython_extension(ip: Any) -> None:
    """What `%load_ext nbflow` calls."""
    importlib.import_module("nbflow.magics").load(ip)


def unload_ipython_extension(ip: Any) -> None:
    """What `%unload_ext nbflow` calls."""
    importlib.import_module("nbflow.magics").unload(ip)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
