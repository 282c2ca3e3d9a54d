"""One server, asked over HTTP: from any thread, in forked processes, through short outages.

This module decides how long an absent server is waited for, what is sent again, and how its
absence is told. It must not know what is asked.

Whatever gets no answer is asked again, calls that change something included: each carries an
id, by which a server that has carried it out answers as before (`Nbflow-Call`). After a
restart the server has forgotten that; then a call that was carried out twice is refused the
second time (such a run exists, has ended, …), because ids are made here. Only two leave
something behind: a claim or a slot whose answer was lost. Both are leases, and run out.
"""

from __future__ import annotations

import os
import re
import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

from nbflow import __version__
from nbflow.exceptions import ConfigurationError, ServerUnreachable
from nbflow.store.http import problems

if TYPE_CHECKING:
    import httpx

#: Seconds for which a server that was there is waited for.
PATIENCE_SECONDS: Final = 60.0
#: The same at the first question: the address may be wrong.
OPENING_SECONDS: Final = 5.0
#: Seconds until an answer has to begin; more for what takes its time.
ANSWER_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 10.0
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0
#: Less than servers keep an idle connection, so that few are closed under a request.
_IDLE_SECONDS: Final = 4.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SUCCESS: Final = 200


class Away(ServerUnreachable):
    """Nobody has answered at the server's address for as long as it is waited for."""


class Connection:
    """Asks one server."""

    def __init__(self, url: str, token: str) -> None:
        """`url` is the server's address as `api_address` gives it."""
        self.url = url
        self._token = _checked_token(token)
        self._answered = False
        self._client: httpx.Client | None = None
        self._start_fresh()
        _connections.add(self)

    def _start_fresh(self) -> None:
        self._lock = threading.Lock()
        #: Since when nobody answers (monotonic); None while somebody does.
        self._away_since: float | None = None

    def forget_parent(self) -> None:
        """In a forked child: what is open is the parent's, not even to be closed here."""
        _left_alone.append(self._client)
        self._client = None
        self._start_fresh()

    @property
    def patience(self) -> float:
        """Seconds for which an absent server is waited for."""
        return PATIENCE_SECONDS if self._answered else OPENING_SECONDS

    def get(self, path: str) -> bytes:
        """What the server says at a path; raises as `post` does."""
        return self._ask("GET", path, b"", {}, ANSWER_SECONDS)

    def post(
        self,
        path: str,
        content: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> bytes:
        """The answer to a question, which has to begin within `seconds`.

        Raises `ServerUnreachable` when there is none for too long, and the error that the
        server answers with.
        """
        return self._ask("POST", path, content, headers or {}, seconds)

    def close(self) -> None:
        """Let go of all connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    # ── asking ───────────────────────────────────────────────────────────────────────────
    def _ask(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str], seconds: float
    ) -> bytes:
        import httpx  # noqa: PLC0415 - slow to import, and of no use without a server

        pause = _FIRST_PAUSE_SECONDS
        while True:
            timeout = httpx.Timeout(seconds, connect=_CONNECT_SECONDS)
            try:
                answer = self._open().request(
                    method, f"{self.url}{path}", content=content, headers=headers, timeout=timeout
                )
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            else:
                if not problems.is_away(answer.status_code, answer.content):
                    return self._taken(answer)
                reason = f"HTTP {answer.status_code}"
            self._wait(pause, reason)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _taken(self, answer: httpx.Response) -> bytes:
        self._away_since = None
        if answer.status_code != _SUCCESS:
            raise problems.error_from(self.url, answer.status_code, answer.content)
        self._answered = True
        return answer.content

    def _wait(self, pause: float, reason: str) -> None:
        """Wait before the next attempt; raises when the server is away for too long."""
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now + pause - self._away_since > self.patience:
            raise Away(
                f"The server at {self.url} does not answer ({reason}). Start it, "
                "`nbflow server start`, or correct NBFLOW_API_URL."
            )
        time.sleep(pause)

    def _open(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 - see above

        address = urlsplit(self.url)
        headers = {"User-Agent": f"nbflow/{__version__}"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return httpx.Client(
            headers=headers,
            verify=address.scheme == "https",  # reading the certificates takes 0.1 s
            trust_env=address.hostname not in _LOOPBACK,  # no proxy leads to this machine
            limits=httpx.Limits(max_keepalive_connections=20, keepalive_expiry=_IDLE_SECONDS),
        )


_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
#: A parent's connections, kept for ever.
_left_alone: list[Any] = []


def _after_fork() -> None:
    for connection in list(_connections):
        connection.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _checked_token(token: str) -> str:
    if not re.fullmatch(r"[!-~]*", token):
        raise ConfigurationError(
            "NBFLOW_API_TOKEN holds spaces or letters that no token has. Set it to what "
            "`nbflow server status --show-token` prints."
        )
    return token


def api_address(url: str) -> tuple[str, str]:
    """Where the API of a server is, and the token that its address may carry.

    Takes what people copy: with and without `/api`, with `?token=…`. Raises
    `ConfigurationError` for what is no address.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"NBFLOW_API_URL is {url!r}, which is no address of a server. "
            "Set it to one such as http://127.0.0.1:4200."
        )
    path = parts.path.rstrip("/")
    path = path if path.endswith("/api") else f"{path}/api"
    token = parse_qs(parts.query).get("token", [""])[0]
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), token
