"""Flows: what ran under each name, and what is deployed of it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from nbflow.server.answers import Json, Page, page
from nbflow.server.inputs import Limit, Name, Offset, Text
from nbflow.server.lookup import StoreHere
from nbflow.store.flow_summaries import FlowSummary, flow_summaries, flow_summary

router: Final = APIRouter(prefix="/api/flows", tags=["flows"])


@router.get("", response_model=Page[FlowSummary], summary="List flows")
def list_flows(
    store: StoreHere,
    text: Annotated[Text | None, Query(description="Occurs in the flow's name.")] = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> Response:
    """Flows by name, with their runs counted and the last one of each."""
    found, total = flow_summaries(store, text=text, limit=limit, offset=offset)
    return page(found, total)


@router.get("/{flow}", response_model=FlowSummary, summary="Read a flow")
def read_flow(flow: Name, store: StoreHere) -> Response:
    """One flow, by its name."""
    return Json(flow_summary(store, flow))
