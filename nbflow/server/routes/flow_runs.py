"""Flow runs: found, looked into, cancelled, retried, resumed, deleted."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from nbflow.drawing import Direction, Theme, fitted, fitted_svg
from nbflow.exceptions import UsageError
from nbflow.failure import short_id
from nbflow.models import (
    FlowRun,
    FlowRunFilter,
    FlowRunOrder,
    LogFilter,
    LogRecord,
    RunGraph,
    RunKind,
    StateChange,
    TaskRun,
)
from nbflow.models.deployments import Artifact, RunInput
from nbflow.runs import Run
from nbflow.server.answers import Count, Json, Page, page
from nbflow.server.inputs import (
    GREATEST,
    MOST,
    After,
    Body,
    Equation,
    Flag,
    JsonObject,
    Limit,
    Moment,
    Name,
    Offset,
    Text,
    read_parameter,
)
from nbflow.server.lookup import RunReference, StoreHere, find_deployment, find_run
from nbflow.server.routes.deployments import MAKES_A_RUN, IdempotencyKey, RunBody, create_run
from nbflow.states import StateType
from nbflow.store.base import Store

router: Final = APIRouter(prefix="/api/flow_runs", tags=["flow runs"])

#: States in which somebody executes the run.
_EXECUTING: Final = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})


class Conditions(Body):
    """Which flow runs; each condition that is given must hold."""

    state: list[StateType] = Field(default=[], description="One of these types of state.")
    state_name: list[Name] = Field(
        default=[], description="One of these names of states.", examples=[["TimedOut", "Late"]]
    )
    tag: list[Name] = Field(default=[], description="All of these tags.")
    flow: list[Name] = Field(default=[], description="One of these flows.")
    deployment: list[Name] = Field(
        default=[], description="One of these deployments: ids, names, or `flow/name`."
    )
    queue: list[Name] = Field(default=[], description="One of these work queues.")
    backfill: UUID | None = Field(default=None, description="The runs of this backfill.")
    created_after: Moment | None = None
    created_before: Moment | None = None
    scheduled_after: Moment | None = Field(
        default=None, description="When it is or was to start; else when it was created."
    )
    scheduled_before: Moment | None = None
    text: Text | None = Field(default=None, description="Occurs in the run's or the flow's name.")
    top_level: bool | None = Field(
        default=None, description="True: no subflows; false: subflows alone."
    )


class Slice(Conditions):
    """Which flow runs, and how many of them."""

    sort: FlowRunOrder = Field(
        default=FlowRunOrder.NEWEST, description="With `-`: the greatest, or latest, first."
    )
    limit: int = Field(default=200, ge=1, le=MOST)
    offset: int = Field(default=0, ge=0, le=GREATEST)


class CountQuery(Conditions):
    """Which flow runs, as words of the address."""

    parameter: list[Equation] = Field(
        default=[],
        description="`name:value`, the value in JSON; each parameter must have it.",
        examples=[["day:2026-01-31", "rows:5"]],
    )

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name."""
        return dict(map(read_parameter, self.parameter))


class SliceQuery(CountQuery, Slice):
    """Which flow runs, and how many of them, as words of the address."""


class SliceBody(Slice):
    """Which flow runs, and how many of them, in JSON."""

    parameters: JsonObject = Field(default={}, description="Values that parameters must have.")


class NewRun(RunBody):
    """A run of a deployment, which is named here."""

    deployment: Name = Field(
        description="An id, the start of one, `flow/name`, or a name that only one has.",
        examples=["nightly"],
    )


class Resumption(Body):
    """How a run goes on."""

    answer: JsonObject | None = Field(default=None, description="What a paused run asked for.")
    key: Name | None = Field(default=None, description="Which question; default: the last.")


class Retry(Body):
    """How a run starts again."""

    due: Moment | None = Field(default=None, description="Not before this time; default: now.")
    resume: Flag = Field(
        default=False, description="Go on from where it failed, in place of the start."
    )


