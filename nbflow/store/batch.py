"""What one transaction writes, with the many small writes of its runs melted together.

This module decides how writes coalesce: a run created and moved three times within a batch
is one new row, in its latest state, plus its history. It must not know threads.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, Final
from uuid import UUID

from nbflow.models import FlowRun, LogRecord, RunKind, StateChange, TaskRun
from nbflow.store import rows
from nbflow.store.dialects import Connection, Dialect, Insert, Update, placeholders
from nbflow.store.rows import Row

#: One accepted write: a method of `Batch` and its argument.
Write = tuple[Callable[["Batch", Any], None], Any]

_NEW_FLOW_RUNS: Final = Insert("flow_run", rows.FLOW_RUN_COLUMNS)
_NEW_TASK_RUNS: Final = Insert("task_run", rows.TASK_RUN_COLUMNS)
_NEW_TAGS: Final = Insert("flow_run_tag", ("run_seq", "tag", "run_created"))
_NEW_STATES: Final = Insert("state", rows.HISTORY_COLUMNS)
_NEW_LOGS: Final = Insert("log", rows.LOG_COLUMNS)
_STATE_ASSIGNMENTS: Final = (
    *((column, "{v}") for column in rows.STATE_COLUMNS[:6]),
    ("attempt", "COALESCE({v}, attempt)"),
    (  # -1 is rows.START_ANEW
        "start_time",
        "NULLIF(COALESCE(CASE WHEN end_time IS NULL THEN start_time END, {v}, start_time), -1)",
    ),
    ("end_time", "{v}"),
    ("result", "COALESCE({v}, result)"),
)
_MOVED_TASK_RUNS: Final = Update("task_run", _STATE_ASSIGNMENTS)
_RELEASE: Final = ("owner", "CASE WHEN {v}=1 THEN NULL ELSE owner END")
_MOVED_FLOW_RUNS: Final = Update("flow_run", (*_STATE_ASSIGNMENTS, _RELEASE))
_OUTPUTS: Final = Update("flow_run", (("changed", "{v}"), ("output", "{v}")))
_NAMES: Final = Update("task_run", (("changed", "{v}"), ("name", "{v}")))
_DEPENDENCIES: Final = Update("task_run", (("changed", "{v}"), ("dependencies", "{v}")))

_IDS_AT_ONCE: Final = 500


class Batch:
    """Rows gathered from writes, numbered from 1 in the order of the writes.

    The numbers become final when the transaction has read the counter.
    """

    def __init__(self) -> None:
        self.count = 0
        self._base = 0
        self._flow_runs: dict[bytes, Row] = {}
        self._task_runs: dict[bytes, Row] = {}
        self._flow_updates: dict[bytes, Row] = {}
        self._task_updates: dict[bytes, Row] = {}
        self._outputs: dict[bytes, Row] = {}
        self._names: dict[bytes, Row] = {}
        self._dependencies: dict[bytes, tuple[int, list[tuple[UUID, str, bool]]]] = {}
        self._tags: list[Row] = []
        self._states: list[Row] = []
        self._logs: list[Row] = []

    # ── gathering: the methods that `Write` names ────────────────────────────────────────
    def create_flow_run(self, item: tuple[FlowRun, str]) -> None:
        """A new flow run and the JSON of its parameters."""
        run, parameters = item
        self.count = seq = self.count + 1
        identifier = run.id.bytes
        row = rows.flow_run_row(run, parameters, seq)
        if identifier in self._flow_runs:
            raise ValueError("it exists already")
        self._flow_runs[identifier] = row
        self._states.append(rows.first_state_row(row, identifier))
        created = row[rows.FLOW_CREATED]
        self._tags += ([seq, tag, created] for tag in sorted(run.tags))

    def create_task_run(self, run: TaskRun) -> None:
        """A new task run."""
        self.count = seq = self.count + 1
        identifier = run.id.bytes
        row = rows.task_run_row(run, seq)
        if identifier in self._task_runs:
            raise ValueError("it exists already")
        self._task_runs[identifier] = row
        self._states.append(rows.first_state_row(row, identifier))

    def set_state(self, change: StateChange) -> None:
        """A run's next state."""
        self.count = seq = self.count + 1
        identifier = change.run_id.bytes
        history = rows.state_row(change, identifier, seq)
        if change.kind is RunKind.TASK:
            row = self._task_runs.get(identifier)
            stored = row is None
            row = row or self._task_update(identifier)
            rows.advance(row, history, change.state.type, stored=stored)
        else:
            self._move_flow_run(identifier, history, change)
        self._states.append(history)

    def _task_update(self, identifier: bytes) -> Row:
        row = self._task_updates.get(identifier)
        if row is None:
            row = self._task_updates[identifier] = rows.pending_update()
        return row

    def _move_flow_run(self, identifier: bytes, history: Row, change: StateChange) -> None:
        released: int | None = None
        row = self._flow_runs.get(identifier)
        if row is None:
            released = 1
            row = self._flow_updates.get(identifier)
            if row is None:
                row = self._flow_updates[identifier] = [*rows.pending_update(), 0]
        if rows.advance(row, history, change.state.type, stored=released == 1):
            row[rows.OWNER] = released

    def set_output(self, item: tuple[UUID, str]) -> None:
        """Where a flow run's executed notebook is."""
        self.count = seq = self.count + 1
        identifier = item[0].bytes
        row = self._flow_runs.get(identifier)
        if row is None:
            self._outputs[identifier] = [seq, item[1]]
        else:
            row[0], row[rows.FLOW_OUTPUT] = seq, item[1]

    def rename_task_run(self, item: tuple[UUID, str]) -> None:
        """A task run's name, found late."""
        self.count = seq = self.count + 1
        identifier = item[0].bytes
        row = self._task_runs.get(identifier)
        if row is None:
            self._names[identifier] = [seq, item[1]]
        else:
            row[0], row[rows.TASK_NAME] = seq, item[1]

    def add_dependencies(self, item: tuple[UUID, Sequence[tuple[UUID, str, bool]]]) -> None:
        """Dependencies of a task run, found late."""
        self.count = seq = self.count + 1
        identifier, more = item[0].bytes, item[1]
        row = self._task_runs.get(identifier)
        if row is None:
            known = self._dependencies.get(identifier, (0, []))[1]
            self._dependencies[identifier] = (seq, [*known, *more])
        else:
            place = rows.TASK_DEPENDENCIES
            row[0], row[place] = seq, rows.merge_dependencies(row[place], more)

    def add_logs(self, records: Iterable[LogRecord]) -> None:
        """Log records, in order."""
        seq = self.count
        append, make = self._logs.append, rows.log_row
        for record in records:
            seq += 1
            append(make(record, seq))
        self.count = seq

    # ── writing ──────────────────────────────────────────────────────────────────────────
    def write(self, dialect: Dialect, connection: Connection, *, clean: bool = False) -> None:
        """Write everything inside the caller's transaction; may be repeated after a rollback.

        With `clean`, text that the database cannot hold is replaced first.
        """
        take = "SELECT value FROM counter WHERE name='store'"
        self._renumber(connection.execute(take).fetchone()[0])

        def put(what: Insert | Update, lines: list[Row]) -> int:
            lines = [dialect.clean(line) for line in lines] if clean else lines
            return dialect.write(connection, what, lines) if lines else 0

        put(_NEW_FLOW_RUNS, list(self._flow_runs.values()))
        put(_NEW_TAGS, self._tags)
        put(_NEW_TASK_RUNS, list(self._task_runs.values()))
        gone: set[bytes] = set()
        for what, updates in (
            (_MOVED_FLOW_RUNS, self._flow_updates),
            (_MOVED_TASK_RUNS, self._task_updates),
        ):
            if put(what, [[*row, key] for key, row in updates.items()]) < len(updates):
                gone |= updates.keys() - _existing(dialect, connection, what.table, updates)
        put(_OUTPUTS, [[*row, key] for key, row in self._outputs.items()])
        put(_NAMES, [[*row, key] for key, row in self._names.items()])
        put(_DEPENDENCIES, self._merged_dependencies(dialect, connection))
        # A run that was deleted meanwhile gets no new history.
        put(_NEW_STATES, [s for s in self._states if s[1] not in gone] if gone else self._states)
        put(_NEW_LOGS, self._logs)
        advance = dialect.sql("UPDATE counter SET value=value+? WHERE name='store'")
        connection.execute(advance, (self.count,))

    def _renumber(self, base: int) -> None:
        shift = base - self._base
        self._base = base
        for row in self._flow_runs.values():
            row[rows.FLOW_SEQ] += shift
        for row in self._task_runs.values():
            row[rows.TASK_SEQ] += shift
        numbered = chain(
            self._flow_runs.values(),
            self._task_runs.values(),
            self._flow_updates.values(),
            self._task_updates.values(),
            self._outputs.values(),
            self._names.values(),
            self._tags,
            self._states,
            self._logs,
        )
        for row in numbered:
            row[0] += shift

    def _merged_dependencies(self, dialect: Dialect, connection: Connection) -> list[Row]:
        merged: list[Row] = []
        select = dialect.sql("SELECT dependencies FROM task_run WHERE id=?")
        for identifier, (seq, more) in self._dependencies.items():
            found = connection.execute(select, (identifier,)).fetchone()
            if found is not None:
                text = rows.merge_dependencies(found[0], more)
                merged.append([seq + self._base, text, identifier])
        return merged


def _existing(
    dialect: Dialect, connection: Connection, table: str, identifiers: Iterable[bytes]
) -> set[bytes]:
    keys = list(identifiers)
    found: set[bytes] = set()
    for start in range(0, len(keys), _IDS_AT_ONCE):
        part = keys[start : start + _IDS_AT_ONCE]
        text = f"SELECT id FROM {table} WHERE id IN ({placeholders(part)})"
        found.update(bytes(key) for (key,) in connection.execute(dialect.sql(text), part))
    return found
