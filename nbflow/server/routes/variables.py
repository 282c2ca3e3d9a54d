"""Variables: named JSON values that runs read."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from nbflow.models.deployments import Variable
from nbflow.server import inputs
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Word
from nbflow.server.lookup import StoreHere

router: Final = APIRouter(prefix="/api/variables", tags=["variables"])

VariableName = Annotated[Word, Path(description="The variable's name.", examples=["region"])]


class VariableBody(Body):
    """A variable's value."""

    value: inputs.Json


@router.get("", response_model=list[Variable], summary="List variables")
def list_variables(store: StoreHere) -> Response:
    """All variables by name."""
    return Json(store.vault.variables())


@router.get("/{variable}", response_model=Variable, summary="Read a variable")
def read_variable(variable: VariableName, store: StoreHere) -> Response:
    """One variable."""
    return Json(store.vault.variable(variable))


@router.put("/{variable}", response_model=Variable, summary="Set a variable")
def save_variable(variable: VariableName, body: VariableBody, store: StoreHere) -> Response:
    """Set a variable to any JSON value."""
    return Json(store.vault.set_variable(variable, body.value))


@router.delete("/{variable}", status_code=204, summary="Delete a variable")
def delete_variable(variable: VariableName, store: StoreHere) -> None:
    """Forget a variable."""
    store.vault.delete_variable(variable)
