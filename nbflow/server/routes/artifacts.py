"""Artifacts: what runs left behind to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from nbflow.models import new_id
from nbflow.models.deployments import Artifact, ArtifactKind
from nbflow.server import inputs
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Limit, Name, Offset, Text
from nbflow.server.lookup import IdReference, StoreHere

router: Final = APIRouter(prefix="/api/artifacts", tags=["artifacts"])


class ArtifactBody(Body):
    """Something to look at."""

    kind: ArtifactKind
    key: Name | None = None
    description: Text | None = None
    data: inputs.Json = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


@router.get("", response_model=list[Artifact], summary="List artifacts")
def list_artifacts(
    store: StoreHere,
    flow_run_id: UUID | None = None,
    task_run_id: UUID | None = None,
    key: Annotated[Name | None, Query(description="Versions of the same thing.")] = None,
    kind: ArtifactKind | None = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> Response:
    """Artifacts, newest first."""
    found = store.artifacts.search(
        flow_run_id=flow_run_id,
        task_run_id=task_run_id,
        key=key,
        kind=kind.value if kind else None,
        limit=limit,
        offset=offset,
    )
    return Json(found)


@router.post("", response_model=Artifact, status_code=201, summary="Keep an artifact")
def add_artifact(body: ArtifactBody, store: StoreHere) -> Response:
    """Keep something to look at, of a run or of none."""
    if body.flow_run_id is not None:
        store.flow_run(body.flow_run_id)
    if body.task_run_id is not None:
        store.task_run(body.task_run_id)
    made = Artifact(id=new_id(), created=datetime.now(UTC), **dict(body))
    return Json(store.artifacts.add(made), 201)


@router.get("/{artifact}", response_model=Artifact, summary="Read an artifact")
def read_artifact(artifact: IdReference, store: StoreHere) -> Response:
    """One artifact."""
    return Json(store.artifacts.get(artifact))


@router.delete("/{artifact}", status_code=204, summary="Delete an artifact")
def delete_artifact(artifact: IdReference, store: StoreHere) -> None:
    """Forget an artifact."""
    store.artifacts.delete(artifact)
