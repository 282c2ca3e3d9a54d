"""What routes have in common: the store, and things found by what a person calls them.

This module decides what the parts of an address mean. It must not know what is done with what
they name.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Final, cast
from uuid import UUID

from fastapi import Depends, Path, Request
from starlette.convertors import Convertor, register_url_convertor

from nbflow.exceptions import ObjectNotFound
from nbflow.models import FlowRun
from nbflow.models.deployments import Deployment
from nbflow.server.inputs import read_id
from nbflow.store.base import Store

_COMPARED: Final = 200
_SHORTEST_ID: Final = 20
_NEAR: Final = 0.8


class _DeploymentConvertor(Convertor[str]):
    """`flow/name`, a name or an id: a second part that names something else is none of it."""

    regex = "[^/]+(?:/(?!(?:runs|versions|schedules|diff|rollback|pause|resume)(?:/|$))[^/]+)?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("deployment", _DeploymentConvertor())


async def the_store(request: Request) -> Store:
    """The store that this server serves; no thread is needed for that."""
    return cast("Store", request.app.state.store)


StoreHere = Annotated[Store, Depends(the_store)]

RunReference = Annotated[
    str,
    Path(
        description="An id, the start or end of one, a name, or `latest`.",
        examples=["latest"],
        min_length=1,
        max_length=200,
    ),
]
DeploymentReference = Annotated[
    str,
    Path(
        description="An id, the start of one, `flow/name`, or a name that only one has.",
        examples=["nightly"],
        min_length=1,
        max_length=400,
    ),
]
IdReference = Annotated[UUID, Path(description="The id.")]


def find_run(store: Store, reference: str) -> FlowRun:
    """The flow run that is meant; of an id that is not there, near ones are told."""
    if "\0" in reference:  # PostgreSQL knows no such text
        raise ObjectNotFound("No run has a null character in its name. Give its id or its name.")
    try:
        return store.find_flow_run(reference)
    except ObjectNotFound as error:
        near = _near_ids(store, reference)
        if not near:
            raise
        raise ObjectNotFound(f"{str(error).split('. ')[0]}. Did you mean {near}?") from None


def _near_ids(store: Store, reference: str) -> str:
    if len(reference) < _SHORTEST_ID or not set(reference.lower()) <= set("0123456789abcdef-"):
        return ""
    ids = [str(run.id) for run in store.flow_runs(limit=_COMPARED)]
    return " or ".join(difflib.get_close_matches(reference.lower(), ids, n=3, cutoff=_NEAR))


def find_deployment(store: Store, reference: str) -> Deployment:
    """The deployment that is meant."""
    if "\0" in reference:
        raise ObjectNotFound("No deployment has a null character in its name. Give its id.")
    found = read_id(reference)
    return store.deployments.find(str(found) if found else reference)


def names_of(store: Store, ids: set[UUID]) -> dict[UUID, str]:
    """The full names of deployments; those that are gone are left out."""
    found: dict[UUID, Any] = {}
    for deployment_id in ids:
        try:
            found[deployment_id] = store.deployments.get(deployment_id).full_name
        except ObjectNotFound:  # deleted meanwhile
            continue
    return found


__all__ = [
    "DeploymentReference",
    "IdReference",
    "RunReference",
    "StoreHere",
    "find_deployment",
    "find_run",
    "names_of",
    "the_store",
]
