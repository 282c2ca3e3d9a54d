"""How the server is: alive, ready, which version, how busy, how large."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from nbflow import __version__
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Flag
from nbflow.server.lookup import StoreHere
from nbflow.server.metrics import CONTENT_TYPE, metrics_text
from nbflow.store.orchestration import Removed

router: Final = APIRouter(prefix="/api", tags=["server"])


class Health(BaseModel):
    """A sign of life."""

    status: Literal["ok"] = "ok"


class Version(BaseModel):
    """Which nbflow this is."""

    version: str


class ServerInfo(BaseModel):
    """What the server is, and what it keeps."""

    version: str
    started: datetime
    database: str = Field(description="The kind of database and its version.")
    schema_revision: str
    size_bytes: int | None
    flow_runs: int
    task_runs: int
    logs: int
    deployments: int
    workers: int
    waiting: int = Field(description="Runs that are due, over all queues.")
    running: int = Field(description="Runs that workers hold, over all queues.")


class PruneBody(Body):
    """How to clean."""

    dry_run: Flag = Field(default=True, description="Only tell what would be removed.")


@router.get("/health", response_model=Health, summary="Ask whether the server lives")
async def health() -> Response:
    """A sign of life; needs no token."""
    return Json({"status": "ok"})


@router.get("/health/ready", response_model=Health, summary="Ask whether the server can work")
def ready(store: StoreHere) -> Response:
    """Whether the database answers; 503 when it does not."""
    store.events.latest()
    return Json({"status": "ok"})


@router.get("/version", response_model=Version, summary="Read the version")
async def version() -> Response:
    """Which nbflow this is."""
    return Json({"version": __version__})


@router.get("/info", response_model=ServerInfo, summary="Read what the server keeps")
def info(request: Request, store: StoreHere) -> Response:
    """Version, start, size of the database, and present load."""
    kept, queues = store.info(), store.dispatch.queues()
    return Json(
        {
            "version": __version__,
            "started": request.app.state.started,
            "database": f"{kept.dialect} {kept.version}",
            "schema_revision": kept.schema_revision,
            "size_bytes": kept.size_bytes,
            "flow_runs": kept.flow_runs,
            "task_runs": kept.task_runs,
            "logs": kept.logs,
            "deployments": store.deployments.count(),
            "workers": len(store.dispatch.workers()),
            "waiting": sum(queue.waiting for queue in queues),
            "running": sum(queue.running for queue in queues),
        }
    )


@router.get(
    "/metrics",
    response_class=Response,
    summary="Read metrics",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, store: StoreHere) -> Response:
    """Measurements in the text form of Prometheus."""
    text = metrics_text(store, request.app.state.requests, request.app.state.scheduler)
    return Response(text, media_type=CONTENT_TYPE)


@router.post("/admin/prune", response_model=Removed, summary="Forget old runs")
def prune(store: StoreHere, body: PruneBody | None = None) -> Response:
    """Forget ended runs beyond what deployments keep; by default, only tell which."""
    return Json(store.upkeep.prune(dry_run=(body or PruneBody()).dry_run))


@router.post("/admin/vacuum", response_model=Removed, summary="Give space back")
def vacuum(store: StoreHere) -> Response:
    """Give free space of the database back to the disk."""
    return Json(store.upkeep.vacuum())
