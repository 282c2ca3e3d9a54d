"""Backfills: one run of a deployment for each instant of a span of the past.

This module decides which instants a backfill has, what each of its runs is told, and that the
same backfill twice makes no second run. It must not know how runs are dispatched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from nbflow.deployments.checking import as_json
from nbflow.deployments.running import new_run
from nbflow.exceptions import ParameterTypeError, UnknownParameterError, UsageError
from nbflow.models import FlowRun, new_id
from nbflow.models.deployments import Backfill, Deployment, DeploymentSchedule, QueuedRun
from nbflow.parameters.model import unknown
from nbflow.schedules import Interval, Schedule, between, from_json, in_words, parse_interval
from nbflow.store import open_store
from nbflow.store.base import Store

#: More runs than this are asked about first, and than that are refused.
MANY: Final = 1_000
MOST: Final = 10_000
_INSTANT: Final = timedelta(microseconds=1)
#: What is left of a parameter's schema when it takes a date, a date with a time, or any text.
_FORMATS: Final = ("date", "date-time")

OnExisting = Literal["skip", "again"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillPlan:
    """A backfill with all its runs, not yet submitted."""

    backfill: Backfill
    #: The instants, in the order in which their runs start.
    instants: tuple[datetime, ...]
    runs: tuple[tuple[FlowRun, QueuedRun], ...]
    #: Where the instants come from.
    words: str
    timezone: str

    def submit(self, store: Store | None = None) -> Backfill:
        """Let the runs wait; those that an earlier backfill made are not made again."""
        return (store or open_store()).dispatch.submit_backfill(self.backfill, self.runs)


def backfill(
    deployment: Deployment,
    start: date | datetime,
    end: date | datetime,
    **options: Any,
) -> Backfill:
    """Run a deployment once for each instant of a span; options are those of `plan_backfill`."""
    return plan_backfill(deployment, start, end, **options).submit()


def plan_backfill(
    deployment: Deployment,
    start: date | datetime,
    end: date | datetime,
    *,
    parameter: str | None = None,
    schedule: str | None = None,
    every: str | timedelta | None = None,
    limit: int | None = 1,
    reverse: bool = False,
    on_existing: OnExisting = "skip",
    parameters: Mapping[str, Any] | None = None,
    tags: Iterable[str] = (),
    allow_many: bool = False,
) -> BackfillPlan:
    """The runs of a backfill, before they are submitted.

    Args:
        deployment: What runs.
        start: The first instant; a date begins at midnight of the schedule's zone.
        end: The last instant; a date counts as a whole.
        parameter: The parameter that is given each run's instant, as a date or as a date with
            a time, whichever its schema says.
        schedule: The slug of the schedule whose instants they are; needed when there are
            several.
        every: A distance from `start` instead of a schedule: "1d".
        limit: Most of its runs at the same time; None: no limit of its own.
        reverse: Start with the latest instant.
        on_existing: `skip` instants for which an earlier backfill of the same kind made a run,
            or run them `again`.
        parameters: Further parameters of all its runs.
        tags: Further tags.
        allow_many: Whether more than 1000 runs are meant.

    Raises:
        UsageError: The span has no instants, or very many, or nothing says which they are.
        ParameterError: A parameter does not fit.
    """
    if on_existing not in {"skip", "again"}:
        raise UsageError(f"on_existing is skip or again, not {on_existing!r}.")
    chosen = _chosen(deployment, schedule) if every is None else None
    rule = from_json(chosen.schedule) if chosen else _regular(every, start, deployment)
    zone = ZoneInfo(rule.timezone)
    instants = _instants(rule, _begin(start, zone), _finish(end, zone), allow_many=allow_many)
    made = Backfill(
        id=new_id(),
        deployment_id=deployment.id,
        start=instants[0],
        end=instants[-1],
        parameter=parameter,
        concurrency_limit=limit,
        created=datetime.now(UTC),
    )
    ordered = tuple(reversed(instants)) if reverse else tuple(instants)
    make = _RunMaker(
        deployment,
        made,
        shared={**(chosen.parameters if chosen else {}), **(parameters or {})},
        form=_form(deployment, parameter, instants, zone) if parameter else None,
        tags=(*tags, "backfill"),
        salt=str(made.id) if on_existing == "again" else "",
    )
    return BackfillPlan(
        backfill=made,
        instants=ordered,
        runs=tuple(make(place, instant) for place, instant in enumerate(ordered)),
        words=in_words(rule),
        timezone=rule.timezone,
    )


@dataclass(frozen=True, slots=True)
class _RunMaker:
    """Makes the runs of one backfill."""

    deployment: Deployment
    backfill: Backfill
    shared: Mapping[str, Any]
    #: How an instant is written for the parameter, if one is given it.
    form: Callable[[datetime], str] | None
    tags: tuple[str, ...]
    #: Keeps the runs apart from those of an equal backfill.
    salt: str

    def __call__(self, place: int, instant: datetime) -> tuple[FlowRun, QueuedRun]:
        name = self.backfill.parameter
        own = {name: self.form(instant)} if name and self.form else {}
        values = {**self.shared, **own}
        return new_run(
            self.deployment,
            values,
            # One after another, so that they start in this order.
            due=self.backfill.created + place * _INSTANT,
            nominal=instant,
            tags=self.tags,
            backfill_id=self.backfill.id,
            idempotency_key=_key(self.deployment, instant, values, self.salt),
        )


def _key(deployment: Deployment, instant: datetime, values: Mapping[str, Any], salt: str) -> str:
    said = json.dumps(as_json(values, owner="the backfill"), sort_keys=True)
    text = f"{deployment.id}|{instant.isoformat()}|{said}|{salt}"
    return f"backfill-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


# ── instants ─────────────────────────────────────────────────────────────────────────────


def _chosen(deployment: Deployment, slug: str | None) -> DeploymentSchedule:
    by_slug = {each.slug: each for each in deployment.schedules}
    if slug is not None and slug in by_slug:
        return by_slug[slug]
    if slug is None and len(by_slug) == 1:
        return next(iter(by_slug.values()))
    names = ", ".join(by_slug)
    if slug is not None:
        raise UsageError(
            f"{deployment.full_name} has no schedule {slug!r}. It has {names or 'none'}."
        )
    if by_slug:
        raise UsageError(
            f"{deployment.full_name} has several schedules. Name one with --schedule: {names}."
        )
    raise UsageError(
        f"{deployment.full_name} has no schedule that says which runs there are. Say it with "
        "--every 1d."
    )


def _regular(
    every: str | timedelta | None, start: date | datetime, deployment: Deployment
) -> Schedule:
    """Equal distances from the start, by the clocks that the deployment's schedules go by."""
    zones = {from_json(each.schedule).timezone for each in deployment.schedules}
    zone = zones.pop() if len(zones) == 1 else "UTC"
    distance = parse_interval(every) if isinstance(every, str) else every
    assert distance is not None
    return Interval(distance, anchor_date=_begin(start, ZoneInfo(zone)), timezone=zone)


