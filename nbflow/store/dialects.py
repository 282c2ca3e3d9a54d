"""What differs between database systems: connecting, locking, bulk writes, words for errors.

This module decides how each system is spoken to through its Python driver (DB-API). It must
not know runs, or what is written.

Statements elsewhere are plain SQL that both systems understand, with `?` for values.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from nbflow.exceptions import ConfigurationError, StoreCorrupt, StoreError, UsageError
from nbflow.paths import expanded
from nbflow.store import ddl
from nbflow.store.rows import Row

#: A driver's connection; the two drivers share no base class.
Connection = Any
#: Waits for that many seconds at most, less when somebody commits meanwhile.
Pause = Callable[[float], None]

#: Seconds the database itself waits for another writer, before the writer tries again.
BUSY_SECONDS: Final = 5.0
#: Any number, the same in every nbflow: "nbfl".
_ADVISORY_LOCK: Final = 0x6E62666C
#: Seconds between looks at a file that another process may write to: as short as a person
#: notices, and longer where nothing happened for long, so that waiting costs next to nothing.
_FIRST_LOOK_SECONDS: Final = 0.02
_LAST_LOOK_SECONDS: Final = 0.05
_LOOKS_PER_SILENCE: Final = 50
#: What PostgreSQL calls out at each commit, and the seconds after which a listener looks
#: anyway: a connection pooler may swallow the call.
_CHANNEL: Final = "nbflow_commit"
_LONGEST_SILENCE_SECONDS: Final = 1.0
#: Rows in one statement. A driver lets go of the GIL once per statement, and a busy user
#: thread takes 5 ms to give it back: single-row statements would hold the lock for seconds.
_CHUNK: Final = 64
#: SQLite before 3.33 (2020) has no `UPDATE … FROM` and takes 999 values: it gets single rows.
_LONG_STATEMENTS = sqlite3.sqlite_version_info >= (3, 33)


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows for a table, in the order of `columns`."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """New values for existing rows: one per assignment, then the row's id.

    An assignment is (column, expression); in the expression `{v}` is the value.
    """

    table: str
    assignments: tuple[tuple[str, str], ...]


class Dialect(Protocol):
    """One database, spoken to in its own way."""

    name: str
    #: Everything the driver raises.
    error: type[Exception]
    #: Case-insensitive pattern match, the id as lower-case hex, and a cheap query whose
    #: answer changes when somebody committed.
    like: str
    hex_id: str
    probe: str
    #: Starts a transaction whose queries all see the same moment.
    begin_reading: str
    #: Condition of a flow run: a parameter has a JSON value; see `parameter_values`.
    parameter_is: str

    def connect(self, *, create: bool = False) -> Connection:
        """A connection for writing, in autocommit mode."""

    def connect_reader(self) -> Connection:
        """A connection that only reads."""

    def sql(self, text: str) -> str:
        """The statement in the driver's placeholder style."""

    def begin(self, connection: Connection) -> None:
        """Start a transaction that no other writer can overtake."""

    def begin_alone(self, connection: Connection) -> None:
        """Start a transaction that may change the schema, while nobody else does."""

    def listen(self, connection: Connection, own: Pause) -> AbstractContextManager[Pause]:
        """Notice commits from now on; `own` ends early at those of this process."""

    def write(self, connection: Connection, what: Insert | Update, rows: Sequence[Row]) -> int:
        """Write all rows; return how many were touched."""

    def parameter_values(self, name: str, json_text: str) -> tuple[str, ...]:
        """The values of the condition `parameter_is`."""

    def identity(self) -> object:
        """What tells this database from another that took its place; None when it is gone."""

    def identity_text(self) -> str:
        """The database as people know it, without secrets."""

    def backup(self, label: str) -> None:
        """Keep a copy beside the database, where that is ours to do."""

    def copy_to(self, target: Path) -> int:
        """Write a consistent copy to a file that is not there yet; its size."""

    def compact(self, connection: Connection) -> None:
        """Give free space back, which takes as long as reading everything."""

    def tables(self, connection: Connection) -> set[str]:
        """The names of all tables."""

    def table_sizes(self, connection: Connection) -> dict[str, int]:
        """Bytes of each table with its indexes, where the system can tell."""

    def is_busy(self, error: Exception) -> bool:
        """Whether the same transaction may succeed a moment later."""

    def is_bad_data(self, error: Exception) -> bool:
        """Whether single rows are at fault, not the database."""

    def is_missing_parent(self, error: Exception) -> bool:
        """Whether the row belongs to a run that was deleted."""

    def clean(self, row: Row) -> Row:
        """The row with text that the database can hold."""

    def explain(self, error: Exception) -> StoreError:
        """The driver's error as one sentence with the next step."""

    def version(self, connection: Connection) -> str:
        """The database system's version."""

    def size(self, connection: Connection) -> int | None:
        """Bytes the database takes."""


