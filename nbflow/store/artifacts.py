"""What runs left behind to look at.

This module decides what an artifact may be, and in which order artifacts are found. It must
not know how their data is made or shown.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from nbflow.exceptions import InvalidNameError, ObjectNotFound, UsageError
from nbflow.models.deployments import Artifact, ArtifactKind
from nbflow.store.database import Database, Transaction
from nbflow.store.queries import Conditions
from nbflow.store.rows import from_micros, to_micros

#: Characters of an artifact's JSON: pages show it whole.
LONGEST_DATA: Final = 5_000_000
_LONGEST_KEY: Final = 200
_UNUSABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|^\s|\s$")
_COLUMNS: Final = "id,kind,key,description,data,flow_run_id,task_run_id,created"
#: Kinds whose data is a number, which those who watch want to know at once.
_NUMBERS: Final = frozenset({ArtifactKind.METRIC, ArtifactKind.PROGRESS})


class SQLArtifacts:
    """Artifacts in the database; see `ArtifactStore` for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, artifact: Artifact) -> Artifact:
        """Keep an artifact, in place of the one with its id."""
        _check_key(artifact.key)
        row = self._database.dialect.clean(_row(artifact))
        self._database.write(lambda transaction: _put(transaction, artifact, row))
        return artifact

    def get(self, artifact_id: UUID) -> Artifact:
        """One artifact; raises `ObjectNotFound`."""
        text = f"SELECT {_COLUMNS} FROM artifact WHERE id=?"
        with self._database.read() as reader:
            lines = reader.all(text, (artifact_id.bytes,))
        if not lines:
            raise _no_artifact(artifact_id)
        return _artifact(lines[0])

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
        found = Conditions()
        for column, value in (("flow_run_id", flow_run_id), ("task_run_id", task_run_id)):
            if value is not None:
                found.add(f"{column}=?", value.bytes)
        for column, text in (("key", key), ("kind", kind)):
            if text is not None:
                found.add(f"{column}=?", str(text))
        select = f"SELECT {_COLUMNS} FROM artifact {found.where()} ORDER BY seq DESC"
        with self._database.read() as reader:
            lines = reader.all(f"{select} LIMIT ? OFFSET ?", (*found.values, limit, offset))
        return [_artifact(line) for line in lines]

    def delete(self, artifact_id: UUID) -> None:
        """Forget an artifact; raises `ObjectNotFound`."""

        def work(transaction: Transaction) -> None:
            if not transaction.run("DELETE FROM artifact WHERE id=?", (artifact_id.bytes,)):
                raise _no_artifact(artifact_id)
            transaction.tell("artifact.deleted", artifact_id)

        self._database.write(work)


def _put(transaction: Transaction, artifact: Artifact, row: list[Any]) -> None:
    key, *values = row
    sets = ",".join(f"{column}=?" for column in _COLUMNS.split(",")[1:])
    changed = transaction.run(f"UPDATE artifact SET {sets} WHERE id=?", (*values, key))
    if not changed:
        _refuse_lost_run(transaction, artifact)
        marks = ",".join("?" for _ in row)
        text = f"INSERT INTO artifact (seq,{_COLUMNS}) VALUES (?,{marks})"
        transaction.run(text, (transaction.number(), *row))
    kind = f"artifact.{'updated' if changed else 'created'}"
    transaction.tell(kind, artifact.id, _told(artifact))


def _refuse_lost_run(transaction: Transaction, artifact: Artifact) -> None:
    run_id = artifact.flow_run_id
    if run_id is None:
        return
    if transaction.value("SELECT seq FROM flow_run WHERE id=?", (run_id.bytes,)) is None:
        raise ObjectNotFound(
            f"There is no flow run {run_id} in this run database to keep an artifact of. "
            "`nbflow runs ls` shows those that are."
        )


def _told(artifact: Artifact) -> dict[str, Any]:
    told: dict[str, Any] = {
        "kind": str(artifact.kind),
        "key": artifact.key,
        "flow_run_id": artifact.flow_run_id and str(artifact.flow_run_id),
        "task_run_id": artifact.task_run_id and str(artifact.task_run_id),
    }
    if artifact.kind in _NUMBERS:
        told["data"] = artifact.data
    return told


def _check_key(key: str | None) -> None:
    if key is None or (key and len(key) <= _LONGEST_KEY and not _UNUSABLE.search(key)):
        return
    raise InvalidNameError(
        f"{key[:_LONGEST_KEY]!r} cannot be the key of an artifact. Give one of up to "
        f"{_LONGEST_KEY} characters on one line, without spaces around it."
    )


def _row(artifact: Artifact) -> list[Any]:
    try:
        data = json.dumps(artifact.data, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The artifact's data is no JSON: {error}. Give text, numbers, true, false, null, "
            "and lists and objects of these."
        ) from error
    if len(data) > LONGEST_DATA:
        raise UsageError(
            f"The {artifact.kind} would take {len(data):,} characters, more than "
            f"{LONGEST_DATA:,}. Keep it in a file, and a link to that as the artifact."
        )
    flow_run_id, task_run_id = artifact.flow_run_id, artifact.task_run_id
    return [
        artifact.id.bytes,
        str(artifact.kind),
        artifact.key,
        artifact.description,
        data,
        None if flow_run_id is None else flow_run_id.bytes,
        None if task_run_id is None else task_run_id.bytes,
        to_micros(artifact.created),
    ]


def _artifact(line: Sequence[Any]) -> Artifact:
    key, kind, name, description, data, flow_run_id, task_run_id, created = line
    return Artifact(
        id=UUID(bytes=bytes(key)),
        kind=ArtifactKind(kind),
        key=name,
        description=description,
        data=json.loads(data),
        flow_run_id=None if flow_run_id is None else UUID(bytes=bytes(flow_run_id)),
        task_run_id=None if task_run_id is None else UUID(bytes=bytes(task_run_id)),
        created=from_micros(created),
    )


def _no_artifact(artifact_id: UUID) -> ObjectNotFound:
    return ObjectNotFound(
        f"There is no artifact {artifact_id} in this run database. It may have been deleted, "
        "or pruned with its run."
    )


__all__ = ["LONGEST_DATA", "SQLArtifacts"]
