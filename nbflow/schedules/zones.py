"""How the wall clock of a time zone and the real time (UTC) belong together.

This module decides what happens where a zone's clock jumps: a wall-clock time that is skipped
means the first instant after the gap, one that comes twice means the first of the two. It
must not know any kind of schedule. Wall-clock times are naive, instants are aware UTC.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from nbflow.exceptions import ScheduleError

_SECOND: Final = timedelta(seconds=1)

#: Names that mean this machine's own zone, or count leap seconds.
_NOT_PORTABLE: Final = ("localtime", "posix", "right/")

#: Years that a date which a user states may have: zones and calendars make sense there.
YEARS: Final = range(1900, 2200)

#: Given a wall-clock time, the next one strictly after it, or None at the end.
NextWall = Callable[[datetime], datetime | None]


def find_zone(name: str) -> ZoneInfo:
    """The time zone of that IANA name, such as `Europe/Paris`.

    Raises:
        ScheduleError: There is none; the message tells names that are near.
    """
    try:
        if not str(name).startswith(_NOT_PORTABLE):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        pass
    near = near_zones(str(name))
    hint = f"did you mean {' or '.join(near)}?" if near else "write one such as Europe/Paris."
    raise ScheduleError(f"{name!r} is no IANA time zone; {hint}", field="timezone")


def near_zones(name: str, limit: int = 3) -> list[str]:
    """Names of time zones that look like this one: a city alone, another case, a slip."""
    zones = sorted(available_timezones())
    wanted = name.strip().replace(" ", "_").casefold()
    exact = [zone for zone in zones if wanted in {zone.casefold(), _city(zone)}]
    spelled = {key: zone for zone in zones for key in (_city(zone), zone.casefold())}
    close = difflib.get_close_matches(wanted, spelled, n=limit, cutoff=0.75)
    return list(dict.fromkeys(exact + [spelled[key] for key in close]))[:limit]


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].casefold()


def wall_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of the zone show at that instant."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the clocks of the zone show this time, or have passed it."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_time(moment, zone) == wall:
        return moment
    # In a gap, fold=1 reads the time with the offset from after it: an instant before it.
    return _bisect(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone)


def offset_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The first instant in (start, end] with another UTC offset than `start` has.

    Looks at the ends only: of less than a day, because no zone changes back within one.
    """
    if offset_at(start, zone) == offset_at(end, zone):
        return None
    return _bisect(start, end, zone)


def offset_at(moment: datetime, zone: ZoneInfo) -> timedelta:
    """How far the clocks of the zone are ahead of UTC at that instant."""
    return moment.astimezone(zone).utcoffset() or timedelta()


def _bisect(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the offset of `after` begins, to the second."""
    target = offset_at(after, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if offset_at(middle, zone) == target:
            after = middle
        else:
            before = middle
    return after


def next_instant(after: datetime, zone: ZoneInfo, next_wall: NextWall) -> datetime | None:
    """The first instant after `after` that a series of wall-clock times means.

    Each time of the series gives one instant, so it comes once even when the clocks show it
    twice, and is not lost when they skip it.
    """
    wall = next_wall(wall_time(after, zone))
    while wall is not None:
        moment = first_instant(wall, zone)
        if moment > after:
            return moment
        # Clocks were set back: they show for the second time what had its turn before.
        wall = next_wall(wall)
    return None
