"""Deployments in a database: versions, snapshots, schedules.

This module decides what a version is and how schedules follow their deployment. It must not
know how the source of a deployment is gathered, nor how instants are computed.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Final
from uuid import UUID

from nbflow import schedules as instants
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.models import new_id
from nbflow.models.deployments import (
    Deployment,
    DeploymentSchedule,
    DeploymentSpec,
    DeploymentVersion,
)
from nbflow.store import deployment_rows as rows
from nbflow.store import scheduling
from nbflow.store.database import Database, Transaction
from nbflow.store.queries import Conditions, contains, id_range
from nbflow.store.reader import Reader

_SELECT: Final = f"SELECT {rows.DEPLOYMENT_COLUMNS} FROM deployment"
_SHORTEST_ID: Final = 4
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{4,32}")
_NAMES_COMPARED: Final = 2_000
_MATCHES_NAMED: Final = 5
_VERSIONS_NAMED: Final = 10


class SQLDeployments:
    """Deployments in a database; see `DeploymentStore` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ── making ───────────────────────────────────────────────────────────────────────────

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
        """Make a deployment, or bring one up to date; the same twice changes nothing."""
        _check_names(flow_name, name, schedules)

        def work(tx: Transaction) -> Deployment:
            at = tx.micros(now)
            key = _keep_snapshot(tx, snapshot, at)
            found = _by_name(tx.reader, flow_name, name)
            known = found or _insert(tx, flow_name, name, spec, bool(paused), at)
            fresh = _keep_version(tx, known, spec, content_hash, key, author, at, new=not found)
            wanted = known.paused if paused is None else paused
            _update(tx, known.id, fresh, wanted, at)
            changed = not found or fresh is not None or wanted != known.paused
            changed = _follow_schedules(tx, known.id, schedules, at, rearm=changed) or changed
            if changed:
                _tell(tx, "updated" if found else "created", known.id)
            return scheduling.read_deployment(tx, known.id)

        return self._database.write(work)

    def set_paused(self, deployment_id: UUID, paused: bool) -> Deployment:
        """Let its schedules rest, or go on from now."""

        def work(tx: Transaction) -> Deployment:
            known = _required(tx, deployment_id)
            if known.paused == paused:
                return known
            text = "UPDATE deployment SET paused=? WHERE id=?"
            tx.run(text, (int(paused), deployment_id.bytes))
            _rearm(tx, deployment_id, tx.micros(None))
            _tell(tx, "paused" if paused else "resumed", deployment_id)
            return scheduling.read_deployment(tx, deployment_id)

        return self._database.write(work)

    def use_version(self, deployment_id: UUID, number: int) -> Deployment:
        """Go back, or forward, to a version: later runs take it."""

        def work(tx: Transaction) -> Deployment:
            _required(tx, deployment_id)
            version = _version(tx.reader, deployment_id, number)
            at = tx.micros(None)
            text = "UPDATE deployment SET version=?, spec=?, updated=? WHERE id=?"
            spec = rows.spec_to_text(version.spec)
            tx.run(text, (number, spec, at, deployment_id.bytes))
            _rearm(tx, deployment_id, at)
            _tell(tx, "version", deployment_id, version=number)
            return scheduling.read_deployment(tx, deployment_id)

        return self._database.write(work)

    def delete(self, deployment_id: UUID) -> None:
        """Forget a deployment with its waiting runs; runs that began are kept."""

        def work(tx: Transaction) -> None:
            known = _required(tx, deployment_id)
            scheduling.withdraw(tx, deployment_id)
            for table in ("backfill", "schedule", "deployment_version"):
                tx.run(f"DELETE FROM {table} WHERE deployment_id=?", (deployment_id.bytes,))
            tx.run("DELETE FROM deployment WHERE id=?", (deployment_id.bytes,))
            tx.tell("deployment.deleted", deployment_id, {"name": known.full_name})

        self._database.write(work)

    # ── schedules ────────────────────────────────────────────────────────────────────────

    def set_schedule(self, deployment_id: UUID, schedule: DeploymentSchedule) -> Deployment:
        """Add a schedule, or replace the one of that slug."""
        instants.from_json(schedule.schedule)  # what cannot be read is refused

        def change(tx: Transaction, known: Deployment, now: int) -> None:
            if any(each.slug == schedule.slug for each in known.schedules):
                rests = None if schedule.active else "Its schedule was paused before it started."
                scheduling.disarm(tx, deployment_id, schedule.slug, now, rests=rests)
                _delete_schedule(tx, deployment_id, schedule.slug)
            _insert_schedule(tx, deployment_id, schedule)
            scheduling.arm(tx, known, schedule, now)

        return self._change_schedules(deployment_id, change)

    def remove_schedule(self, deployment_id: UUID, slug: str) -> Deployment:
        """Remove a schedule and its waiting run."""

        def change(tx: Transaction, known: Deployment, now: int) -> None:
            slugs = [each.slug for each in known.schedules]
            if slug not in slugs:
                raise ObjectNotFound(_no_schedule(known, slug, slugs))
            gone = "Its schedule was removed before it started."
            scheduling.disarm(tx, deployment_id, slug, now, rests=gone)
            _delete_schedule(tx, deployment_id, slug)

        return self._change_schedules(deployment_id, change)

    def _change_schedules(
        self, deployment_id: UUID, change: Callable[[Transaction, Deployment, int], None]
    ) -> Deployment:
        def work(tx: Transaction) -> Deployment:
            known = _required(tx, deployment_id)
            at = tx.micros(None)
            change(tx, known, at)
            tx.run("UPDATE deployment SET updated=? WHERE id=?", (at, deployment_id.bytes))
            _tell(tx, "schedules", deployment_id)
            return scheduling.read_deployment(tx, deployment_id)

        return self._database.write(work)

    def upcoming(
        self,
        start: datetime,
        end: datetime,
        *,
        deployment_id: UUID | None = None,
        limit: int = 500,
    ) -> list[tuple[UUID, str, datetime]]:
        """(deployment, schedule slug, instant) of what active schedules will fire, in order."""
        found = Conditions()
        found.add("s.active=1 AND d.paused=0")
        if deployment_id is not None:
            found.add("d.id=?", deployment_id.bytes)
        columns = ",".join(f"s.{name}" for name in rows.SCHEDULE_COLUMNS.split(","))
        text = (
            f"SELECT {columns} FROM schedule s JOIN deployment d ON d.id=s.deployment_id "
            f"{found.where()}"
        )
        with self._database.read() as reader:
            lines = reader.all(text, found.values)
        streams = [
            _instants(UUID(bytes=bytes(line[0])), rows.schedule_from(line), start, end, limit)
            for line in lines
        ]
        ordered = islice(merge(*streams), limit)
        return [(deployment, slug, at) for at, deployment, slug in ordered]

    # ── reading ──────────────────────────────────────────────────────────────────────────

    def get(self, deployment_id: UUID) -> Deployment:
        """One deployment."""
        with self._database.read() as reader:
            found = _by_id(reader, deployment_id)
        if found is None:
            raise ObjectNotFound(_no_deployment(str(deployment_id), []))
        return found

    def find(self, reference: str) -> Deployment:
        """The deployment meant by `flow/name`, a name that only one has, an id or its start."""
        reference = reference.strip()
        with self._database.read() as reader:
            found = _matches(reader, reference)
            if len(found) == 1:
                return found[0]
            if not found:
                raise ObjectNotFound(_no_deployment(reference, _names(reader)))
        shown = ", ".join(each.full_name for each in found[:_MATCHES_NAMED])
        raise ObjectNotFound(f"{reference!r} fits several deployments: {shown}. Name one whole.")

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
        where = Conditions()
        if flow_name is not None:
            where.add("flow_name=?", flow_name)
        if text:
            like = f"{self._database.dialect.like} ? ESCAPE '!'"
            pattern = contains(text)
            where.add(f"(name {like} OR flow_name {like})", pattern, pattern)
        order = f"{_SELECT} {where.where()} ORDER BY flow_name, name"
        with self._database.read() as reader:
            if tag is None and queue is None:
                return _read(reader, f"{order} LIMIT ? OFFSET ?", (*where.values, limit, offset))
            all_ = _read(reader, order, where.values)
        fits = (each for each in all_ if _is_of(each, tag, queue))
        return list(islice(fits, offset, offset + limit))

    def count(self) -> int:
        """How many there are."""
        with self._database.read() as reader:
            return int(reader.value("SELECT count(*) FROM deployment"))

    def versions(self, deployment_id: UUID) -> list[DeploymentVersion]:
        """All versions, newest first."""
        text = (
            f"SELECT {rows.VERSION_COLUMNS} FROM deployment_version "
            "WHERE deployment_id=? ORDER BY number DESC"
        )
        with self._database.read() as reader:
            return [rows.version_from(row) for row in reader.all(text, (deployment_id.bytes,))]

    def version(self, deployment_id: UUID, number: int) -> DeploymentVersion:
        """One version."""
        with self._database.read() as reader:
            return _version(reader, deployment_id, number)

    def snapshot(self, hash_: str) -> bytes:
        """The zip archive of a version's source."""
        with self._database.read() as reader:
            found = reader.value("SELECT data FROM snapshot WHERE hash=?", (hash_,))
        if found is None:
            raise ObjectNotFound(
                f"The source snapshot {hash_[:12]} is not there any more. Deploy again."
            )
        return bytes(found)


