"""How schedules turn into runs that wait, inside a transaction.

This module decides when the run of an instant comes to be, and which missed ones do. Each
active schedule of a deployment that is not paused has one run waiting, for its next instant;
the transaction that fires it makes the one after. So an instant has one run, whoever looks at
schedules, and however often. It must not know how instants are computed.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from nbflow import schedules as instants
from nbflow.models import FlowRun, new_id
from nbflow.models.deployments import Deployment, DeploymentSchedule, QueuedRun
from nbflow.run_names import random_name
from nbflow.states import Scheduled, Skipped
from nbflow.store import deployment_rows as rows
from nbflow.store import moves
from nbflow.store.database import Transaction
from nbflow.store.rows import from_micros, to_micros

_DUE_SCHEDULES: Final = (
    "SELECT d.id, s.slug FROM schedule s JOIN deployment d ON d.id=s.deployment_id "
    "WHERE s.next_fire<=? ORDER BY s.next_fire LIMIT ?"
)
#: Schedules fired in one transaction, so that others get their turn.
AT_ONCE: Final = 100
_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run of a schedule that nobody has taken yet."""

    run_id: UUID
    nominal: int


# ── the waiting run of a schedule ────────────────────────────────────────────────────────


def arm(tx: Transaction, deployment: Deployment, schedule: DeploymentSchedule, now: int) -> None:
    """Let a schedule's next run wait, unless it or its deployment rests."""
    following = None
    if schedule.active and not deployment.paused:
        found = instants.from_json(schedule.schedule)
        following = instants.next_after(found, from_micros(now))
    if following is not None:
        _let_wait(tx, deployment, schedule, following, now)
    _set_next(tx, deployment.id, schedule.slug, following)


def disarm(
    tx: Transaction, deployment_id: UUID, slug: str, now: int, *, rests: str | None = None
) -> None:
    """Take back a schedule's run for an instant to come.

    One that is due already stays, unless the schedule `rests` now: then it is Skipped, and
    this says why.
    """
    for waiting in _waiting(tx, deployment_id, slug):
        if waiting.nominal > now:
            moves.forget(tx.dialect, tx.connection, [waiting.run_id])
        elif rests is not None:
            _skip(tx, waiting, rests, now)
    _set_next(tx, deployment_id, slug, None)


def withdraw(tx: Transaction, deployment_id: UUID) -> None:
    """Take back every run of a deployment that waits for its first attempt."""
    text = (
        "SELECT q.run_id FROM queued_run q JOIN flow_run f ON f.id=q.run_id "
        "WHERE q.deployment_id=? AND q.due IS NOT NULL AND f.attempt=0"
    )
    for (key,) in tx.all(text, (deployment_id.bytes,)):
        moves.forget(tx.dialect, tx.connection, [UUID(bytes=bytes(key))])


def _let_wait(
    tx: Transaction,
    deployment: Deployment,
    schedule: DeploymentSchedule,
    nominal: datetime,
    now: int,
) -> None:
    """Make the run of an instant, unless there is one."""
    text = "SELECT 1 FROM queued_run WHERE deployment_id=? AND schedule=? AND nominal=?"
    if tx.first(text, (deployment.id.bytes, schedule.slug, to_micros(nominal))) is not None:
        return
    spec = deployment.spec
    run = _new_run(deployment, {**spec.parameters, **schedule.parameters}, nominal, now)
    moves.create(tx, run)
    insert_queued(
        tx,
        QueuedRun(
            run_id=run.id,
            queue=spec.queue,
            priority=spec.priority,
            deployment_id=deployment.id,
            due=nominal,
            schedule=schedule.slug,
            nominal=nominal,
            crash_retries_left=spec.crash_retries,
        ),
    )


def _new_run(
    deployment: Deployment, parameters: Mapping[str, Any], due: datetime, now: int
) -> FlowRun:
    at = from_micros(now)
    return FlowRun(
        id=new_id(),
        name=random_name(),
        flow_name=deployment.flow_name,
        state=replace(Scheduled(scheduled_time=due), timestamp=at),
        kind=deployment.spec.kind,
        parameters=parameters,
        tags=deployment.spec.tags,
        created=at,
        source=deployment.spec.entrypoint,
        deployment_id=deployment.id,
    )


