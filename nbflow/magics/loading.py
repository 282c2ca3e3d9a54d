"""Puts `%%flow`, `%nbflow`, completion and help into a shell, each loaded when it is used.

This module decides that loading the extension stays cheap: a kernel that only runs task cells
never imports the command line, its drawing and its tables.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

from nbflow.cells.notebook import Notebook
from nbflow.magics.help import explain, flow_help, nbflow_help, task_help

#: The first words of the lines that are completed.
_COMPLETED: Final = ("%%task", "%%flow", "%nbflow")


def install(ip: Any, notebook: Notebook) -> None:
    """Register the magics beside `%%task`, and the help and completion of all."""
    flow = _later("nbflow.magics.flow:flow_magic", "flow", notebook)
    line = _later("nbflow.magics.line:nbflow_magic", "nbflow", notebook)
    ip.register_magic_function(explain(flow, flow_help), "cell", "flow")
    ip.register_magic_function(explain(line, nbflow_help), "line", "nbflow")
    task = ip.find_cell_magic("task")
    if task is not None:
        explain(task, task_help)
    complete = _later("nbflow.magics.completion:Completion", "complete", notebook)
    for word in _COMPLETED:
        ip.set_hook("complete_command", lambda _, event: complete(event), str_key=word)


def _later(place: str, name: str, notebook: Notebook) -> Callable[..., Any]:
    """A function that is made, by what is at the place, when it is first called."""
    made: list[Callable[..., Any]] = []

    def call(*args: Any) -> Any:
        __tracebackhide__ = "__ipython_bottom__"
        if not made:
            module, _, maker = place.partition(":")
            made.append(getattr(importlib.import_module(module), maker)(notebook))
        return made[0](*args)

    call.__name__ = call.__qualname__ = name
    return call