# ── names ────────────────────────────────────────────────────────────────────────────────


def _check_names(flow_name: str, name: str, schedules: Sequence[DeploymentSchedule]) -> None:
    for what, text in (("deployment", name), ("flow", flow_name)):
        if not text.strip() or "/" in text:
            raise UsageError(f"{text!r} cannot name a {what}: give it a word or more, without '/'.")
    slugs = [each.slug for each in schedules]
    twice = {slug for slug in slugs if slugs.count(slug) > 1}
    if twice:
        raise UsageError(f"Two schedules are named {min(twice)!r}. Give each a slug of its own.")
    for each in schedules:
        instants.from_json(each.schedule)


def _matches(reader: Reader, reference: str) -> list[Deployment]:
    flow_name, slash, name = reference.rpartition("/")
    if slash:
        found = _by_name(reader, flow_name, name)
        return [found] if found else []
    named = _read(reader, f"{_SELECT} WHERE name=? ORDER BY flow_name", (reference,))
    digits = reference.replace("-", "").lower()
    if named or not _HEXADECIMAL.fullmatch(digits):
        return named
    return _read(reader, f"{_SELECT} WHERE id>=? AND id<=? ORDER BY id", id_range(digits))


def _names(reader: Reader) -> list[str]:
    text = "SELECT flow_name, name FROM deployment ORDER BY updated DESC LIMIT ?"
    found = reader.all(text, (_NAMES_COMPARED,))
    return [part for flow_name, name in found for part in (f"{flow_name}/{name}", name)]


