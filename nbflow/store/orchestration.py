"""The interfaces behind which deployments, queues and everything around them are kept.

This module decides what a store offers beside runs. Each noun has an interface of its own,
reached from the store: `store.deployments`, `store.dispatch`, … SQLite, PostgreSQL and the
HTTP client all implement them and pass the same contract tests. It must not know SQL or HTTP.

Unlike the writes of runs these methods take effect before they return. All are thread-safe.
Where a method takes `now`, None stands for the store's own clock, which all machines share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from nbflow.models import FlowRun
from nbflow.models.deployments import (
    Artifact,
    Backfill,
    Claim,
    ConcurrencyLimit,
    Deployment,
    DeploymentSchedule,
    DeploymentSpec,
    DeploymentVersion,
    Event,
    Fence,
    Heartbeat,
    QueuedRun,
    RunInput,
    Secret,
    Variable,
    Worker,
    WorkQueue,
)
from nbflow.states import State


class DeploymentStore(Protocol):
    """Deployments with their versions, snapshots and schedules."""

    def save(
        self,
        flow_name: str,
        name: str,
        spec: DeploymentSpec,
        *,
        schedules: Sequence[DeploymentSchedule] = (),
        content_hash: str,
        snapshot: bytes | None = None,
        author: str | None = None,
        paused: bool | None = None,
        now: datetime | None = None,
    ) -> Deployment:
        """Make a deployment, or bring one up to date; the same twice changes nothing.

        A new version is made when the spec, the content or the snapshot differs from those in
        use. Schedules are matched by slug: an unchanged one keeps its next run, one that is
        not named any more goes, with its waiting run. `paused` None leaves it as it is.
        """

    def get(self, deployment_id: UUID) -> Deployment:
        """One deployment; raises `ObjectNotFound`."""

    def find(self, reference: str) -> Deployment:
        """The deployment meant by `flow/name`, a name that only one has, an id or its start.

        Raises `ObjectNotFound`, naming near matches, and when several match.
        """

    def search(
        self,
        *,
        flow_name: str | None = None,
        tag: str | None = None,
        queue: str | None = None,
        text: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> list[Deployment]:
        """Deployments by name."""

    def count(self) -> int:
        """How many there are."""

    def set_paused(self, deployment_id: UUID, paused: bool) -> Deployment:
        """Let its schedules rest, or go on from now; waiting scheduled runs go or come."""

    def set_schedule(self, deployment_id: UUID, schedule: DeploymentSchedule) -> Deployment:
        """Add a schedule, or replace the one of that slug (also to pause or go on with it)."""

    def remove_schedule(self, deployment_id: UUID, slug: str) -> Deployment:
        """Remove a schedule and its waiting run; raises `ObjectNotFound`."""

    def delete(self, deployment_id: UUID) -> None:
        """Forget a deployment with its waiting runs; runs that began are kept."""

    def versions(self, deployment_id: UUID) -> list[DeploymentVersion]:
        """All versions, newest first."""

    def version(self, deployment_id: UUID, number: int) -> DeploymentVersion:
        """One version; raises `ObjectNotFound`, naming those there are."""

    def use_version(self, deployment_id: UUID, number: int) -> Deployment:
        """Go back, or forward, to a version: later runs take it."""

    def snapshot(self, hash_: str) -> bytes:
        """The zip archive of a version's source; raises `ObjectNotFound`."""

    def upcoming(
        self, start: datetime, end: datetime, *, deployment_id: UUID | None = None, limit: int = 500
    ) -> list[tuple[UUID, str, datetime]]:
        """(deployment, schedule slug, instant) of what active schedules will fire, in order."""


