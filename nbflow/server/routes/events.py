"""Everything that happens, as a stream and as a list."""

from __future__ import annotations

from typing import Annotated, Final, cast
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from nbflow.models.deployments import Event
from nbflow.server.answers import Json
from nbflow.server.event_hub import EventHub
from nbflow.server.event_stream import EventStream
from nbflow.server.inputs import GREATEST, After, Limit
from nbflow.server.lookup import StoreHere

router: Final = APIRouter(prefix="/api/events", tags=["events"])

OfRun = Annotated[
    UUID | None, Query(description="Only what is about this flow run, its tasks and subflows.")
]
LastSeen = Annotated[int | None, Header(ge=0, le=GREATEST, description="As browsers resume.")]


@router.get(
    "",
    response_class=EventStream,
    status_code=200,
    summary="Follow events",
    responses={
        200: {
            "description": "Server-sent events: `id` is the sequence number, `event` the kind, "
            "`data` the event in JSON.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def follow_events(
    request: Request,
    store: StoreHere,
    after: Annotated[
        int | None, Query(ge=0, le=GREATEST, description="Begin after this; default: now.")
    ] = None,
    flow_run_id: OfRun = None,
    last_event_id: LastSeen = None,
) -> Response:
    """Events as they come, from the last one seen, or from now on, until the client goes."""
    hub = cast("EventHub", request.app.state.hub)
    start = last_event_id if last_event_id is not None else after
    if flow_run_id is not None:
        await run_in_threadpool(store.flow_run, flow_run_id)
    if start is None:
        start = await run_in_threadpool(store.events.latest)
    return EventStream(hub, start, flow_run_id)


@router.get("/list", response_model=list[Event], summary="List events")
def list_events(
    store: StoreHere, after: After = 0, flow_run_id: OfRun = None, limit: Limit = 200
) -> Response:
    """Events in order; go on with `after` the last `sequence`."""
    found, _ = store.events.since(after, limit=limit, flow_run_id=flow_run_id)
    return Json(found)
