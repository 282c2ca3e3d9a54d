"""What a runner loads before its run is known, so that the run need not wait for it.

This module decides which modules those are. It must not know runs, and must not read
settings: they are the run's, and come with it.
"""

from __future__ import annotations

import importlib
from typing import Final

_AHEAD: Final = (
    "papermill.engines",
    "papermill.execute",
    "nbclient",
    "nbflow.notebooks.outputs",
    "nbflow.engine.notebook_flow",
    "nbflow.engine.resume",
    "nbflow.store.dispatch",
    "nbflow.store.deployments",
    "nbflow.worker.execution",
)


def load() -> None:
    """Import what runs of notebooks need."""
    for name in _AHEAD:
        importlib.import_module(name)
    _read_a_notebook()


def _read_a_notebook() -> None:
    """The first notebook that is checked loads and compiles the format's schema."""
    nbformat = importlib.import_module("nbformat")
    nbformat.validate(nbformat.v4.new_notebook())
