"""Backfills, over one connection.

This module decides how the runs of a backfill are counted. It must not know which instants a
backfill has.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

from typing import Final
from uuid import UUID

from nbflow.exceptions import ObjectNotFound
from nbflow.models.deployments import Backfill
from nbflow.store import deployment_rows as rows
from nbflow.store.database import Transaction
from nbflow.store.reader import Reader

_SELECT: Final = f"SELECT {rows.BACKFILL_COLUMNS} FROM backfill"
_COUNTS: Final = (
    "SELECT f.state_type, count(*) FROM queued_run q JOIN flow_run f ON f.id=q.run_id "
    "WHERE q.backfill_id=? GROUP BY f.state_type"
)


def insert(tx: Transaction, backfill: Backfill) -> None:
    """Remember a new backfill."""
    columns = rows.BACKFILL_COLUMNS
    text = f"INSERT INTO backfill ({columns}) VALUES ({rows.marks(columns)})"
    tx.run(text, rows.backfill_row(backfill))


def read(reader: Reader, backfill_id: UUID) -> Backfill:
    """One backfill with its counts; raises `ObjectNotFound`."""
    found = reader.all(f"{_SELECT} WHERE id=?", (backfill_id.bytes,))
    if not found:
        raise ObjectNotFound(
            f"There is no backfill {backfill_id}. See those there are: nbflow backfill ls"
        )
    return rows.backfill_from(found[0], _counts(reader, found[0][0]))


def read_all(reader: Reader, deployment_id: UUID | None, limit: int) -> list[Backfill]:
    """Backfills, newest first."""
    where = "" if deployment_id is None else "WHERE deployment_id=?"
    values = () if deployment_id is None else (deployment_id.bytes,)
    found = reader.all(
        f"{_SELECT} {where} ORDER BY created DESC, id DESC LIMIT ?", (*values, limit)
    )
    return [rows.backfill_from(row, _counts(reader, row[0])) for row in found]


def mark_cancelled(tx: Transaction, backfill_id: UUID) -> None:
    """Remember that a backfill is not to go on; raises `ObjectNotFound`."""
    read(tx.reader, backfill_id)
    tx.run("UPDATE backfill SET cancelled=1 WHERE id=?", (backfill_id.bytes,))


def run_ids(tx: Transaction, backfill_id: UUID) -> list[UUID]:
    """The runs of a backfill."""
    text = "SELECT run_id FROM queued_run WHERE backfill_id=?"
    return [UUID(bytes=bytes(key)) for (key,) in tx.all(text, (backfill_id.bytes,))]


def _counts(reader: Reader, key: bytes) -> dict[str, int]:
    return {str(type_): int(count) for type_, count in reader.all(_COUNTS, (bytes(key),))}
