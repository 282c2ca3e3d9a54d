"""Who holds a run: claims, leases, and what becomes of runs whose holder is gone.

This module decides which due run a worker gets, and how a run is let go of. A claim takes a
lease and a token that is greater than every earlier one of the run. Slots are counted from
leases. Everything here happens inside one transaction that no other writer can overtake.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from nbflow.models import FlowRun
from nbflow.models.deployments import Claim, Collision, Deployment, DeploymentVersion, QueuedRun
from nbflow.settings import get_settings
from nbflow.states import (
    AwaitingRetry,
    AwaitingSlot,
    Cancelled,
    Cancelling,
    Crashed,
    Late,
    Pending,
    Scheduled,
    Skipped,
    State,
    StateType,
)
from nbflow.store import deployment_rows as rows
from nbflow.store import moves, scheduling
from nbflow.store.database import Transaction
from nbflow.store.dialects import placeholders
from nbflow.store.rows import from_micros, to_micros

#: Seconds after its time from which a run that waits is Late.
LATE_SECONDS: Final = 15
_PAGE: Final = 200
_MOST_MARKED: Final = 500
_MICROS: Final = 1_000_000

_DUE: Final = (
    "SELECT {columns} FROM queued_run q LEFT JOIN work_queue w ON w.name=q.queue "
    "WHERE q.due<=? AND COALESCE(w.paused,0)=0 {queues} "
    "ORDER BY COALESCE(w.priority,100), q.priority, q.due, q.run_id LIMIT ? OFFSET ?"
)
_COLUMNS: Final = ",".join(f"q.{name}" for name in rows.QUEUED_COLUMNS.split(","))
_RELEASE: Final = "UPDATE queued_run SET worker_id=NULL, lease_until=NULL WHERE run_id=?"


# ── claiming ─────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Slots:
    """What is taken of every limit, and what the limits are; grows with each claim."""

    tx: Transaction
    queues: Counter[str] = field(default_factory=Counter)
    deployments: Counter[UUID] = field(default_factory=Counter)
    backfills: Counter[UUID] = field(default_factory=Counter)
    _known: dict[UUID, Deployment | None] = field(default_factory=dict)
    _queue_limits: dict[str, int | None] = field(default_factory=dict)
    _backfill_limits: dict[UUID, int | None] = field(default_factory=dict)

    def count(self) -> None:
        """Count the leases there are."""
        text = (
            "SELECT queue, deployment_id, backfill_id FROM queued_run WHERE lease_until IS NOT NULL"
        )
        for queue, deployment, backfill in self.tx.all(text):
            self.take(queue, rows.identifier(deployment), rows.identifier(backfill))
        limits = "SELECT name, concurrency_limit FROM work_queue"
        self._queue_limits = {row[0]: row[1] for row in self.tx.all(limits)}

    def take(self, queue: str, deployment: UUID | None, backfill: UUID | None) -> None:
        """Count one more lease."""
        self.queues[queue] += 1
        if deployment is not None:
            self.deployments[deployment] += 1
        if backfill is not None:
            self.backfills[backfill] += 1

    def deployment(self, key: UUID | None) -> Deployment | None:
        """The deployment, read once; None when it was deleted meanwhile."""
        if key is None:
            return None
        if key not in self._known:
            there = self.tx.value("SELECT 1 FROM deployment WHERE id=?", (key.bytes,))
            self._known[key] = scheduling.read_deployment(self.tx, key) if there else None
        return self._known[key]

    def queue_is_full(self, queued: QueuedRun) -> bool:
        """Whether a limit that only lets runs wait is reached: of the queue or the backfill."""
        limit = self._queue_limits.get(queued.queue)
        if limit is not None and self.queues[queued.queue] >= limit:
            return True
        key = queued.backfill_id
        if key is None:
            return False
        if key not in self._backfill_limits:
            text = "SELECT concurrency_limit FROM backfill WHERE id=?"
            self._backfill_limits[key] = self.tx.value(text, (key.bytes,))
        most = self._backfill_limits[key]
        return most is not None and self.backfills[key] >= most

    def deployment_is_full(self, deployment: Deployment | None) -> bool:
        """Whether the deployment's own limit is reached."""
        limit = deployment.spec.concurrency_limit if deployment else None
        return (
            deployment is not None
            and limit is not None
            and self.deployments[deployment.id] >= limit
        )


def claim(
    tx: Transaction, worker_id: UUID, queues: Sequence[str], limit: int, now: int
) -> list[Claim]:
    """Take up to `limit` due runs for a worker."""
    slots = _Slots(tx)
    slots.count()
    claims: list[Claim] = []
    for queued in _due_runs(tx, queues, now):
        if len(claims) >= limit:
            break
        if slots.queue_is_full(queued):
            continue
        run = tx.reader.flow_run(queued.run_id)
        deployment = slots.deployment(queued.deployment_id)
        if run is None or _is_hindered(tx, slots, deployment, run, now):
            continue
        claims.append(_take(tx, worker_id, run, deployment, now))
        slots.take(queued.queue, queued.deployment_id, queued.backfill_id)
    return claims


