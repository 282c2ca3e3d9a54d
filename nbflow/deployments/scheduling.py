"""Schedules as authors state them, as the records that a deployment keeps.

This module decides the spellings (`cron="0 6 * * *"`, a list of them, a `Cron`, a mapping with
parameters) and the slugs. It must not know when schedules fire.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from nbflow.deployments.checking import as_json, misfits
from nbflow.exceptions import ScheduleError, UsageError
from nbflow.models.deployments import DeploymentSchedule, DeploymentSpec
from nbflow.schedules import (
    Cron,
    Interval,
    RRule,
    Schedule,
    from_json,
    parse_interval,
    slug,
    to_json,
)

#: What may stand beside the schedule itself.
_BESIDE: Final = ("slug", "parameters", "active")
_ITSELF: Final = ("cron", "interval", "rrule", "timezone", "tz", "anchor_date", "day_or")
Stated = Schedule | DeploymentSchedule | Mapping[str, Any]


def schedules_of(
    *,
    cron: str | Iterable[str] | None = None,
    interval: Any = None,
    rrule: str | Iterable[str] | None = None,
    schedule: Stated | None = None,
    schedules: Iterable[Stated] | None = None,
    timezone: str | None = None,
    anchor_date: datetime | str | None = None,
) -> tuple[DeploymentSchedule, ...] | None:
    """All the schedules that are stated; None when nothing is said of schedules at all.

    Raises `ScheduleError` for one that cannot be used, and `UsageError` when two have one slug.
    """
    zone = {} if timezone is None else {"timezone": timezone}
    anchor = {} if anchor_date is None else {"anchor_date": anchor_date}
    stated: list[Stated] = [
        *({"cron": text, **zone} for text in _each(cron)),
        *({"interval": length, **anchor, **zone} for length in _each(interval)),
        *({"rrule": text, **zone} for text in _each(rrule)),
        *(_in_zone(each, zone) for each in ([] if schedule is None else [schedule])),
        *(_in_zone(each, zone) for each in schedules or ()),
    ]
    if not stated:
        if timezone is not None and schedules is None:
            raise ScheduleError(
                "There is a time zone, but no schedule that it is for. Give one by cron, "
                "interval or rrule.",
                field="timezone",
            )
        return None if schedules is None else ()
    return _distinct([schedule_record(each) for each in stated])


def _in_zone(stated: Stated, zone: Mapping[str, str]) -> Stated:
    """A schedule in the time zone of all, unless it names its own."""
    if isinstance(stated, Mapping) and not {"tz", "timezone"} & stated.keys():
        return {**stated, **zone}
    return stated


def schedule_record(stated: Stated) -> DeploymentSchedule:
    """One schedule: a `Cron`, `Interval` or `RRule`, or a mapping with what belongs to it.

    A mapping has `cron`, `interval` or `rrule`, and may have `timezone` (or `tz`),
    `anchor_date`, `day_or`, `slug`, `parameters` and `active`.
    """
    if isinstance(stated, DeploymentSchedule):
        return stated
    if isinstance(stated, Cron | Interval | RRule):
        return DeploymentSchedule(slug=slug(stated), schedule=to_json(stated))
    if not isinstance(stated, Mapping):
        raise ScheduleError(
            f"{stated!r} is no schedule. Pass Cron(…), Interval(…), RRule(…), or a mapping with "
            "cron, interval or rrule."
        )
    _check_keys(stated)
    schedule = from_json(_itself(stated))
    parameters = stated.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise UsageError(f"The parameters of a schedule are names with values, not {parameters!r}.")
    return DeploymentSchedule(
        slug=_checked_slug(stated.get("slug") or slug(schedule)),
        schedule=to_json(schedule),
        parameters=as_json(parameters, owner="the schedule"),
        active=_checked_active(stated.get("active", True)),
    )


def check_parameters(
    spec: DeploymentSpec, schedules: Iterable[DeploymentSchedule], *, owner: str
) -> None:
    """Raise the first `ParameterError`, if any: what a schedule fires must have all it needs."""
    for misfit in misfits(spec.parameter_schema, spec.parameters, owner=owner, partial=True):
        raise misfit.error()
    for schedule in schedules:
        values = {**spec.parameters, **schedule.parameters}
        for misfit in misfits(spec.parameter_schema, values, owner=owner):
            raise misfit.error()


def _each(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str | timedelta | int | float):
        return [value]
    return list(value)


def _check_keys(stated: Mapping[str, Any]) -> None:
    for key in stated:
        if key not in {*_ITSELF, *_BESIDE}:
            near = difflib.get_close_matches(str(key), [*_ITSELF, *_BESIDE], n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(_ITSELF)}."
            raise ScheduleError(f"A schedule has no {key!r}. {hint}")


def _itself(stated: Mapping[str, Any]) -> dict[str, Any]:
    data = {key: stated[key] for key in _ITSELF if stated.get(key) is not None}
    zone = data.pop("tz", None)
    if zone is not None and data.setdefault("timezone", zone) != zone:
        raise ScheduleError(
            "The schedule names two time zones, by tz and by timezone. Keep one.", field="timezone"
        )
    if isinstance(data.get("interval"), str):
        data["interval"] = parse_interval(data["interval"])
    return data


def _checked_slug(text: Any) -> str:
    if not isinstance(text, str) or not text.strip() or "/" in text or text != text.strip():
        raise UsageError(
            f"{text!r} cannot be the name of a schedule. Use a short text without slashes."
        )
    return text


def _checked_active(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"A schedule is active or not: true or false, not {value!r}.")
    return value


def _distinct(records: list[DeploymentSchedule]) -> tuple[DeploymentSchedule, ...]:
    """The records with slugs of their own: one schedule may stand twice with other parameters."""
    found: dict[str, DeploymentSchedule] = {}
    for record in records:
        each = record
        if each.slug in found:
            said = json.dumps(dict(each.parameters), sort_keys=True)
            digest = hashlib.sha256(said.encode()).hexdigest()[:4]
            each = replace(each, slug=f"{each.slug}-{digest}")
        if each.slug in found or any(_same(each, other) for other in found.values()):
            raise UsageError(
                f"The schedule {record.slug} stands twice with the same parameters. Leave one out."
            )
        found[each.slug] = each
    return tuple(found.values())


def _same(one: DeploymentSchedule, other: DeploymentSchedule) -> bool:
    return (one.schedule, one.parameters) == (other.schedule, other.parameters)
