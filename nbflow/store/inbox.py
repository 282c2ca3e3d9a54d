"""Writes of runs that another process sends: each delivery counts once.

This module decides how a delivery is carried out: in one transaction, under the claim it
carries, and not again when it comes a second time because its answer was lost. It must not
know how deliveries travel.

What was delivered is remembered in the database, in the same transaction, as a row of
`counter` named by the delivery's id. A sender waits for each answer before it goes on, so its
newest delivery is the only one that can come again: the row is renamed with each, and there
is one for each sender. Rows of senders that are gone are removed after a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbflow.exceptions import LeaseLost, StoreError
from nbflow.store import fencing, moves
from nbflow.store.batch import Batch
from nbflow.store.database import Database, Transaction
from nbflow.store.http.writes import RunWrite

if TYPE_CHECKING:
    from nbflow.models.deployments import Fence

_KEPT_SECONDS: Final = 86_400
_BAD_VALUE: Final = (TypeError, ValueError, AttributeError, OverflowError)

_GATHER: Final[Mapping[str, Callable[[Batch, Any], None]]] = {
    "create_flow_run": Batch.create_flow_run,
    "create_task_run": Batch.create_task_run,
    "set_state": Batch.set_state,
    "set_output": Batch.set_output,
    "add_dependencies": Batch.add_dependencies,
    "rename_task_run": Batch.rename_task_run,
    "add_logs": Batch.add_logs,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Writes of one process, in order."""

    #: UUID version 7: newer ids are greater.
    id: UUID
    #: The sender's delivery before this one, which it knows to have arrived.
    previous: UUID | None
    writes: Sequence[RunWrite]
    #: The claim under which they are valid.
    fence: Fence | None = None


class Inbox:
    """Takes deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def receive(self, delivery: Delivery) -> list[str]:
        """Carry out a delivery, unless that was done; what went wrong with single writes.

        Raises `LeaseLost` when its claim is gone, and `StoreError` when the database fails:
        then nothing was written.
        """
        try:
            return self._database.write(lambda tx: _take(tx, delivery, _write_together))
        except LeaseLost:
            raise
        except (StoreError, *_BAD_VALUE):  # a row that does not fit must not cost the others
            return self._database.write(lambda tx: _take(tx, delivery, _write_singly))


def _take(
    tx: Transaction,
    delivery: Delivery,
    write: Callable[[Transaction, Sequence[RunWrite]], list[str]],
) -> list[str]:
    fencing.check(tx.dialect, tx.connection, delivery.fence)
    if tx.value("SELECT 1 FROM counter WHERE name=?", (delivery.id.hex,)):
        return []
    _remember(tx, delivery)
    return write(tx, delivery.writes)


def _remember(tx: Transaction, delivery: Delivery) -> None:
    rename = "UPDATE counter SET name=? WHERE name=?"
    if delivery.previous is not None and tx.run(rename, (delivery.id.hex, delivery.previous.hex)):
        return
    oldest = int(time.time() - _KEPT_SECONDS) * 1000
    forget = "DELETE FROM counter WHERE name<>'store' AND name<?"
    tx.run(forget, (f"{oldest:012x}",))  # an id begins with its time of birth
    tx.run("INSERT INTO counter (name, value) VALUES (?, 0)", (delivery.id.hex,))


def _write_together(tx: Transaction, writes: Sequence[RunWrite]) -> list[str]:
    batch = Batch()
    for each in writes:
        if each.name == "delete_flow_run":
            batch.write(tx.dialect, tx.connection)
            batch = Batch()
            _delete(tx, each.argument)
        else:
            _GATHER[each.name](batch, each.argument)
    batch.write(tx.dialect, tx.connection)
    return []


def _write_singly(tx: Transaction, writes: Sequence[RunWrite]) -> list[str]:
    problems: list[str] = []
    for each in _parts(writes):
        tx.connection.execute("SAVEPOINT one")
        try:
            _write_one(tx, each)
        except (tx.dialect.error, *_BAD_VALUE) as error:
            tx.connection.execute("ROLLBACK TO SAVEPOINT one")
            problems += _problem(tx, each, error)
        tx.connection.execute("RELEASE SAVEPOINT one")
    return problems


def _parts(writes: Sequence[RunWrite]) -> list[RunWrite]:
    """Log records one by one, everything else as it is."""
    parts: list[RunWrite] = []
    for each in writes:
        if each.name == "add_logs":
            parts += (RunWrite(each.name, (record,)) for record in each.argument)
        else:
            parts.append(each)
    return parts


def _write_one(tx: Transaction, write: RunWrite) -> None:
    if write.name == "delete_flow_run":
        _delete(tx, write.argument)
        return
    batch = Batch()
    _GATHER[write.name](batch, write.argument)
    batch.write(tx.dialect, tx.connection, clean=True)


def _problem(tx: Transaction, write: RunWrite, error: Exception) -> list[str]:
    """What to tell of a write that failed; nothing when its run was deleted meanwhile."""
    if isinstance(error, tx.dialect.error):
        if tx.dialect.is_missing_parent(error):
            return []
        if not tx.dialect.is_bad_data(error):
            raise error
    return [f"The store could not {write.words()}: {error}. Check the values given."]


def _delete(tx: Transaction, flow_run_id: UUID) -> None:
    moves.forget(tx.dialect, tx.connection, tx.reader.family(flow_run_id))
    tx.number()  # watchers look there