def _no_deployment(reference: str, names: list[str]) -> str:
    near = list(dict.fromkeys(difflib.get_close_matches(reference, names, n=3)))
    hint = f"Did you mean {' or '.join(near)}?" if near else "See `nbflow deployment ls`."
    return f"There is no deployment {reference!r}. {hint}"


def _no_schedule(deployment: Deployment, slug: str, slugs: list[str]) -> str:
    has = f"It has {', '.join(slugs)}." if slugs else "It has none."
    return f"The deployment {deployment.full_name} has no schedule {slug!r}. {has}"


# ── reading ──────────────────────────────────────────────────────────────────────────────


def _read(reader: Reader, text: str, values: Sequence[object]) -> list[Deployment]:
    lines = reader.all(text, values)
    if not lines:
        return []
    schedules = _schedules_of(reader, [bytes(line[0]) for line in lines])
    return [rows.deployment_from(line, schedules.get(bytes(line[0]), ())) for line in lines]


def _schedules_of(reader: Reader, keys: list[bytes]) -> dict[bytes, list[DeploymentSchedule]]:
    found: dict[bytes, list[DeploymentSchedule]] = {}
    marks = ",".join("?" for _ in keys)
    text = f"SELECT {rows.SCHEDULE_COLUMNS} FROM schedule WHERE deployment_id IN ({marks})"
    for line in reader.all(f"{text} ORDER BY slug", keys):
        found.setdefault(bytes(line[0]), []).append(rows.schedule_from(line))
    return found


