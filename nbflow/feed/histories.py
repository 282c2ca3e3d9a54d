"""The earlier attempts of tasks that were started more than once.

This module decides which tasks' histories are read, and when: a few at a time, once for each
change. It must not know what else is told of a task.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from nbflow.feed.records import attempts_json
from nbflow.models import RunKind, TaskRun
from nbflow.store.base import Store

#: Histories read at once: each is a question to the store.
_FEW: Final = 40


class Histories:
    """All attempts of each task that has several."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[UUID, list[dict[str, Any]]] = {}
        #: Those to be read, in the order in which they changed.
        self._wanted: dict[UUID, None] = {}

    @property
    def is_behind(self) -> bool:
        """Whether some are still to be read."""
        return bool(self._wanted)

    def put(self, task: TaskRun) -> None:
        """Notice that a task moved."""
        if task.attempt > 1:
            self._wanted.setdefault(task.id)

    def of(self, task_id: UUID) -> list[dict[str, Any]] | None:
        """The attempts of a task, as far as they were read; None for a single one."""
        return self._known.get(task_id)

    def read(self) -> list[UUID]:
        """Read some histories; the tasks whose attempts are told now."""
        read = list(self._wanted)[:_FEW]
        for task_id in read:
            del self._wanted[task_id]
            self._known[task_id] = attempts_json(self._store.states(RunKind.TASK, task_id))
        return read