def dialect_for(url: str) -> Dialect:
    """The dialect of a database URL; raises `ConfigurationError` for an unknown kind."""
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if separator and kind == "sqlite":
        path = rest.removeprefix("/").partition("?")[0]
        if path and path != ":memory:":
            return SQLite(expanded(path).absolute())
    elif separator and kind in {"postgresql", "postgres"}:
        return PostgreSQL(f"postgresql://{rest}")
    raise ConfigurationError(
        f"The database URL {without_password(url)!r} cannot be used. Set NBFLOW_DATABASE_URL to "
        "sqlite:///PATH or postgresql://USER@HOST/DATABASE."
    )


def without_password(url: str) -> str:
    """An address that can be shown: `***` in place of passwords, also in misspelled ones."""
    shown = re.sub(r"^([^:/@?#]*:(?://)?[^:/@?#]*):[^?#]*@", r"\1:***@", url)
    return re.sub(r"(?i)([?&]\w*password=)[^&#]*", r"\1***", shown)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return value


def _chunks(rows: Sequence[Row], size: int = _CHUNK) -> Iterator[Sequence[Row]]:
    """Parts of 64, then of falling powers of two: few different statements to prepare."""
    start = 0
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


@cache
def _insert_sql(what: Insert, count: int) -> str:
    one = f"({','.join('?' * len(what.columns))})"
    # The names are our own; only values are strangers', and they are bound.
    return f"INSERT INTO {what.table} ({','.join(what.columns)}) VALUES {','.join([one] * count)}"


@cache
def _update_from_sql(what: Update, count: int) -> str:
    sets = [
        f"{column}={expression.format(v=f'v.column{number}')}"
        for number, (column, expression) in enumerate(what.assignments, 1)
    ]
    width = len(what.assignments) + 1
    one = f"({','.join('?' * width)})"
    return (
        f"UPDATE {what.table} SET {','.join(sets)} FROM (VALUES {','.join([one] * count)}) AS v "
        f"WHERE {what.table}.id=v.column{width}"
    )


@cache
def _update_sql(what: Update) -> str:
    sets = ",".join(f"{column}={text.format(v='?')}" for column, text in what.assignments)
    return f"UPDATE {what.table} SET {sets} WHERE id=?"


#: Python's NaN and Infinity are no JSON: a value that is searched for is never among them.
_STRICT_JSON: Final = (
    "CASE WHEN parameters IS NULL OR {place}(parameters, 'NaN')>0 "
    "OR {place}(parameters, 'Infinity')>0 THEN 1=0 ELSE {condition} END"
)

# ── SQLite ───────────────────────────────────────────────────────────────────────────────


