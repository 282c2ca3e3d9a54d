"""Where what runs asks to be shown, without knowing what shows it.

This module decides that a notebook's kernel, and nothing else, shows runs by itself. The surfaces
stand above all that runs, so they are named here, and loaded only where there is somebody to look.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple
from uuid import UUID

from nbflow.interactive import in_kernel


class ShownCall(NamedTuple):
    """What stands around a flow that is called, so that it shows itself."""

    #: Around the run, from its first step to its last: it gives the run's id, if it has to be one.
    view: AbstractContextManager[UUID | None]
    #: Around each step that it makes: meanwhile nothing but the view tells of it.
    quiet: Callable[[], AbstractContextManager[None]]


def shown_call(name: str) -> ShownCall:
    """What stands around a call of the flow of that name.

    Nothing does outside of notebooks, and inside of other runs.
    """
    shown: ShownCall | None = None
    if in_kernel():
        shown = importlib.import_module("nbflow.magics.showing").shown_call(name)
    return shown or ShownCall(nullcontext(), nullcontext)


def shown_run(run: Any) -> Mapping[str, str] | None:
    """The forms in which a notebook shows a recorded run; None outside of notebooks."""
    if not in_kernel():
        return None
    forms: Mapping[str, str] = (
        importlib.import_module("nbflow.widgets.views").RunView(run)._repr_mimebundle_()
    )
    return forms
