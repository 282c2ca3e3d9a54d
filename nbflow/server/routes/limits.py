"""Named concurrency limits."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from nbflow.models.deployments import ConcurrencyLimit
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Flag, Name, Whole
from nbflow.server.lookup import StoreHere

router: Final = APIRouter(prefix="/api/limits", tags=["limits"])

LimitName = Annotated[
    Name, Path(description="The limit's name; `tag:NAME` for a tag's tasks.", examples=["tag:db"])
]
Decay = Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)]


class LimitBody(Body):
    """How much may be used at once."""

    slots: Whole
    slot_decay_per_second: Decay | None = Field(
        default=None, description="Slots that become free again per second: a rate limit."
    )
    active: Flag = True


@router.get("", response_model=list[ConcurrencyLimit], summary="List limits")
def list_limits(store: StoreHere) -> Response:
    """All limits by name, with what is taken."""
    return Json(store.limits.limits())


@router.get("/{limit}", response_model=ConcurrencyLimit, summary="Read a limit")
def read_limit(limit: LimitName, store: StoreHere) -> Response:
    """One limit, with what is taken."""
    return Json(store.limits.limit(limit))


@router.put("/{limit}", response_model=ConcurrencyLimit, summary="Make or change a limit")
def save_limit(limit: LimitName, body: LimitBody, store: StoreHere) -> Response:
    """Make a limit, or change it; slots that are held stay held."""
    return Json(store.limits.save(ConcurrencyLimit(name=limit, **body.model_dump())))


@router.delete("/{limit}", status_code=204, summary="Delete a limit")
def delete_limit(limit: LimitName, store: StoreHere) -> None:
    """Forget a limit."""
    store.limits.delete(limit)
