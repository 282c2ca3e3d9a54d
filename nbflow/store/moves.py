"""Moving runs from state to state inside a transaction of the dispatch.

This module decides how a run's row, its history and its task runs change together. It must
not know why they move.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from nbflow.models import FlowRun, RunKind, StateChange, TaskRun
from nbflow.states import NotRun, State
from nbflow.store import rows
from nbflow.store.batch import Batch
from nbflow.store.database import Transaction
from nbflow.store.dialects import Connection, Dialect
from nbflow.store.reader import Reader

#: Once for a flow run and for each of its subflows.
_DELETIONS: Final = (
    "DELETE FROM state WHERE run_id IN (SELECT id FROM task_run WHERE flow_run_id=?)",
    "DELETE FROM state WHERE run_id=?",
    "DELETE FROM log WHERE flow_run_id=?",
    "DELETE FROM task_run WHERE flow_run_id=?",
    "DELETE FROM flow_run WHERE id=?",
)


def create(tx: Transaction, run: FlowRun) -> None:
    """Remember a new flow run."""
    batch = Batch()
    batch.create_flow_run((run, rows.to_json(run.parameters)))
    batch.write(tx.dialect, tx.connection)


def move(tx: Transaction, run: FlowRun, state: State[Any], now: int) -> FlowRun:
    """Give a flow run its next state, and return the run as it is then."""
    batch = Batch()
    put(batch, run, state, rows.from_micros(now))
    batch.write(tx.dialect, tx.connection)
    return tx.reader.flow_run(run.id) or run


def put(batch: Batch, run: FlowRun, state: State[Any], now: datetime) -> None:
    """Add a flow run's next state to a batch."""
    state = replace(state, timestamp=now)
    batch.set_state(StateChange(RunKind.FLOW, run.id, state, run.attempt, None, run.id))


def end(
    batch: Batch, run: FlowRun, task_runs: list[TaskRun], state: State[Any], now: datetime
) -> None:
    """Add the states that end a run from outside to a batch: those of its tasks first."""
    reason = f"Its flow run is {state.name}."
    ended = replace(state, timestamp=now)
    not_run = replace(NotRun(message=reason), timestamp=now)
    for child in task_runs:
        if not child.state.is_settled():
            told = not_run if child.start_time is None else ended
            batch.set_state(StateChange(RunKind.TASK, child.id, told, child.attempt))
    put(batch, run, state, now)


def end_family(tx: Transaction, run: FlowRun, state: State[Any], now: int) -> FlowRun:
    """End a run, its unfinished task runs, and the subflows that ran inside of it."""
    batch, at = Batch(), rows.from_micros(now)
    for member in reversed(tx.reader.family(run.id)):
        each = run if member == run.id else tx.reader.flow_run(member)
        if each is None or each.state.is_settled():
            continue
        if each is not run and is_elsewhere(tx.reader, member):
            continue
        end(batch, each, tx.reader.task_runs(member), state, at)
    batch.write(tx.dialect, tx.connection)
    return tx.reader.flow_run(run.id) or run


def is_elsewhere(reader: Reader, flow_run_id: UUID) -> bool:
    """Whether a subflow is a run of its own, waiting for a worker or in the hands of one."""
    text = "SELECT 1 FROM queued_run WHERE run_id=?"
    return reader.value(text, (flow_run_id.bytes,)) is not None


def forget(dialect: Dialect, connection: Connection, family: list[UUID]) -> None:
    """Delete flow runs with all that belongs to them."""
    for member in family:
        for text in _DELETIONS:
            connection.execute(dialect.sql(text), (member.bytes,))
