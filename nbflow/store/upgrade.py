"""Bringing an older run database to this nbflow's revision, with Alembic.

This module decides how a migration is made safe: a copy first, then everything in the one
transaction that the caller holds. It is imported only when an old database is met.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from nbflow.exceptions import StoreError
from nbflow.store.dialects import Connection, Dialect

MIGRATIONS = Path(__file__).with_name("migrations")


def configuration() -> Config:
    """Alembic's configuration: our scripts, no ini file, no logging set-up."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def known_revisions() -> frozenset[str]:
    """Every revision that this nbflow can upgrade from."""
    scripts = ScriptDirectory.from_config(configuration())
    return frozenset(script.revision for script in scripts.walk_revisions())


def upgrade(dialect: Dialect, connection: Connection, revision: str, target: str = "head") -> None:
    """Migrate inside the caller's transaction, after keeping a copy labelled `revision`."""
    dialect.backup(revision)
    drivername = "postgresql+psycopg" if dialect.name == "postgresql" else dialect.name
    engine = create_engine(
        f"{drivername}://", creator=lambda: _Held(connection), poolclass=StaticPool
    )
    try:
        with engine.connect() as bound:
            config = configuration()
            config.attributes["connection"] = bound
            command.upgrade(config, target)
    except (SQLAlchemyError, CommandError) as error:
        raise StoreError(
            f"The run database {dialect.identity_text()} could not be upgraded from schema "
            f"{revision} ({' '.join(str(error).split())}). It is unchanged: go on with the "
            "nbflow that wrote it, and report this."
        ) from error
    finally:
        engine.dispose()


class _Held:
    """The caller's connection, in whose transaction others cannot interfere."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave it to the caller."""

    def rollback(self) -> None:
        """Leave it to the caller."""

    def close(self) -> None:
        """Leave it to the caller."""
