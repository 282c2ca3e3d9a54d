"""How deployments, queues and what belongs to them become rows, and rows records.

This module decides the order of columns and the stored form. It must not know connections.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from nbflow import wire
from nbflow.models.deployments import (
    Backfill,
    Deployment,
    DeploymentSchedule,
    DeploymentSpec,
    DeploymentVersion,
    QueuedRun,
    RunInput,
    Worker,
    WorkQueue,
)
from nbflow.store.rows import Row, from_micros, to_micros, to_micros_or_none

DEPLOYMENT_COLUMNS: Final = "id,flow_name,name,version,paused,spec,created,updated"
SCHEDULE_COLUMNS: Final = "deployment_id,slug,schedule,parameters,active,next_fire"
VERSION_COLUMNS: Final = "deployment_id,number,spec,content_hash,snapshot,created,author"
QUEUED_COLUMNS: Final = (
    "run_id,queue,priority,deployment_id,version,due,schedule,nominal,idempotency_key,"
    "backfill_id,worker_id,token,lease_until,crash_retries_left,resume"
)
QUEUE_COLUMNS: Final = "name,priority,concurrency_limit,paused,description"
WORKER_COLUMNS: Final = "id,name,owner,queues,capacity,version,started,heartbeat,stopped"
BACKFILL_COLUMNS: Final = (
    "id,deployment_id,since,until,parameter,concurrency_limit,cancelled,created"
)
INPUT_COLUMNS: Final = "flow_run_id,key,schema,message,created,deadline,answer,answered"


def marks(columns: str) -> str:
    """A `?` for each column."""
    return ",".join("?" for _ in columns.split(","))


def as_text(value: Mapping[str, Any] | None) -> str | None:
    """JSON text; None for nothing, also for an empty object."""
    return json.dumps(value) if value else None


def from_text(text: str | None) -> Mapping[str, Any]:
    """The inverse of `as_text`."""
    return json.loads(text) if text else {}


def moment(value: int | None) -> datetime | None:
    """The time of a column that may be empty."""
    return None if value is None else from_micros(value)


def identifier(value: bytes | None) -> UUID | None:
    """The id of a column that may be empty."""
    return None if value is None else UUID(bytes=bytes(value))


def key_of(value: UUID | None) -> bytes | None:
    """The stored form of an id that may be missing."""
    return None if value is None else value.bytes


# ── deployments ──────────────────────────────────────────────────────────────────────────


def spec_to_text(spec: DeploymentSpec) -> str:
    """A spec as JSON, the same text for the same spec."""
    return json.dumps(wire.dump(spec), sort_keys=True)


def spec_from_text(text: str) -> DeploymentSpec:
    """The inverse of `spec_to_text`."""
    spec: DeploymentSpec = wire.load(DeploymentSpec, json.loads(text))
    return spec


def deployment_from(row: Sequence[Any], schedules: Sequence[DeploymentSchedule]) -> Deployment:
    """The record of a row of `DEPLOYMENT_COLUMNS`, with its schedules."""
    key, flow_name, name, version, paused, spec, created, updated = row
    return Deployment(
        id=UUID(bytes=bytes(key)),
        name=name,
        flow_name=flow_name,
        spec=spec_from_text(spec),
        version=version,
        paused=bool(paused),
        schedules=tuple(schedules),
        created=from_micros(created),
        updated=from_micros(updated),
    )


def schedule_row(deployment_id: UUID, schedule: DeploymentSchedule) -> Row:
    """The row of a schedule, in the order of `SCHEDULE_COLUMNS`."""
    return [
        deployment_id.bytes,
        schedule.slug,
        json.dumps(schedule.schedule, sort_keys=True),
        as_text(schedule.parameters),
        int(schedule.active),
        to_micros_or_none(schedule.next_fire),
    ]


def schedule_from(row: Sequence[Any]) -> DeploymentSchedule:
    """The record of a row of `SCHEDULE_COLUMNS`."""
    _, slug, schedule, parameters, active, next_fire = row
    return DeploymentSchedule(
        slug=slug,
        schedule=json.loads(schedule),
        parameters=from_text(parameters),
        active=bool(active),
        next_fire=moment(next_fire),
    )


def version_from(row: Sequence[Any]) -> DeploymentVersion:
    """The record of a row of `VERSION_COLUMNS`."""
    key, number, spec, content_hash, snapshot, created, author = row
    return DeploymentVersion(
        deployment_id=UUID(bytes=bytes(key)),
        number=number,
        spec=spec_from_text(spec),
        content_hash=content_hash,
        snapshot=snapshot,
        created=from_micros(created),
        author=author,
    )


# ── queues and workers ───────────────────────────────────────────────────────────────────


def queued_row(queued: QueuedRun) -> Row:
    """The row of a queued run, in the order of `QUEUED_COLUMNS`."""
    return [
        queued.run_id.bytes,
        queued.queue,
        queued.priority,
        key_of(queued.deployment_id),
        queued.version,
        to_micros_or_none(queued.due),
        queued.schedule,
        to_micros_or_none(queued.nominal),
        queued.idempotency_key,
        key_of(queued.backfill_id),
        key_of(queued.worker_id),
        queued.token,
        to_micros_or_none(queued.lease_until),
        queued.crash_retries_left,
        int(queued.resume),
    ]


def queued_from(row: Sequence[Any]) -> QueuedRun:
    """The record of a row of `QUEUED_COLUMNS`."""
    return QueuedRun(
        run_id=UUID(bytes=bytes(row[0])),
        queue=row[1],
        priority=row[2],
        deployment_id=identifier(row[3]),
        version=row[4],
        due=moment(row[5]),
        schedule=row[6],
        nominal=moment(row[7]),
        idempotency_key=row[8],
        backfill_id=identifier(row[9]),
        worker_id=identifier(row[10]),
        token=row[11],
        lease_until=moment(row[12]),
        crash_retries_left=row[13],
        resume=bool(row[14]),
    )


def queue_from(row: Sequence[Any], waiting: int, running: int) -> WorkQueue:
    """The record of a row of `QUEUE_COLUMNS`, with its present loads."""
    name, priority, limit, paused, description = row
    return WorkQueue(
        name=name,
        priority=priority,
        concurrency_limit=limit,
        paused=bool(paused),
        description=description,
        waiting=waiting,
        running=running,
    )


def worker_row(worker: Worker) -> Row:
    """The row of a worker, in the order of `WORKER_COLUMNS`."""
    return [
        worker.id.bytes,
        worker.name,
        worker.owner,
        json.dumps(worker.queues),
        worker.limit,
        worker.version,
        to_micros(worker.started),
        to_micros(worker.heartbeat),
        to_micros_or_none(worker.stopped),
    ]


def worker_from(row: Sequence[Any], running: int) -> Worker:
    """The record of a row of `WORKER_COLUMNS`, with what it holds."""
    key, name, owner, queues, capacity, version, started, heartbeat, stopped = row
    return Worker(
        id=UUID(bytes=bytes(key)),
        name=name,
        owner=owner,
        queues=tuple(json.loads(queues)),
        limit=capacity,
        version=version,
        started=from_micros(started),
        heartbeat=from_micros(heartbeat),
        stopped=moment(stopped),
        running=running,
    )


# ── backfills and inputs ─────────────────────────────────────────────────────────────────


def backfill_row(backfill: Backfill) -> Row:
    """The row of a backfill, in the order of `BACKFILL_COLUMNS`."""
    return [
        backfill.id.bytes,
        backfill.deployment_id.bytes,
        to_micros(backfill.start),
        to_micros(backfill.end),
        backfill.parameter,
        backfill.concurrency_limit,
        int(backfill.cancelled),
        to_micros(backfill.created),
    ]


def backfill_from(row: Sequence[Any], counts: Mapping[str, int]) -> Backfill:
    """The record of a row of `BACKFILL_COLUMNS`, with its runs by state."""
    key, deployment_id, start, end, parameter, limit, cancelled, created = row
    return Backfill(
        id=UUID(bytes=bytes(key)),
        deployment_id=UUID(bytes=bytes(deployment_id)),
        start=from_micros(start),
        end=from_micros(end),
        parameter=parameter,
        concurrency_limit=limit,
        cancelled=bool(cancelled),
        created=from_micros(created),
        counts=counts,
    )


def input_row(request: RunInput) -> Row:
    """The row of what a run asks for, in the order of `INPUT_COLUMNS`."""
    return [
        request.flow_run_id.bytes,
        request.key,
        None if request.schema is None else json.dumps(request.schema),
        request.message,
        to_micros(request.created),
        to_micros_or_none(request.deadline),
        None if request.answer is None else json.dumps(request.answer),
        to_micros_or_none(request.answered),
    ]


def input_from(row: Sequence[Any]) -> RunInput:
    """The record of a row of `INPUT_COLUMNS`."""
    key, name, schema, message, created, deadline, answer, answered = row
    return RunInput(
        flow_run_id=UUID(bytes=bytes(key)),
        key=name,
        schema=None if schema is None else json.loads(schema),
        message=message,
        created=from_micros(created),
        deadline=moment(deadline),
        answer=None if answer is None else json.loads(answer),
        answered=moment(answered),
    )
