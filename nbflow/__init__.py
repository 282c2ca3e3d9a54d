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
    from nbflow.artifacts import (
        create_image_artifact,
        create_link_artifact,
        create_markdown_artifact,
        create_progress_artifact,
        create_table_artifact,
        log_metric,
        log_metrics,
        log_param,
        log_params,
        update_progress_artifact,
    )
    from nbflow.concurrency import concurrency, rate_limit
    from nbflow.context import get_run_context, tags
    from nbflow.deployments.deploying import deploy
    from nbflow.deployments.running import run_deployment
    from nbflow.engine.notebook_flow import NotebookFlow, notebook
    from nbflow.flows import Flow, flow
    from nbflow.futures import Future, as_completed, wait
    from nbflow.logging import disable_run_logger, get_run_logger
    from nbflow.pausing import pause_flow_run, resume_flow_run, suspend_flow_run
    from nbflow.runs import Run, get_run, list_runs
    from nbflow.schedules import Cron, Interval, RRule
    from nbflow.states import State
    from nbflow.tasks import Task, task
    from nbflow.variables import Secret, Variable
    from nbflow.worker.serving import serve

__version__ = "0.1.0"

__all__ = [
    "Cron",
    "Flow",
    "Future",
    "Interval",
    "NotebookFlow",
    "RRule",
    "Run",
    "Secret",
    "State",
    "Task",
    "Variable",
    "allow_failure",
    "as_completed",
    "concurrency",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "deploy",
    "disable_run_logger",
    "flow",
    "get_run",
    "get_run_context",
    "get_run_logger",
    "list_runs",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "notebook",
    "pause_flow_run",
    "quote",
    "rate_limit",
    "resume_flow_run",
    "run_deployment",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
    "update_progress_artifact",
    "wait",
]

_put_off()

_HOMES: Final = {
    "Cron": "nbflow.schedules",
    "Flow": "nbflow.flows",
    "Future": "nbflow.futures",
    "Interval": "nbflow.schedules",
    "NotebookFlow": "nbflow.engine.notebook_flow",
    "RRule": "nbflow.schedules",
    "Run": "nbflow.runs",
    "Secret": "nbflow.variables",
    "State": "nbflow.states",
    "Task": "nbflow.tasks",
    "Variable": "nbflow.variables",
    "allow_failure": "nbflow.annotations",
    "as_completed": "nbflow.futures",
    "concurrency": "nbflow.concurrency",
    "create_image_artifact": "nbflow.artifacts",
    "create_link_artifact": "nbflow.artifacts",
    "create_markdown_artifact": "nbflow.artifacts",
    "create_progress_artifact": "nbflow.artifacts",
    "create_table_artifact": "nbflow.artifacts",
    "deploy": "nbflow.deployments.deploying",
    "disable_run_logger": "nbflow.logging",
    "flow": "nbflow.flows",
    "get_run": "nbflow.runs",
    "get_run_context": "nbflow.context",
    "get_run_logger": "nbflow.logging",
    "list_runs": "nbflow.runs",
    "log_metric": "nbflow.artifacts",
    "log_metrics": "nbflow.artifacts",
    "log_param": "nbflow.artifacts",
    "log_params": "nbflow.artifacts",
    "notebook": "nbflow.engine.notebook_flow",
    "pause_flow_run": "nbflow.pausing",
    "quote": "nbflow.annotations",
    "rate_limit": "nbflow.concurrency",
    "resume_flow_run": "nbflow.pausing",
    "run_deployment": "nbflow.deployments.running",
    "serve": "nbflow.worker.serving",
    "suspend_flow_run": "nbflow.pausing",
    "tags": "nbflow.context",
    "task": "nbflow.tasks",
    "unmapped": "nbflow.annotations",
    "update_progress_artifact": "nbflow.artifacts",
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
