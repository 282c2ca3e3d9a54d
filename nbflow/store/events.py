"""What happened, in the one order in which it was committed, and waiting for more of it.

This module decides how the states of runs and everything else that is told become one
stream: both carry numbers of the store's one counter. It must not know who listens.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

from nbflow.models.deployments import Event
from nbflow.store import rows
from nbflow.store.database import Database
from nbflow.store.dialects import rollback
from nbflow.store.reader import Reader

#: Rows of `event` read at once.
_PAGE: Final = 500

#: A state with its run, which is a flow run or a task run, and the flow run that it belongs to.
_STATE: Final = (
    "SELECT state.seq, state.run_id, state.type, state.name, state.message, state.timestamp, "
    "state.attempt, task_run.name, task_run.task_name, flow_run.id, flow_run.name, "
    "flow_run.flow_name, flow_run.deployment_id"
)
_RUNS: Final = (
    "LEFT JOIN task_run ON task_run.id=state.run_id "
    "LEFT JOIN flow_run ON flow_run.id=COALESCE(task_run.flow_run_id, state.run_id)"
)
_STATES: Final = f"{_STATE} FROM state {_RUNS} WHERE state.seq>? ORDER BY state.seq LIMIT ?"
_FAMILY: Final = (
    "WITH RECURSIVE family(id) AS (SELECT id FROM flow_run WHERE id=? UNION "
    "SELECT flow_run.id FROM flow_run JOIN family ON flow_run.parent_id=family.id)"
)
# CROSS JOIN: each run's own states are looked up, however long the history of all runs is.
_STATES_OF_FAMILY: Final = (
    f"{_FAMILY}, member(id) AS (SELECT id FROM family UNION ALL "
    "SELECT task_run.id FROM task_run JOIN family ON task_run.flow_run_id=family.id) "
    f"{_STATE} FROM member CROSS JOIN state {_RUNS} "
    "WHERE state.run_id=member.id AND state.seq>? ORDER BY state.seq LIMIT ?"
)
_EVENTS: Final = (
    "SELECT seq, kind, subject, payload, timestamp FROM event WHERE seq>? ORDER BY seq LIMIT ?"
)


class SQLEvents:
    """Everything that happened, in one order; see `EventStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(
        self, after: int, *, limit: int = 500, flow_run_id: UUID | None = None
    ) -> tuple[list[Event], int]:
        """Events after a sequence number, and the number to go on from."""
        with self._database.read() as reader:
            # One moment for all queries: what is committed between them comes next time.
            reader.connection.execute(self._database.dialect.begin_reading)
            try:
                return _since(reader, after, max(1, limit), flow_run_id)
            finally:
                rollback(reader.connection)

    def latest(self) -> int:
        """The sequence number of what happened last."""
        with self._database.read() as reader:
            return _latest(reader)

    def wait(self, after: int, timeout: float) -> int:
        """Return as soon as the latest number is greater, or when the time is over."""
        deadline = time.monotonic() + timeout
        dialect, own = self._database.dialect, self._database.writer.wait_for_commit
        with self._database.read() as reader, dialect.listen(reader.connection, own) as pause:
            while (latest := _latest(reader)) <= after:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                pause(left)
        return latest


def _latest(reader: Reader) -> int:
    return int(reader.value("SELECT value FROM counter WHERE name='store'"))


def _since(
    reader: Reader, after: int, limit: int, flow_run_id: UUID | None
) -> tuple[list[Event], int]:
    latest = _latest(reader)
    if flow_run_id is None:
        lines = reader.all(_STATES, (after, limit))
        told = _told(reader, after)
    else:
        lines = reader.all(_STATES_OF_FAMILY, (flow_run_id.bytes, after, limit))
        told = _told_of(reader, after, flow_run_id)
    states = (_event_of_state(line) for line in lines)
    merged = heapq.merge(states, told, key=lambda event: event.sequence)
    found = list(islice(merged, limit))
    return found, found[-1].sequence if len(found) == limit else max(after, latest)


def _told(reader: Reader, after: int) -> Iterator[Event]:
    while lines := reader.all(_EVENTS, (after, _PAGE)):
        yield from map(_event, lines)
        after = lines[-1][0]


def _told_of(reader: Reader, after: int, flow_run_id: UUID) -> Iterator[Event]:
    """What is about a flow run or its subflows, or says that it belongs to one of them."""
    family = {str(member) for member in reader.family(flow_run_id)}
    first = reader.value("SELECT seq FROM flow_run WHERE id=?", (flow_run_id.bytes,))
    for event in _told(reader, max(after, (first or 1) - 1)):
        if not family.isdisjoint((event.subject, event.payload.get("flow_run_id"))):
            yield event


def _event(line: Sequence[Any]) -> Event:
    seq, kind, subject, payload, at = line
    told = json.loads(payload) if payload else {}
    return Event(
        sequence=seq, kind=kind, subject=subject, timestamp=rows.from_micros(at), payload=told
    )


def _event_of_state(line: Sequence[Any]) -> Event:
    seq, run_id, type_, state_name, message, at, attempt, *run = line
    task_run_name, task_name, flow_run_id, flow_run_name, flow_name, deployment_id = run
    of_task = task_name is not None
    payload: dict[str, Any] = {
        "name": task_run_name if of_task else flow_run_name,
        "flow_name": flow_name,
        "type": type_,
        "message": message,
        "attempt": attempt,
        "flow_run_id": _id_text(flow_run_id),
        "deployment_id": _id_text(deployment_id),
    }
    if of_task:
        payload["task_name"] = task_name
    return Event(
        sequence=seq,
        kind=f"{'task' if of_task else 'flow'}-run.{state_name}",
        subject=str(UUID(bytes=bytes(run_id))),
        timestamp=rows.from_micros(at),
        payload=payload,
    )


def _id_text(value: bytes | None) -> str | None:
    return None if value is None else str(UUID(bytes=bytes(value)))


__all__ = ["SQLEvents"]