class DispatchStore(Protocol):
    """Runs that wait for workers, and the leases under which workers hold them.

    Promise: a run is held by one worker at a time, and only its holder's newest claim writes.
    """

    def submit(self, run: FlowRun, queued: QueuedRun) -> FlowRun:
        """Let a new run wait in its queue (made when missing), and return it.

        `run.state` is SCHEDULED. When a run with the same `idempotency_key` is there already,
        or one of the same deployment, schedule and nominal time, that one is returned.
        """

    def queued(self, run_id: UUID) -> QueuedRun | None:
        """How a run comes to a worker; None for a run that was simply called."""

    def claim(
        self, worker_id: UUID, queues: Sequence[str], limit: int = 1, *, now: datetime | None = None
    ) -> list[Claim]:
        """Take up to `limit` due runs for a worker: by queue priority, priority, due time.

        Fires schedules that are due and closes expired leases first. Paused queues and limits
        of queue, deployment and backfill are kept; collisions are settled. A claimed run is
        PENDING under a lease. An empty `queues` means all of them.
        """

    def start(self, fence: Fence, owner: str) -> FlowRun:
        """Take over a claimed run in the process that executes it; raises `LeaseLost`.

        The run's owner is that process; a retry of an ended run starts its next attempt.
        """

    def heartbeat(
        self, worker_id: UUID, held: Sequence[Fence], *, now: datetime | None = None
    ) -> Heartbeat:
        """Say that the worker lives and prolong its leases; learn what was lost or cancelled."""

    def finish(self, fence: Fence, state: State[Any] | None = None) -> FlowRun | None:
        """Let go of a run whose process has ended; None when the lease was lost.

        A run that has not settled gets `state` (default: Crashed), its unfinished task runs
        with it; while crash retries are left, a Crashed one waits again instead. One that is
        being cancelled ends as Cancelled. A suspended one rests.
        """

    def hand_back(self, fence: Fence, message: str) -> FlowRun | None:
        """Let a claimed run wait for another worker, at once; None when the lease was lost."""

    def cancel(self, run_id: UUID) -> FlowRun:
        """Ask for a run's end: one that waits or rests is Cancelled, a held one Cancelling.

        Raises `UsageError` for a run that has ended, or that no worker executes.
        """

    def retry(self, run_id: UUID, *, due: datetime | None = None, resume: bool = False) -> FlowRun:
        """Let an ended run of a deployment wait for its next attempt.

        With `resume` it goes on from where it failed, else it starts anew. A suspended run can
        only be resumed. Raises `ResumeError` where that cannot be.
        """

    def postpone(self, run_id: UUID, due: datetime) -> FlowRun:
        """Move a waiting run to another time."""

    def tick(self, *, now: datetime | None = None) -> datetime | None:
        """Do what the time demands, and return when to look again.

        Due schedules fire, expired leases are closed, runs that nobody took in time are Late,
        suspended ones whose question has a time limit that is over are TimedOut.

        Idempotent and safe from any number of processes: each schedule keeps one run waiting,
        made in the transaction that advances it.
        """

    def next_due(self, queues: Sequence[str] = ()) -> datetime | None:
        """When the next waiting run of these queues is due; a past time when one is."""

    # ── queues ───────────────────────────────────────────────────────────────────────────
    def queues(self) -> list[WorkQueue]:
        """All queues with their present loads, by priority and name."""

    def queue(self, name: str) -> WorkQueue:
        """One queue; raises `ObjectNotFound`, naming near matches."""

    def save_queue(self, queue: WorkQueue) -> WorkQueue:
        """Make a queue, or change its priority, limit, pause or description."""

    def delete_queue(self, name: str) -> None:
        """Forget a queue; raises `UsageError` while runs wait in it or deployments use it."""

    # ── workers ──────────────────────────────────────────────────────────────────────────
    def register(self, worker: Worker) -> Worker:
        """Make a worker known; raises `ObjectAlreadyExists` for the name of one that lives."""

    def sign_off(self, worker_id: UUID) -> None:
        """The worker ends in an orderly way."""

    def workers(self, *, alive: bool = True) -> list[Worker]:
        """Workers, newest first; with `alive` only those whose last heartbeat is fresh."""

    # ── backfills ────────────────────────────────────────────────────────────────────────
    def submit_backfill(
        self, backfill: Backfill, runs: Sequence[tuple[FlowRun, QueuedRun]]
    ) -> Backfill:
        """Remember a backfill and let all its runs wait, in one transaction."""

    def backfill(self, backfill_id: UUID) -> Backfill:
        """One backfill with its counts; raises `ObjectNotFound`."""

    def backfills(self, *, deployment_id: UUID | None = None, limit: int = 100) -> list[Backfill]:
        """Backfills, newest first."""

    def cancel_backfill(self, backfill_id: UUID) -> Backfill:
        """Cancel its waiting runs at once and ask for the end of its running ones."""

    # ── pausing ──────────────────────────────────────────────────────────────────────────
    def ask(self, request: RunInput) -> RunInput:
        """Remember what a run waits for; the same key again returns what is there."""

    def inputs(self, run_id: UUID) -> list[RunInput]:
        """What a run has asked for, oldest first."""

    def answer(
        self, run_id: UUID, answer: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> FlowRun:
        """Answer a paused run (default: what it asked last), so that it goes on.

        A suspended run waits for a worker again. Raises `ParameterError` for an answer that
        does not fit the schema, `UsageError` when the run waits for nothing.
        """


class LimitStore(Protocol):
    """Named concurrency limits and the slots held of them."""

    def limits(self) -> list[ConcurrencyLimit]:
        """All limits by name, with what is taken."""

    def limit(self, name: str) -> ConcurrencyLimit:
        """One limit; raises `ObjectNotFound`, naming near matches."""

    def save(self, limit: ConcurrencyLimit) -> ConcurrencyLimit:
        """Make a limit, or change it."""

    def delete(self, name: str) -> None:
        """Forget a limit; raises `ObjectNotFound`."""

    def acquire(
        self,
        names: Sequence[str],
        occupy: int,
        holder: str,
        *,
        lease_seconds: float = 60.0,
        now: datetime | None = None,
    ) -> UUID | None:
        """Take slots of all the limits at once, or of none: None means: try again later.

        Names without a limit, and inactive limits, let everybody through. Slots are leases.
        With a decaying limit the slots become free by themselves. Raises `UsageError` when
        `occupy` is more than the limit will ever give.
        """

    def renew(self, slot: UUID, *, lease_seconds: float = 60.0) -> bool:
        """Prolong a lease; False when it was lost."""

    def release(self, slot: UUID) -> None:
        """Give the slots back; once more is fine."""


class VaultStore(Protocol):
    """Variables and secrets."""

    def variables(self) -> list[Variable]:
        """All variables by name."""

    def variable(self, name: str) -> Variable:
        """One variable; raises `ObjectNotFound`, naming near matches."""

    def set_variable(self, name: str, value: Any) -> Variable:
        """Set a variable to a JSON value."""

    def delete_variable(self, name: str) -> None:
        """Forget a variable; raises `ObjectNotFound`."""

    def secrets(self) -> list[Secret]:
        """The names of all secrets."""

    def secret_value(self, name: str) -> str:
        """A secret in clear; raises `ObjectNotFound`."""

    def set_secret(self, name: str, value: str) -> Secret:
        """Keep a secret, encrypted."""

    def delete_secret(self, name: str) -> None:
        """Forget a secret; raises `ObjectNotFound`."""


class ArtifactStore(Protocol):
    """What runs left behind to look at."""

    def add(self, artifact: Artifact) -> Artifact:
        """Keep an artifact."""

    def get(self, artifact_id: UUID) -> Artifact:
        """One artifact; raises `ObjectNotFound`."""

    def search(
        self,
        *,
        flow_run_id: UUID | None = None,
        task_run_id: UUID | None = None,
        key: str | None = None,
        kind: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> list[Artifact]:
        """Artifacts, newest first."""

    def delete(self, artifact_id: UUID) -> None:
        """Forget an artifact; raises `ObjectNotFound`."""


class EventStore(Protocol):
    """Everything that happened, in one order."""

    def since(
        self, after: int, *, limit: int = 500, flow_run_id: UUID | None = None
    ) -> tuple[list[Event], int]:
        """Events after a sequence number, and the number to go on from.

        States of runs are events, too. With `flow_run_id` only those of that run, its task
        runs and its subflows.
        """

    def latest(self) -> int:
        """The sequence number of what happened last."""

    def wait(self, after: int, timeout: float) -> int:
        """Return as soon as the latest number is greater, or when the time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What a cleaning took away."""

    flow_runs: int = 0
    events: int = 0
    snapshots: int = 0
    #: Folders and files of results and executed notebooks that belong to no run any more.
    files: tuple[str, ...] = ()
    bytes_before: int | None = None
    bytes_after: int | None = None


class UpkeepStore(Protocol):
    """Keeping the database small and safe."""

    def prune(self, *, now: datetime | None = None, dry_run: bool = False) -> Removed:
        """Forget ended runs beyond what each deployment keeps, with all that belongs to them.

        The newest ended run of each deployment, and the newest completed one, always stay.
        """

    def vacuum(self) -> Removed:
        """Give free space back to the disk."""

    def backup(self, target: str) -> int:
        """Write a consistent copy to a file that is not there yet; its size in bytes."""

    def largest(self) -> list[tuple[str, int, int | None]]:
        """(table, rows, bytes) by size."""


__all__ = [
    "ArtifactStore",
    "DeploymentStore",
    "DispatchStore",
    "EventStore",
    "LimitStore",
    "Removed",
    "UpkeepStore",
    "VaultStore",
]
