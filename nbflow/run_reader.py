"""Reads a run and its subflows from a store, each change once.

This module decides what is asked of the store, and how much at a time. It must not know what
becomes of the records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from nbflow.exceptions import ObjectNotFound
from nbflow.models import Changes, FlowRun, FlowRunFilter, LogRecord, TaskRun
from nbflow.states import StateType
from nbflow.store.base import Store

#: Records of a kind that are read of one run at once; less while it goes on, which that may
#: slow down: then it is little and often.
PAGE: Final = 5_000
LIVE_PAGE: Final = 1_000
#: After so many records the rest is left for the next time; a run that is asked for counts as some.
_MOST: Final = 5_000
_ASKED: Final = 20
#: Subflows asked for at once; more than all there are.
_ALL: Final = 100_000
_FEW: Final = 50
_UNFINISHED: Final = frozenset(
    {StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.PAUSED}
    | {StateType.CANCELLING}
)


@dataclass(slots=True)
class Batch:
    """What is new."""

    runs: list[FlowRun] = field(default_factory=list)
    tasks: list[TaskRun] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.runs or self.tasks or self.logs)

    def add(self, changes: Changes) -> None:
        """Take in what is new of one run."""
        if changes.flow_run is not None:
            self.runs.append(changes.flow_run)
        self.tasks += changes.task_runs
        self.logs += changes.logs


class SubflowGone(Exception):
    """A subflow was deleted: what is known of the run is to be forgotten."""


class RunReader:
    """A run with its subflows, read as far as they have come.

    They are read in rounds: a round asks each run that may have changed for what is new. One
    `read` does a part of a round where there is much.
    """

    def __init__(self, store: Store, run_id: UUID) -> None:
        self.run_id = run_id
        #: The round is not over: there is more to be read at once.
        self.behind = False
        self._store = store
        #: The store's latest number when the round began.
        self._seen = -1
        #: Who was read in this round.
        self._read: set[UUID] = set()
        #: How far each run was read.
        self._cursors: dict[UUID, int] = {run_id: 0}
        self._known: dict[UUID, FlowRun] = {}
        self._children: defaultdict[UUID, set[UUID]] = defaultdict(set)
        #: Subflows that have ended and were read to their end.
        self._closed: set[UUID] = set()

    @property
    def run(self) -> FlowRun | None:
        """The run as it was read last."""
        return self._known.get(self.run_id)

    def family(self) -> list[UUID]:
        """The run and its subflows, as far as they are known."""
        return list(self._cursors)

    def read(self) -> Batch | None:
        """What is new; None when nothing at all has happened in the store.

        Raises `ObjectNotFound` for a run that is not there, or not any more, and `SubflowGone`.
        """
        if not self.behind:
            latest = self._store.events.latest()
            if latest == self._seen:
                return None
            self._seen = latest
        batch = Batch()
        if self.run is None:  # a first page may end before the run's own record
            batch.runs.append(self._store.flow_run(self.run_id))
            self._learn(batch.runs[0])
        self.behind = not self._go_round(batch)
        return batch

    def _go_round(self, batch: Batch) -> bool:
        """Read who was not read in this round; whether it is over."""
        room, page = _MOST, self._page()
        for run_id in self._waiting(batch):
            if room <= 0:
                return False
            changes = self._changes(run_id, page)
            batch.add(changes)
            room -= len(changes.task_runs) + len(changes.logs) + _ASKED
            if page in (len(changes.task_runs), len(changes.logs)):
                return False
            self._read.add(run_id)
            if run_id != self.run_id and self._known[run_id].state.is_settled():
                self._closed.add(run_id)
        self._read.clear()
        return True

    def _page(self) -> int:
        return PAGE if self.run is None or self.run.state.is_settled() else LIVE_PAGE

    def _changes(self, run_id: UUID, page: int) -> Changes:
        cursor = self._cursors[run_id]
        try:
            changes = self._store.changes(run_id, after=cursor, limit=page)
        except ObjectNotFound:
            if run_id == self.run_id:
                raise
            raise SubflowGone from None
        self._cursors[run_id] = max(cursor, changes.cursor)
        if changes.flow_run is not None:
            self._learn(changes.flow_run)
        return changes

    def _learn(self, run: FlowRun) -> None:
        before = self._known.get(run.id)
        self._known[run.id] = run
        if run.id == self.run_id and before is not None and before.state != run.state:
            # At its end nothing may be missed; when it is retried, its subflows may go on, too.
            if before.state.is_settled() or run.state.is_settled():
                self._closed.clear()
        elif run.parent_id is not None and run.id != self.run_id:
            self._children[run.parent_id].add(run.id)

    # ── subflows ─────────────────────────────────────────────────────────────────────────

    def _waiting(self, batch: Batch) -> Iterator[UUID]:
        """The runs to be read in this round, callers first; subflows are found on the way."""
        waiting = [self.run_id]
        for run_id in waiting:
            if run_id not in self._read and run_id not in self._closed:
                yield run_id
                batch.runs += self._news_of_children(run_id)
            waiting += self._children[run_id]

    def _news_of_children(self, parent: UUID) -> list[FlowRun]:
        """The subflows of a run that were not known; those that go on again are read again."""
        known = self._children[parent]
        missing = self._store.count_flow_runs(FlowRunFilter(parent_id=parent)) - len(known)
        if missing < 0:
            raise SubflowGone
        found = self._children_of(parent, _UNFINISHED) if known else []
        if missing:
            newest = self._children_of(parent, limit=missing + _FEW)
            enough = len({run.id for run in newest} - known) >= missing
            found += newest if enough else self._children_of(parent)
        self._closed -= {run.id for run in found if not run.state.is_settled()}
        new = {run.id: run for run in found if run.id not in known}
        for run in new.values():
            self._cursors[run.id] = 0
            self._learn(run)
        return list(new.values())

    def _children_of(
        self, parent: UUID, states: frozenset[StateType] = frozenset(), limit: int = _ALL
    ) -> list[FlowRun]:
        where = FlowRunFilter(parent_id=parent, states=states)
        return self._store.flow_runs(where, limit=limit)