@router.get("", response_model=Page[FlowRun], summary="List flow runs")
def list_flow_runs(query: Annotated[SliceQuery, Query()], store: StoreHere) -> Response:
    """Flow runs that fit all conditions, and how many there are in all."""
    return _sliced(store, query, query.parameters)


@router.post("/filter", response_model=Page[FlowRun], summary="List flow runs by a JSON filter")
def filter_flow_runs(body: SliceBody, store: StoreHere) -> Response:
    """The same as `GET /api/flow_runs`, for conditions too long for an address."""
    return _sliced(store, body, body.parameters)


@router.post("", **MAKES_A_RUN)
def create_flow_run(
    body: NewRun, store: StoreHere, idempotency_key: IdempotencyKey = None
) -> Response:
    """The same as `POST /api/deployments/{deployment}/runs`, with the deployment in the body."""
    return create_run(body.deployment, store, body, idempotency_key)


@router.get("/count", response_model=Count, summary="Count flow runs")
def count_flow_runs(query: Annotated[CountQuery, Query()], store: StoreHere) -> Response:
    """How many flow runs fit all conditions."""
    where = _filter(store, query, query.parameters)
    return Json({"count": store.count_flow_runs(where)})


def _sliced(store: Store, asked: Slice, parameters: dict[str, Any]) -> Response:
    where = _filter(store, asked, parameters)
    found = store.flow_runs(where, limit=asked.limit, offset=asked.offset, order=asked.sort)
    return page(found, store.count_flow_runs(where))


def _filter(store: Store, asked: Conditions, parameters: dict[str, Any]) -> FlowRunFilter:
    """The store's filter."""
    return FlowRunFilter(
        states=frozenset(asked.state),
        state_names=frozenset(asked.state_name),
        flow_names=frozenset(asked.flow),
        tags=frozenset(asked.tag),
        created_after=asked.created_after,
        created_before=asked.created_before,
        scheduled_after=asked.scheduled_after,
        scheduled_before=asked.scheduled_before,
        text=asked.text,
        top_level=asked.top_level,
        deployment_ids=frozenset(find_deployment(store, each).id for each in asked.deployment),
        backfill_id=asked.backfill,
        queues=frozenset(asked.queue),
        parameters=parameters,
    )


# ── one run ──────────────────────────────────────────────────────────────────────────────


@router.get("/{run}", response_model=FlowRun, summary="Read a flow run")
def read_flow_run(run: RunReference, store: StoreHere) -> Response:
    """One flow run."""
    return Json(find_run(store, run))


@router.delete("/{run}", status_code=204, summary="Delete a flow run")
def delete_flow_run(run: RunReference, store: StoreHere) -> None:
    """Forget a flow run with its subflows, task runs, states, logs and artifacts."""
    found = find_run(store, run)
    if found.state.type in _EXECUTING and not found.state.is_settled():
        raise UsageError(
            f"The run {found.name} is {found.state.name}. Cancel it before it is deleted."
        )
    store.delete_flow_run(found.id)
    store.flush()


@router.get("/{run}/states", response_model=list[StateChange], summary="List a run's states")
def list_states(run: RunReference, store: StoreHere) -> Response:
    """The run's whole history, oldest first."""
    return Json(store.states(RunKind.FLOW, find_run(store, run).id))


@router.get("/{run}/task_runs", response_model=list[TaskRun], summary="List a run's task runs")
def list_task_runs(run: RunReference, store: StoreHere) -> Response:
    """The run's tasks or cells, in order of creation, without those of its subflows."""
    return Json(store.task_runs(find_run(store, run).id))


@router.get("/{run}/subflows", response_model=list[FlowRun], summary="List a run's subflows")
def list_subflows(
    run: RunReference, store: StoreHere, limit: Limit = 200, offset: Offset = 0
) -> Response:
    """The flow runs that this one started, newest first."""
    where = FlowRunFilter(parent_id=find_run(store, run).id)
    return Json(store.flow_runs(where, limit=limit, offset=offset))


Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


