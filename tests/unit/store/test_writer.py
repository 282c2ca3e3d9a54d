"""Grouping, waiting and failing, with a database that only counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from nbflow.exceptions import StoreError
from nbflow.store import grouping
from nbflow.store import writer as writer_module
from nbflow.store.writer import Writer


class Gone(Exception):
    """The driver's error."""


class FakeConnection:
    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, text: str, values: Any = ()) -> FakeConnection:
        self.statements.append(text)
        return self

    def close(self) -> None:
        """Nothing to do."""


class FakeDialect:
    """A database that is busy as often as told."""

    name = "fake"
    error = Gone

    def __init__(self) -> None:
        self.busy = 0
        self.broken = False

    def identity(self) -> object:
        return 1

    def identity_text(self) -> str:
        return "fake"

    def begin(self, connection: FakeConnection) -> None:
        connection.execute("BEGIN")
        if self.busy:
            self.busy -= 1
            raise Gone("busy")
        if self.broken:
            raise Gone("broken")

    def is_busy(self, error: Exception) -> bool:
        return str(error) == "busy"

    def is_bad_data(self, error: Exception) -> bool:
        return False

    def explain(self, error: Exception) -> StoreError:
        return StoreError(f"fake is {error}. Mend it.")


class FakeBatch:
    """Remembers the writes of each committed batch."""

    committed: ClassVar[list[list[int]]] = []

    def __init__(self) -> None:
        self.items: list[int] = []

    def add(self, number: int) -> None:
        self.items.append(number)

    def write(self, dialect: Any, connection: Any, *, clean: bool = False) -> None:
        FakeBatch.committed.append(self.items)


@pytest.fixture
def dialect() -> FakeDialect:
    return FakeDialect()


@pytest.fixture
def writer(dialect: FakeDialect, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    connection = FakeConnection()
    monkeypatch.setattr(writer_module, "open_database", lambda _: connection)
    monkeypatch.setattr(writer_module, "Batch", FakeBatch)
    FakeBatch.committed = []
    writer = Writer(dialect)  # type: ignore[arg-type]
    yield writer
    dialect.broken = False
    writer.close()


def put(writer: Writer, *numbers: int) -> None:
    for number in numbers:
        writer.put((FakeBatch.add, number))  # type: ignore[arg-type]


def test_writes_gather_in_order_and_flush_does_not_wait_for_the_group(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "GROUP_SECONDS", 60)
    put(writer, *range(1_000))
    began = time.perf_counter()
    writer.flush()
    assert time.perf_counter() - began < 30
    assert FakeBatch.committed == [list(range(1_000))]


def test_writes_go_out_by_themselves(writer: Writer) -> None:
    put(writer, 1)
    end = time.monotonic() + 60
    while not FakeBatch.committed and time.monotonic() < end:
        writer.wait_for_commit(0.1)
    assert FakeBatch.committed == [[1]]


def test_a_commit_ends_the_wait_for_one(writer: Writer) -> None:
    began = time.perf_counter()
    threading.Timer(0.05, put, (writer, 1)).start()
    writer.wait_for_commit(60)
    assert time.perf_counter() - began < 30
    assert FakeBatch.committed == [[1]]


def test_a_busy_database_is_tried_again(writer: Writer, dialect: FakeDialect) -> None:
    dialect.busy = 5
    put(writer, 1)
    writer.flush()
    assert FakeBatch.committed == [[1]]


def test_a_failure_is_told_once_and_later_writes_go_on(
    writer: Writer, dialect: FakeDialect
) -> None:
    dialect.broken = True
    put(writer, 1)
    writer.settle()
    with pytest.raises(StoreError, match="Mend it"):
        writer.flush()
    writer.flush()
    dialect.broken = False
    put(writer, 2)
    writer.flush()
    assert FakeBatch.committed == [[2]]


def test_work_of_its_own_keeps_its_place_among_writes(writer: Writer) -> None:
    seen: list[Any] = []
    put(writer, 1)
    writer.perform_later(lambda _: seen.append(list(FakeBatch.committed)))
    put(writer, 2)
    assert writer.perform(lambda _: "answer") == "answer"
    assert seen == [[[1]]]
    assert FakeBatch.committed == [[1], [2]]


def test_an_error_in_awaited_work_reaches_its_caller_alone(
    writer: Writer, dialect: FakeDialect
) -> None:
    dialect.broken = True
    with pytest.raises(StoreError, match="Mend it"):
        writer.perform(lambda _: None)
    writer.flush()


def test_an_error_in_work_that_nobody_awaits_is_told_by_flush(
    writer: Writer, dialect: FakeDialect
) -> None:
    dialect.broken = True
    writer.perform_later(lambda _: None)
    with pytest.raises(StoreError, match="Mend it"):
        writer.flush()


def test_a_mistake_in_the_writer_ends_no_wait_for_ever(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistake(*_: object, **__: object) -> None:
        raise KeyError("mistake")

    monkeypatch.setattr(FakeBatch, "write", mistake)
    put(writer, 1)
    with pytest.raises(StoreError, match="mistake"):
        writer.flush(timeout=10)


def test_callers_are_slowed_to_the_databases_speed(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "_MOST_WAITING", 10)
    most = 0
    for number in range(500):
        put(writer, number)
        most = max(most, len(writer._queue))
    writer.flush()
    assert most <= 12
    assert [n for batch in FakeBatch.committed for n in batch] == list(range(500))


def test_writing_costs_the_caller_next_to_nothing_while_the_database_is_slow(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, writing = threading.Event(), threading.Event()

    def write(*_: object, **__: object) -> None:
        writing.set()
        assert release.wait(60)

    monkeypatch.setattr(FakeBatch, "write", write)
    put(writer, 0)
    assert writing.wait(60)
    began = time.perf_counter()
    put(writer, *range(1_000))
    assert time.perf_counter() - began < 30, "the database is at its first write all the while"
    release.set()
    writer.flush()


def test_without_threads_as_at_the_interpreters_end_the_caller_writes(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    put(writer, 1)
    writer.flush()
    put(writer, 2)
    writer.flush()
    assert FakeBatch.committed == [[1], [2]]
