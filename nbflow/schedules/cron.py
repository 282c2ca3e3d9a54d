"""Schedules by cron text.

This module decides when a cron text fires, as Debian's cron does. A job whose minute and hour
fields both start with something else than `*` has fixed times: each fires exactly once on each
local day that matches, whatever the clocks do. Any other job fires on every real tick: twice
where the clocks show the same minute twice, and not in a gap. Reading the text and searching
the calendar is cronsim's; it is only ever asked about plain wall-clock time, because what it
does at the jumps of a zone depends on where it started.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from nbflow.exceptions import ScheduleError
from nbflow.schedules.cron_fields import plain_cron
from nbflow.schedules.zones import (
    find_zone,
    next_instant,
    offset_at,
    offset_change,
    wall_time,
)

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
#: Where the search for a first date starts: every day of the calendar comes within 50 years.
_SOME_DAY: Final = datetime(2000, 1, 1)  # noqa: DTZ001  wall-clock time of any zone


@dataclass(frozen=True, slots=True)
class Cron:
    """Runs at the times that a cron text tells: `Cron("0 9 * * 1-5", timezone="Europe/Paris")`.

    Args:
        cron: Minute, hour, day, month, weekday; or `@hourly`, `@daily`, `@weekly`, `@monthly`,
            `@yearly`.
        timezone: The IANA zone whose clocks count.
        day_or: Where both day and weekday are restricted: whether one is enough (as in cron),
            or both must match.

    Raises:
        ScheduleError: The text or the zone cannot be used, or there is no such date.
    """

    cron: str
    timezone: str = "UTC"
    day_or: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "timezone", find_zone(self.timezone or "UTC").key)
        if not isinstance(self.day_or, bool):
            raise ScheduleError(f"The day_or is true or false, not {self.day_or!r}.", field="cron")
        read_pattern(self.cron, self.day_or)

    def next_after(self, after: datetime) -> datetime | None:
        """The first instant after that one, which has whole seconds; see `dates.next_after`."""
        pattern, zone = read_pattern(self.cron, self.day_or), find_zone(self.timezone)
        if pattern.fixed:
            return next_instant(after, zone, pattern.next_wall)
        return _next_tick(after, zone, pattern)


class CronPattern:
    """The wall-clock times that a cron text means."""

    def __init__(self, plain: str, day_or: bool) -> None:
        minute, hour, *_ = plain.split()
        #: Whether these are fixed times, as opposed to ticks: as Debian's cron judges it.
        self.fixed = not (minute.startswith("*") or hour.startswith("*"))
        #: The parsed text; never iterated itself, because iterating moves it.
        self.search = CronSim(plain, _SOME_DAY)
        if not day_or:
            self.search.day_and = True

    def next_wall(self, wall: datetime) -> datetime | None:
        """The first wall-clock time after this one; None when 50 years have none."""
        search = copy.copy(self.search)
        search.dt = wall
        return next(search, None)


@lru_cache(maxsize=4096)
def read_pattern(cron: str, day_or: bool) -> CronPattern:
    """What a cron text means; raises `ScheduleError` when it cannot be used."""
    plain = plain_cron(cron)
    try:
        pattern = CronPattern(plain, day_or)
        if pattern.next_wall(_SOME_DAY):
            return pattern
    except CronSimError:
        # The fields are valid each by itself by now: what is wrong is the date they make.
        pass
    raise ScheduleError(
        f"{cron.strip()!r} never fires: there is no such date; change day, month or weekday.",
        field="cron",
    )


def _next_tick(after: datetime, zone: ZoneInfo, pattern: CronPattern) -> datetime | None:
    """The first instant after `after` at which the zone's clocks show a time of the pattern.

    Goes from one change of the zone's offset to the next, at most a day at a time. After a
    whole day without a tick it may jump to a day before the next one: clocks set back, by up
    to a day, cannot bring back a tick that was not there.
    """
    moment = after + _SECOND
    while True:
        wall = pattern.next_wall(wall_time(moment, zone) - _SECOND)
        if wall is None:
            return None
        tick = wall.replace(tzinfo=UTC) - offset_at(moment, zone)
        end = min(tick, moment + _DAY)
        change = offset_change(zone, moment, end)
        if change is None and end == tick:
            return tick
        moment = change or max(end, tick - _DAY)
