"""How far a run is: its tasks or cells, counted by their state.

This module decides what is counted as one step of a run. It must not know where tasks come
from, nor how the counts are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nbflow.models import TaskKind, TaskRun


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a run is: counts of its tasks or cells."""

    total: int
    #: Ended, however they ended.
    done: int
    #: By state name.
    counts: dict[str, int]
    #: `cell` or `task`.
    noun: str


def tally(tasks: Iterable[TaskRun]) -> Tally:
    """Count tasks or cells by their state; what a cell calls is a part of the cell."""
    known = list(tasks)
    callers = {task.id for task in known if task.kind is TaskKind.CELL}
    known = [task for task in known if task.parent_id not in callers]
    cells = bool(known) and all(task.kind is TaskKind.CELL for task in known)
    return Tally(
        total=len(known),
        done=sum(task.state.is_final() for task in known),
        counts=dict(Counter(task.state.name for task in known)),
        noun="cell" if cells else "task",
    )


class Counting:
    """The tally of tasks, kept up to date: one that moved does not make all be counted again."""

    def __init__(self) -> None:
        self._tasks: dict[UUID, TaskRun] = {}
        self._cells: set[UUID] = set()
        self._callers: set[UUID] = set()
        self._forget()

    def _forget(self) -> None:
        self._names: Counter[str] = Counter()
        self._total = self._done = self._functions = 0

    def put(self, task: TaskRun) -> None:
        """Count a task anew, as it is now."""
        before = self._tasks.get(task.id)
        if before is not None:
            self._add(before, -1)
        self._tasks[task.id] = task
        if task.parent_id is not None:
            self._callers.add(task.parent_id)
        if task.kind is TaskKind.CELL and task.id not in self._cells:
            self._cells.add(task.id)
            if task.id in self._callers:  # what it called was counted before it was known
                return self._count_all()
        return self._add(task, 1)

    def _count_all(self) -> None:
        self._forget()
        for task in self._tasks.values():
            self._add(task, 1)

    def _add(self, task: TaskRun, number: int) -> None:
        if task.parent_id in self._cells:
            return
        self._names[task.state.name] += number
        self._total += number
        self._done += number if task.state.is_final() else 0
        self._functions += number if task.kind is not TaskKind.CELL else 0

    def tally(self) -> Tally:
        """How far the run is."""
        return Tally(
            total=self._total,
            done=self._done,
            counts={name: number for name, number in dict(self._names).items() if number},
            noun="cell" if self._total and not self._functions else "task",
        )
