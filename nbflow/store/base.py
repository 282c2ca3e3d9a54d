"""The one interface behind which runs are remembered.

This module decides what a store offers. SQLite, PostgreSQL and the HTTP client all
implement it and pass the same contract tests. It must not know SQL, HTTP or the engine.

Writes are buffered: they return at once, keep their order, and are durable after `flush`.
An error while writing is raised by the next `flush`, once, and loses as few writes as can be.
Reads see every write this store object accepted before them. Writes about a run that was
deleted meanwhile are dropped without an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from nbflow.models import (
    Changes,
    FlowRun,
    FlowRunFilter,
    FlowRunOrder,
    LogFilter,
    LogRecord,
    ResultRef,
    RunKind,
    StateChange,
    TaskRun,
)

if TYPE_CHECKING:  # flows that are simply called need none of these
    from nbflow.store.orchestration import (
        ArtifactStore,
        DeploymentStore,
        DispatchStore,
        EventStore,
        LimitStore,
        UpkeepStore,
        VaultStore,
    )


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What `nbflow doctor` says about a store."""

    url: str
    dialect: str
    version: str
    schema_revision: str
    size_bytes: int | None
    flow_runs: int
    task_runs: int
    logs: int


class Store(Protocol):
    """Where runs, their states and their logs are kept. All methods are thread-safe."""

    # ── writes: buffered, ordered ────────────────────────────────────────────────────────
    def create_flow_run(self, run: FlowRun) -> None:
        """Remember a new flow run, its state being the first of its history."""

    def create_task_run(self, run: TaskRun) -> None:
        """Remember a new task run, its state being the first of its history."""

    def set_state(self, change: StateChange) -> None:
        """Append to a run's history and make it the run's present state.

        The first RUNNING state sets the run's start time, a final one its end time; leaving
        a final state (a retry) clears the end time. A final state lets go of the owner.
        """

    def set_output(self, flow_run_id: UUID, output: str) -> None:
        """Remember where the executed notebook is."""

    def add_dependencies(
        self,
        task_run_id: UUID,
        flow_run_id: UUID | None,
        dependencies: Sequence[tuple[UUID, str, bool]],
    ) -> None:
        """Add (upstream, name, certain) dependencies found after the run was created."""

    def rename_task_run(self, task_run_id: UUID, name: str) -> None:
        """Give a task run the name that its arguments make, once they are there."""

    def add_logs(self, records: Sequence[LogRecord]) -> None:
        """Remember log records; their sequence numbers are given by the store."""

    def delete_flow_run(self, flow_run_id: UUID) -> None:
        """Forget a flow run, its subflows, task runs, states and logs."""

    def flush(self, timeout: float | None = None) -> None:
        """Return when every earlier write is durable; raises `StoreError` if one failed."""

    def close(self) -> None:
        """Flush and release everything; calling it twice is fine."""

    # ── reads ────────────────────────────────────────────────────────────────────────────
    def flow_run(self, flow_run_id: UUID) -> FlowRun:
        """One flow run; raises `ObjectNotFound`."""

    def find_flow_run(self, reference: str) -> FlowRun:
        """The flow run a person means by an id, the start or end of one, a name, or `latest`.

        Raises `ObjectNotFound`, naming near matches, and when several runs match.
        """

    def flow_runs(
        self,
        where: FlowRunFilter | None = None,
        *,
        limit: int = 200,
        offset: int = 0,
        order: FlowRunOrder = FlowRunOrder.NEWEST,
    ) -> list[FlowRun]:
        """Flow runs in order, by default the newest first."""

    def count_flow_runs(self, where: FlowRunFilter | None = None) -> int:
        """How many flow runs match."""

    def task_run(self, task_run_id: UUID) -> TaskRun:
        """One task run; raises `ObjectNotFound`."""

    def task_runs(self, flow_run_id: UUID) -> list[TaskRun]:
        """The task runs of a flow run (not of its subflows), in order of creation."""

    def states(self, kind: RunKind, run_id: UUID) -> list[StateChange]:
        """A run's whole history, oldest first."""

    def logs(self, where: LogFilter, *, limit: int = 1000, newest: bool = False) -> list[LogRecord]:
        """Log records in order; with `newest`, the last `limit` of them (still in order)."""

    def changes(self, flow_run_id: UUID, *, after: int = 0, limit: int = 5000) -> Changes:
        """What is new in a flow run since the cursor `after` (0: everything).

        At most `limit` records of a kind; when there is more, the next call gives it. Raises
        `ObjectNotFound`.
        """

    def watch(
        self, flow_run_id: UUID, *, after: int = 0, timeout: float | None = None
    ) -> Iterator[Changes]:
        """Yield changes as they come, until the run has settled or `timeout` seconds passed.

        Works across processes. Yields at once when there is something, and never an empty
        `Changes`. Ends, too, when the run is deleted; raises `ObjectNotFound` if it never was.
        """

    # ── beside runs ──────────────────────────────────────────────────────────────────────
    @property
    def deployments(self) -> DeploymentStore:
        """Deployments with their versions, snapshots and schedules."""

    @property
    def dispatch(self) -> DispatchStore:
        """Runs that wait for workers, and queues, workers and backfills."""

    @property
    def limits(self) -> LimitStore:
        """Named concurrency limits."""

    @property
    def vault(self) -> VaultStore:
        """Variables and secrets."""

    @property
    def artifacts(self) -> ArtifactStore:
        """What runs left behind to look at."""

    @property
    def events(self) -> EventStore:
        """Everything that happened."""

    @property
    def upkeep(self) -> UpkeepStore:
        """Keeping the database small and safe."""

    # ── care ─────────────────────────────────────────────────────────────────────────────
    def close_abandoned(self, now: datetime) -> list[UUID]:
        """Mark runs whose owner process on this machine is gone as Crashed; return their ids.

        Their unfinished task runs are closed in the same transaction: started ones are
        Crashed, others NotRun. Idempotent.
        """

    def take_over(self, flow_run_id: UUID, owner: str, now: datetime) -> FlowRun:
        """Give an ended run to a process that resumes it, and return the run as it is then.

        Its state becomes Resuming, its attempt stays. Atomic: of two who try, one gets it.
        Raises `ObjectNotFound`, and `ResumeError` for a run that has completed, has not ended
        or never began.
        """

    def info(self) -> StoreInfo:
        """Version, size and counts."""


def why_not_resumable(run: FlowRun) -> str | None:
    """Why a run cannot be taken over to be resumed; None when it can."""
    if run.state.is_completed():
        return f"The run {run.name} has completed: nothing is left to resume. Run it anew instead."
    if run.state.is_final():
        return None
    if run.state.is_settled():
        return (
            f"The run {run.name} never began: {run.state.message or run.state.name}. Run it anew."
        )
    return (
        f"The run {run.name} has not ended: it is {run.state.name}, in the process "
        f"{run.owner or 'of nobody'}. Wait for it, or end it: nbflow cancel {str(run.id)[-8:]}"
    )


__all__ = ["ResultRef", "Store", "StoreInfo", "why_not_resumable"]
