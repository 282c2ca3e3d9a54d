"""The store in a database: SQLite or PostgreSQL.

This module decides how the store's methods become reads and accepted writes. It must not
know what differs between database systems (`dialects.py`), nor how writes are grouped
(`writer.py`, `batch.py`).
"""

from __future__ import annotations

import difflib
import importlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbflow import owner as owners
from nbflow.exceptions import ObjectNotFound, ResumeError
from nbflow.models import (
    Changes,
    FlowRun,
    FlowRunFilter,
    FlowRunOrder,
    LogFilter,
    LogRecord,
    RunKind,
    StateChange,
    TaskRun,
)
from nbflow.states import Crashed, Resuming
from nbflow.store import ddl, moves, queries, rows
from nbflow.store.base import StoreInfo, why_not_resumable
from nbflow.store.batch import Batch
from nbflow.store.database import Database
from nbflow.store.dialects import Connection, dialect_for
from nbflow.store.reader import Reader, ReaderPool
from nbflow.store.writer import Writer

if TYPE_CHECKING:  # most processes never ask for these
    from nbflow.models.deployments import Fence
    from nbflow.store.inbox import Inbox
    from nbflow.store.orchestration import (
        ArtifactStore,
        DeploymentStore,
        DispatchStore,
        EventStore,
        LimitStore,
        UpkeepStore,
        VaultStore,
    )

_MATCHES_NAMED: Final = 5
#: Rows of a kind in one `Changes`.
_PAGE: Final = 5_000
#: Seconds between looks at a database that another process may write to.
_FIRST_LOOK_SECONDS: Final = 0.005
_LAST_LOOK_SECONDS: Final = 0.1


