"""Where what runs asks to be shown, without knowing what shows it.

This module decides that a notebook's kernel, and nothing else, shows runs by itself. The surfaces
stand above all that runs, so they are named here, and loaded only where there is somebody to look.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID


def in_kernel() -> bool:
    """Whether this process is an IPython kernel: what it shows goes to a front end."""
    if "ipykernel" not in sys.modules:
        return False
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def shown_call(name: str) -> AbstractContextManager[UUID] | None:
    """What stands around a flow that is called: it gives the run's id, and shows it meanwhile.

    None where the call is not shown: outside of notebooks, and inside of other runs.
    """
    if not in_kernel():
        return None
    found: AbstractContextManager[UUID] | None = importlib.import_module(
        "nbflow.magics.showing"
    ).shown_call(name)
    return found


def shown_run(run: Any) -> Mapping[str, str] | None:
    """The forms in which a notebook shows a recorded run; None outside of notebooks."""
    if not in_kernel():
        return None
    forms: Mapping[str, str] = (
        importlib.import_module("nbflow.widgets.views").RunView(run)._repr_mimebundle_()
    )
    return forms
