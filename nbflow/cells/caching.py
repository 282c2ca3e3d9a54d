"""Which of a cell's values are kept, and for whom.

This module decides what a cell's options and the run it is part of mean for the engine's
storage. How values are keyed and written is decided in `keeping`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbflow.cache_policies import NO_CACHE
from nbflow.cells.joining import JoinedCell
from nbflow.cells.keeping import CellPolicy, CellSerializer
from nbflow.cells.records import Mode
from nbflow.cells.task import CellTask
from nbflow.settings import get_settings


def options_for(
    task: CellTask, names: Callable[[], Mapping[str, Any]], joined: JoinedCell | None
) -> dict[str, Any]:
    """The engine's options for keeping this cell's values, or for not keeping them.

    With `--cache` everybody finds them who shares the result store. Without it, a recorded run
    keeps them for itself, so that it can go on after a failure.
    """
    scope = _scope(joined)
    if (not task.options.cache and not scope) or task.interface.mode is Mode.SHARED:
        return {"cache_policy": NO_CACHE, "persist_result": False}
    policy = CellPolicy(
        code=task.fn.body.text,
        surroundings=lambda: {n: v for n, v in names().items() if n in task.interface.surroundings},
        namespace=names,
        scope="" if task.options.cache else scope,
    )
    return {"cache_policy": policy, "result_serializer": CellSerializer(), "persist_result": True}


def _scope(joined: JoinedCell | None) -> str:
    if joined is None or not joined.is_recorded or not get_settings().keep_cell_results:
        return ""
    return str(joined.flow_run_id)