class SQLStore:
    """Runs, states and logs in a database; see `Store` for what each method promises."""

    def __init__(self, url: str) -> None:
        """Open the database at an SQLAlchemy-style URL, making or upgrading it if need be.

        Raises `StoreError`, `StoreCorrupt`, `StoreTooNew`, or `ConfigurationError` for a URL
        of an unknown kind.
        """
        self.url = url
        self._dialect = dialect_for(url)
        self._writer = Writer(self._dialect)
        self._writer.open()
        self._readers = ReaderPool(self._dialect, self._writer.settle)
        self._database = Database(self._dialect, self._writer, self._readers)

    # ── beside runs: loaded when first asked for ────────────────────────────────────────

    @cached_property
    def deployments(self) -> DeploymentStore:
        """Deployments with their versions, snapshots and schedules."""
        return _component("deployments:SQLDeployments", self._database)  # type: ignore[no-any-return]

    @cached_property
    def dispatch(self) -> DispatchStore:
        """Runs that wait for workers, and queues, workers and backfills."""
        return _component("dispatch:SQLDispatch", self._database)  # type: ignore[no-any-return]

    @cached_property
    def limits(self) -> LimitStore:
        """Named concurrency limits."""
        return _component("limits:SQLLimits", self._database)  # type: ignore[no-any-return]

    @cached_property
    def vault(self) -> VaultStore:
        """Variables and secrets."""
        return _component("vault:SQLVault", self._database)  # type: ignore[no-any-return]

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """What runs left behind to look at."""
        return _component("artifacts:SQLArtifacts", self._database)  # type: ignore[no-any-return]

    @cached_property
    def events(self) -> EventStore:
        """Everything that happened."""
        return _component("events:SQLEvents", self._database)  # type: ignore[no-any-return]

    @cached_property
    def upkeep(self) -> UpkeepStore:
        """Keeping the database small and safe."""
        return _component("upkeep:SQLUpkeep", self._database)  # type: ignore[no-any-return]

    @cached_property
    def inbox(self) -> Inbox:
        """Takes the writes that other processes send."""
        return _component("inbox:Inbox", self._database)  # type: ignore[no-any-return]

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._readers.closed

    # ── writes ───────────────────────────────────────────────────────────────────────────
    def create_flow_run(self, run: FlowRun) -> None:
        """Remember a new flow run, its state being the first of its history."""
        # As text now: the caller may change a nested list before the writer comes to it.
        self._writer.put((Batch.create_flow_run, (run, rows.to_json(run.parameters))))

    def create_task_run(self, run: TaskRun) -> None:
        """Remember a new task run, its state being the first of its history."""
        self._writer.put((Batch.create_task_run, run))

    def set_state(self, change: StateChange) -> None:
        """Append to a run's history and make it the run's present state."""
        self._writer.put((Batch.set_state, change))

    def set_output(self, flow_run_id: UUID, output: str) -> None:
        """Remember where the executed notebook is."""
        self._writer.put((Batch.set_output, (flow_run_id, output)))

    def rename_task_run(self, task_run_id: UUID, name: str) -> None:
        """Give a task run the name that its arguments make, once they are there."""
        self._writer.put((Batch.rename_task_run, (task_run_id, name)))

    def add_dependencies(
        self,
        task_run_id: UUID,
        flow_run_id: UUID | None,
        dependencies: Sequence[tuple[UUID, str, bool]],
    ) -> None:
        """Add (upstream, name, certain) dependencies found after the run was created."""
        del flow_run_id  # the run's row knows it
        if dependencies:
            self._writer.put((Batch.add_dependencies, (task_run_id, tuple(dependencies))))

    def add_logs(self, records: Sequence[LogRecord]) -> None:
        """Remember log records, in order."""
        if records:
            self._writer.put((Batch.add_logs, tuple(records)))

    def delete_flow_run(self, flow_run_id: UUID) -> None:
        """Forget a flow run, its subflows, task runs, states and logs."""
        self._writer.perform_later(lambda connection: self._delete(connection, flow_run_id))

    def flush(self, timeout: float | None = None) -> None:
        """Return when every earlier write is durable; raises `StoreError` if one failed."""
        self._writer.flush(timeout)

    def write_under(self, fence: Fence | None) -> None:
        """Let all further writes of runs carry a claim; they end when it is lost."""
        self._writer.fence = fence

    def close(self) -> None:
        """Flush and release everything; calling it twice is fine."""
        self._readers.close()
        self._writer.close()

    def _delete(self, connection: Connection, flow_run_id: UUID) -> None:
        moves.forget(
            self._dialect, connection, Reader(self._dialect, connection).family(flow_run_id)
        )
        connection.execute("UPDATE counter SET value=value+1 WHERE name='store'")  # for watchers

    # ── reads ────────────────────────────────────────────────────────────────────────────
    def flow_run(self, flow_run_id: UUID) -> FlowRun:
        """One flow run; raises `ObjectNotFound`."""
        with self._readers.borrow() as reader:
            found = reader.flow_run(flow_run_id)
        if found is None:
            raise _no_run("flow run", flow_run_id)
        return found

    def find_flow_run(self, reference: str) -> FlowRun:
        """The flow run a person means by an id, the start or end of one, a name, or `latest`."""
        reference = reference.strip()
        with self._readers.borrow() as reader:
            found = reader.matches(reference)
            if len(found) == 1:
                return found[0]
            if found:
                raise _ambiguous(reference, found)
            raise _no_match(reference, reader.recent_names())

    def flow_runs(
        self,
        where: FlowRunFilter | None = None,
        *,
        limit: int = 200,
        offset: int = 0,
        order: FlowRunOrder = FlowRunOrder.NEWEST,
    ) -> list[FlowRun]:
        """Flow runs in order, by default the newest first."""
        text, values = queries.list_flow_runs(self._dialect, where or FlowRunFilter(), order)
        with self._readers.borrow() as reader:
            lines = reader.all(text, (*values, limit, offset))
        return [rows.flow_run_from(line) for line in lines]

    def count_flow_runs(self, where: FlowRunFilter | None = None) -> int:
        """How many flow runs match."""
        text, values = queries.count_flow_runs(self._dialect, where or FlowRunFilter())
        with self._readers.borrow() as reader:
            return int(reader.value(text, values))

    def task_run(self, task_run_id: UUID) -> TaskRun:
        """One task run; raises `ObjectNotFound`."""
        with self._readers.borrow() as reader:
            lines = reader.all(f"{queries.SELECT_TASK_RUNS} WHERE id=?", (task_run_id.bytes,))
        if not lines:
            raise _no_run("task run", task_run_id)
        return rows.task_run_from(lines[0])

    def task_runs(self, flow_run_id: UUID) -> list[TaskRun]:
        """The task runs of a flow run (not of its subflows), in order of creation."""
        with self._readers.borrow() as reader:
            return reader.task_runs(flow_run_id)

    def states(self, kind: RunKind, run_id: UUID) -> list[StateChange]:
        """A run's whole history, oldest first."""
        with self._readers.borrow() as reader:
            lines = reader.all(
                f"{queries.SELECT_STATES} WHERE run_id=? ORDER BY seq", (run_id.bytes,)
            )
            flow_run_id = run_id if kind is RunKind.FLOW else reader.flow_run_of(run_id)
        return [rows.state_change_from(line, kind, flow_run_id) for line in lines]

    def logs(self, where: LogFilter, *, limit: int = 1000, newest: bool = False) -> list[LogRecord]:
        """Log records in order; with `newest`, the last `limit` of them (still in order)."""
        found = queries.log_conditions(self._dialect, where)
        direction = "DESC" if newest else "ASC"
        text = f"{queries.SELECT_LOGS} {found.where()} ORDER BY seq {direction} LIMIT ?"
        with self._readers.borrow() as reader:
            lines = reader.all(text, (*found.values, limit))
        return [rows.log_from(line) for line in (reversed(lines) if newest else lines)]

    def changes(self, flow_run_id: UUID, *, after: int = 0, limit: int = 5000) -> Changes:
        """What is new in a flow run since the cursor `after` (0: everything)."""
        with self._readers.borrow() as reader:
            found = reader.changes(flow_run_id, after, max(1, limit))
        if found is None:
            raise _no_run("flow run", flow_run_id)
        return found[0]

    def watch(
        self, flow_run_id: UUID, *, after: int = 0, timeout: float | None = None
    ) -> Iterator[Changes]:
        """Yield changes as they come, until the run has settled or `timeout` seconds passed."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self.flow_run(flow_run_id)  # an unknown run is an error, one deleted later an end
        with self._readers.borrow() as reader:
            yield from self._follow(reader, flow_run_id, after, deadline)

    def _follow(
        self, reader: Reader, flow_run_id: UUID, after: int, deadline: float
    ) -> Iterator[Changes]:
        pause = _FIRST_LOOK_SECONDS
        while True:
            seen = reader.probe()
            found = reader.changes(flow_run_id, after, _PAGE)
            if found is None:
                return
            changes, run = found
            after = changes.cursor
            if changes.flow_run or changes.task_runs or changes.logs:
                yield changes
                pause = _FIRST_LOOK_SECONDS
                continue
            if run.state.is_settled():
                return
            while seen == reader.probe():
                if time.monotonic() >= deadline:
                    return
                self._writer.wait_for_commit(min(pause, deadline - time.monotonic()))
                pause = min(2 * pause, _LAST_LOOK_SECONDS)

    # ── care ─────────────────────────────────────────────────────────────────────────────
    def close_abandoned(self, now: datetime) -> list[UUID]:
        """Mark runs whose owner process on this machine is gone as Crashed; return their ids."""
        with self._readers.borrow() as reader:
            names = {owner for _, owner in reader.owned_runs()}
        gone = {name for name in names if owners.is_alive(name) is False}
        if not gone:  # as mostly: take no lock for that
            return []
        return self._writer.perform(lambda connection: self._close_all(connection, gone, now))

    def _close_all(self, connection: Connection, gone: set[str], now: datetime) -> list[UUID]:
        reader = Reader(self._dialect, connection)
        batch = Batch()
        closed: dict[UUID, None] = {}
        for top, owner in reader.owned_runs():
            for member in reader.family(top) if owner in gone else ():
                run = reader.flow_run(member)
                # A subflow may live in a process of its own.
                if run is None or member in closed or run.owner not in {None, *gone}:
                    continue
                if member != top and moves.is_elsewhere(reader, member):
                    continue
                if not run.state.is_settled():
                    closed[member] = None
                    crashed = Crashed(
                        message=f"The process that executed this run ({owner}) is gone."
                    )
                    moves.end(batch, run, reader.task_runs(member), crashed, now)
        batch.write(self._dialect, connection)
        return list(closed)

    def take_over(self, flow_run_id: UUID, owner: str, now: datetime) -> FlowRun:
        """Give an ended run to a process that resumes it, and return the run as it is then."""
        found, taken = self._writer.perform(
            lambda connection: self._take_over(connection, flow_run_id, owner, now)
        )
        if found is None:
            raise _no_run("flow run", flow_run_id)
        if not taken:
            raise ResumeError(why_not_resumable(found))
        return found

    def _take_over(
        self, connection: Connection, flow_run_id: UUID, owner: str, now: datetime
    ) -> tuple[FlowRun | None, bool]:
        """The run, and whether it could be taken; nobody else writes meanwhile."""
        run = Reader(self._dialect, connection).flow_run(flow_run_id)
        if run is None or why_not_resumable(run):
            return run, False
        state = replace(Resuming(), timestamp=now)
        batch = Batch()
        batch.set_state(StateChange(RunKind.FLOW, run.id, state, run.attempt))
        batch.write(self._dialect, connection)
        give = self._dialect.sql("UPDATE flow_run SET owner=? WHERE id=?")
        connection.execute(give, (owner, run.id.bytes))
        return replace(run, state=state, owner=owner, start_time=None, end_time=None), True

    def info(self) -> StoreInfo:
        """Version, size and counts."""
        with self._readers.borrow() as reader:
            return StoreInfo(
                url=self.url,
                dialect=self._dialect.name,
                version=self._dialect.version(reader.connection),
                schema_revision=ddl.REVISION,
                size_bytes=self._dialect.size(reader.connection),
                flow_runs=int(reader.value("SELECT count(*) FROM flow_run")),
                task_runs=int(reader.value("SELECT count(*) FROM task_run")),
                logs=int(reader.value("SELECT count(*) FROM log")),
            )


def _component(place: str, database: Database) -> Any:
    """One of the classes beside this one; runs alone need none of them."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"nbflow.store.{module}"), name)(database)


def _no_run(kind: str, identifier: UUID) -> ObjectNotFound:
    return ObjectNotFound(
        f"There is no {kind} {identifier} in this run database. "
        "`nbflow runs ls` shows those that are."
    )


def _ambiguous(reference: str, found: list[FlowRun]) -> ObjectNotFound:
    shown = ", ".join(f"{run.name} ({run.id})" for run in found[:_MATCHES_NAMED])
    more = ", …" if len(found) > _MATCHES_NAMED else ""
    return ObjectNotFound(f"{reference!r} fits several runs: {shown}{more}. Give a whole id.")


def _no_match(reference: str, names: list[str]) -> ObjectNotFound:
    if reference == "latest":
        return ObjectNotFound("There is no run yet. Run a flow first.")
    near = list(dict.fromkeys(difflib.get_close_matches(reference, names, n=3)))
    hint = f"Did you mean {' or '.join(near)}?" if near else "`nbflow runs ls` shows all runs."
    return ObjectNotFound(f"No run has the id or name {reference!r}. {hint}")
