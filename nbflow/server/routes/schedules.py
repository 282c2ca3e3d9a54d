"""Schedules in themselves: what one means, and the calendar of all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.responses import Response

from nbflow import schedules
from nbflow.exceptions import UsageError
from nbflow.models import FlowRun, FlowRunFilter
from nbflow.models.deployments import DeploymentSchedule
from nbflow.server.answers import Json
from nbflow.server.inputs import Body, Counted, Flag, JsonObject, Limit, Moment, Name, Text
from nbflow.server.lookup import StoreHere, find_deployment, names_of
from nbflow.store.base import Store

router: Final = APIRouter(prefix="/api", tags=["schedules"])

_LONGEST: Final = timedelta(days=400)
_MOST_DATES: Final = 100
_CENTURY: Final = 36_525 * 86_400


def _length(value: Any) -> Any:
    """Seconds, or a text that says how long."""
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("Write whole seconds, or a text such as 15m")  # noqa: TRY004 - pydantic's
    if isinstance(value, int) and not 1 <= value <= _CENTURY:
        raise ValueError("An interval is from a second to a century")
    return value


Length = Annotated[
    Any,
    AfterValidator(_length),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": _CENTURY}, {"type": "string"}]}
    ),
]


class Rule(Body):
    """When something runs: one of cron, interval and rrule."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [kind]} for kind in ("cron", "interval", "rrule")]
        }
    )

    cron: Text | None = Field(default=None, description="A cron text.", examples=["0 6 * * 1-5"])
    interval: Length | None = Field(
        default=None, description="Seconds between runs, or `15m`, `1d`."
    )
    rrule: Text | None = Field(default=None, description="An RFC 5545 rule.")
    timezone: Text | None = Field(
        default=None, description="An IANA zone.", examples=["Europe/Paris"]
    )
    anchor_date: Text | None = Field(default=None, description="From when an interval counts.")
    day_or: Flag | None = Field(
        default=None, description="Whether day of month or weekday is enough, as in cron."
    )

    def read(self) -> schedules.Schedule:
        """The schedule; raises `ScheduleError` with the field at fault."""
        return schedules.from_json(self.model_dump(exclude_none=True))


class ScheduleBody(Body):
    """A schedule of a deployment."""

    schedule: Rule
    slug: Name | None = Field(
        default=None, description="Its name in the deployment; default: follows from the rule."
    )
    parameters: JsonObject = Field(default={}, description="In place of the deployment's own.")
    active: Flag = True

    def record(self) -> DeploymentSchedule:
        """As stores take it; raises `ScheduleError`."""
        schedule = self.schedule.read()
        return DeploymentSchedule(
            slug=self.slug or schedules.slug(schedule),
            schedule=schedules.to_json(schedule),
            parameters=self.parameters,
            active=self.active,
        )


class PreviewBody(Body):
    """What to foretell of a schedule."""

    schedule: Rule
    count: Annotated[Counted, Field(le=_MOST_DATES)] = 5
    after: Moment | None = Field(default=None, description="Default: now.")


class Preview(BaseModel):
    """What a schedule means."""

    words: str = Field(description="The schedule in words.")
    slug: str = Field(description="The name that it has unless it is given one.")
    schedule: dict[str, Any] = Field(description="The schedule with its defaults filled in.")
    next: list[datetime] = Field(description="When it runs next.")


class ComingRun(BaseModel):
    """A run that a schedule will start."""

    deployment_id: UUID
    deployment: str = Field(description="`flow/name`")
    schedule: str = Field(description="The slug.")
    time: datetime


class Calendar(BaseModel):
    """What ran and what will run in a span of time."""

    start: datetime
    end: datetime
    runs: list[FlowRun] = Field(description="Runs that are there, by their scheduled time.")
    coming: list[ComingRun] = Field(description="Runs that schedules will make.")


@router.post("/schedules/preview", response_model=Preview, summary="Foretell a schedule")
def preview(body: PreviewBody) -> Response:
    """What a schedule means in words, and when it runs next."""
    schedule = body.schedule.read()
    dates = schedules.upcoming(schedule, body.after or datetime.now(UTC), body.count)
    return Json(
        {
            "words": schedules.in_words(schedule),
            "slug": schedules.slug(schedule),
            "schedule": schedules.to_json(schedule),
            "next": list(dates),
        }
    )


@router.get("/calendar", response_model=Calendar, summary="Read the calendar")
def read_calendar(
    store: StoreHere,
    start: Annotated[Moment | None, Query(description="Default: now.")] = None,
    end: Annotated[Moment | None, Query(description="Default: a week after the start.")] = None,
    deployment: Annotated[Name | None, Query(description="Of this deployment alone.")] = None,
    limit: Limit = 500,
) -> Response:
    """Runs of a span of time: those that are there, and those that schedules will make."""
    now = datetime.now(UTC)
    since = start or now
    until = end or _later(since)
    if not timedelta(0) <= until - since <= _LONGEST:
        raise UsageError(
            f"The calendar spans at most {_LONGEST.days} days, and ends after its start. "
            "Ask for a shorter span."
        )
    wanted = find_deployment(store, deployment).id if deployment else None
    return Json(
        {
            "start": since,
            "end": until,
            "runs": _runs(store, since, until, wanted, limit),
            "coming": _coming(store, max(since, now), until, wanted, limit),
        }
    )


def _later(start: datetime) -> datetime:
    try:
        return start + timedelta(days=7)
    except OverflowError:
        return start


def _runs(
    store: Store, start: datetime, end: datetime, deployment_id: UUID | None, limit: int
) -> list[FlowRun]:
    where = FlowRunFilter(
        scheduled_after=start,
        scheduled_before=end,
        top_level=True,
        deployment_ids=frozenset({deployment_id} if deployment_id else ()),
    )
    return store.flow_runs(where, limit=limit)


def _coming(
    store: Store, start: datetime, end: datetime, deployment_id: UUID | None, limit: int
) -> list[dict[str, Any]]:
    if end <= start:
        return []
    found = store.deployments.upcoming(start, end, deployment_id=deployment_id, limit=limit)
    names = names_of(store, {each for each, _, _ in found})
    return [
        {"deployment_id": each, "deployment": names[each], "schedule": slug, "time": time}
        for each, slug, time in found
        if each in names
    ]
