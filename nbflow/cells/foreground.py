"""Cells that cannot mean the same in the background, and so stay in the foreground.

This module decides which code needs the whole process, or everything before it, for itself.
It must not know how cells are run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

from nbflow.dataflow import CellAnalysis

#: Names by which IPython gives what was displayed before.
_RESULTS: Final = frozenset({"_", "__", "___", "Out", "_oh"})
_NUMBERED: Final = re.compile(r"_\d+")
#: Names by which IPython gives the cells entered so far: the next one is among them at once.
_ENTERED: Final = frozenset({"In", "_ih", "_i", "_ii", "_iii"})
#: What changes the whole process for a while: its streams, warnings, signals.
_PROCESS_WIDE: Final = frozenset(
    {"contextlib.redirect_stdout", "contextlib.redirect_stderr", "warnings.catch_warnings"}
    | {"signal.signal", "signal.alarm", "signal.setitimer"}
    | {"IPython.utils.capture.capture_output"}
)
#: What changes the folder in which every cell opens files.
_CHANGES_FOLDER: Final = frozenset({"os.chdir", "posix.chdir", "nt.chdir", "contextlib.chdir"})


def stays_in_the_foreground(
    text: str, analysis: CellAnalysis, namespace: Mapping[str, Any]
) -> bool:
    """Whether a cell is run in the foreground although it asks for the background.

    Other cell magics redirect what the whole process prints, or run what they like among the
    notebook's names; what is displayed last is only known when everything before has ended; and
    what was entered last changes when the next cell is.
    """
    return (
        text.lstrip().startswith("%%")
        or not _ENTERED.isdisjoint(analysis.uses)
        or needs_everything_before(analysis, namespace)
        or _calls(_PROCESS_WIDE, analysis, namespace)
    )


def needs_everything_before(analysis: CellAnalysis, namespace: Mapping[str, Any]) -> bool:
    """Whether a cell begins when all cells before it have ended, whatever they are about.

    It reads what they displayed, or would change under them the folder in which they open files.
    """
    return _uses_results(analysis) or _calls(_CHANGES_FOLDER, analysis, namespace)


def _uses_results(analysis: CellAnalysis) -> bool:
    """Whether the cell reads what earlier cells displayed: `_`, `Out[3]`."""
    return any(name in _RESULTS or _NUMBERED.fullmatch(name) for name in analysis.uses)


def _calls(functions: frozenset[str], analysis: CellAnalysis, namespace: Mapping[str, Any]) -> bool:
    return any(_origin(call, analysis, namespace) in functions for call in analysis.calls)


def _origin(call: str, analysis: CellAnalysis, namespace: Mapping[str, Any]) -> str:
    """What a dotted name of the code stands for, as `module.name`."""
    head, dot, rest = call.partition(".")
    return _meaning(head, analysis, namespace) + dot + rest


def _meaning(name: str, analysis: CellAnalysis, namespace: Mapping[str, Any]) -> str:
    if name in analysis.imports:
        return analysis.imports[name]
    value = namespace.get(name)
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, FunctionType | BuiltinFunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    return name
