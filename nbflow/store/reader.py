"""Reading runs over a database connection, and the pool of such connections.

This module decides how a reading is kept consistent and which connection it uses. It must
not know how runs are written.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import UUID

from nbflow.exceptions import StoreError
from nbflow.models import Changes, FlowRun, TaskRun
from nbflow.states import FINAL_TYPES
from nbflow.store import queries, rows
from nbflow.store.dialects import Connection, Dialect, placeholders, rollback

_SHORTEST_PART: Final = 4
_HEXADECIMAL: Final = re.compile(rf"[0-9a-f]{{{_SHORTEST_PART},32}}")
_ID_DIGITS: Final = 32
_NAMES_COMPARED: Final = 1_000
_MATCHES_WANTED: Final = 6
_FINAL: Final = sorted(str(type_) for type_ in FINAL_TYPES)


class Reader:
    """Questions about runs, over one connection."""

    def __init__(self, dialect: Dialect, connection: Connection) -> None:
        self._dialect = dialect
        self.connection = connection

    def all(self, text: str, values: Sequence[Any] = ()) -> list[Sequence[Any]]:
        """All rows of a query."""
        found = self.connection.execute(self._dialect.sql(text), values)
        return found.fetchall()  # type: ignore[no-any-return]

    def value(self, text: str, values: Sequence[Any] = ()) -> Any:
        """The first value of the first row, or None."""
        lines = self.all(text, values)
        return lines[0][0] if lines else None

    def probe(self) -> Any:
        """A value that changes when somebody committed."""
        return self.value(self._dialect.probe)

    def flow_run(self, flow_run_id: UUID) -> FlowRun | None:
        """One flow run."""
        lines = self.all(f"{queries.SELECT_FLOW_RUNS} WHERE id=?", (flow_run_id.bytes,))
        return rows.flow_run_from(lines[0]) if lines else None

    def task_runs(self, flow_run_id: UUID) -> list[TaskRun]:
        """The task runs of a flow run, in order of creation."""
        text = f"{queries.SELECT_TASK_RUNS} WHERE flow_run_id=? ORDER BY seq"
        return [rows.task_run_from(line) for line in self.all(text, (flow_run_id.bytes,))]

    def flow_run_of(self, task_run_id: UUID) -> UUID | None:
        """The flow run that a task run belongs to."""
        found = self.value("SELECT flow_run_id FROM task_run WHERE id=?", (task_run_id.bytes,))
        return None if found is None else UUID(bytes=bytes(found))

    def family(self, flow_run_id: UUID) -> list[UUID]:
        """A flow run and all its subflows, itself first."""
        return [UUID(bytes=bytes(k)) for (k,) in self.all(queries.FAMILY, (flow_run_id.bytes,))]

    def owned_runs(self) -> list[tuple[UUID, str]]:
        """Unfinished flow runs that some process executes, with that owner."""
        text = (
            "SELECT id, owner FROM flow_run WHERE owner IS NOT NULL "
            f"AND state_type NOT IN ({placeholders(_FINAL)}) ORDER BY seq"
        )
        return [(UUID(bytes=bytes(key)), owner) for key, owner in self.all(text, _FINAL)]

    # ── what people mean ─────────────────────────────────────────────────────────────────
    def matches(self, reference: str) -> list[FlowRun]:
        """Flow runs that a reference may mean; the first way of reading it that fits counts."""
        if reference == "latest":
            return self._few("parent_id IS NULL", (), 1)
        digits = reference.replace("-", "").lower()
        if len(digits) == _ID_DIGITS and _HEXADECIMAL.fullmatch(digits):
            return self._few("id=?", (UUID(digits).bytes,))
        named = self._few("name=?", (reference,))
        if named or not _HEXADECIMAL.fullmatch(digits):
            return named
        started = self._few("id>=? AND id<=?", queries.id_range(digits))
        # The inner query reads nothing but the index of ids.
        ended = f"id IN (SELECT id FROM flow_run WHERE {self._dialect.hex_id} LIKE ?)"
        return started or self._few(ended, (f"%{digits}",))

    def _few(
        self, condition: str, values: Sequence[Any], limit: int = _MATCHES_WANTED
    ) -> list[FlowRun]:
        text = f"{queries.SELECT_FLOW_RUNS} WHERE {condition} {queries.NEWEST_FIRST}"
        return [rows.flow_run_from(line) for line in self.all(text, (*values, limit, 0))]

    def recent_names(self) -> list[str]:
        """The names of the newest runs."""
        text = "SELECT name FROM flow_run ORDER BY created DESC LIMIT ?"
        return [name for (name,) in self.all(text, (_NAMES_COMPARED,))]

    # ── what is new ──────────────────────────────────────────────────────────────────────
    def changes(self, flow_run_id: UUID, after: int, limit: int) -> tuple[Changes, FlowRun] | None:
        """What is new, and the flow run as it is; None when there is no such run."""
        self.connection.execute(self._dialect.begin_reading)  # one moment for all queries
        try:
            return self._changes(flow_run_id, after, limit)
        finally:
            rollback(self.connection)

    def _changes(self, flow_run_id: UUID, after: int, limit: int) -> tuple[Changes, FlowRun] | None:
        key = flow_run_id.bytes
        cursor = int(self.value("SELECT value FROM counter WHERE name='store'"))
        run_rows = self.all(f"{queries.SELECT_FLOW_RUNS} WHERE id=?", (key,))
        if not run_rows:
            return None
        task_rows = self.all(
            f"{queries.SELECT_TASK_RUNS} WHERE flow_run_id=? AND changed>? "
            "ORDER BY changed LIMIT ?",
            (key, after, limit),
        )
        log_rows = self.all(
            f"{queries.SELECT_LOGS} WHERE flow_run_id=? AND seq>? ORDER BY seq LIMIT ?",
            (key, after, limit),
        )
        # A full page ends the reading there: later rows of the other kinds wait for the next.
        for lines in (task_rows, log_rows):
            if len(lines) == limit:
                cursor = min(cursor, lines[-1][0])
        run = rows.flow_run_from(run_rows[0])
        changes = Changes(
            run if after < run_rows[0][0] <= cursor else None,
            tuple(rows.task_run_from(line) for line in task_rows if line[0] <= cursor),
            tuple(rows.log_from(line) for line in log_rows if line[0] <= cursor),
            cursor,
        )
        return changes, run


class ReaderPool:
    """Connections for reading, lent to one thread at a time."""

    def __init__(self, dialect: Dialect, settle: Callable[[], object]) -> None:
        """`settle` makes this process's own accepted writes visible."""
        self._dialect = dialect
        self._settle = settle
        self._idle: deque[tuple[object, Connection]] = deque()
        self._pid = os.getpid()
        self.closed = False

    @contextmanager
    def borrow(self) -> Iterator[Reader]:
        """A reader that sees every write accepted so far; explains the database's errors."""
        if self.closed:
            raise StoreError("The store is closed. Open it again: nbflow.store.open_store().")
        self._settle()
        try:
            identity, connection = self._take()
            healthy = True
            try:
                yield Reader(self._dialect, connection)
            except self._dialect.error:
                healthy = False
                raise
            finally:
                self._give_back(identity, connection, healthy)
        except self._dialect.error as error:
            raise self._dialect.explain(error) from error

    def _take(self) -> tuple[object, Connection]:
        if self._pid != os.getpid():
            # A forked child must not even close its parent's connections.
            _left_alone.append(self._idle)
            self._idle, self._pid = deque(), os.getpid()
        present = self._dialect.identity()
        with suppress(IndexError):
            while True:
                identity, connection = self._idle.pop()
                if identity == present:
                    return identity, connection
                connection.close()  # of a file that was deleted or replaced
        return present, self._dialect.connect_reader()

    def _give_back(self, identity: object, connection: Connection, healthy: bool) -> None:
        if healthy and not self.closed:
            self._idle.append((identity, connection))
        else:
            with suppress(self._dialect.error):
                connection.close()

    def close(self) -> None:
        """Close every connection that is not lent."""
        self.closed = True
        if self._pid != os.getpid():
            return
        while self._idle:
            self._idle.pop()[1].close()


#: A parent's idle connections, kept for ever.
_left_alone: list[Any] = []
