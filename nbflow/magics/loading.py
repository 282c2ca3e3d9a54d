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

_IDENTIFIER: Final = "nbflow"
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
    _matchers(ip).append(_matcher(complete))


def uninstall(ip: Any) -> None:
    """Take the magics and the completion away again."""
    magics = ip.magics_manager.magics
    for kind, name in (("cell", "task"), ("cell", "flow"), ("line", "nbflow")):
        magics[kind].pop(name, None)
    matchers = _matchers(ip)
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != _IDENTIFIER]


def _matchers(ip: Any) -> list[Any]:
    """What completes in the shell; a list of no consequence where IPython is too old for it."""
    found: list[Any] = getattr(getattr(ip, "Completer", None), "custom_matchers", [])
    return found


def _matcher(complete: Callable[[Any], dict[str, Any]]) -> Any:
    """What IPython asks for each word: silent on lines that are not ours."""

    def match(context: Any) -> dict[str, Any]:
        first = context.text_until_cursor.partition(" ")[0]
        return complete(context) if first in _COMPLETED else {"completions": []}

    match.matcher_api_version = 2  # type: ignore[attr-defined] # IPython's marks
    match.matcher_priority = 1000  # type: ignore[attr-defined] # before Python's own names
    match.matcher_identifier = _IDENTIFIER  # type: ignore[attr-defined]
    return match


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
