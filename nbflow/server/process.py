"""The server's process: what it starts, what it says, and in which order it ends.

This module decides what belongs to a running server: the socket, the application, the
scheduler, a worker, and the file that says where it is. It must not know routes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import Final

import uvicorn

from nbflow import __version__
from nbflow.exceptions import UsageError
from nbflow.owner import this_owner
from nbflow.server import presence
from nbflow.server.app import create_app
from nbflow.server.auth import hosts_of
from nbflow.server.event_hub import EventHub
from nbflow.server.listening import is_loopback, listen, url_of
from nbflow.server.local_worker import LocalWorker
from nbflow.server.presence import Presence
from nbflow.server.scheduling import PunctualScheduler
from nbflow.server.token import token_of
from nbflow.settings import Settings
from nbflow.store.base import Store
from nbflow.store.sql import SQLStore

#: Seconds that requests get to be answered after the server was told to end.
GRACE_SECONDS: Final = 5

_log = logging.getLogger("nbflow.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How to serve."""

    settings: Settings
    host: str
    port: int
    #: Whether `host` was asked for in so many words.
    host_is_explicit: bool = False
    #: Further names that requests may give as `Host`.
    allowed_hosts: tuple[str, ...] = ()
    worker: bool = True
    #: Passed on to the worker.
    worker_arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """What a server that listens tells."""

    url: str
    token: str
    #: Whether other machines reach it.
    exposed: bool

    @property
    def url_with_token(self) -> str:
        """What to open in a browser."""
        return f"{self.url}/?token={self.token}"


def serve(options: ServerOptions, tell: Callable[[Started], None]) -> None:
    """Serve until the process is told to end; `tell` is called once the server listens.

    Raises `UsageError` when the port is taken, or the address is one that others reach and
    was not asked for.
    """
    home = options.settings.ensure_home()
    _refuse_exposure(options)
    listener = listen(options.host, options.port, home)
    with contextlib.ExitStack() as stack:
        stack.callback(listener.close)
        token = token_of(options.settings)
        store = SQLStore(options.settings.resolved_database_url())
        stack.callback(store.close)
        _Serving(options, store, listener, token).run(tell)


def _refuse_exposure(options: ServerOptions) -> None:
    if not options.host_is_explicit and not is_loopback(options.host):
        raise UsageError(
            f"{options.host} can be reached from other machines, and whoever has the token can "
            f"run code here. If that is meant, say so: nbflow server start --host {options.host}"
        )


class _Server(uvicorn.Server):
    """Leaves signals to us, tells when it listens, and ends streams before it waits for them."""

    def __init__(
        self, config: uvicorn.Config, hub: EventHub, when_started: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._hub = hub
        self._when_started = when_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signals again when it is done, and end the process with them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what has been asked, then end."""
        self._hub.close()
        await super().shutdown(sockets)


class _Serving:
    """One server from its start to its end."""

    def __init__(
        self, options: ServerOptions, store: Store, listener: socket.socket, token: str
    ) -> None:
        self._options = options
        self._listener = listener
        self._home = options.settings.home
        port = listener.getsockname()[1]
        self._scheduler = PunctualScheduler(store)
        app = create_app(
            store,
            token=token,
            allowed_hosts=hosts_of(options.host, port, options.allowed_hosts),
            scheduler=self._scheduler,
        )
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nobody may tell us that he is somebody else
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _Server(config, app.state.hub, self._begin)
        exposed = not is_loopback(options.host)
        self._started = Started(url_of(options.host, port), token, exposed)
        self._worker = (
            LocalWorker(options.settings, options.worker_arguments) if options.worker else None
        )
        self._tell: Callable[[Started], None] = _say_nothing

    def run(self, tell: Callable[[Started], None]) -> None:
        """Serve until told to end."""
        self._tell = tell
        with _signals(self._told_to_end):
            try:
                self._server.run(sockets=[self._listener])
            finally:
                self._end()

    def _begin(self) -> None:
        present = Presence(
            url=self._started.url,
            pid=os.getpid(),
            owner=this_owner(),
            started=datetime.now(UTC),
            version=__version__,
        )
        presence.write(self._home, present)
        self._scheduler.start()
        if self._worker is not None:
            self._worker.start()
        self._tell(self._started)

    def _told_to_end(self) -> None:
        if self._server.should_exit:  # told twice: wait for nobody
            self._server.force_exit = True
        self._server.should_exit = True

    def _end(self) -> None:
        presence.remove(self._home, this_owner())
        if self._worker is not None:
            self._worker.stop()
        self._scheduler.close()


def _say_nothing(_: Started) -> None:
    pass


@contextlib.contextmanager
def _signals(told: Callable[[], None]) -> Iterator[None]:
    """While the server runs, Ctrl-C and SIGTERM end it in an orderly way."""

    def handle(_: int, __: FrameType | None) -> None:
        told()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
