"""Runs of this machine whose process is gone, when their store is on another machine.

This module decides which they are: a server can only ask its own machine what still lives. It
must not know how the store is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from nbflow import owner as owners
from nbflow.models import FlowRun, FlowRunFilter, RunKind, StateChange, TaskRun
from nbflow.states import FINAL_TYPES, Crashed, NotRun, State, StateType
from nbflow.store.base import Store

_UNFINISHED: Final = frozenset(StateType) - FINAL_TYPES
_PAGE: Final = 200


def close_own(store: Store, now: datetime) -> list[UUID]:
    """Mark the runs of this machine whose process is gone as Crashed; return their ids."""
    gone = [run for run in _unfinished(store) if run.owner and owners.is_alive(run.owner) is False]
    closed: dict[UUID, None] = {}
    for run in gone:
        # What a worker holds is its worker's, who knows what to do.
        if run.id not in closed and store.dispatch.queued(run.id) is None:
            _close(store, run, str(run.owner), now, closed)
    if closed:
        store.flush()
    return list(closed)


def _unfinished(store: Store) -> Iterator[FlowRun]:
    where = FlowRunFilter(states=_UNFINISHED)
    offset = 0
    while page := store.flow_runs(where, limit=_PAGE, offset=offset):
        yield from page
        offset += len(page)


def _close(store: Store, run: FlowRun, owner: str, now: datetime, closed: dict[UUID, None]) -> None:
    """Close a run, first what is below it."""
    closed[run.id] = None
    for child in store.flow_runs(FlowRunFilter(parent_id=run.id), limit=10_000):
        own = child.owner in {None, owner} and child.id not in closed
        if own and not child.state.is_settled() and store.dispatch.queued(child.id) is None:
            _close(store, child, owner, now, closed)
    crashed = replace(
        Crashed(message=f"The process that executed this run ({owner}) is gone."), timestamp=now
    )
    not_run = replace(NotRun(message="Its flow run crashed before."), timestamp=now)
    for task in store.task_runs(run.id):
        if not task.state.is_settled():
            _tell(store, RunKind.TASK, task, not_run if task.start_time is None else crashed)
    _tell(store, RunKind.FLOW, run, crashed)


def _tell(store: Store, kind: RunKind, run: FlowRun | TaskRun, state: State[Any]) -> None:
    flow_run_id = run.id if isinstance(run, FlowRun) else run.flow_run_id
    store.set_state(StateChange(kind, run.id, state, run.attempt, flow_run_id=flow_run_id))
