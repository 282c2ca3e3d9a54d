"""Deployments: a flow or a notebook under a name, which runs without its author.

This package decides what a deployment is made of and how its runs come to be. It must not
know who executes them (`nbflow.worker`), nor how it is spoken about (`nbflow.cli`). Its names
are loaded when they are first used: a flow that only calls `run_deployment` needs no
notebook library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbflow.deployments.deploying import Draft, deploy, draft
    from nbflow.deployments.running import arun_deployment, new_run, run_deployment

_HOMES = {
    "Draft": "deploying",
    "arun_deployment": "running",
    "deploy": "deploying",
    "draft": "deploying",
    "new_run": "running",
    "run_deployment": "running",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["Draft", "arun_deployment", "deploy", "draft", "new_run", "run_deployment"]