def _due_runs(tx: Transaction, queues: Sequence[str], now: int) -> Iterator[QueuedRun]:
    """Runs that are due, in the order in which they get their turn."""
    among = f"AND q.queue IN ({placeholders(queues)})" if queues else ""
    text = _DUE.format(columns=_COLUMNS, queues=among)
    offset = 0
    seen: set[UUID] = set()
    while True:
        page = [rows.queued_from(r) for r in tx.all(text, (now, *queues, _PAGE, offset))]
        for queued in page:
            if queued.run_id not in seen:
                seen.add(queued.run_id)
                yield queued
        if len(page) < _PAGE:
            return
        # Those that were taken or left out meanwhile are not due any more.
        remaining = "SELECT count(*) FROM queued_run WHERE run_id=? AND due IS NOT NULL"
        offset += sum(int(tx.value(remaining, (queued.run_id.bytes,))) for queued in page)


def _is_hindered(
    tx: Transaction, slots: _Slots, deployment: Deployment | None, run: FlowRun, now: int
) -> bool:
    """Whether the deployment has no free slot; the collision is settled as it wants."""
    if deployment is None or not slots.deployment_is_full(deployment):
        return False
    limit = deployment.spec.concurrency_limit
    full = (
        f"All {limit} slots of {deployment.full_name} are taken."
        if limit != 1
        else (f"Another run of {deployment.full_name} has not ended.")
    )
    match deployment.spec.collision:
        case Collision.CANCEL_NEW:
            leave_out(tx, run, Cancelled(message=full), now)
        case Collision.SKIP:
            leave_out(tx, run, Skipped(message=full), now)
        case Collision.CANCEL_RUNNING:
            _cancel_oldest(tx, deployment, run, now)
            _await_slot(tx, run, full, now)
        case Collision.QUEUE:
            _await_slot(tx, run, full, now)
    return True


def _await_slot(tx: Transaction, run: FlowRun, message: str, now: int) -> None:
    if run.state.name in {"Scheduled", "Late"}:
        moves.move(
            tx, run, AwaitingSlot(message=message, scheduled_time=run.state.scheduled_time), now
        )


def _cancel_oldest(tx: Transaction, deployment: Deployment, newer: FlowRun, now: int) -> None:
    """Ask for the end of the oldest run, unless one is on its way out already."""
    text = (
        "SELECT f.id FROM queued_run q JOIN flow_run f ON f.id=q.run_id "
        "WHERE q.deployment_id=? AND q.lease_until IS NOT NULL ORDER BY f.created"
    )
    held = [
        tx.reader.flow_run(UUID(bytes=bytes(k))) for (k,) in tx.all(text, (deployment.id.bytes,))
    ]
    running = [run for run in held if run is not None]
    if running and not any(run.state.type is StateType.CANCELLING for run in running):
        message = f"Makes room for {newer.name}."
        moves.move(tx, running[0], Cancelling(message=message), now)


def _take(
    tx: Transaction,
    worker_id: UUID,
    run: FlowRun,
    deployment: Deployment | None,
    now: int,
) -> Claim:
    version = _version_of(tx, deployment)
    lease = now + lease_micros()
    text = (
        "UPDATE queued_run SET due=NULL, worker_id=?, token=token+1, lease_until=?, version=? "
        "WHERE run_id=?"
    )
    number = version.number if version else None
    tx.run(text, (worker_id.bytes, lease, number, run.id.bytes))
    moved = moves.move(tx, run, Pending(message="A worker has taken it."), now)
    return Claim(moved, _queued(tx, run.id), version)


def _version_of(tx: Transaction, deployment: Deployment | None) -> DeploymentVersion | None:
    if deployment is None:
        return None
    text = (
        f"SELECT {rows.VERSION_COLUMNS} FROM deployment_version WHERE deployment_id=? AND number=?"
    )
    found = tx.first(text, (deployment.id.bytes, deployment.version))
    return rows.version_from(found) if found else None


def lease_micros() -> int:
    """How long a lease lasts, in microseconds."""
    return round(get_settings().lease_seconds * _MICROS)


# ── letting go ───────────────────────────────────────────────────────────────────────────


def leave_out(tx: Transaction, run: FlowRun, state: State[Any], now: int) -> FlowRun:
    """End a run that waits, rests or was only promised a worker."""
    ended = moves.end_family(tx, run, state, now)
    tx.run("UPDATE queued_run SET due=NULL WHERE run_id=?", (run.id.bytes,))
    return ended


