"""Deployments: listed, made, compared, paused, and run."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import zipfile
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from pydantic import Field, field_validator
from starlette.responses import PlainTextResponse, Response

from nbflow.deployments.checking import misfits
from nbflow.deployments.diff import version_diff
from nbflow.deployments.running import new_run
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.models import FlowKind, FlowRun
from nbflow.models.deployments import (
    DEFAULT_QUEUE,
    CatchUp,
    Collision,
    Deployment,
    DeploymentSchedule,
    DeploymentSpec,
    DeploymentVersion,
)
from nbflow.server.answers import Json, Page, page
from nbflow.server.inputs import (
    Body,
    Counted,
    Flag,
    JsonObject,
    Limit,
    Moment,
    Name,
    Offset,
    Part,
    Seconds,
    Signed,
    Text,
    Whole,
)
from nbflow.server.lookup import DeploymentReference, StoreHere, find_deployment
from nbflow.server.problems import FieldError, problem
from nbflow.server.routes.schedules import ScheduleBody
from nbflow.store.base import Store

router: Final = APIRouter(prefix="/api/deployments", tags=["deployments"])

_ALL: Final = 100_000


class SpecBody(Body):
    """What a deployment's author states."""

    entrypoint: Name = Field(
        description="`notebook.ipynb` or `file.py:flow`, inside the snapshot, or absolute when "
        "followed.",
        examples=["train.ipynb"],
    )
    kind: FlowKind
    description: Text | None = None
    parameters: JsonObject = Field(default={}, description="In place of the flow's defaults.")
    parameter_schema: JsonObject = Field(default={}, description="JSON Schema of all parameters.")
    tags: frozenset[Name] = frozenset()
    queue: Name = DEFAULT_QUEUE
    priority: Signed = Field(default=0, description="Among due runs, the smaller first.")
    retries: Whole | None = Field(default=None, description="None: what the flow's code says.")
    retry_delay_seconds: Seconds | None = None
    crash_retries: Whole = Field(
        default=0, description="How often it starts again after its worker died under it."
    )
    timeout_seconds: Seconds | None = None
    cell_timeout_seconds: Seconds | None = None
    keep_kernel_seconds: Seconds | None = None
    concurrency_limit: Counted | None = Field(
        default=None, description="Most runs at the same time; none: no limit."
    )
    collision: Collision = Collision.QUEUE
    catchup: CatchUp = CatchUp.LATEST
    follow: Flag = Field(
        default=False, description="Whether each run takes the file as it is then."
    )
    cwd: Text | None = Field(default=None, description="Where relative paths are meant.")
    kernel_name: Name | None = None
    env: dict[Name, Text] = Field(default={}, description="Environment variables of the run.")
    output: Text | None = Field(default=None, description="Where executed notebooks go.")
    keep_runs: Whole | None = None
    keep_days: Seconds | None = None

    def record(self) -> DeploymentSpec:
        """As stores take it."""
        return DeploymentSpec(**{name: getattr(self, name) for name in type(self).model_fields})


class DeploymentBody(Body):
    """A deployment with its source."""

    flow_name: Part
    name: Part
    spec: SpecBody
    schedules: list[ScheduleBody] = Field(default=[], max_length=100)
    snapshot: str | None = Field(
        default=None,
        description="The source, a zip archive in base64; none for a deployment that follows "
        "its file.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "application/zip"},
    )
    content_hash: Name | None = Field(
        default=None, description="SHA-256 of the source; default: of the snapshot."
    )
    author: Name | None = None
    paused: Flag | None = Field(default=None, description="None: as it was.")

    @field_validator("snapshot")
    @classmethod
    def _is_archive(cls, text: str | None) -> str | None:
        if text is not None:
            _archive(text)
        return text