class SQLite:
    """A file beside the user's work: WAL, one writer at a time, many readers."""

    name = "sqlite"
    error: type[Exception] = sqlite3.Error
    like = "LIKE"
    hex_id = "lower(hex(id))"
    probe = "PRAGMA data_version"
    begin_reading = "BEGIN"
    parameter_is = _STRICT_JSON.format(
        place="instr",
        condition="EXISTS (SELECT 1 FROM json_each(parameters) AS one, "
        "json_each(json_array(json(?))) AS other "
        "WHERE one.key=? AND one.type=other.type AND one.value IS other.value)",
    )

    def __init__(self, path: Path) -> None:
        self.path = path

    def connect(self, *, create: bool = False) -> Connection:
        """Open the file; with `create`, make an empty one (mode 0600) when there is none."""
        if create:
            self._touch()
        connection = self._open()
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def connect_reader(self) -> Connection:
        """Open the file for reading; a lost file is an error, not a new database."""
        connection = self._open()
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # transactions begin and end where we say so
            check_same_thread=False,
            cached_statements=256,
        )

    def _touch(self) -> None:
        # O_EXCL: closing a second descriptor of a file in use would drop SQLite's locks on it.
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise StoreError(
                f"The run database {self.path} cannot be created ({error.strerror}). "
                "Set NBFLOW_HOME to a folder you can write to."
            ) from error

    def sql(self, text: str) -> str:
        """SQLite's own style is `?`."""
        return text

    def begin(self, connection: Connection) -> None:
        """Take the write lock at once: a lock taken later could fail without waiting."""
        connection.execute("BEGIN IMMEDIATE")

    begin_alone = begin

    @contextlib.contextmanager
    def listen(self, connection: Connection, own: Pause) -> Iterator[Pause]:
        """Look at the file's version every now and then: SQLite calls nobody."""
        seen = self._version_of_data(connection)

        def pause(seconds: float) -> None:
            nonlocal seen
            start = time.monotonic()
            while (present := self._version_of_data(connection)) == seen:
                silence = time.monotonic() - start
                if silence >= seconds:
                    break
                look = max(_FIRST_LOOK_SECONDS, silence / _LOOKS_PER_SILENCE)
                own(min(look, _LAST_LOOK_SECONDS, seconds - silence))
            seen = present

        yield pause

    def _version_of_data(self, connection: Connection) -> int:
        # All rows fetched: an unfinished statement would go on seeing the past.
        return int(connection.execute(self.probe).fetchall()[0][0])

    def write(self, connection: Connection, what: Insert | Update, rows: Sequence[Row]) -> int:
        """Write rows by few, long statements."""
        if not _LONG_STATEMENTS:
            text = _insert_sql(what, 1) if isinstance(what, Insert) else _update_sql(what)
            return int(connection.executemany(text, rows).rowcount)
        make = _insert_sql if isinstance(what, Insert) else _update_from_sql
        touched = 0
        for chunk in _chunks(rows):
            values = [value for row in chunk for value in row]
            touched += connection.execute(make(what, len(chunk)), values).rowcount
        return touched

    def parameter_values(self, name: str, json_text: str) -> tuple[str, ...]:
        """The value, then the name."""
        return json_text, name

    def identity(self) -> object:
        """Device and inode of the file."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def identity_text(self) -> str:
        """The file's path."""
        return str(self.path)

    def backup(self, label: str) -> None:
        """Copy the file as it is before an upgrade; an older copy of that label is replaced."""
        target = self.path.with_name(f"{self.path.name}.before-{label}")
        target.unlink(missing_ok=True)
        with (
            contextlib.closing(self.connect_reader()) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
        target.chmod(0o600)

    def copy_to(self, target: Path) -> int:
        """Copy the file while others go on writing; the copy is one file, for its owner alone."""
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            raise UsageError(f"{target} is there already. Name a file that is not.") from None
        except OSError as error:
            raise UsageError(
                f"The copy {target} cannot be written ({error.strerror}). "
                "Name a file in a folder you can write to."
            ) from error
        try:
            with (
                contextlib.closing(self.connect_reader()) as source,
                contextlib.closing(sqlite3.connect(target)) as copy,
            ):
                source.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, sqlite3.Error):
                raise self.explain(error) from error
            raise
        return target.stat().st_size

    def compact(self, connection: Connection) -> None:
        """Write the file anew, without holes, and empty its log."""
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def tables(self, connection: Connection) -> set[str]:
        """The names of all tables."""
        return {
            n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        }

    def table_sizes(self, connection: Connection) -> dict[str, int]:
        """Bytes of each table with its indexes; nothing where SQLite was built without."""
        text = (
            "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name=s.name "
            "WHERE s.aggregate=TRUE GROUP BY m.tbl_name"
        )
        try:
            return {name: int(size) for name, size in connection.execute(text)}
        except sqlite3.OperationalError:
            return {}

    def is_busy(self, error: Exception) -> bool:
        """Whether another connection held a lock."""
        return _primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

    def is_bad_data(self, error: Exception) -> bool:
        """Whether a row broke a constraint or holds a value SQLite cannot take."""
        wrong = sqlite3.IntegrityError | sqlite3.DataError | sqlite3.ProgrammingError
        return isinstance(error, wrong | sqlite3.InterfaceError | UnicodeError | OverflowError)

    def is_missing_parent(self, error: Exception) -> bool:
        """Whether a foreign key pointed nowhere."""
        code = getattr(error, "sqlite_errorcode", None)
        return code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY

    def clean(self, row: Row) -> Row:
        """Lone surrogates replaced: they have no UTF-8 form."""
        return [_encodable(value) for value in row]

    def explain(self, error: Exception) -> StoreError:
        """The error in words, naming the file."""
        code = _primary_code(error)
        for codes, kind, problem, advice in _SQLITE_PROBLEMS:
            if code in codes:
                return kind(f"The run database {self.path} {problem}. {advice}")
        return StoreError(
            f"The run database {self.path} could not be used ({error}). "
            "`nbflow doctor` checks it; if it is damaged, move it away and run again."
        )

    def version(self, connection: Connection) -> str:
        """SQLite's version."""
        return str(connection.execute("SELECT sqlite_version()").fetchone()[0])

    def size(self, connection: Connection) -> int | None:
        """Bytes of the file and its write-ahead log."""
        del connection
        names = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(name.stat().st_size for name in names if name.exists())


