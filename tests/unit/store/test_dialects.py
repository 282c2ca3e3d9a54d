"""Database URLs, statements and errors, without a database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nbflow.exceptions import ConfigurationError, StoreCorrupt, StoreError
from nbflow.store import dialects, queries
from nbflow.store.dialects import PostgreSQL, SQLite, dialect_for, without_password


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////data/runs.db", Path("/data/runs.db")),
        ("sqlite:///runs.db", Path.cwd() / "runs.db"),
        ("sqlite+pysqlite:////data/runs.db?timeout=5", Path("/data/runs.db")),
        ("sqlite:///~/runs.db", Path.home() / "runs.db"),
        ("sqlite:////a folder/100%.db", Path("/a folder/100%.db")),
    ],
)
def test_sqlite_urls(url: str, path: Path) -> None:
    dialect = dialect_for(url)
    assert isinstance(dialect, SQLite)
    assert dialect.path == path


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_urls_never_show_their_password(scheme: str) -> None:
    dialect = dialect_for(f"{scheme}://me:secret@host:5432/runs")
    assert isinstance(dialect, PostgreSQL)
    assert dialect.url == "postgresql://me:secret@host:5432/runs"
    assert dialect.identity_text() == "postgresql://me:***@host:5432/runs"
    assert "secret" not in str(dialect.explain(OSError("refused\nby host")))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:p@ss/w@host/runs", "postgresql://me:***@host/runs"),
        ("postgresql://:secret@host/runs", "postgresql://:***@host/runs"),
        ("postgres:me:secret@host/runs", "postgres:me:***@host/runs"),
        ("postgresql://h/d?user=me&password=secret", "postgresql://h/d?user=me&password=***"),
        ("s3://key:secret@bucket/results", "s3://key:***@bucket/results"),
        ("postgresql://me@host:5432/runs", "postgresql://me@host:5432/runs"),
        ("sqlite:////a@b/c:d@e.db", "sqlite:////a@b/c:d@e.db"),
        ("/data/results", "/data/results"),
    ],
)
def test_addresses_are_shown_without_passwords(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_without_its_driver_postgresql_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        dialect_for("postgresql://h/d")


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 127, 128, 200])
def test_rows_are_cut_into_few_sizes_without_loss(count: int) -> None:
    lines = [[number] for number in range(count)]
    chunks = list(dialects._chunks(lines))
    assert [line for chunk in chunks for line in chunk] == lines
    assert {len(chunk) for chunk in chunks} <= {64, 32, 16, 8, 4, 2, 1}
    assert len(chunks) <= count // 64 + 6


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_CORRUPT, StoreCorrupt, "restore a backup"),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreCorrupt, "restore a backup"),
        (sqlite3.SQLITE_NOTADB, StoreCorrupt, "restore a backup"),
        (sqlite3.SQLITE_FULL, StoreError, "Free some space"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreError, "writable"),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, StoreError, "Check that it is there"),
        (sqlite3.SQLITE_BUSY_RECOVERY, StoreError, "Close the program"),
        (sqlite3.SQLITE_IOERR_WRITE, StoreError, "Check that the disk has room"),
        (sqlite3.SQLITE_MISUSE, StoreError, "nbflow doctor"),
    ],
)
def test_sqlite_errors_become_one_sentence_and_the_next_step(code, kind, words) -> None:
    error = sqlite3.OperationalError("odd")
    error.sqlite_errorcode = code
    told = SQLite(Path("/data/runs.db")).explain(error)
    assert type(told) is kind
    assert "/data/runs.db" in str(told)
    assert words in str(told)


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("0192", "0192ffff" + "0" * 24, "0193" + "0" * 28),
        ("0192a", "0192abcd" + "f" * 24, "0192b" + "0" * 27),
    ],
)
def test_ids_that_begin_alike_are_one_range(prefix: str, inside: str, outside: str) -> None:
    low, high = queries.id_range(prefix)
    assert low <= bytes.fromhex(inside) <= high
    assert not low <= bytes.fromhex(outside) <= high
