"""Backfills: runs of a deployment for a span of the past, as one thing."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from nbflow.deployments.backfilling import OnExisting, plan_backfill
from nbflow.models.deployments import Backfill
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Counted, Day, Flag, JsonObject, Limit, Name
from nbflow.server.lookup import IdReference, StoreHere, find_deployment

router: Final = APIRouter(prefix="/api/backfills", tags=["backfills"])


class BackfillBody(Body):
    """Runs for each instant of a span."""

    deployment: Name = Field(description="An id, `flow/name`, or a name that only one has.")
    start: Day = Field(description="The first instant, or the first day.")
    end: Day = Field(description="The last instant, or the last day.")
    parameter: Name | None = Field(
        default=None, description="The parameter that is given each run's instant."
    )
    parameters: JsonObject = Field(default={}, description="Further parameters of all runs.")
    schedule: Name | None = Field(
        default=None, description="Whose instants; default: the only schedule there is."
    )
    every: Name | None = Field(default=None, description="A distance instead: `1d`.")
    concurrency_limit: Counted | None = Field(
        default=1, description="Most of its runs at the same time; none: no limit."
    )
    reverse: Flag = Field(default=False, description="Start with the latest instant.")
    on_existing: OnExisting = Field(
        default="skip", description="Instants that an earlier backfill of the kind has run."
    )
    tags: frozenset[Name] = Field(default=frozenset(), description="Further tags of its runs.")
    allow_many: Flag = Field(default=False, description="Whether more than 1000 runs are meant.")


@router.post("", response_model=Backfill, status_code=201, summary="Start a backfill")
def create_backfill(body: BackfillBody, store: StoreHere) -> Response:
    """Let one run wait for each instant of the span, all at once."""
    given = dict(body)
    deployment = find_deployment(store, given.pop("deployment"))
    start, end, limit = (given.pop(name) for name in ("start", "end", "concurrency_limit"))
    plan = plan_backfill(deployment, start, end, limit=limit, **given)
    return Json(plan.submit(store), 201)


@router.get("", response_model=list[Backfill], summary="List backfills")
def list_backfills(
    store: StoreHere,
    deployment: Annotated[Name | None, Query(description="Of this deployment alone.")] = None,
    limit: Limit = 100,
) -> Response:
    """Backfills, newest first."""
    wanted: UUID | None = find_deployment(store, deployment).id if deployment else None
    return Json(store.dispatch.backfills(deployment_id=wanted, limit=limit))


@router.get("/{backfill}", response_model=Backfill, summary="Read a backfill")
def read_backfill(backfill: IdReference, store: StoreHere) -> Response:
    """One backfill, with its runs counted by the type of their state."""
    return Json(store.dispatch.backfill(backfill))


@router.post("/{backfill}/cancel", response_model=Backfill, summary="Cancel a backfill")
def cancel_backfill(backfill: IdReference, store: StoreHere) -> Response:
    """Cancel its waiting runs at once, and ask for the end of its running ones."""
    return Json(store.dispatch.cancel_backfill(backfill))
