"""The questions a store answers, as SQL text with its values.

This module decides how filters become conditions. It must not know connections.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from nbflow.models import FlowRunFilter, FlowRunOrder, LogFilter
from nbflow.store.dialects import Dialect, placeholders
from nbflow.store.rows import (
    FLOW_RUN_COLUMNS,
    HISTORY_COLUMNS,
    LOG_COLUMNS,
    TASK_RUN_COLUMNS,
    to_micros,
)

SELECT_FLOW_RUNS: Final = f"SELECT {','.join(FLOW_RUN_COLUMNS)} FROM flow_run"
SELECT_TASK_RUNS: Final = f"SELECT {','.join(TASK_RUN_COLUMNS)} FROM task_run"
SELECT_STATES: Final = f"SELECT {','.join(HISTORY_COLUMNS)} FROM state"
SELECT_LOGS: Final = f"SELECT {','.join(LOG_COLUMNS)} FROM log"
NEWEST_FIRST: Final = "ORDER BY created DESC, seq DESC LIMIT ? OFFSET ?"
_NEWEST_TAGGED: Final = "ORDER BY run_created DESC, run_seq DESC LIMIT ? OFFSET ?"

#: A flow run that came through a queue; the condition is about its row `q`.
_QUEUED: Final = "EXISTS (SELECT 1 FROM queued_run q WHERE q.run_id=flow_run.id AND {})"
#: When a flow run is, or was, to start.
_SCHEDULED: Final = (
    "COALESCE((SELECT COALESCE(q.nominal, q.due) FROM queued_run q WHERE q.run_id=flow_run.id), "
    "flow_run.start_time, flow_run.created)"
)
_BY: Final = {
    "created": "flow_run.created",
    "start_time": "start_time",
    "end_time": "end_time",
    "scheduled_time": _SCHEDULED,
    "duration": "(end_time-start_time)",
    "name": "name",
}
#: What has no such value comes last; the newest first among equals.
_ORDERS: Final = {
    f"{sign}{name}": f"ORDER BY {by} IS NULL, {by} {way}, seq {way} LIMIT ? OFFSET ?"
    for name, by in _BY.items()
    for sign, way in (("", "ASC"), ("-", "DESC"))
    if (sign, name) != ("-", "created")  # which has an index of its own
}
#: A flow run's id, then it and every flow run below it.
FAMILY: Final = (
    "WITH RECURSIVE family(id) AS (SELECT id FROM flow_run WHERE id=? UNION "
    "SELECT flow_run.id FROM flow_run JOIN family ON flow_run.parent_id=family.id) "
    "SELECT id FROM family"
)


def list_flow_runs(
    dialect: Dialect, where: FlowRunFilter, order: FlowRunOrder
) -> tuple[str, list[Any]]:
    """The flow runs of a filter, in order; limit and offset are to be added as values."""
    source, values = _flow_runs_where(dialect, where)
    columns = ",".join(FLOW_RUN_COLUMNS)
    newest = _NEWEST_TAGGED if where.tags else NEWEST_FIRST
    return f"SELECT {columns} {source} {_ORDERS.get(order.value) or newest}", values


def count_flow_runs(dialect: Dialect, where: FlowRunFilter) -> tuple[str, list[Any]]:
    """How many flow runs a filter lets through."""
    source, values = _flow_runs_where(dialect, where)
    return f"SELECT count(*) {source}", values


def _flow_runs_where(dialect: Dialect, where: FlowRunFilter) -> tuple[str, list[Any]]:
    found = _flow_run_conditions(dialect, where)
    if not where.tags:
        return f"FROM flow_run {found.where()}", found.values
    # The first tag leads (CROSS JOIN: SQLite keeps that order), the others are looked up.
    first, *others = sorted(where.tags)
    found.add("run_seq=seq AND tag=?", first)
    for tag in others:
        found.add(
            "EXISTS (SELECT 1 FROM flow_run_tag AS other WHERE other.tag=? "
            "AND other.run_created=created AND other.run_seq=seq)",
            tag,
        )
    return f"FROM flow_run_tag CROSS JOIN flow_run {found.where()}", found.values


@dataclass(slots=True)
class Conditions:
    """Conditions joined by AND, with their values."""

    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, text: str, *values: Any) -> None:
        """One more condition."""
        self.texts.append(text)
        self.values.extend(values)

    def add_one_of(self, column: str, values: Sequence[str] | Sequence[bytes]) -> None:
        """The column is one of the values; no condition when there are none."""
        if values:
            self.add(f"{column} IN ({placeholders(values)})", *values)

    def where(self) -> str:
        """The WHERE clause, or nothing."""
        return f"WHERE {' AND '.join(self.texts)}" if self.texts else ""


def _flow_run_conditions(dialect: Dialect, where: FlowRunFilter) -> Conditions:
    """The conditions of a filter of flow runs."""
    found = Conditions()
    found.add_one_of("state_type", sorted(str(s) for s in where.states))
    found.add_one_of("state_name", sorted(where.state_names))
    found.add_one_of("flow_name", sorted(where.flow_names))
    if where.created_after is not None:
        found.add("created>?", to_micros(where.created_after))
    if where.created_before is not None:
        found.add("created<?", to_micros(where.created_before))
    if where.text:
        pattern = contains(where.text)
        match = f"{dialect.like} ? ESCAPE '!'"
        found.add(f"(name {match} OR flow_name {match})", pattern, pattern)
    if where.top_level is not None:
        found.add("parent_id IS NULL" if where.top_level else "parent_id IS NOT NULL")
    if where.parent_id is not None:
        found.add("parent_id=?", where.parent_id.bytes)
    _add_conditions_of_deployments(found, where)
    for name, value in sorted(where.parameters.items()):
        found.add(dialect.parameter_is, *dialect.parameter_values(name, json.dumps(value)))
    return found


def _add_conditions_of_deployments(found: Conditions, where: FlowRunFilter) -> None:
    found.add_one_of("deployment_id", sorted(each.bytes for each in where.deployment_ids))
    if where.queues:
        names = sorted(where.queues)
        found.add(f"{_QUEUED.format(f'q.queue IN ({placeholders(names)})')}", *names)
    if where.backfill_id is not None:
        found.add(_QUEUED.format("q.backfill_id=?"), where.backfill_id.bytes)
    if where.scheduled_after is not None:
        found.add(f"{_SCHEDULED}>?", to_micros(where.scheduled_after))
    if where.scheduled_before is not None:
        found.add(f"{_SCHEDULED}<?", to_micros(where.scheduled_before))


def log_conditions(dialect: Dialect, where: LogFilter) -> Conditions:
    """The conditions of a filter of log records."""
    found = Conditions()
    if where.flow_run_id is not None:
        found.add("flow_run_id=?", where.flow_run_id.bytes)
    if where.task_run_id is not None:
        found.add("task_run_id=?", where.task_run_id.bytes)
    if where.min_level:
        found.add("level>=?", where.min_level)
    if where.after:
        found.add("seq>?", where.after)
    if where.text:
        found.add(f"message {dialect.like} ? ESCAPE '!'", contains(where.text))
    return found


def contains(text: str) -> str:
    """A LIKE pattern, with `!` as its escape: the text anywhere."""
    escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def id_range(prefix: str) -> tuple[bytes, bytes]:
    """The least and the greatest id that begin with these hexadecimal digits."""
    return UUID(prefix.ljust(32, "0")).bytes, UUID(prefix.ljust(32, "f")).bytes