def _primary_code(error: Exception) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


_SQLITE_PROBLEMS: Final[tuple[tuple[frozenset[int], type[StoreError], str, str], ...]] = (
    (
        frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}),
        StoreCorrupt,
        "is damaged or is not a database",
        "Move it away and run again, or restore a backup.",
    ),
    (
        frozenset({sqlite3.SQLITE_FULL}),
        StoreError,
        "cannot grow: the disk is full",
        "Free some space and run again.",
    ),
    (
        frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}),
        StoreError,
        "is read-only",
        "Make the file and its folder writable, or set NBFLOW_HOME to a folder you can write to.",
    ),
    (
        frozenset({sqlite3.SQLITE_CANTOPEN}),
        StoreError,
        "cannot be opened",
        "Check that it is there, a file, and readable, or set NBFLOW_HOME to another folder.",
    ),
    (
        frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}),
        StoreError,
        "has been locked by another program for too long",
        "Close the program that holds it open for writing and run again.",
    ),
    (
        frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL}),
        StoreError,
        "could not be read or written: the disk or file system failed",
        "Check that the disk has room; on a network drive, set NBFLOW_HOME to a local folder.",
    ),
)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────


class PostgreSQL:
    """A shared server, through psycopg 3."""

    name = "postgresql"
    like = "ILIKE"
    hex_id = "encode(id, 'hex')"
    probe = "SELECT value FROM counter WHERE name='store'"
    begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    parameter_is = _STRICT_JSON.format(
        place="strpos", condition="CAST(parameters AS jsonb) -> ? = CAST(? AS jsonb)"
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self._driver = _psycopg()
        self.error: type[Exception] = self._driver.Error

    def connect(self, *, create: bool = False) -> Connection:
        """Connect; the database itself must exist."""
        del create
        return self._driver.connect(self.url, autocommit=True, connect_timeout=10)

    def connect_reader(self) -> Connection:
        """Connect for reading."""
        connection = self.connect()
        connection.execute("SET default_transaction_read_only = on")
        return connection

    def sql(self, text: str) -> str:
        """Psycopg's style is `%s`."""
        return _percent_style(text)

    def begin(self, connection: Connection) -> None:
        """Lock the counter: writers commit in the order of the numbers they take.

        Those who listen hear of it when, and if, the transaction commits.
        """
        connection.execute("BEGIN")
        connection.execute(
            f"SELECT value, pg_notify('{_CHANNEL}', '') FROM counter WHERE name='store' FOR UPDATE"
        )

    @contextlib.contextmanager
    def listen(self, connection: Connection, own: Pause) -> Iterator[Pause]:
        """Let the server call at every commit, this process's own included."""
        del own
        connection.execute(f"LISTEN {_CHANNEL}")

        def pause(seconds: float) -> None:
            seconds = min(seconds, _LONGEST_SILENCE_SECONDS)
            for _ in connection.notifies(timeout=seconds, stop_after=1):
                return

        yield pause
        # Not after an error: such a connection is given up.
        connection.execute(f"UNLISTEN {_CHANNEL}")

    def begin_alone(self, connection: Connection) -> None:
        """Take an advisory lock: the counter may not exist yet."""
        connection.execute("BEGIN")
        connection.execute(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")

    def write(self, connection: Connection, what: Insert | Update, rows: Sequence[Row]) -> int:
        """Write rows through the driver's pipeline."""
        text = _insert_sql(what, 1) if isinstance(what, Insert) else _update_sql(what)
        with connection.cursor() as cursor:
            cursor.executemany(self.sql(text), rows)
            return int(cursor.rowcount)

    def parameter_values(self, name: str, json_text: str) -> tuple[str, ...]:
        """The name, then the value."""
        return name, json_text

    def identity(self) -> object:
        """A server does not vanish unnoticed: its URL."""
        return self.url

    def identity_text(self) -> str:
        """The URL without its password."""
        return without_password(self.url)

    def backup(self, label: str) -> None:
        """A server's backups are its administrator's."""

    def copy_to(self, target: Path) -> int:
        """Not ours to do: the server has a program for it."""
        raise UsageError(
            f"A PostgreSQL database is copied by its own program: pg_dump --file={target} "
            f"{without_password(self.url)}"
        )

    def compact(self, connection: Connection) -> None:
        """Make the space of deleted rows free for new ones; the files keep their size."""
        for name in sorted(self.tables(connection)):
            connection.execute(f"VACUUM (ANALYZE) {name}")

    def table_sizes(self, connection: Connection) -> dict[str, int]:
        """Bytes of each table with its indexes and long values."""
        names = sorted(self.tables(connection))
        text = "SELECT pg_total_relation_size(CAST(%s AS regclass))"
        return {name: int(connection.execute(text, (name,)).fetchone()[0]) for name in names}

    def tables(self, connection: Connection) -> set[str]:
        """The names of all tables in the search path."""
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"
        )
        return {name for (name,) in rows}

    def is_busy(self, error: Exception) -> bool:
        """Whether the server aborted the transaction in favour of another."""
        errors = self._driver.errors
        return isinstance(
            error, (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
        )

    def is_bad_data(self, error: Exception) -> bool:
        """Whether a row broke a constraint or holds a value PostgreSQL cannot take."""
        driver = self._driver
        wrong = (driver.IntegrityError, driver.DataError, driver.ProgrammingError)
        too_long = driver.errors.ProgramLimitExceeded  # for an index
        return isinstance(error, (*wrong, too_long, UnicodeError, OverflowError))

    def is_missing_parent(self, error: Exception) -> bool:
        """Whether a foreign key pointed nowhere."""
        return isinstance(error, self._driver.errors.ForeignKeyViolation)

    def clean(self, row: Row) -> Row:
        """Lone surrogates replaced, NUL shown as its picture: PostgreSQL has neither."""
        texts = (_encodable(value) for value in row)
        return [t.replace("\x00", "␀") if isinstance(t, str) else t for t in texts]

    def explain(self, error: Exception) -> StoreError:
        """The error in words, naming the server."""
        reason = " ".join(str(error).split())
        return StoreError(
            f"The run database {without_password(self.url)} could not be used ({reason}). "
            "Check that the server runs and that NBFLOW_DATABASE_URL is right."
        )

    def version(self, connection: Connection) -> str:
        """The server's version."""
        return str(connection.execute("SHOW server_version").fetchone()[0])

    def size(self, connection: Connection) -> int | None:
        """Bytes of the whole database."""
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0])


@cache
def _percent_style(text: str) -> str:
    return text.replace("?", "%s")


def _psycopg() -> Any:
    try:
        import psycopg  # noqa: PLC0415 - only PostgreSQL users have and need it
    except ImportError as error:
        raise ConfigurationError(
            "A PostgreSQL run database needs the psycopg package. "
            "Install it: pip install 'nbflow[postgresql]'."
        ) from error
    return psycopg


def create_tables(dialect: Dialect, connection: Connection) -> None:
    """Make all tables of the newest revision, inside the caller's transaction."""
    for statement in ddl.statements(dialect.name):
        connection.execute(statement)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    insert = dialect.sql("INSERT INTO alembic_version (version_num) VALUES (?)")
    connection.execute(insert, (ddl.REVISION,))
    connection.execute("INSERT INTO counter (name, value) VALUES ('store', 0)")


def rollback(connection: Connection) -> None:
    """End a failed transaction; a connection that is broken stays so and is replaced later."""
    with contextlib.suppress(Exception):  # the error that led here is the one to tell
        connection.execute("ROLLBACK")


def placeholders(values: Iterable[object]) -> str:
    """`?, ?, …`: one for each value."""
    return ",".join("?" for _ in values)
