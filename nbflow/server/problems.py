"""Errors as problem details (RFC 9457), one shape for all of them.

This module decides which status an error has and what of it is told. It must not know routes.

    {"type": "about:blank", "title": "Not found", "status": 404,
     "detail": "No run has the id or name 'nightli'. Did you mean nightly?", "errors": [],
     "error": "ObjectNotFound"}

`error` names the class of `nbflow.exceptions`, so that the client raises the same one again.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nbflow.exceptions import (
    ConfigurationError,
    LeaseLost,
    MissingResult,
    NbflowError,
    ObjectAlreadyExists,
    ObjectNotFound,
    ParameterError,
    ResumeError,
    ScheduleError,
    StoreError,
    UsageError,
)
from nbflow.server.answers import Json

#: How messages name the parameter that they are about.
_PARAMETER: Final = re.compile(r"(?i)parameter ['\"`]([^'\"`]+)['\"`]")
_QUOTED: Final = re.compile(r"['\"`]([^'\"`]+)['\"`]")

_log = logging.getLogger("nbflow.server")


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Its path, such as `schedule.cron`; empty for the whole.")
    message: str


class Problem(BaseModel):
    """Why a request was not carried out."""

    type: str = "about:blank"
    title: str = Field(description="What the status means.")
    status: int
    detail: str = Field(description="One sentence: what happened, and what to do next.")
    errors: list[FieldError] = Field(default=[], description="The fields at fault.")
    error: str | None = Field(default=None, description="The kind of error, for programs.")


class ProblemAnswer(Json):
    """An answer of type `application/problem+json`."""

    media_type = "application/problem+json"


_WORDS: Final[dict[int | str, str]] = {
    401: "The token is missing or wrong.",
    403: "The Host or the Origin is not this server.",
    404: "There is no such thing; `detail` names near matches.",
    409: "It cannot be done in the present state.",
    422: "A field has a value that cannot be used; `errors` names it.",
    "default": "Anything else that went wrong.",
}
_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

#: What each route may answer beside what it is asked for.
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": words, "content": _CONTENT} for status, words in _WORDS.items()
}

#: The first class that an error belongs to decides.
_STATUSES: Final[tuple[tuple[type[NbflowError], int], ...]] = (
    (ObjectNotFound, 404),
    (MissingResult, 404),
    (ObjectAlreadyExists, 409),
    (ResumeError, 409),
    (LeaseLost, 409),
    (StoreError, 503),
)


def problem(
    status: int,
    detail: str,
    errors: Iterable[FieldError] = (),
    *,
    error: str | None = None,
    headers: dict[str, str] | None = None,
) -> ProblemAnswer:
    """A problem as an answer."""
    told = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors),
        error=error,
    )
    return ProblemAnswer(told.model_dump(), status, headers)


def status_of(error: NbflowError) -> int:
    """The status of an error of ours."""
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    if type(error) is UsageError:  # well-formed, but not in the present state
        return HTTPStatus.CONFLICT
    return HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, UsageError) else 500


def answer_to(error: NbflowError) -> ProblemAnswer:
    """An error of ours as an answer."""
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s: %s", type(error).__name__, error, exc_info=error)
    field = field_of(error)
    errors = [FieldError(field=field, message=str(error))] if field else []
    return problem(status, str(error), errors, error=type(error).__name__)


def field_of(error: NbflowError) -> str | None:
    """The field that an error is about, as far as it tells."""
    if isinstance(error, ScheduleError):
        return error.field
    named = getattr(error, "field", None) or getattr(error, "parameter", None)
    if named:
        return str(named)
    if isinstance(error, (ParameterError, ConfigurationError)):
        named = _PARAMETER.search(str(error)) or _QUOTED.search(str(error))
        return named[1] if named else None
    return None


def install(app: FastAPI) -> None:
    """Let every error of an application become a problem."""
    app.add_exception_handler(NbflowError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unexpected)


async def _own(_: Request, error: Exception) -> Response:
    return answer_to(cast("NbflowError", error))


async def _invalid(_: Request, error: Exception) -> Response:
    errors = [
        FieldError(field=_path(each["loc"]), message=_message(each))
        for each in cast("RequestValidationError", error).errors()
    ]
    first = errors[0]
    detail = f"{first.field}: {first.message}" if first.field else first.message
    return problem(422, detail, errors)


def _path(place: Sequence[Any]) -> str:
    """`body.schedule.cron` without the part of the request that it stands in."""
    return ".".join(str(part) for part in place[1:] if part != "[key]")


def _message(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


async def _refused(request: Request, error: Exception) -> Response:
    refused = cast("HTTPException", error)
    status, headers = refused.status_code, dict(refused.headers or {})
    if status == HTTPStatus.NOT_FOUND:
        return problem(status, _no_path(request), headers=headers)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "")
        detail = f"{request.method} is not for {request.url.path}. It takes: {allowed}."
        return problem(status, detail, headers=headers)
    return problem(status, str(refused.detail), headers=headers)


def _no_path(request: Request) -> str:
    path = request.url.path
    near = difflib.get_close_matches(path, request.app.state.paths, n=2)
    hint = f"Did you mean {' or '.join(near)}?" if near else "All paths: /api/docs"
    return f"There is nothing at {path}. {hint}"


async def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("%s %s went wrong", request.method, request.url.path, exc_info=error)
    detail = "Something went wrong inside the server; its log has the traceback. Please report it."
    return problem(500, detail)