def release(tx: Transaction, run_id: UUID) -> None:
    """End a lease."""
    tx.run(_RELEASE, (run_id.bytes,))


def requeue(tx: Transaction, run: FlowRun, state: State[Any], now: int) -> FlowRun:
    """Let a run wait for a worker, from now on or from the state's time."""
    release(tx, run.id)
    due = state.scheduled_time
    at = now if due is None else max(now, to_micros(due))
    tx.run("UPDATE queued_run SET due=? WHERE run_id=?", (at, run.id.bytes))
    tx.run("UPDATE flow_run SET owner=NULL WHERE id=?", (run.id.bytes,))
    return moves.move(tx, run, state, now)


def conclude(tx: Transaction, run: FlowRun, state: State[Any], now: int) -> FlowRun:
    """Settle what became of a run whose process is gone, and end its lease."""
    if run.state.type is StateType.CANCELLING:
        run = moves.end_family(tx, run, Cancelled(message=run.state.message), now)
    elif run.state.type is StateType.PAUSED and run.state.name == "Suspended":
        tx.run("UPDATE flow_run SET owner=NULL WHERE id=?", (run.id.bytes,))
    elif not run.state.is_settled() and not _waits(tx, run.id):
        run = moves.end_family(tx, run, state, now)
    release(tx, run.id)
    if run.state.type is StateType.CRASHED:
        run = _try_again(tx, run, now)
    return run


def _waits(tx: Transaction, run_id: UUID) -> bool:
    """Whether the run is to start anyway: somebody has answered it already."""
    text = "SELECT 1 FROM queued_run WHERE run_id=? AND due IS NOT NULL"
    return tx.first(text, (run_id.bytes,)) is not None


def _try_again(tx: Transaction, run: FlowRun, now: int) -> FlowRun:
    """Let a crashed run wait again, while it has crash retries left."""
    text = (
        "UPDATE queued_run SET crash_retries_left=crash_retries_left-1 "
        "WHERE run_id=? AND crash_retries_left>0"
    )
    if not tx.run(text, (run.id.bytes,)):
        return run
    message = f"It crashed before: {run.state.message or 'nobody knows why'}"
    state = AwaitingRetry(message=message, scheduled_time=from_micros(now))
    return requeue(tx, run, state, now)


def expire(tx: Transaction, now: int) -> list[UUID]:
    """Close the leases that ran out; the runs that they were on."""
    text = f"SELECT {rows.QUEUED_COLUMNS} FROM queued_run WHERE lease_until<?"
    closed = []
    for row in tx.all(text, (now,)):
        queued = rows.queued_from(row)
        run = tx.reader.flow_run(queued.run_id)
        if run is None:
            continue
        closed.append(run.id)
        if run.state.is_pending() and run.owner is None and not run.state.is_settled():
            message = "Its worker was gone before it started."
            requeue(tx, run, Scheduled(message=message, scheduled_time=from_micros(now)), now)
            continue
        message = "Its worker has not been heard of: the lease ran out."
        conclude(tx, run, Crashed(message=message), now)
    return closed


def mark_late(tx: Transaction, now: int) -> None:
    """Call runs Late that nobody has taken in time."""
    text = (
        "SELECT q.run_id FROM queued_run q JOIN flow_run f ON f.id=q.run_id "
        "WHERE q.due<? AND f.state_name='Scheduled' LIMIT ?"
    )
    for (key,) in tx.all(text, (now - LATE_SECONDS * _MICROS, _MOST_MARKED)):
        run = tx.reader.flow_run(UUID(bytes=bytes(key)))
        if run is not None:
            moves.move(tx, run, Late(scheduled_time=run.state.scheduled_time), now)


def next_look(tx: Transaction) -> int | None:
    """When something happens by itself next: a schedule fires, a lease ends, a run gets late."""
    late = (
        "SELECT min(q.due) FROM queued_run q JOIN flow_run f ON f.id=q.run_id "
        "WHERE q.due IS NOT NULL AND f.state_name='Scheduled'"
    )
    first_late = tx.value(late)
    moments = [
        tx.value("SELECT min(next_fire) FROM schedule"),
        tx.value("SELECT min(lease_until) FROM queued_run"),
        None if first_late is None else first_late + LATE_SECONDS * _MICROS,
    ]
    return min((m for m in moments if m is not None), default=None)


def queued_or_none(tx: Transaction, run_id: UUID) -> QueuedRun | None:
    """How a run comes to a worker."""
    text = f"SELECT {rows.QUEUED_COLUMNS} FROM queued_run WHERE run_id=?"
    found = tx.first(text, (run_id.bytes,))
    return rows.queued_from(found) if found else None


def _queued(tx: Transaction, run_id: UUID) -> QueuedRun:
    found = queued_or_none(tx, run_id)
    assert found is not None
    return found
