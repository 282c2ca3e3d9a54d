"""How large a request may be.

This module decides the limits, and refuses what is larger before it is read into memory. It
must not know what the requests mean.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbflow.server.problems import problem

#: Bytes of a body.
LIMIT: Final = 8_000_000
#: Of a body that carries a snapshot of source files, or a batch of records.
LARGE_LIMIT: Final = 256_000_000
_LARGE: Final = ("/api/deployments", "/api/store/")


class SizeLimit:
    """Refuses bodies beyond the limit."""

    def __init__(self, app: ASGIApp, limit: int = LIMIT, large_limit: int = LARGE_LIMIT) -> None:
        self.app = app
        self.limit = limit
        self.large_limit = large_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, its body counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.large_limit if scope["path"].startswith(_LARGE) else self.limit
        stated = Headers(scope=scope).get("content-length", "0")
        if stated.isdecimal() and int(stated) > limit:
            await problem(413, _words(limit))(scope, receive, send)
        else:
            await self.app(scope, _counting(receive, limit), send)


def _counting(receive: Receive, limit: int) -> Receive:
    """For bodies that do not say how long they are."""
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413, _words(limit))
        return message

    return counting


def _words(limit: int) -> str:
    return f"The body is larger than {limit // 1_000_000} MB, the limit here. Send less."
