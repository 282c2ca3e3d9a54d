"""Which of a cell's values are kept, and for whom.

This module decides what a cell's options and the run it is part of mean for the engine's
storage. How values are keyed and written is decided elsewhere.
"""

from __future__ import annotations

from typing import Any

from nbflow.cache_policies import NO_CACHE
from nbflow.cells.joining import JoinedCell
from nbflow.cells.task import CellTask


def options_for(
    task: CellTask, namespace: dict[str, Any], joined: JoinedCell | None
) -> dict[str, Any]:
    """The engine's options for keeping this cell's values; none when they are not kept."""
    del task, namespace, joined
    return {"cache_policy": NO_CACHE, "persist_result": False}