def _begin(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime):
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return datetime(moment.year, moment.month, moment.day, tzinfo=zone)


def _finish(moment: date | datetime, zone: ZoneInfo) -> datetime:
    """The last moment that counts: of a date, its last."""
    if isinstance(moment, datetime):
        return _begin(moment, zone)
    return _begin(moment + timedelta(days=1), zone).astimezone(UTC) - _INSTANT


def _instants(
    rule: Schedule, start: datetime, end: datetime, *, allow_many: bool
) -> list[datetime]:
    if end < start:
        raise UsageError(f"The span ends ({end:%Y-%m-%d}) before it begins ({start:%Y-%m-%d}).")
    before = start.astimezone(UTC) - _INSTANT
    found = list(between(rule, before, end.astimezone(UTC), limit=MOST + 1))
    if not found:
        raise UsageError(
            f"There is no instant between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} "
            f"({in_words(rule)}). Widen the span, or name distances with --every 1d."
        )
    if len(found) > MOST:
        raise UsageError(f"A backfill has at most {MOST} runs. Make several of shorter spans.")
    if len(found) > MANY and not allow_many:
        raise UsageError(f"These are {len(found)} runs. Add --yes if so many are meant.")
    return found


# ── the parameter ────────────────────────────────────────────────────────────────────────


def _form(
    deployment: Deployment, name: str, instants: list[datetime], zone: ZoneInfo
) -> Callable[[datetime], str]:
    """How an instant is written for the parameter."""
    schema = deployment.spec.parameter_schema
    known = schema.get("properties", {})
    owner = f"deployment {deployment.full_name!r}"
    if schema and name not in known and not schema.get("additionalProperties"):
        error: UnknownParameterError = unknown(name, known, owner)
        raise error
    wanted = known.get(name, {})
    formats = {option.get("format") for option in (wanted, *wanted.get("anyOf", ()))}
    types = {option.get("type") for option in (wanted, *wanted.get("anyOf", ()))} - {None}
    if types and "string" not in types:
        raise ParameterTypeError(
            f"Parameter {name!r} of {owner} takes no date. Name one of type date or datetime."
        )
    whole_days = all(each.astimezone(zone).time() == datetime.min.time() for each in instants)
    as_date = "date" in formats or (not formats & set(_FORMATS) and whole_days)

    def write(instant: datetime) -> str:
        local = instant.astimezone(zone)
        return local.date().isoformat() if as_date else local.isoformat()

    return write


__all__ = ["MANY", "BackfillPlan", "backfill", "plan_backfill"]