def insert_queued(tx: Transaction, queued: QueuedRun) -> None:
    """Let a run that exists wait in its queue, which is made when it is missing."""
    queue = f"INSERT INTO work_queue ({rows.QUEUE_COLUMNS}) VALUES (?,100,NULL,0,NULL)"
    tx.run(f"{queue} ON CONFLICT DO NOTHING", (queued.queue,))
    columns = rows.QUEUED_COLUMNS
    text = f"INSERT INTO queued_run ({columns}) VALUES ({rows.marks(columns)})"
    tx.run(text, rows.queued_row(queued))


def _waiting(tx: Transaction, deployment_id: UUID, slug: str) -> list[Waiting]:
    text = (
        "SELECT run_id, nominal FROM queued_run "
        "WHERE deployment_id=? AND schedule=? AND due IS NOT NULL ORDER BY nominal"
    )
    found = tx.all(text, (deployment_id.bytes, slug))
    return [Waiting(UUID(bytes=bytes(key)), nominal) for key, nominal in found]


def _set_next(tx: Transaction, deployment_id: UUID, slug: str, next_fire: datetime | None) -> None:
    value = None if next_fire is None else to_micros(next_fire)
    text = "UPDATE schedule SET next_fire=? WHERE deployment_id=? AND slug=?"
    tx.run(text, (value, deployment_id.bytes, slug))


# ── firing ───────────────────────────────────────────────────────────────────────────────


def fire_due(tx: Transaction, now: int) -> bool:
    """Advance schedules whose instant has come; whether there are more than fit at once."""
    found = tx.all(_DUE_SCHEDULES, (now, AT_ONCE))
    for key, slug in found:
        _fire(tx, read_deployment(tx, UUID(bytes=bytes(key))), slug, now)
    return len(found) == AT_ONCE


def _fire(tx: Transaction, deployment: Deployment, slug: str, now: int) -> None:
    schedule = next(each for each in deployment.schedules if each.slug == slug)
    assert schedule.next_fire is not None
    known = instants.from_json(schedule.schedule)
    at = from_micros(now)
    wanted = instants.missed(known, schedule.next_fire - _MOMENT, at, deployment.spec.catchup.value)
    if deployment.spec.catchup.value != "all":
        _skip_others(tx, deployment.id, slug, wanted, now)
    for nominal in wanted:
        _let_wait(tx, deployment, schedule, nominal, now)
    following = instants.next_after(known, at)
    if following is not None:
        _let_wait(tx, deployment, schedule, following, now)
    _set_next(tx, deployment.id, slug, following)


def _skip_others(
    tx: Transaction, deployment_id: UUID, slug: str, wanted: list[datetime], now: int
) -> None:
    """Of a schedule's runs that nobody took in time only those that are wanted still start."""
    kept = {to_micros(each) for each in wanted}
    for waiting in _waiting(tx, deployment_id, slug):
        if waiting.nominal <= now and waiting.nominal not in kept:
            _skip(tx, waiting, "It could not start in time, and is not caught up.", now)


def _skip(tx: Transaction, waiting: Waiting, message: str, now: int) -> None:
    run = tx.reader.flow_run(waiting.run_id)
    if run is None or run.attempt:  # waits for its next attempt
        return
    moves.move(tx, run, Skipped(message=message), now)
    tx.run("UPDATE queued_run SET due=NULL WHERE run_id=?", (run.id.bytes,))


# ── reading ──────────────────────────────────────────────────────────────────────────────


def read_deployment(tx: Transaction, deployment_id: UUID) -> Deployment:
    """A deployment that is known to be there."""
    text = f"SELECT {rows.DEPLOYMENT_COLUMNS} FROM deployment WHERE id=?"
    found = tx.first(text, (deployment_id.bytes,))
    assert found is not None
    return rows.deployment_from(found, read_schedules(tx, deployment_id))


def read_schedules(tx: Transaction, deployment_id: UUID) -> list[DeploymentSchedule]:
    """A deployment's schedules by slug."""
    text = f"SELECT {rows.SCHEDULE_COLUMNS} FROM schedule WHERE deployment_id=?"
    text += " ORDER BY slug"
    return [rows.schedule_from(row) for row in tx.all(text, (deployment_id.bytes,))]
