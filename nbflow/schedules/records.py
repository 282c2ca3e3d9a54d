"""Schedules as plain data, and the short names that keep them apart.

This module decides the JSON form of a schedule and its slug. It must not know its dates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from nbflow.exceptions import ScheduleError
from nbflow.schedules.cron import Cron
from nbflow.schedules.cron_fields import plain_cron
from nbflow.schedules.dates import Schedule
from nbflow.schedules.interval import Interval, parse_interval
from nbflow.schedules.rrule import RRule
from nbflow.schedules.rules import unfolded

_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "cron": frozenset({"cron", "timezone", "day_or"}),
    "interval": frozenset({"interval", "anchor_date", "timezone"}),
    "rrule": frozenset({"rrule", "timezone"}),
}


def kind(schedule: Schedule) -> Literal["cron", "interval", "rrule"]:
    """Which kind of schedule this is."""
    match schedule:
        case Cron():
            return "cron"
        case Interval():
            return "interval"
        case RRule():
            return "rrule"


def to_json(schedule: Schedule) -> dict[str, Any]:
    """The schedule as plain data; `from_json` gives the same schedule back.

    Intervals are in seconds, anchors in ISO 8601.
    """
    match schedule:
        case Cron():
            return {
                "cron": schedule.cron,
                "timezone": schedule.timezone,
                "day_or": schedule.day_or,
            }
        case Interval():
            anchor = schedule.anchor_date
            return {
                "interval": schedule.interval // timedelta(seconds=1),
                "anchor_date": anchor.isoformat() if anchor else None,
                "timezone": schedule.timezone,
            }
        case RRule():
            return {"rrule": schedule.rrule, "timezone": schedule.timezone}


def from_json(data: Mapping[str, Any]) -> Schedule:
    """The schedule that the data describes, as `to_json` or a person wrote it.

    Everything but the cron text, interval or rule may be left away; an interval may also be
    written `15m`.

    Raises:
        ScheduleError: It describes none.
    """
    kinds = [name for name in _KEYS if data.get(name) is not None]
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "has none of them"
        raise ScheduleError(
            f"A schedule has one of cron, interval, rrule; this one {found}.",
            field=kinds[-1] if kinds else "cron",
        )
    name = kinds[0]
    values = {key: value for key, value in data.items() if value is not None}
    for unknown in sorted(values.keys() - _KEYS[name]):
        raise ScheduleError(
            f"{unknown!r} is no part of a schedule by {name}; "
            f"it has {', '.join(sorted(_KEYS[name]))}.",
            field=name,
        )
    return _read(name, values)


def _read(name: str, values: dict[str, Any]) -> Schedule:
    _check_zone(values)
    match name:
        case "cron":
            return Cron(**values)
        case "interval":
            return Interval(**values | _read_length(values) | _read_anchor(values))
        case _:
            return RRule(**values)


def _check_zone(values: Mapping[str, Any]) -> None:
    if not isinstance(values.get("timezone", ""), str):
        raise ScheduleError("The timezone is a text such as Europe/Paris.", field="timezone")


def _read_length(values: Mapping[str, Any]) -> dict[str, Any]:
    length = values["interval"]
    return {"interval": parse_interval(length)} if isinstance(length, str) else {}


def _read_anchor(values: Mapping[str, Any]) -> dict[str, Any]:
    anchor = values.get("anchor_date")
    if not isinstance(anchor, str):
        return {}
    try:
        return {"anchor_date": datetime.fromisoformat(anchor)}
    except ValueError:
        raise ScheduleError(
            f"The anchor {anchor!r} is no date; write 2026-01-31T09:00.", field="anchor_date"
        ) from None


def slug(schedule: Schedule) -> str:
    """A short name that follows from what the schedule says: `cron-9f86d081`.

    The same schedule has the same name on every deploy, however it is spelled.
    """
    said = json.dumps(_plain(schedule), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(said.encode()).hexdigest()
    return f"{kind(schedule)}-{digest[:8]}"


def _plain(schedule: Schedule) -> dict[str, Any]:
    data = to_json(schedule)
    if isinstance(schedule, Cron):
        data["cron"] = plain_cron(schedule.cron)
    if isinstance(schedule, RRule):
        data["rrule"] = "\n".join(unfolded(schedule.rrule)).upper()
    return data
