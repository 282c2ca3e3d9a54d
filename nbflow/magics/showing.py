"""The view of a flow that is called in a cell, as a function is.

This module decides which calls are shown: those that a cell makes itself, the first few of
each cell. It must not know how a run is executed, nor how it looks.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final
from uuid import UUID

from IPython import get_ipython

from nbflow.cli.follow import Follower, following
from nbflow.cli.run import ending_of
from nbflow.context import FlowRunContext, TaskRunContext
from nbflow.exceptions import ObjectNotFound
from nbflow.magics.view import RunDisplay, new_view
from nbflow.models import FlowKind, TaskKind, new_id
from nbflow.settings import get_settings, temporary_settings
from nbflow.store import open_store

#: A cell that calls a flow in a loop is not buried under its views.
_SHOWN_PER_CELL: Final = 5

#: The cell that was last shown something, and how often.
_last: Final[dict[str, int]] = {}


def shown_call(name: str) -> AbstractContextManager[UUID] | None:
    """What stands around a call that is shown: it gives the run its id; None for others."""
    ip = get_ipython()
    if not (get_settings().inline_views and _is_called_by_a_cell() and _has_room(ip)):
        return None
    return _shown(ip, name)


def _is_called_by_a_cell() -> bool:
    """Whether the call stands in a cell, rather than in a task, a flow or a thread of its own."""
    if threading.current_thread() is not threading.main_thread():
        return False
    flow, task = FlowRunContext.get(), TaskRunContext.get()
    if flow is None or task is None:
        return flow is None and task is None
    # The cells of a notebook's run are its tasks.
    return flow.flow_run.kind is FlowKind.NOTEBOOK and task.task_run.kind is TaskKind.CELL


def _has_room(ip: Any) -> bool:
    header = ip.get_parent().get("header", {}) if hasattr(ip, "get_parent") else {}
    if header.get("msg_type") != "execute_request":
        return False
    cell = str(header.get("msg_id"))
    if cell not in _last:
        _last.clear()
    _last[cell] = _last.get(cell, 0) + 1
    return _last[cell] <= _SHOWN_PER_CELL


@contextlib.contextmanager
def _shown(ip: Any, name: str) -> Iterator[UUID]:
    store, run_id = open_store(), new_id()
    view = new_view(ip, name)
    with (
        contextlib.ExitStack() as at_the_end,
        # The view shows the log; the engine's own lines would stand in the cell a second time.
        temporary_settings(logging_to_console=False),
        following(store, run_id, view) as follower,
    ):
        at_the_end.callback(_end, view, follower)
        yield run_id


def _end(view: RunDisplay, follower: Follower) -> None:
    with contextlib.suppress(ObjectNotFound):  # refused before it was recorded
        view.end(ending_of(follower.store, follower.run_id, story=follower.whole))