def _by_id(reader: Reader, deployment_id: UUID) -> Deployment | None:
    found = _read(reader, f"{_SELECT} WHERE id=?", (deployment_id.bytes,))
    return found[0] if found else None


def _by_name(reader: Reader, flow_name: str, name: str) -> Deployment | None:
    found = _read(reader, f"{_SELECT} WHERE flow_name=? AND name=?", (flow_name, name))
    return found[0] if found else None


def _required(tx: Transaction, deployment_id: UUID) -> Deployment:
    found = _by_id(tx.reader, deployment_id)
    if found is None:
        raise ObjectNotFound(_no_deployment(str(deployment_id), []))
    return found


def _version(reader: Reader, deployment_id: UUID, number: int) -> DeploymentVersion:
    text = (
        f"SELECT {rows.VERSION_COLUMNS} FROM deployment_version WHERE deployment_id=? AND number=?"
    )
    found = reader.all(text, (deployment_id.bytes, number))
    if found:
        return rows.version_from(found[0])
    numbers = "SELECT number FROM deployment_version WHERE deployment_id=? ORDER BY number"
    there = [row[0] for row in reader.all(numbers, (deployment_id.bytes,))]
    if not there:
        raise ObjectNotFound(_no_deployment(str(deployment_id), []))
    known = ", ".join(map(str, there[-_VERSIONS_NAMED:]))
    raise ObjectNotFound(f"There is no version {number}. Name one of these: {known}.")


def _is_of(deployment: Deployment, tag: str | None, queue: str | None) -> bool:
    spec = deployment.spec
    return (tag is None or tag in spec.tags) and (queue is None or queue == spec.queue)


def _instants(
    deployment_id: UUID, schedule: DeploymentSchedule, start: datetime, end: datetime, limit: int
) -> Iterator[tuple[datetime, UUID, str]]:
    known = instants.from_json(schedule.schedule)
    for at in instants.between(known, start, end, limit):
        yield at, deployment_id, schedule.slug


# ── writing ──────────────────────────────────────────────────────────────────────────────


def _keep_snapshot(tx: Transaction, snapshot: bytes | None, now: int) -> str | None:
    if snapshot is None:
        return None
    key = hashlib.sha256(snapshot).hexdigest()
    text = "INSERT INTO snapshot (hash, data, created) VALUES (?,?,?) ON CONFLICT DO NOTHING"
    tx.run(text, (key, snapshot, now))
    return key


def _insert(
    tx: Transaction, flow_name: str, name: str, spec: DeploymentSpec, paused: bool, now: int
) -> Deployment:
    columns = rows.DEPLOYMENT_COLUMNS
    key = new_id()
    values = [key.bytes, flow_name, name, 0, int(paused), rows.spec_to_text(spec), now, now]
    tx.run(f"INSERT INTO deployment ({columns}) VALUES ({rows.marks(columns)})", values)
    return scheduling.read_deployment(tx, key)


