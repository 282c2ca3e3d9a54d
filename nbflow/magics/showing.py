"""The view of a flow that is called in a cell, as a function is.

This module decides which calls are shown, those that a cell makes itself, the first few of
each cell, and from when to when. It must not know how a run is executed, nor how it looks.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final
from uuid import UUID

from nbflow.cli.follow import Follower, following
from nbflow.cli.run import ending_of
from nbflow.context import FlowRunContext, TaskRunContext
from nbflow.exceptions import ObjectNotFound
from nbflow.interactive import shell_here
from nbflow.magics.view import RunDisplay, new_view
from nbflow.models import FlowKind, TaskKind, new_id
from nbflow.settings import get_settings, temporary_settings
from nbflow.store import open_store
from nbflow.surfaces import ShownCall

#: A cell that calls a flow in a loop is not buried under its views.
_SHOWN_PER_CELL: Final = 5

#: The cell that was last shown something, and how often.
_last: Final[dict[str, int]] = {}


def shown_call(name: str) -> ShownCall | None:
    """What stands around a call that is shown; None for others."""
    ip = shell_here()
    if not (get_settings().inline_views and _is_called_by_a_cell() and _has_room(ip)):
        return None
    return ShownCall(_View(ip, name), _quiet)


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


class _View(AbstractContextManager[UUID]):
    """The view of one call, which lasts as long as its run: for generators, many cells."""

    def __init__(self, ip: Any, name: str) -> None:
        self._ip, self._name = ip, name
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> UUID:
        run_id, view = new_id(), new_view(self._ip, self._name)
        with contextlib.ExitStack() as stack:
            at_the_end = stack.enter_context(contextlib.ExitStack())
            follower = stack.enter_context(following(open_store(), run_id, view))
            at_the_end.callback(_end, view, follower)
            self._stack = stack.pop_all()
        _under_way.add(self)
        return run_id

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self._close()
        else:
            # A generator that nobody holds ends wherever it is found: even in the very thread
            # that follows it, which cannot wait for itself.
            threading.Thread(target=self._close, name="nbflow-view-end", daemon=True).start()

    def _close(self) -> None:
        try:
            self._stack.close()
        finally:
            _under_way.discard(self)


#: Held here, a view is not collected together with its generator, and ends in good order.
_under_way: Final[set[_View]] = set()


def _end(view: RunDisplay, follower: Follower) -> None:
    with contextlib.suppress(ObjectNotFound):  # refused before it was recorded
        view.end(ending_of(follower.store, follower.run_id, story=follower.whole))


# ── quiet ────────────────────────────────────────────────────────────────────────────────


class _Quiet:
    """Keeps the engine's lines off the console: views show the log, and twice is too much.

    Steps of several calls may overlap in one event loop, and end in any order.
    """

    def __init__(self) -> None:
        # Collecting garbage may end a generator at any place, so here, too.
        self._lock = threading.RLock()
        self._steps = 0
        self._silence = contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._steps += 1
            if self._steps == 1:
                self._silence.enter_context(temporary_settings(logging_to_console=False))
        try:
            yield
        finally:
            with self._lock:
                self._steps -= 1
                if not self._steps:
                    self._silence.close()


_quiet: Final = _Quiet()
