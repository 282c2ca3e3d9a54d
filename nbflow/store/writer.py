"""One thread per process and database that writes in groups.

This module decides when writes go out, who waits for them, and what happens when they fail:
accepting a write costs the caller an append; a group gathers for up to 20 ms, or until
somebody waits for it. It must not know what is written.

A group that fails because of single bad rows is written again one by one, so that only
those are lost. Every loss is told by the next `flush`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from nbflow.exceptions import LeaseLost, StoreError
from nbflow.store.batch import Batch, Write
from nbflow.store.dialects import Connection, Dialect, rollback
from nbflow.store.fencing import check
from nbflow.store.opening import open_database, patiently

if TYPE_CHECKING:  # only workers' runs have one
    from nbflow.models.deployments import Fence

#: Seconds a group gathers.
GROUP_SECONDS: Final = 0.02
#: Writes in one transaction, so that others get their turn.
_MOST_IN_GROUP: Final = 4_000
#: Waiting writes at which callers are slowed down to the database's speed.
_MOST_WAITING: Final = 200_000

#: What a row that does not fit raises before it reaches the driver.
_BAD_VALUE: Final = (TypeError, ValueError, AttributeError, OverflowError)

T = TypeVar("T")


class _Order:
    """Something to do between writes: run `work` in a transaction, or only answer."""

    def __init__(
        self, work: Callable[[Connection], Any] | None = None, *, awaited: bool = True
    ) -> None:
        self.work = work
        #: Whether somebody takes `error`; if not, `flush` tells it.
        self.awaited = awaited
        self.done = threading.Event()
        self.result: Any = None
        self.error: Exception | None = None


class Writer:
    """Accepts writes from any thread and commits them in order."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._identity: object = None
        self._connection: Connection | None = None
        #: The claim under which this process writes; None: it answers to nobody.
        self.fence: Fence | None = None
        self._start_fresh()
        _writers.add(self)

    def _start_fresh(self) -> None:
        self._queue: deque[Write | _Order] = deque()
        self._errors: list[StoreError] = []
        #: Set once the claim is gone: nothing is written any more.
        self._lost: LeaseLost | None = None
        # Reentrant: a signal handler may flush while its thread holds it.
        self._lock = threading.RLock()
        self._work = threading.Event()
        self._kick = threading.Event()
        #: True while the thread is not there or waits for work: a write must wake it.
        self._asleep = True
        self._active = False
        self._closed = False
        self._thread: threading.Thread | None = None
        #: Notified after every commit.
        self.committed = threading.Condition()

    def forget_parent(self) -> None:
        """In a forked child: what is queued and open is the parent's."""
        _left_alone.append((self._connection, self._queue))
        self._connection = None
        self._start_fresh()

    # ── callers' side ────────────────────────────────────────────────────────────────────
    def open(self) -> None:
        """Open, create or upgrade the database now, so that errors show at once."""
        with self._lock:
            self._connect()

    def put(self, write: Write) -> None:
        """Accept a write."""
        self._queue.append(write)
        if self._asleep:
            self._wake()
        elif len(self._queue) > _MOST_WAITING:
            self._wait_for(_Order(), None)

    def settle(self) -> None:
        """Wait until accepted writes are visible, leaving errors for `flush`."""
        if self._queue or self._active:
            self._wait_for(_Order(), None)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until accepted writes are durable; raises the first error since the last flush."""
        if self._queue or self._active:
            self._wait_for(_Order(), timeout)
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
        self._wait_for(order, None)
        if order.error is not None:
            raise order.error
        return order.result  # type: ignore[no-any-return]

    def perform_later(self, work: Callable[[Connection], Any]) -> None:
        """Queue `work` as a write; its error is told by `flush`."""
        self._append(_Order(work, awaited=False))

    def close(self) -> None:
        """Write what is left, end the thread and close the connection."""
        if self._closed:
            return
        try:
            with contextlib.suppress(LeaseLost):  # nothing is left to be written
                self.flush()
        finally:
            self._closed = True
            self._work.set()
            self._kick.set()
            if self._thread is not None:
                self._thread.join()
            self._asleep = True
            self._disconnect()

    def _append(self, order: _Order) -> None:
        self._queue.append(order)
        if self._asleep:
            self._wake()

    def _wait_for(self, order: _Order, timeout: float | None) -> None:
        self._append(order)
        self._kick.set()
        if not order.done.wait(timeout):
            raise StoreError(
                f"The run database {self._dialect.identity_text()} did not take all writes "
                f"within {timeout:g} s. Try again; if it stays so, check the disk."
            )

    def _wake(self) -> None:
        with self._lock:
            if self._closed:
                self._queue.clear()
                raise StoreError("The store is closed. Open it again: nbflow.store.open_store().")
            self._asleep = False
            if self._thread is None:
                self._start_thread()
        self._work.set()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._run, name="nbflow-store-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending: nobody else is left to do it
            self._step()
            self._asleep = True
        else:
            self._thread = thread

    # ── the thread's side ────────────────────────────────────────────────────────────────
    def _run(self) -> None:
        while not (self._closed and not self._queue):
            self._gather()
            self._step()

    def _gather(self) -> None:
        if not self._queue:
            self._asleep = True
            if not self._queue:  # a write before `_asleep` was seen did not wake us
                self._work.wait()
            self._asleep = False
            self._work.clear()
        if len(self._queue) < _MOST_IN_GROUP:
            self._kick.wait(GROUP_SECONDS)
        self._kick.clear()

    def _step(self) -> None:
        self._active = True  # before the queue shrinks: `settle` looks at the queue first
        queue = self._queue
        items = [queue.popleft() for _ in range(min(len(queue), _MOST_IN_GROUP))]
        waiting = [item for item in items if isinstance(item, _Order)]
        try:
            self._process(items)
        except Exception as error:  # noqa: BLE001 - a dead thread would let `flush` wait for ever
            self._fail(StoreError(f"Runs could not be recorded ({error!r}). Run it again."))
        finally:
            self._active = False
            for order in waiting:
                order.done.set()
        with self.committed:
            self.committed.notify_all()

    def _process(self, items: list[Write | _Order]) -> None:
        writes: list[Write] = []
        for item in items:
            if not isinstance(item, _Order):
                writes.append(item)
            elif item.work is not None:
                self._commit(writes)
                writes = []
                self._carry_out(item, item.work)
        self._commit(writes)

    def _carry_out(self, order: _Order, work: Callable[[Connection], Any]) -> None:
        try:
            order.result = self._transact(work)
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


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()
#: A parent's connections, kept for ever: closing them in the child would touch its locks.
_left_alone: list[Any] = []


def _after_fork() -> None:
    for writer in list(_writers):
        writer.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