def _keep_version(
    tx: Transaction,
    known: Deployment,
    spec: DeploymentSpec,
    content_hash: str,
    snapshot: str | None,
    author: str | None,
    now: int,
    *,
    new: bool,
) -> DeploymentVersion | None:
    """The new version, when this is one."""
    if not new:
        used = _version(tx.reader, known.id, known.version)
        if (used.spec, used.content_hash, used.snapshot) == (spec, content_hash, snapshot):
            return None
    text = "SELECT COALESCE(max(number),0) FROM deployment_version WHERE deployment_id=?"
    number = 1 + int(tx.value(text, (known.id.bytes,)))
    columns = rows.VERSION_COLUMNS
    values = [
        known.id.bytes,
        number,
        rows.spec_to_text(spec),
        content_hash,
        snapshot,
        now,
        author,
    ]
    tx.run(f"INSERT INTO deployment_version ({columns}) VALUES ({rows.marks(columns)})", values)
    return _version(tx.reader, known.id, number)


def _update(
    tx: Transaction, deployment_id: UUID, version: DeploymentVersion | None, paused: bool, now: int
) -> None:
    if version is not None:
        text = "UPDATE deployment SET version=?, spec=?, updated=? WHERE id=?"
        spec = rows.spec_to_text(version.spec)
        tx.run(text, (version.number, spec, now, deployment_id.bytes))
    tx.run("UPDATE deployment SET paused=? WHERE id=?", (int(paused), deployment_id.bytes))


def _follow_schedules(
    tx: Transaction,
    deployment_id: UUID,
    wanted: Sequence[DeploymentSchedule],
    now: int,
    *,
    rearm: bool,
) -> bool:
    """Make a deployment's schedules those wanted; whether anything changed."""
    known = {each.slug: each for each in scheduling.read_schedules(tx, deployment_id)}
    changed = False
    for slug in known.keys() - {each.slug for each in wanted}:
        gone = "Its schedule was removed before it started."
        scheduling.disarm(tx, deployment_id, slug, now, rests=gone)
        _delete_schedule(tx, deployment_id, slug)
        changed = True
    for each in wanted:
        present = known.get(each.slug)
        if present is None or not _is_same(present, each):
            if present is not None:
                scheduling.disarm(tx, deployment_id, each.slug, now)
                _delete_schedule(tx, deployment_id, each.slug)
            _insert_schedule(tx, deployment_id, each)
            changed = True
        elif not rearm:
            continue
        else:
            scheduling.disarm(tx, deployment_id, each.slug, now)
        scheduling.arm(tx, scheduling.read_deployment(tx, deployment_id), each, now)
    return changed


def _is_same(one: DeploymentSchedule, other: DeploymentSchedule) -> bool:
    return replace(one, next_fire=None) == replace(other, next_fire=None)


def _insert_schedule(tx: Transaction, deployment_id: UUID, schedule: DeploymentSchedule) -> None:
    columns = rows.SCHEDULE_COLUMNS
    text = f"INSERT INTO schedule ({columns}) VALUES ({rows.marks(columns)})"
    tx.run(text, rows.schedule_row(deployment_id, replace(schedule, next_fire=None)))


def _delete_schedule(tx: Transaction, deployment_id: UUID, slug: str) -> None:
    tx.run("DELETE FROM schedule WHERE deployment_id=? AND slug=?", (deployment_id.bytes, slug))


def _rearm(tx: Transaction, deployment_id: UUID, now: int) -> None:
    """Let all schedules follow what the deployment is now."""
    deployment = scheduling.read_deployment(tx, deployment_id)
    rests = "Its deployment was paused before it started." if deployment.paused else None
    for schedule in deployment.schedules:
        scheduling.disarm(tx, deployment_id, schedule.slug, now, rests=rests)
        scheduling.arm(tx, deployment, schedule, now)


def _tell(tx: Transaction, what: str, deployment_id: UUID, **more: object) -> None:
    known = scheduling.read_deployment(tx, deployment_id)
    payload = {"name": known.full_name, "version": known.version, **more}
    tx.tell(f"deployment.{what}", deployment_id, payload)
