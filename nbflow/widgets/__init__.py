"""Views of runs and flows that live in the page of a notebook.

`RunView` shows a run, `FlowView` a flow before it runs, `RunsTable` all runs, and `DeployForm`
deploys. Each shows itself as the last line of a cell, and goes into containers of ipywidgets by
its `widget()`. In a saved notebook, and wherever there is no kernel, its static form stands.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nbflow.widgets.views import DeployForm, FlowView, RunsTable, RunView

__all__: Final = ["DeployForm", "FlowView", "RunView", "RunsTable"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        # Most of nbflow, for who looks.
        return getattr(importlib.import_module("nbflow.widgets.views"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
