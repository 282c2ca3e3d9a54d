"""Events as a stream that browsers understand (server-sent events).

This module decides how an event is written, how often a silent stream shows that it lives, and
when a client that does not read is given up. It must not know where events come from.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from nbflow import wire
from nbflow.models.deployments import Event
from nbflow.server.event_hub import EventHub

#: Seconds of silence after which a comment is sent, so that nobody between takes it for dead.
HEARTBEAT_SECONDS: Final = 15.0
#: Seconds that a client may take to read what was sent.
STALLED_SECONDS: Final = 30.0
_RETRY_MILLISECONDS: Final = 1_000


class EventStream(StreamingResponse):
    """All events after a number, on and on."""

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: EventHub,
        after: int,
        flow_run_id: UUID | None = None,
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
        stalled: float = STALLED_SECONDS,
    ) -> None:
        # A proxy that collects what it passes on would make a stream useless.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(_lines(hub, after, flow_run_id, heartbeat), headers=headers)
        self.stalled = stalled

    async def stream_response(self, send: Send) -> None:
        """Send until the stream ends, or until the client has stopped reading."""

        async def hurried(message: Message) -> None:
            await asyncio.wait_for(send(message), self.stalled)

        try:
            await super().stream_response(hurried)
        except TimeoutError:  # it reads nothing: let it connect anew, and say where it was
            return


async def _lines(
    hub: EventHub, after: int, flow_run_id: UUID | None, heartbeat: float
) -> AsyncIterator[bytes]:
    yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
    cursor = after
    while not hub.closed:
        found, cursor = await hub.after(cursor, flow_run_id)
        if found:
            yield "".join(map(_written, found)).encode()
        elif not await hub.wait(cursor, heartbeat):
            yield b": alive\n\n"


def _written(event: Event) -> str:
    data = json.dumps(wire.dump(event), separators=(",", ":"))
    kind = "".join(event.kind.splitlines())
    return f"id: {event.sequence}\nevent: {kind}\ndata: {data}\n\n"
