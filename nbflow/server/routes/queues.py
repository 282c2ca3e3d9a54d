"""Routes about work queues: their loads, limits, priorities and pauses."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from nbflow.models.deployments import WorkQueue
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Counted, Flag, Name, Signed, Text
from nbflow.server.lookup import StoreHere

router: Final = APIRouter(prefix="/api/queues", tags=["queues"])

QueueName = Annotated[Name, Path(description="The queue's name.", examples=["default"])]


class QueueBody(Body):
    """How a queue is served."""

    priority: Signed = Field(default=100, description="The smaller is served first.")
    concurrency_limit: Counted | None = Field(
        default=None, description="Most runs at the same time, over all workers; none: no limit."
    )
    paused: Flag = False
    description: Text | None = None


@router.get("", response_model=list[WorkQueue], summary="List queues")
def list_queues(store: StoreHere) -> Response:
    """All queues with their present loads, by priority and name."""
    return Json(store.dispatch.queues())


@router.get("/{queue}", response_model=WorkQueue, summary="Read a queue")
def read_queue(queue: QueueName, store: StoreHere) -> Response:
    """One queue with its present load."""
    return Json(store.dispatch.queue(queue))


@router.put("/{queue}", response_model=WorkQueue, summary="Make or change a queue")
def save_queue(queue: QueueName, body: QueueBody, store: StoreHere) -> Response:
    """Make a queue, or change its priority, limit, pause and description."""
    return Json(store.dispatch.save_queue(WorkQueue(name=queue, **body.model_dump())))


@router.post("/{queue}/pause", response_model=WorkQueue, summary="Pause a queue")
def pause_queue(queue: QueueName, store: StoreHere) -> Response:
    """Let no further run of the queue start."""
    return _paused(store, queue, paused=True)


@router.post("/{queue}/resume", response_model=WorkQueue, summary="Resume a queue")
def resume_queue(queue: QueueName, store: StoreHere) -> Response:
    """Let the queue's runs start again."""
    return _paused(store, queue, paused=False)


def _paused(store: StoreHere, queue: str, *, paused: bool) -> Response:
    found = store.dispatch.queue(queue)
    return Json(store.dispatch.save_queue(replace(found, paused=paused)))


@router.delete("/{queue}", status_code=204, summary="Delete a queue")
def delete_queue(queue: QueueName, store: StoreHere) -> None:
    """Forget a queue that nobody uses."""
    store.dispatch.delete_queue(queue)
