"""Secrets: set and forgotten here, never shown."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from nbflow.models.deployments import Secret
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Text, Word
from nbflow.server.lookup import StoreHere

router: Final = APIRouter(prefix="/api/secrets", tags=["secrets"])

SecretName = Annotated[Word, Path(description="The secret's name.", examples=["db-password"])]


class SecretBody(Body):
    """A secret's value, which no answer repeats."""

    value: Text = Field(json_schema_extra={"writeOnly": True})


@router.get("", response_model=list[Secret], summary="List secrets")
def list_secrets(store: StoreHere) -> Response:
    """The names of all secrets."""
    return Json(store.vault.secrets())


@router.put("/{secret}", response_model=Secret, summary="Set a secret")
def save_secret(secret: SecretName, body: SecretBody, store: StoreHere) -> Response:
    """Keep a secret, encrypted."""
    return Json(store.vault.set_secret(secret, body.value))


@router.delete("/{secret}", status_code=204, summary="Delete a secret")
def delete_secret(secret: SecretName, store: StoreHere) -> None:
    """Forget a secret."""
    store.vault.delete_secret(secret)
