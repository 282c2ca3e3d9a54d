"""One thread per process and database that writes in groups.

This module decides when writes go out, who waits for them, and what happens when they fail:
accepting a write costs the caller an append; a group gathers for up to 20 ms, or until
somebody waits for it. It must not know what is written.

A group that fails because of single bad rows is written again one by one, so that only
those are lost. Every loss is told by the next `flush`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from nbflow.exceptions import LeaseLost, StoreError
from nbflow.store.batch import Batch, Write
from nbflow.store.bell import Bell
from nbflow.store.dialects import Connection, Dialect, rollback
from nbflow.store.fencing import check
from nbflow.store.grouping import Grouping, Wait
from nbflow.store.opening import open_database, patiently

if TYPE_CHECKING:  # only workers' runs have one
    from nbflow.models.deployments import Fence

#: Waiting writes at which callers are slowed down to the database's speed.
_MOST_WAITING: Final = 200_000

#: What a row that does not fit raises before it reaches the driver.
_BAD_VALUE: Final = (TypeError, ValueError, AttributeError, OverflowError)

T = TypeVar("T")


class _Order(Wait):
    """Something to do between writes: run `work` in a transaction."""

    def __init__(self, work: Callable[[Connection], Any], *, awaited: bool = True) -> None:
        super().__init__()
        self.work = work
        #: Whether somebody takes `error`; if not, `flush` tells it.
        self.awaited = awaited
        self.result: Any = None
        self.error: Exception | None = None


class Writer(Grouping[Write]):
    """Accepts writes from any thread and commits them in order."""

    most_in_group = 4_000  # in one transaction, so that others get their turn
    name = "nbflow-store-writer"

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._identity: object = None
        self._connection: Connection | None = None
        #: The claim under which this process writes; None: it answers to nobody.
        self.fence: Fence | None = None
        super().__init__()

    def _start_fresh(self) -> None:
        super()._start_fresh()
        self._errors: list[StoreError] = []
        #: Set once the claim is gone: nothing is written any more.
        self._lost: LeaseLost | None = None
        #: Of those who wait for a commit, each its own.
        self._bells: set[Bell] = set()

    def forget_parent(self) -> None:
        """In a forked child: what is queued and open is the parent's."""
        _left_alone.append(self._connection)
        self._connection = None
        super().forget_parent()

    # ── callers' side ────────────────────────────────────────────────────────────────────
    def open(self) -> None:
        """Open, create or upgrade the database now, so that errors show at once."""
        with self._lock:
            self._connect()

    def put(self, item: Write | Wait) -> None:
        """Accept a write."""
        self._queue.append(item)  # again here: this is called for every state and log line
        if self._asleep:
            self._wake()
        if len(self._queue) > _MOST_WAITING:
            self.settle()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until accepted writes are durable; raises the first error since the last flush."""
        if not self.settle(timeout):
            raise StoreError(
                f"The run database {self._dialect.identity_text()} did not take all writes "
                f"within {timeout:g} s. Try again; if it stays so, check the disk."
            )
        if self._lost is not None:
            raise self._lost
        if self._errors:
            with self._lock:
                errors, self._errors = self._errors, []
            if errors:
                raise errors[0]

    def perform(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of its own after all accepted writes."""
        order = _Order(work)
        self.wait_for(order)
        if order.error is not None:
            raise order.error
        return order.result  # type: ignore[no-any-return]

    def perform_later(self, work: Callable[[Connection], Any]) -> None:
        """Queue `work` as a write; its error is told by `flush`."""
        self.put(_Order(work, awaited=False))

    def wait_for_commit(self, seconds: float) -> None:
        """Return after the next commit of this process, or when the time is over."""
        bell = Bell()
        self._bells.add(bell)
        try:
            bell.wait(seconds)
        finally:
            self._bells.discard(bell)

    def close(self) -> None:
        """Write what is left, end the thread and close the connection."""
        if self._closed:
            return
        try:
            with contextlib.suppress(LeaseLost):  # nothing is left to be written
                self.flush()
        finally:
            self.stop()
            self._disconnect()

    # ── the thread's side ────────────────────────────────────────────────────────────────
    def _carry_out(self, items: list[Write | Wait]) -> None:
        try:
            self._process(items)
        except Exception as error:  # noqa: BLE001 - a dead thread would let `flush` wait for ever
            self._fail(StoreError(f"Runs could not be recorded ({error!r}). Run it again."))

    def _step(self) -> None:
        super()._step()
        for bell in tuple(self._bells):  # when all is settled: who is woken looks at once
            bell.ring()

    def _process(self, items: list[Write | Wait]) -> None:
        writes: list[Write] = []
        for item in items:
            if not isinstance(item, Wait):
                writes.append(item)
            elif isinstance(item, _Order):
                self._commit(writes)
                writes = []
                self._perform(item)
        self._commit(writes)

    def _perform(self, order: _Order) -> None:
        try:
            order.result = self._transact(order.work)
        except _BadRows as error:
            order.error = self._dialect.explain(error.reason)
        except StoreError as error:
            order.error = error
        except Exception as error:
            if not order.awaited:
                raise
            order.error = error  # raised again by the thread that asked
        if isinstance(order.error, StoreError) and not order.awaited:
            self._fail(order.error)

    def _commit(self, writes: list[Write]) -> None:
        if not writes or self._lost is not None:
            return
        try:
            batch = Batch()
            for gather, argument in writes:
                gather(batch, argument)
            self._transact(lambda connection: self._write(connection, batch))
        except (_BadRows, *_BAD_VALUE):
            self._commit_one_by_one(writes)
        except LeaseLost as error:
            self._lost = error
        except StoreError as error:
            self._fail(error)

    def _write(self, connection: Connection, batch: Batch) -> None:
        check(self._dialect, connection, self.fence)
        batch.write(self._dialect, connection)

    def _commit_one_by_one(self, writes: list[Write]) -> None:
        try:
            self._transact(lambda connection: self._write_singly(connection, writes))
        except LeaseLost as error:
            self._lost = error
        except StoreError as error:
            self._fail(error)

    def _write_singly(self, connection: Connection, writes: list[Write]) -> None:
        check(self._dialect, connection, self.fence)
        for gather, argument in writes:
            parts = [(part,) for part in argument] if gather is Batch.add_logs else [argument]
            for part in parts:
                connection.execute("SAVEPOINT one")
                try:
                    batch = Batch()
                    gather(batch, part)
                    batch.write(self._dialect, connection, clean=True)
                except (self._dialect.error, *_BAD_VALUE) as error:
                    connection.execute("ROLLBACK TO SAVEPOINT one")
                    self._judge(error, gather.__name__)
                connection.execute("RELEASE SAVEPOINT one")

    def _judge(self, error: Exception, what: str) -> None:
        """Tell of a single write that failed, unless its run was deleted meanwhile."""
        known = isinstance(error, self._dialect.error)
        if known and self._dialect.is_missing_parent(error):
            return
        if known and not self._dialect.is_bad_data(error):
            raise error
        name = what.replace("_", " ")
        self._fail(StoreError(f"The store could not {name}: {error}. Check the values given."))

    def _fail(self, error: StoreError) -> None:
        with self._lock:
            self._errors.append(error)

    # ── transactions ─────────────────────────────────────────────────────────────────────
    def _transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction; again while others hold the lock.

        Raises `_BadRows` when single rows are at fault, else `StoreError`.
        """
        dialect = self._dialect
        try:
            return patiently(dialect, lambda: self._attempt(work))
        except dialect.error as error:
            if dialect.is_bad_data(error):
                raise _BadRows(error) from error
            self._disconnect()
            raise dialect.explain(error) from error

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        connection = self._connect()
        try:
            self._dialect.begin(connection)
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            rollback(connection)
            raise
        return result

    def _connect(self) -> Connection:
        present = self._dialect.identity()
        if self._connection is not None and present != self._identity:
            self._disconnect()
            raise StoreError(
                f"The run database {self._dialect.identity_text()} was deleted or replaced while "
                "it was in use. Run again: a missing one is made anew."
            )
        if self._connection is None:
            self._connection = open_database(self._dialect)
            self._identity = self._dialect.identity()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(self._dialect.error):
                connection.close()


class _BadRows(Exception):
    """Some row does not fit; the others may."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


#: A parent's connections, kept for ever: closing them in the child would touch its locks.
_left_alone: list[Any] = []
