"""Opening a run database: new, old, of another revision, or damaged.

This module decides what happens at the first connection: an empty database gets its tables,
an old one is upgraded, a newer one refused. It must not know runs.

Several processes may do this at once: whoever gets the write lock looks again, then acts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from nbflow.exceptions import StoreError, StoreTooNew
from nbflow.store import ddl
from nbflow.store.dialects import Connection, Dialect, create_tables, rollback

#: Seconds after which a lock that others hold is reported.
PATIENCE_SECONDS: Final = 60.0
_LONGEST_PAUSE_SECONDS: Final = 0.25

T = TypeVar("T")


def patiently(dialect: Dialect, action: Callable[[], T]) -> T:
    """Carry out an action again while others hold the lock; explains any other error."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.002
    while True:
        try:
            return action()
        except dialect.error as error:
            if not dialect.is_busy(error) or time.monotonic() > deadline:
                raise
        # The clock's last digits spread those who wait; `random` costs start-up time.
        time.sleep(pause * (0.5 + time.perf_counter_ns() % 1000 / 2000))
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def open_database(dialect: Dialect) -> Connection:
    """A connection to a database of this nbflow's revision, made or upgraded if need be.

    Raises `StoreTooNew`, `StoreCorrupt` or `StoreError`.
    """
    try:
        return patiently(dialect, lambda: _open(dialect))
    except dialect.error as error:
        raise dialect.explain(error) from error


def _open(dialect: Dialect) -> Connection:
    connection = dialect.connect(create=True)
    try:
        revision = stored_revision(dialect, connection)
        if revision is None:
            _create(dialect, connection)
        elif revision != ddl.REVISION:
            _upgrade(dialect, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def stored_revision(dialect: Dialect, connection: Connection) -> str | None:
    """The database's schema revision; None when it is empty."""
    tables = dialect.tables(connection)
    if "alembic_version" in tables:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if row is not None:
            return str(row[0])
    if dialect.name == "sqlite" and tables:
        raise StoreError(
            f"{dialect.identity_text()} holds tables of another program. "
            "Set NBFLOW_DATABASE_URL to a file of its own."
        )
    return None


def _create(dialect: Dialect, connection: Connection) -> None:
    dialect.begin_alone(connection)
    try:
        if stored_revision(dialect, connection) is None:  # nobody was faster
            create_tables(dialect, connection)
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise


def _upgrade(dialect: Dialect, connection: Connection) -> None:
    # Alembic takes half a second to import and is needed once per release.
    from nbflow.store import upgrade  # noqa: PLC0415

    dialect.begin_alone(connection)
    try:
        revision = stored_revision(dialect, connection)
        if revision is not None and revision != ddl.REVISION:  # nobody was faster
            _refuse_unknown(dialect, revision, upgrade.known_revisions())
            upgrade.upgrade(dialect, connection, revision)
        connection.execute("COMMIT")
    except BaseException:
        rollback(connection)
        raise


def _refuse_unknown(dialect: Dialect, revision: str, known: frozenset[str]) -> None:
    if revision not in known:
        raise StoreTooNew(
            f"The run database {dialect.identity_text()} was written by a newer nbflow "
            f"(schema {revision}). Upgrade nbflow: pip install --upgrade nbflow."
        )