@router.get("/{run}/logs", response_model=list[LogRecord], summary="Read a run's log")
def list_logs(
    run: RunReference,
    store: StoreHere,
    level: Annotated[Level, Query(description="The least level.")] = "DEBUG",
    task: Annotated[Name | None, Query(description="A task run: its id or its name.")] = None,
    text: Annotated[Text | None, Query(description="Occurs in the line.")] = None,
    after: After = 0,
    limit: Limit = 200,
    newest: Annotated[bool, Query(description="The last lines, not the first.")] = False,
) -> Response:
    """Lines that the run logged and printed, in order; go on with `after` the last `sequence`."""
    found = Run(find_run(store, run), store)
    where = LogFilter(
        flow_run_id=found.id,
        task_run_id=found.find_task(task).id if task else None,
        min_level=logging.getLevelNamesMapping()[level] if level != "DEBUG" else 0,
        text=text,
        after=after,
    )
    return Json(store.logs(where, limit=limit, newest=newest))


class PictureFormat(str, Enum):
    """How the run graph is answered."""

    JSON = "json"  # nodes and edges
    SVG = "svg"  # the picture


@router.get(
    "/{run}/graph",
    response_model=RunGraph,
    summary="Read or draw a run's graph",
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
def read_graph(
    run: RunReference,
    store: StoreHere,
    format: PictureFormat = PictureFormat.JSON,  # noqa: A002 - the name in the address
    theme: Theme = Theme.AUTO,
    direction: Direction | None = None,
) -> Response:
    """Tasks, cells and subflows, and what led to what; with `format=svg`, the picture.

    A picture that would take longer than about a second shows less, and says so.
    """
    found = find_run(store, run)
    graph = Run(found, store).graph_at(datetime.now(UTC))
    if format is PictureFormat.JSON:
        return Json(graph)
    ask = f"All of it: nbflow graph {short_id(found)} --output all.svg"
    return Response(
        fitted_svg(fitted(graph, direction), theme=theme, ask=ask),
        media_type="image/svg+xml",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )


@router.get("/{run}/artifacts", response_model=list[Artifact], summary="List a run's artifacts")
def list_artifacts(
    run: RunReference, store: StoreHere, limit: Limit = 200, offset: Offset = 0
) -> Response:
    """What the run left behind to look at, newest first."""
    flow_run_id = find_run(store, run).id
    return Json(store.artifacts.search(flow_run_id=flow_run_id, limit=limit, offset=offset))


@router.get("/{run}/inputs", response_model=list[RunInput], summary="List what a run asked for")
def list_inputs(run: RunReference, store: StoreHere) -> Response:
    """What the run has waited for, oldest first; without `answered` it still waits."""
    return Json(store.dispatch.inputs(find_run(store, run).id))


# ── what is done with a run ──────────────────────────────────────────────────────────────


@router.post("/{run}/cancel", response_model=FlowRun, status_code=202, summary="Cancel a run")
def cancel_flow_run(run: RunReference, store: StoreHere) -> Response:
    """Ask for the run's end: one that waits is cancelled at once, one that runs by its worker."""
    return Json(store.dispatch.cancel(find_run(store, run).id), 202)


@router.post("/{run}/retry", response_model=FlowRun, status_code=202, summary="Start a run again")
def retry_flow_run(run: RunReference, store: StoreHere, body: Retry | None = None) -> Response:
    """Let an ended run of a deployment wait for its next attempt."""
    asked = body or Retry()
    found = store.dispatch.retry(find_run(store, run).id, due=asked.due, resume=asked.resume)
    return Json(found, 202)


@router.post("/{run}/resume", response_model=FlowRun, status_code=202, summary="Let a run go on")
def resume_flow_run(
    run: RunReference, store: StoreHere, body: Resumption | None = None
) -> Response:
    """Answer a paused run, or let one that ended go on from where it failed."""
    asked, found = body or Resumption(), find_run(store, run)
    if found.state.is_final():
        return Json(store.dispatch.retry(found.id, resume=True), 202)
    return Json(store.dispatch.answer(found.id, asked.answer, key=asked.key), 202)
