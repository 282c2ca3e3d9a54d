"""Runs on their way to workers, in a database: submit, claim, hold, finish, cancel, retry.

This module decides what each step demands of a run. Who gets which run and what becomes of
lost ones is decided in `leases.py`, which runs schedules make in `scheduling.py`. It must not
know processes.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from nbflow.exceptions import LeaseLost, ObjectNotFound, ResumeError, UsageError
from nbflow.models import FlowRun
from nbflow.models.deployments import (
    Backfill,
    Claim,
    Fence,
    Heartbeat,
    QueuedRun,
    RunInput,
    Worker,
    WorkQueue,
)
from nbflow.states import (
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Crashed,
    Resuming,
    Scheduled,
    State,
    StateType,
)
from nbflow.store import backfills, deployment_rows, leases, moves, pauses, queues, scheduling
from nbflow.store.base import why_not_resumable
from nbflow.store.database import Database, Transaction
from nbflow.store.rows import from_micros, to_micros


class SQLDispatch:
    """Queues and leases in a database; see `DispatchStore` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── waiting ──────────────────────────────────────────────────────────────────────────

    def submit(self, run: FlowRun, queued: QueuedRun) -> FlowRun:
        """Let a new run wait in its queue, and return it, or the one that is there already."""
        return self._database.write(lambda tx: _submit(tx, run, queued))

    def queued(self, run_id: UUID) -> QueuedRun | None:
        """How a run comes to a worker; None for a run that was simply called."""
        text = f"SELECT {deployment_rows.QUEUED_COLUMNS} FROM queued_run WHERE run_id=?"
        with self._database.read() as reader:
            found = reader.all(text, (run_id.bytes,))
        return deployment_rows.queued_from(found[0]) if found else None

    def postpone(self, run_id: UUID, due: datetime) -> FlowRun:
        """Move a waiting run to another time."""

        def work(tx: Transaction) -> FlowRun:
            run, queued = _known(tx, run_id)
            if queued is None or queued.due is None:
                raise UsageError(f"The run {run.name} does not wait: it is {run.state.name}.")
            tx.run("UPDATE queued_run SET due=? WHERE run_id=?", (to_micros(due), run_id.bytes))
            return moves.move(tx, run, Scheduled(scheduled_time=due), tx.micros(None))

        return self._database.write(work)

    def next_due(self, queues: Sequence[str] = ()) -> datetime | None:
        """When the next waiting run of these queues is due; a past time when one is."""
        among = f"AND q.queue IN ({','.join('?' for _ in queues)})" if queues else ""
        text = (
            "SELECT min(q.due) FROM queued_run q LEFT JOIN work_queue w ON w.name=q.queue "
            f"WHERE q.due IS NOT NULL AND COALESCE(w.paused,0)=0 {among}"
        )
        with self._database.read() as reader:
            return deployment_rows.moment(reader.value(text, tuple(queues)))

    def tick(self, *, now: datetime | None = None) -> datetime | None:
        """Fire due schedules, close expired leases, mark late runs, give up on silent people."""
        self._fire_due(now)

        def work(tx: Transaction) -> datetime | None:
            at = tx.micros(now)
            leases.expire(tx, at)
            leases.mark_late(tx, at)
            pauses.give_up(tx, at)
            looks = (leases.next_look(tx), pauses.next_deadline(tx))
            first = min((look for look in looks if look is not None), default=None)
            return deployment_rows.moment(first)

        return self._database.write(work)

    def _fire_due(self, now: datetime | None) -> None:
        """Before anything is claimed: what was missed may not have to run any more."""
        while self._database.write(lambda tx: scheduling.fire_due(tx, tx.micros(now))):
            pass

    # ── holding ──────────────────────────────────────────────────────────────────────────

    def claim(
        self, worker_id: UUID, queues: Sequence[str], limit: int = 1, *, now: datetime | None = None
    ) -> list[Claim]:
        """Take up to `limit` due runs for a worker."""
        self._fire_due(now)

        def work(tx: Transaction) -> list[Claim]:
            at = tx.micros(now)
            while scheduling.fire_due(tx, at):
                pass
            leases.expire(tx, at)
            return leases.claim(tx, worker_id, queues, limit, at)

        return self._database.write(work)

    def start(self, fence: Fence, owner: str) -> FlowRun:
        """Take over a claimed run in the process that executes it; raises `LeaseLost`."""

        def work(tx: Transaction) -> FlowRun:
            run, queued = _held(tx, fence)
            if run.state.type is StateType.CANCELLING:
                raise LeaseLost(f"The run {run.name} is being cancelled.")
            tx.run("UPDATE flow_run SET owner=? WHERE id=?", (owner, run.id.bytes))
            run = replace(run, owner=owner, start_time=None, end_time=None)
            if not queued.resume:
                return run
            tx.run("UPDATE queued_run SET resume=0 WHERE run_id=?", (run.id.bytes,))
            return moves.move(tx, run, Resuming(), tx.micros(None))

        return self._database.write(work)

    def heartbeat(
        self, worker_id: UUID, held: Sequence[Fence], *, now: datetime | None = None
    ) -> Heartbeat:
        """Say that the worker lives and prolong its leases; learn what was lost or cancelled."""

        def work(tx: Transaction) -> Heartbeat:
            at = tx.micros(now)
            tx.run("UPDATE worker SET heartbeat=? WHERE id=?", (at, worker_id.bytes))
            until = at + leases.lease_micros()
            lost = tuple(fence for fence in held if not _prolong(tx, fence, until))
            kept = {fence.run_id for fence in held if fence not in lost}
            return Heartbeat(lost, frozenset(key for key in kept if _is_cancelling(tx, key)))

        return self._database.write(work)

    def finish(self, fence: Fence, state: State[Any] | None = None) -> FlowRun | None:
        """Let go of a run whose process has ended; None when the lease was lost."""
        message = "The process that executed it ended without a word."
        default = state or Crashed(message=message)

        def work(tx: Transaction) -> FlowRun | None:
            try:
                run, _ = _held(tx, fence)
            except LeaseLost:
                return None
            return leases.conclude(tx, run, default, tx.micros(None))

        return self._database.write(work)

    def hand_back(self, fence: Fence, message: str) -> FlowRun | None:
        """Let a claimed run wait for another worker, at once; None when the lease was lost."""

        def work(tx: Transaction) -> FlowRun | None:
            try:
                run, _ = _held(tx, fence)
            except LeaseLost:
                return None
            at = tx.micros(None)
            if run.state.type is StateType.CANCELLING or run.state.is_settled():
                return leases.conclude(tx, run, Crashed(message=message), at)
            state = Scheduled(message=message, scheduled_time=from_micros(at))
            return leases.requeue(tx, run, state, at)

        return self._database.write(work)

    # ── what people ask ──────────────────────────────────────────────────────────────────

    def cancel(self, run_id: UUID) -> FlowRun:
        """Ask for a run's end: one that waits or rests is Cancelled, a held one Cancelling."""

        def work(tx: Transaction) -> FlowRun:
            run, queued = _known(tx, run_id)
            if run.state.is_settled():
                raise UsageError(f"The run {run.name} has ended already: it is {run.state.name}.")
            if queued is None:
                raise UsageError(
                    f"No worker executes {run.name}: it was called directly. End it on its own "
                    f"machine: nbflow cancel {str(run.id)[-8:]}"
                )
            at = tx.micros(None)
            for member in tx.reader.family(run_id)[1:]:
                _cancel_member(tx, member, at)
            return _cancel(tx, run, queued, at)

        return self._database.write(work)

    def retry(self, run_id: UUID, *, due: datetime | None = None, resume: bool = False) -> FlowRun:
        """Let an ended run of a deployment wait for its next attempt."""

        def work(tx: Transaction) -> FlowRun:
            run, queued = _known(tx, run_id)
            at = tx.micros(None)
            _check_retry(run, queued, resume=resume)
            when = from_micros(at) if due is None else due
            tx.run("UPDATE queued_run SET resume=? WHERE run_id=?", (int(resume), run_id.bytes))
            make = Resuming if resume else AwaitingRetry
            return leases.requeue(tx, run, make(scheduled_time=when), at)

        return self._database.write(work)

    # ── queues and workers ───────────────────────────────────────────────────────────────

    def queues(self) -> list[WorkQueue]:
        """All queues with their present loads, by priority and name."""
        with self._database.read() as reader:
            return queues.read_all(reader)

    def queue(self, name: str) -> WorkQueue:
        """One queue; raises `ObjectNotFound`, naming near matches."""
        with self._database.read() as reader:
            return queues.read_one(reader, name)

    def save_queue(self, queue: WorkQueue) -> WorkQueue:
        """Make a queue, or change its priority, limit, pause or description."""
        return self._database.write(lambda tx: queues.save(tx, queue))

    def delete_queue(self, name: str) -> None:
        """Forget a queue; raises `UsageError` while runs wait in it or deployments use it."""
        self._database.write(lambda tx: queues.delete(tx, name))

    def register(self, worker: Worker) -> Worker:
        """Make a worker known; raises `ObjectAlreadyExists` for the name of one that lives."""
        return self._database.write(lambda tx: queues.register(tx, worker))

    def sign_off(self, worker_id: UUID) -> None:
        """The worker ends in an orderly way."""
        self._database.write(lambda tx: queues.sign_off(tx, worker_id))

    def workers(self, *, alive: bool = True) -> list[Worker]:
        """Workers, newest first; with `alive` only those whose last heartbeat is fresh."""
        return self._database.write(lambda tx: queues.read_workers(tx, alive=alive))

    # ── backfills ────────────────────────────────────────────────────────────────────────

    def submit_backfill(
        self, backfill: Backfill, runs: Sequence[tuple[FlowRun, QueuedRun]]
    ) -> Backfill:
        """Remember a backfill and let all its runs wait, in one transaction."""

        def work(tx: Transaction) -> Backfill:
            backfills.insert(tx, backfill)
            for run, queued in runs:
                _submit(tx, run, queued)
            tx.tell("backfill.created", backfill.id, {"runs": len(runs)})
            return backfills.read(tx.reader, backfill.id)

        return self._database.write(work)

    def backfill(self, backfill_id: UUID) -> Backfill:
        """One backfill with its counts; raises `ObjectNotFound`."""
        with self._database.read() as reader:
            return backfills.read(reader, backfill_id)

    def backfills(self, *, deployment_id: UUID | None = None, limit: int = 100) -> list[Backfill]:
        """Backfills, newest first."""
        with self._database.read() as reader:
            return backfills.read_all(reader, deployment_id, limit)

    def cancel_backfill(self, backfill_id: UUID) -> Backfill:
        """Cancel its waiting runs at once and ask for the end of its running ones."""

        def work(tx: Transaction) -> Backfill:
            backfills.mark_cancelled(tx, backfill_id)
            at = tx.micros(None)
            for run_id in backfills.run_ids(tx, backfill_id):
                _cancel_member(tx, run_id, at)
            tx.tell("backfill.cancelled", backfill_id)
            return backfills.read(tx.reader, backfill_id)

        return self._database.write(work)

    # ── pausing ──────────────────────────────────────────────────────────────────────────

    def ask(self, request: RunInput) -> RunInput:
        """Remember what a run waits for; the same key again returns what is there."""
        return self._database.write(lambda tx: pauses.ask(tx, request))

    def inputs(self, run_id: UUID) -> list[RunInput]:
        """What a run has asked for, oldest first."""
        with self._database.read() as reader:
            return pauses.read(reader, run_id)

    def answer(
        self, run_id: UUID, answer: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> FlowRun:
        """Answer a paused run (default: what it asked last), so that it goes on."""

        def work(tx: Transaction) -> FlowRun:
            run, queued = _known(tx, run_id)
            at = tx.micros(None)
            pauses.answer(tx, run, answer, key, at)
            if run.state.name != "Suspended" or queued is None:
                return run
            tx.run("UPDATE queued_run SET resume=1, due=? WHERE run_id=?", (at, run_id.bytes))
            state = Resuming(scheduled_time=from_micros(at))
            return moves.move(tx, run, state, at)

        return self._database.write(work)


# ── steps ────────────────────────────────────────────────────────────────────────────────


def _submit(tx: Transaction, run: FlowRun, queued: QueuedRun) -> FlowRun:
    there = _already_there(tx, queued)
    if there is not None:
        return there
    due = queued.due or run.state.scheduled_time or run.created
    moves.create(tx, run)
    scheduling.insert_queued(tx, replace(queued, run_id=run.id, due=due))
    return run


def _already_there(tx: Transaction, queued: QueuedRun) -> FlowRun | None:
    found = None
    if queued.idempotency_key is not None:
        text = "SELECT run_id FROM queued_run WHERE idempotency_key=?"
        found = tx.value(text, (queued.idempotency_key,))
    if found is None and queued.schedule is not None and queued.nominal is not None:
        text = "SELECT run_id FROM queued_run WHERE deployment_id=? AND schedule=? AND nominal=?"
        deployment = deployment_rows.key_of(queued.deployment_id)
        found = tx.value(text, (deployment, queued.schedule, to_micros(queued.nominal)))
    return None if found is None else tx.reader.flow_run(UUID(bytes=bytes(found)))


def _known(tx: Transaction, run_id: UUID) -> tuple[FlowRun, QueuedRun | None]:
    run = tx.reader.flow_run(run_id)
    if run is None:
        raise ObjectNotFound(
            f"There is no flow run {run_id} in this run database. "
            "`nbflow runs ls` shows those that are."
        )
    return run, leases.queued_or_none(tx, run_id)


def _held(tx: Transaction, fence: Fence) -> tuple[FlowRun, QueuedRun]:
    """The run of a claim that still holds."""
    run = tx.reader.flow_run(fence.run_id)
    queued = leases.queued_or_none(tx, fence.run_id)
    if run is None or queued is None or queued.token != fence.token or queued.lease_until is None:
        raise LeaseLost(f"The run {fence.run_id} was given to another worker, or ended.")
    return run, queued


def _prolong(tx: Transaction, fence: Fence, until: int) -> bool:
    text = (
        "UPDATE queued_run SET lease_until=? WHERE run_id=? AND token=? AND lease_until IS NOT NULL"
    )
    return tx.run(text, (until, fence.run_id.bytes, fence.token)) == 1


def _is_cancelling(tx: Transaction, run_id: UUID) -> bool:
    text = "SELECT state_type FROM flow_run WHERE id=?"
    return bool(tx.value(text, (run_id.bytes,)) == StateType.CANCELLING.value)


def _cancel(tx: Transaction, run: FlowRun, queued: QueuedRun, now: int) -> FlowRun:
    if queued.lease_until is None:
        return leases.leave_out(tx, run, Cancelled(message="Cancelled before it ran."), now)
    if run.state.type is StateType.CANCELLING:
        return run
    return moves.move(tx, run, Cancelling(message="Somebody asked for its end."), now)


def _cancel_member(tx: Transaction, run_id: UUID, now: int) -> None:
    """Cancel a run that may have ended, or be nobody's to cancel."""
    run, queued = tx.reader.flow_run(run_id), leases.queued_or_none(tx, run_id)
    if run is not None and queued is not None and not run.state.is_settled():
        _cancel(tx, run, queued, now)


def _check_retry(run: FlowRun, queued: QueuedRun | None, *, resume: bool) -> None:
    if queued is None:
        raise ResumeError(
            f"The run {run.name} was called directly: no worker can run it again. "
            f"Resume it where it ran: nbflow resume {str(run.id)[-8:]}"
        )
    # One that has ended may be held for a moment more, until its process is gone.
    held = queued.lease_until is not None and not run.state.is_final()
    if held or queued.due is not None:
        raise ResumeError(f"The run {run.name} has not ended: it is {run.state.name}.")
    if run.state.type is StateType.PAUSED:
        if not resume:
            raise ResumeError(f"The run {run.name} is suspended: resume it, or cancel it.")
        return
    reason = why_not_resumable(run)
    if reason is not None:
        raise ResumeError(reason)