def _archive(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
        zipfile.ZipFile(io.BytesIO(data)).close()
    except (binascii.Error, ValueError, zipfile.BadZipFile):
        raise ValueError("The snapshot is no zip archive in base64") from None
    return data


IdempotencyKey = Annotated[
    Name | None, Header(description="The same key again answers with the same run.")
]


class RunBody(Body):
    """A run of a deployment."""

    parameters: JsonObject = Field(
        default={},
        description="In place of the deployment's own, by name.",
        examples=[{"day": "2026-01-31"}],
    )
    scheduled_time: Moment | None = Field(
        default=None, description="Not before this time; default: now."
    )
    tags: frozenset[Name] = Field(default=frozenset(), description="Beside the deployment's.")
    name: Name | None = Field(default=None, description="Default: two random words.")
    queue: Name | None = Field(default=None, description="Default: the deployment's.")


class VersionBody(Body):
    """A version of a deployment."""

    version: Counted


@router.get("", response_model=Page[Deployment], summary="List deployments")
def list_deployments(
    store: StoreHere,
    flow: Annotated[Name | None, Query(description="Of this flow.")] = None,
    tag: Annotated[Name | None, Query(description="With this tag.")] = None,
    queue: Annotated[Name | None, Query(description="For this work queue.")] = None,
    text: Annotated[Text | None, Query(description="Occurs in its name or its flow's.")] = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> Response:
    """Deployments by name."""
    conditions: dict[str, Any] = {
        "flow_name": flow,
        "tag": tag,
        "queue": queue,
        "text": text,
    }
    if not any(conditions.values()):
        found = store.deployments.search(limit=limit, offset=offset)
        return page(found, store.deployments.count())
    found = store.deployments.search(**conditions, limit=_ALL)
    return page(found[offset : offset + limit], len(found))


@router.post(
    "",
    response_model=Deployment,
    status_code=201,
    summary="Deploy",
    responses={200: {"model": Deployment, "description": "Nothing had to be made anew."}},
)
def save_deployment(body: DeploymentBody, store: StoreHere) -> Response:
    """Make a deployment, or bring the one of that name up to date; the same twice is fine.

    A new version is made when the spec or the source differs from those in use.
    """
    snapshot = _archive(body.snapshot) if body.snapshot is not None else None
    if snapshot is None and not body.spec.follow:
        where = FieldError(field="snapshot", message="A deployment has a snapshot, or follows.")
        return problem(422, "Send the source as `snapshot`, or set `spec.follow`.", [where])
    schedules = [each.record() for each in body.schedules]
    if len({each.slug for each in schedules}) < len(schedules):
        where = FieldError(field="schedules", message="Two of them have the same slug.")
        return problem(422, "Two schedules have the same slug. Give each its own.", [where])
    is_there = _is_there(store, f"{body.flow_name}/{body.name}")
    saved = store.deployments.save(
        body.flow_name,
        body.name,
        body.spec.record(),
        schedules=schedules,
        content_hash=body.content_hash or hashlib.sha256(snapshot or b"").hexdigest(),
        snapshot=snapshot,
        author=body.author,
        paused=body.paused,
    )
    return Json(saved, 200 if is_there else 201)


def _is_there(store: Store, full_name: str) -> bool:
    try:
        store.deployments.find(full_name)
    except ObjectNotFound:
        return False
    return True


#: How making a run is described, under every address that makes one.
MAKES_A_RUN: Final[dict[str, Any]] = {
    "response_model": FlowRun,
    "status_code": 201,
    "summary": "Run a deployment",
    "responses": {200: {"model": FlowRun, "description": "The run that this key made before."}},
}


@router.post("/{deployment:deployment}/runs", **MAKES_A_RUN)
def create_run(
    deployment: DeploymentReference,
    store: StoreHere,
    body: RunBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Let a new run wait in its queue."""
    asked, found = body or RunBody(), find_deployment(store, deployment)
    wrong = _misfits(found, asked.parameters)
    if wrong:
        return problem(422, wrong[0].message, wrong, error="ParameterError")
    run, queued = new_run(
        found,
        asked.parameters,
        due=asked.scheduled_time,
        tags=asked.tags,
        name=asked.name,
        idempotency_key=idempotency_key,
        queue=asked.queue,
    )
    made = store.dispatch.submit(run, queued)
    if made.deployment_id != found.id:
        raise UsageError(
            f"The Idempotency-Key {idempotency_key!r} made a run of another deployment. "
            "Take a new key."
        )
    return Json(made, 201 if made.id == run.id else 200)


def _misfits(deployment: Deployment, parameters: dict[str, Any]) -> list[FieldError]:
    """All parameters that do not fit, not the first alone."""
    spec = deployment.spec
    values = {**spec.parameters, **parameters}
    owner = f"deployment {deployment.full_name!r}"
    return [
        FieldError(field=f"parameters.{each.parameter}", message=each.message)
        for each in misfits(spec.parameter_schema, values, owner=owner)
    ]


@router.get(
    "/{deployment:deployment}/versions",
    response_model=list[DeploymentVersion],
    summary="List a deployment's versions",
)
def list_versions(deployment: DeploymentReference, store: StoreHere) -> Response:
    """All versions, newest first."""
    return Json(store.deployments.versions(find_deployment(store, deployment).id))


@router.get(
    "/{deployment:deployment}/versions/{number}",
    response_model=DeploymentVersion,
    summary="Read a version",
)
def read_version(deployment: DeploymentReference, number: int, store: StoreHere) -> Response:
    """One version."""
    found = find_deployment(store, deployment)
    return Json(store.deployments.version(found.id, _row(number)))


@router.get(
    "/{deployment:deployment}/versions/{number}/snapshot",
    response_class=Response,
    summary="Fetch a version's source",
    responses={200: {"content": {"application/zip": {"schema": {"type": "string"}}}}},
)
def read_snapshot(deployment: DeploymentReference, number: int, store: StoreHere) -> Response:
    """The zip archive of a version's source."""
    found = find_deployment(store, deployment)
    version = store.deployments.version(found.id, _row(number))
    if version.snapshot is None:
        raise UsageError(
            f"Version {number} of {found.full_name} follows {version.spec.entrypoint}: "
            "there is no snapshot of it."
        )
    name = f"attachment; filename={version.snapshot[:12]}.zip"
    data = store.deployments.snapshot(version.snapshot)
    return Response(data, media_type="application/zip", headers={"Content-Disposition": name})


def _row(number: int) -> int:
    """A number that databases can hold; what is beyond is no version either."""
    return max(-1, min(number, 2**31 - 1))


@router.get(
    "/{deployment:deployment}/diff",
    response_class=PlainTextResponse,
    summary="Compare two versions",
)
def diff_versions(
    deployment: DeploymentReference,
    store: StoreHere,
    old: Annotated[int | None, Query(description="Default: the one before `new`.")] = None,
    new: Annotated[int | None, Query(description="Default: the one in use.")] = None,
) -> Response:
    """What differs between two versions, as text."""
    found = find_deployment(store, deployment)
    later = found.version if new is None else _row(new)
    earlier = later - 1 if old is None else _row(old)
    versions = (
        store.deployments.version(found.id, earlier),
        store.deployments.version(found.id, later),
    )
    return PlainTextResponse("".join(f"{line}\n" for line in version_diff(store, *versions)))


@router.post(
    "/{deployment:deployment}/rollback",
    response_model=Deployment,
    summary="Use another version",
)
def rollback(deployment: DeploymentReference, body: VersionBody, store: StoreHere) -> Response:
    """Go back, or forward, to a version: later runs take it."""
    found = find_deployment(store, deployment)
    return Json(store.deployments.use_version(found.id, body.version))


@router.post(
    "/{deployment:deployment}/pause", response_model=Deployment, summary="Pause a deployment"
)
def pause(deployment: DeploymentReference, store: StoreHere) -> Response:
    """Let its schedules rest; it can still be run by hand."""
    return Json(store.deployments.set_paused(find_deployment(store, deployment).id, True))


@router.post(
    "/{deployment:deployment}/resume", response_model=Deployment, summary="Resume a deployment"
)
def resume(deployment: DeploymentReference, store: StoreHere) -> Response:
    """Let its schedules go on, from now."""
    return Json(store.deployments.set_paused(find_deployment(store, deployment).id, False))


@router.get(
    "/{deployment:deployment}/schedules",
    response_model=list[DeploymentSchedule],
    summary="List a deployment's schedules",
)
def list_schedules(deployment: DeploymentReference, store: StoreHere) -> Response:
    """Its schedules, with the time of each next run."""
    return Json(find_deployment(store, deployment).schedules)


@router.post(
    "/{deployment:deployment}/schedules",
    response_model=Deployment,
    status_code=201,
    summary="Add or change a schedule",
)
def save_schedule(
    deployment: DeploymentReference, body: ScheduleBody, store: StoreHere
) -> Response:
    """Add a schedule, or replace the one of that slug."""
    found = find_deployment(store, deployment)
    return Json(store.deployments.set_schedule(found.id, body.record()), 201)


@router.delete(
    "/{deployment:deployment}/schedules/{slug}",
    response_model=Deployment,
    summary="Remove a schedule",
)
def remove_schedule(deployment: DeploymentReference, slug: Name, store: StoreHere) -> Response:
    """Remove a schedule and its waiting run."""
    return Json(store.deployments.remove_schedule(find_deployment(store, deployment).id, slug))


@router.get("/{deployment:deployment}", response_model=Deployment, summary="Read a deployment")
def read_deployment(deployment: DeploymentReference, store: StoreHere) -> Response:
    """One deployment."""
    return Json(find_deployment(store, deployment))


@router.delete("/{deployment:deployment}", status_code=204, summary="Delete a deployment")
def delete_deployment(deployment: DeploymentReference, store: StoreHere) -> None:
    """Forget a deployment with its waiting runs; runs that began are kept."""
    store.deployments.delete(find_deployment(store, deployment).id)
