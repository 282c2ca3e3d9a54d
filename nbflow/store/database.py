"""One open database, as the parts of a store share it.

This module decides how a part reads, writes at once, tells the time, and says that something
happened. It must not know what is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar

from nbflow.store import rows
from nbflow.store.dialects import Connection, Dialect
from nbflow.store.reader import Reader, ReaderPool
from nbflow.store.writer import Writer

T = TypeVar("T")


class Transaction:
    """A transaction that no other writer of any process can overtake."""

    def __init__(self, dialect: Dialect, connection: Connection) -> None:
        self.dialect = dialect
        self.connection = connection
        self.reader = Reader(dialect, connection)

    def all(self, text: str, values: Sequence[Any] = ()) -> list[Sequence[Any]]:
        """All rows of a query (`?` for values)."""
        return self.reader.all(text, values)

    def first(self, text: str, values: Sequence[Any] = ()) -> Sequence[Any] | None:
        """The first row of a query."""
        lines = self.all(text, values)
        return lines[0] if lines else None

    def value(self, text: str, values: Sequence[Any] = ()) -> Any:
        """The first value of the first row, or None."""
        return self.reader.value(text, values)

    def run(self, text: str, values: Sequence[Any] = ()) -> int:
        """Carry out a statement; how many rows it touched."""
        return int(self.connection.execute(self.dialect.sql(text), values).rowcount)

    def micros(self, now: datetime | None) -> int:
        """A moment in stored form; None stands for the clock all writers share."""
        if now is not None:
            return rows.to_micros(now)
        if self.dialect.name == "sqlite":  # one machine, one clock
            return time.time_ns() // 1_000
        text = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
        return int(self.value(text))

    def number(self) -> int:
        """The next number of the one counter, in whose order things happened."""
        self.run("UPDATE counter SET value=value+1 WHERE name='store'")
        return int(self.value("SELECT value FROM counter WHERE name='store'"))

    def tell(
        self,
        kind: str,
        subject: object,
        payload: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> None:
        """Remember that something happened to anything but a run; wakes those who wait."""
        text = "INSERT INTO event (seq, kind, subject, payload, timestamp) VALUES (?,?,?,?,?)"
        told = rows.to_json(payload) if payload else None
        self.run(text, (self.number(), kind, str(subject), told, self.micros(now)))


class Database:
    """What the parts of a store share."""

    def __init__(self, dialect: Dialect, writer: Writer, readers: ReaderPool) -> None:
        self.dialect = dialect
        self.writer = writer
        self._readers = readers

    def read(self) -> AbstractContextManager[Reader]:
        """A reader that sees every write accepted so far."""
        return self._readers.borrow()

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Carry out `work` in one transaction, after all accepted writes."""
        return self.writer.perform(lambda connection: work(Transaction(self.dialect, connection)))
