"""Queues and workers, over one connection.

This module decides what a queue's load is, and when a worker counts as alive. It must not
know which run comes next.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Final
from uuid import UUID

from nbflow import owner as owners
from nbflow.exceptions import ObjectAlreadyExists, ObjectNotFound, UsageError
from nbflow.models.deployments import DEFAULT_QUEUE, Worker, WorkQueue
from nbflow.settings import get_settings
from nbflow.states import now
from nbflow.store import deployment_rows as rows
from nbflow.store.database import Transaction
from nbflow.store.reader import Reader
from nbflow.store.rows import to_micros

_LOADS: Final = (
    "SELECT queue, sum(CASE WHEN due<=? THEN 1 ELSE 0 END), count(lease_until) FROM queued_run "
    "WHERE due<=? OR lease_until IS NOT NULL GROUP BY queue"
)
_MICROS: Final = 1_000_000


def read_all(reader: Reader) -> list[WorkQueue]:
    """All queues with their present loads, by priority and name."""
    at = to_micros(now())
    found_loads = reader.all(_LOADS, (at, at))
    loads = {name: (int(waiting or 0), running) for name, waiting, running in found_loads}
    text = f"SELECT {rows.QUEUE_COLUMNS} FROM work_queue ORDER BY priority, name"
    found = [rows.queue_from(row, *loads.get(row[0], (0, 0))) for row in reader.all(text)]
    if not any(queue.name == DEFAULT_QUEUE for queue in found):  # it is always there
        found.append(WorkQueue(name=DEFAULT_QUEUE))
    return sorted(found, key=lambda queue: (queue.priority, queue.name))


def read_one(reader: Reader, name: str) -> WorkQueue:
    """One queue; raises `ObjectNotFound`, naming near matches."""
    known = {queue.name: queue for queue in read_all(reader)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(known)}."
    raise ObjectNotFound(f"There is no queue {name!r}. {hint}")


def save(tx: Transaction, queue: WorkQueue) -> WorkQueue:
    """Make a queue, or change it."""
    if not queue.name.strip():
        raise UsageError("A queue needs a name.")
    if queue.concurrency_limit is not None and queue.concurrency_limit < 0:
        raise UsageError("A queue's limit is 0 or more; leave it out for none.")
    columns = rows.QUEUE_COLUMNS
    text = (
        f"INSERT INTO work_queue ({columns}) VALUES ({rows.marks(columns)}) ON CONFLICT (name) "
        "DO UPDATE SET priority=excluded.priority, paused=excluded.paused, "
        "concurrency_limit=excluded.concurrency_limit, description=excluded.description"
    )
    values = (queue.name, queue.priority, queue.concurrency_limit, int(queue.paused))
    tx.run(text, (*values, queue.description))
    limit, paused = queue.concurrency_limit, queue.paused
    tx.tell("queue.saved", queue.name, {"paused": paused, "concurrency_limit": limit})
    return read_one(tx.reader, queue.name)


def delete(tx: Transaction, name: str) -> None:
    """Forget a queue; raises `UsageError` while it is in use."""
    queue = read_one(tx.reader, name)
    if queue.waiting or queue.running:
        raise UsageError(
            f"{queue.waiting} runs wait in the queue {name!r} and {queue.running} run: "
            "cancel them, or wait until they have ended."
        )
    text = "SELECT flow_name, name, spec FROM deployment"
    users = [f"{f}/{n}" for f, n, spec in tx.all(text) if rows.spec_from_text(spec).queue == name]
    if users:
        shown = ", ".join(users[:5])
        raise UsageError(f"The queue {name!r} is used by {shown}. Deploy these to another first.")
    tx.run("DELETE FROM work_queue WHERE name=?", (name,))
    tx.tell("queue.deleted", name)


# ── workers ──────────────────────────────────────────────────────────────────────────────


def register(tx: Transaction, worker: Worker) -> Worker:
    """Make a worker known; raises `ObjectAlreadyExists` for the name of one that lives."""
    for known in read_workers(tx, alive=True):
        if known.name == worker.name and known.id != worker.id:
            raise ObjectAlreadyExists(
                f"A worker named {worker.name!r} is at work already ({known.owner}). "
                "Give this one another name: --name."
            )
    at = tx.micros(None)
    tx.run("DELETE FROM worker WHERE name=? OR id=?", (worker.name, worker.id.bytes))
    columns = rows.WORKER_COLUMNS
    values = rows.worker_row(replace(worker, stopped=None))
    values[columns.split(",").index("heartbeat")] = at
    tx.run(f"INSERT INTO worker ({columns}) VALUES ({rows.marks(columns)})", values)
    tx.tell("worker.started", worker.name, {"queues": list(worker.queues), "owner": worker.owner})
    return worker


def sign_off(tx: Transaction, worker_id: UUID) -> None:
    """The worker ends in an orderly way."""
    name = tx.value("SELECT name FROM worker WHERE id=?", (worker_id.bytes,))
    if name is not None:
        at = tx.micros(None)
        tx.run("UPDATE worker SET stopped=? WHERE id=?", (at, worker_id.bytes))
        tx.tell("worker.stopped", name)


def read_workers(tx: Transaction, *, alive: bool) -> list[Worker]:
    """Workers, newest first; with `alive` only those that have not stopped or gone silent."""
    held = "SELECT worker_id, count(*) FROM queued_run WHERE lease_until IS NOT NULL GROUP BY 1"
    running = {bytes(key): count for key, count in tx.all(held) if key is not None}
    text = f"SELECT {rows.WORKER_COLUMNS} FROM worker ORDER BY started DESC, name"
    found = [rows.worker_from(row, running.get(bytes(row[0]), 0)) for row in tx.all(text)]
    oldest = tx.micros(None) - round(get_settings().lease_seconds * _MICROS)
    return [each for each in found if not alive or _is_alive(each, oldest)]


def _is_alive(worker: Worker, oldest: int) -> bool:
    if worker.stopped is not None or to_micros(worker.heartbeat) < oldest:
        return False
    return owners.is_alive(worker.owner) is not False
