"""Which of a cell's values are kept, and for whom.

This module decides what a cell's options and the run it is part of mean for the engine's
storage. How values are keyed and written is decided in `keeping`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from nbflow.cache_policies import NO_CACHE
from nbflow.cells.definitions import defined_names, defines_code, redefinitions
from nbflow.cells.joining import JoinedCell
from nbflow.cells.keeping import CellPolicy, CellSerializer
from nbflow.cells.records import Mode
from nbflow.cells.task import CellTask
from nbflow.dataflow import analyse_cell
from nbflow.logging import get_run_logger
from nbflow.settings import get_settings

_NOT_KEPT: Final[Mapping[str, Any]] = {"cache_policy": NO_CACHE, "persist_result": False}


def options_for(
    task: CellTask,
    names: Callable[[], Mapping[str, Any]],
    notebook: dict[str, Any],
    joined: JoinedCell | None,
) -> dict[str, Any]:
    """The engine's options for keeping this cell's values, or for not keeping them.

    With `--cache` everybody finds them who shares the result store. Without it, a recorded run
    keeps them for itself, so that it can go on after a failure.
    """
    scope = "" if task.options.cache else _scope(joined)
    if not (task.options.cache or scope):
        return dict(_NOT_KEPT)
    definitions = _private(task) if task.interface.mode is Mode.PRIVATE else _definitions(task)
    if definitions is None:
        if task.options.cache:
            get_run_logger().warning("Not cached: %s.", task.interface.reason)
        return dict(_NOT_KEPT)
    policy = CellPolicy(
        code=task.fn.body.text,
        surroundings=lambda: {n: v for n, v in names().items() if n in task.interface.surroundings},
        namespace=names,
        scope=scope,
        defined=defined_names(definitions),
        redefine=(lambda: _define(task, definitions, notebook)) if definitions else None,
    )
    serializer = CellSerializer(policy.defined)
    return {"cache_policy": policy, "result_serializer": serializer, "persist_result": True}


def _scope(joined: JoinedCell | None) -> str:
    if joined is None or not joined.is_recorded or not get_settings().keep_cell_results:
        return ""
    return str(joined.flow_run_id)


def _private(task: CellTask) -> str:
    """The same of a cell with a namespace of its own: only classes, and only when it is due.

    What a background cell makes is published in its turn, and what `--out` hides never is.
    """
    if task.options.submit or task.interface.hidden or not defines_code(task.fn.body.python):
        return ""
    return _definitions(task) or ""


def _definitions(task: CellTask) -> str | None:
    """What makes the code of a cell again, beside its data; None when nothing surely does."""
    if analyse_cell(task.fn.body.text).ambiguous:
        return None
    return redefinitions(task.fn.body.python)


def _define(task: CellTask, definitions: str, notebook: dict[str, Any]) -> Callable[[], object]:
    """Execute the definitions in the notebook; returns what puts its names back."""
    names = defined_names(definitions)
    before = {name: notebook[name] for name in names if name in notebook}

    def undo() -> None:
        for name in names - before.keys():
            notebook.pop(name, None)
        notebook.update(before)

    body = task.fn.body
    body.remember_source()
    # Empty lines stand for the header, so that tracebacks show the cell's own lines.
    source = "\n" * body.header + definitions
    code = compile(source, body.filename, "exec", body.flags, dont_inherit=True)
    try:
        exec(code, notebook)  # noqa: S102 - the user's own code
    except BaseException:
        undo()
        raise
    return undo
