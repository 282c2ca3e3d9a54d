"""Which runs share a card, kept up to date as runs come.

This module decides nothing: it tells run by run what `run_graph` does with all of them at once,
so that a run that moved touches its own card only. A test holds the two together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from nbflow.models import FlowRun, TaskKind, TaskRun
from nbflow.run_graph import LOOP_THRESHOLD, Run


class Folding:
    """The cards of a run, and the runs that each stands for."""

    def __init__(self) -> None:
        self._card_of: dict[UUID, str] = {}
        self._members: defaultdict[str, dict[UUID, Run]] = defaultdict(dict)
        #: Calls of one task, or one subflow, by the same caller that are told apart still.
        self._apart: defaultdict[str, list[UUID]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._members)

    def card(self, run_id: UUID) -> str | None:
        """The id of a run's card."""
        return self._card_of.get(run_id)

    def members(self, card: str) -> Collection[Run]:
        """The runs that a card stands for."""
        return self._members.get(card, {}).values()

    def put(self, run: Run) -> tuple[str, list[UUID]]:
        """Take in a run; its card, and the others that moved to that card because of it."""
        known = self._card_of.get(run.id)
        if known is not None:
            self._members[known][run.id] = run
            return known, []
        if isinstance(run, TaskRun) and run.map_id is not None:
            return self._place(run, f"map:{run.map_id}"), []
        return self._put_call(run)

    def _put_call(self, run: Run) -> tuple[str, list[UUID]]:
        loop = _loop(run)
        if loop is None:
            return self._place(run, str(run.id)), []
        if loop in self._members:
            return self._place(run, loop), []
        card = self._place(run, str(run.id))
        self._apart[loop].append(run.id)
        if len(self._apart[loop]) <= LOOP_THRESHOLD:
            return card, []
        return loop, [other for other in self._fold(loop) if other != run.id]

    def _fold(self, loop: str) -> list[UUID]:
        calls = self._apart.pop(loop)
        for run_id in calls:
            (run,) = self._members.pop(str(run_id)).values()
            self._place(run, loop)
        return calls

    def _place(self, run: Run, card: str) -> str:
        self._card_of[run.id] = card
        self._members[card][run.id] = run
        return card


def _loop(run: Run) -> str | None:
    """The card of all calls by the same caller, once there are many."""
    if isinstance(run, FlowRun):
        return f"loop:{run.parent_id}:{run.flow_name}"
    if run.kind is TaskKind.CELL:
        return None
    return f"loop:{run.flow_run_id}:{run.task_key or run.task_name}"
