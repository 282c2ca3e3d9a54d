"""Routes about workers: who they are, what they serve, and when they were last heard of."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from nbflow.models.deployments import Worker
from nbflow.server.answers import Json
from nbflow.server.lookup import StoreHere

router: Final = APIRouter(prefix="/api/workers", tags=["workers"])


@router.get("", response_model=list[Worker], summary="List workers")
def list_workers(
    store: StoreHere,
    alive: Annotated[bool, Query(description="Only those that live.")] = True,
) -> Response:
    """Workers, newest first."""
    return Json(store.dispatch.workers(alive=alive))
