"""Who may talk to the server: a token, the right `Host`, and no foreign `Origin`.

This module decides which requests get in. It must not know what they ask for.

Whoever reaches the API can run code, so nothing but a sign of life answers without the token,
on the loopback interface included: a web page in the user's own browser, and every other user
of the machine, can reach that too. `Host` is checked against names that resolve to this
machine only in a stranger's DNS, `Origin` against scripts of other sites.

Addresses that carry a ticket (`tickets.py`) ask for that in place of the token: their routes
look at it, and do the one thing that it is for.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbflow.server.problems import problem
from nbflow.server.tickets import is_ticketed

#: Answers without a token: it says that the server lives, and nothing else.
OPEN_PATHS: Final = frozenset({"/api/health"})

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")

#: What every answer says to browsers: show nothing of us elsewhere, tell nobody our address.
_CAUTION: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CACHING: Final = ("Cache-Control", "no-store")


def hosts_of(host: str, port: int, further: Collection[str] = ()) -> frozenset[str]:
    """The `Host` headers of a server that listens there.

    A further name with a port counts with that port alone, one without with any.
    """
    bound = f"[{host}]" if ":" in host else host
    names = {f"{name}:{port}" for name in (*LOOPBACK_NAMES, bound)}
    return frozenset(name.lower() for name in (*names, *further))


class Guard:
    """Lets requests with the token pass, and refuses all others."""

    def __init__(self, app: ASGIApp, *, token: str, allowed_hosts: Collection[str]) -> None:
        """`allowed_hosts` as `hosts_of` gives them."""
        self.app = app
        self._token = token.encode()
        self._pass = hmac.new(self._token, b"nbflow browser session", sha256).hexdigest().encode()
        self._hosts = frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not pass; hand on any other."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] != "http":  # there are no web sockets here
            await send({"type": "websocket.close", "code": 1008})
        else:
            answer = self._answer(scope) or self.app
            await answer(scope, receive, _cautious(send))

    def _answer(self, scope: Scope) -> Response | None:
        """What is answered here; None lets the request pass."""
        headers = Headers(scope=scope)
        refusal = self._foreign(headers)
        if refusal is not None or scope["path"] in OPEN_PATHS or is_ticketed(scope["path"]):
            return refusal
        query = QueryParams(scope["query_string"])
        if scope["method"] == "GET" and "token" in query and not _is_api(scope["path"]):
            return self._greeting(scope, query, headers)
        return None if self._has_token(headers) else _unauthorized()

    def _foreign(self, headers: Headers) -> Response | None:
        host = headers.get("host", "").lower()
        if not self._is_ours(host):
            return problem(
                403,
                f"This server does not answer for the Host {host!r}. Use the address it printed, "
                "or start it with --allow-host.",
            )
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != _without_default_port(host):
            return problem(403, f"Pages of {origin} may not use this server. Open its own address.")
        return None

    def _is_ours(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        return host in self._hosts or f"{host}:80" in self._hosts or name in self._hosts

    def _greeting(self, scope: Scope, query: QueryParams, headers: Headers) -> Response:
        """Take the token out of the address, into a cookie that no script and no page can read."""
        if not hmac.compare_digest(query["token"].encode(), self._token):
            return _unauthorized()
        rest = urlencode([(key, value) for key, value in query.multi_items() if key != "token"])
        # One slash: `//host` would lead to another machine.
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, status_code=303)
        answer.set_cookie(
            _cookie_name(headers), self._pass.decode(), httponly=True, samesite="strict", path="/"
        )
        return answer

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(given.strip().encode(), self._token)
        cookie = cookie_parser(headers.get("cookie", "")).get(_cookie_name(headers), "")
        return hmac.compare_digest(cookie.encode(), self._pass)


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _cookie_name(headers: Headers) -> str:
    """Cookies are shared by all ports of a host: each server has one of its own."""
    port = headers.get("host", "").rpartition(":")[2]
    return f"nbflow-{port if port.isdecimal() else 80}"


def _netloc(origin: str) -> str:
    """The host and port of an origin; nothing for `null` and for what is none."""
    try:
        return _without_default_port(urlsplit(origin).netloc.lower())
    except ValueError:
        return ""


def _without_default_port(netloc: str) -> str:
    return netloc.removesuffix(":80").removesuffix(":443")


def _unauthorized() -> Response:
    return problem(
        401,
        "The token is missing or wrong. Send `Authorization: Bearer TOKEN`, or open the address "
        "that `nbflow server status --show-token` prints.",
        headers={"WWW-Authenticate": 'Bearer realm="nbflow"'},
    )


def _cautious(send: Send) -> Send:
    """Adds to each answer what browsers must not do with it."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = dict([*_CAUTION.items(), _CACHING])
            message["headers"] = [
                *message["headers"],
                *(
                    (name.lower().encode(), value.encode())
                    for name, value in added.items()
                    if name.lower().encode() not in present
                ),
            ]
        await send(message)

    return adding
