"""Schedules by distance.

This module decides when an interval fires. Whole days are calendar arithmetic: the same time
by the zone's clocks, `n` days after the anchor. Anything else is real time from the anchor,
whatever the clocks do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from nbflow.durations import read_duration
from nbflow.exceptions import ScheduleError
from nbflow.schedules.zones import YEARS, find_zone, first_instant, next_instant, wall_time

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=36_525)
#: What counts where nothing is said, by the clocks of the schedule's zone.
DEFAULT_ANCHOR: Final = datetime(2020, 1, 1)  # noqa: DTZ001  wall-clock time of any zone


@dataclass(frozen=True, slots=True)
class Interval:
    """Runs at equal distances: `Interval(timedelta(minutes=10))`.

    Args:
        interval: The distance, in whole seconds; a number means seconds.
        anchor_date: A time from which the distances count, in both directions; without a zone
            of its own it is a time in `timezone`. By default midnight of 1 January 2020 there.
        timezone: The IANA zone whose clocks count, for whole days.

    Raises:
        ScheduleError: The distance, the anchor or the zone cannot be used.
    """

    interval: timedelta
    anchor_date: datetime | None = None
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        object.__setattr__(self, "interval", _checked_interval(self.interval))
        object.__setattr__(self, "anchor_date", _checked_anchor(self.anchor_date))
        object.__setattr__(self, "timezone", find_zone(self.timezone or "UTC").key)

    @property
    def is_calendar(self) -> bool:
        """Whether the distance is whole days, by the zone's clocks."""
        return not self.interval % _DAY

    @property
    def anchor_wall(self) -> datetime:
        """What the zone's clocks show at the anchor."""
        anchor = self.anchor_date or DEFAULT_ANCHOR
        return anchor if anchor.tzinfo is None else wall_time(anchor, find_zone(self.timezone))

    def next_after(self, after: datetime) -> datetime | None:
        """The first instant after that one, which has whole seconds; see `dates.next_after`."""
        zone = find_zone(self.timezone)
        if self.is_calendar:
            return next_instant(after, zone, self._next_wall)
        anchor = self.anchor_date
        if anchor is None or anchor.tzinfo is None:
            anchor = first_instant(anchor or DEFAULT_ANCHOR, zone)
        return self._following(anchor, after)

    def _next_wall(self, wall: datetime) -> datetime:
        return self._following(self.anchor_wall, wall)

    def _following(self, anchor: datetime, after: datetime) -> datetime:
        return anchor + ((after - anchor) // self.interval + 1) * self.interval


def parse_interval(text: str) -> timedelta:
    """The distance that `15m`, `2h`, `1d` or `90` (seconds) means.

    Raises:
        ScheduleError: It means none that a schedule can have.
    """
    try:
        return _checked_interval(read_duration(text))
    except ValueError as error:
        if isinstance(error, ScheduleError):
            raise
        raise ScheduleError(f"{error}.", field="interval") from None


def _checked_interval(interval: timedelta | float) -> timedelta:
    if isinstance(interval, bool) or not isinstance(interval, timedelta | float | int):
        raise _error(f"An interval is a timedelta or a number of seconds, not {interval!r}.")
    if not isinstance(interval, timedelta):
        interval = _from_seconds(interval)
    if interval <= timedelta():
        raise _error("An interval is longer than nothing; write 15m, 2h or 1d.")
    if interval > _LONGEST:
        raise _error(f"An interval is at most a century, not {interval.days} days.")
    if interval % _SECOND:
        raise _error(f"{interval.total_seconds():g} s is not a whole number of seconds.")
    return interval


def _from_seconds(seconds: float) -> timedelta:
    try:
        if math.isfinite(seconds):
            return timedelta(seconds=seconds)
    except OverflowError:
        pass
    raise _error(f"{seconds!r:.30} seconds are no interval; write 15m, 2h or 1d.")


def _checked_anchor(anchor: object) -> datetime | None:
    """The anchor to the second: in UTC, or naive when it is a time by the zone's clocks."""
    if anchor is None:
        return None
    if not isinstance(anchor, datetime) or anchor.year not in YEARS:
        raise ScheduleError(
            f"The anchor is a datetime such as 2026-01-31T09:00, not {anchor!r}.",
            field="anchor_date",
        )
    anchor = anchor.replace(microsecond=0)
    return anchor if anchor.tzinfo is None else anchor.astimezone(UTC)


def _error(message: str) -> ScheduleError:
    return ScheduleError(message, field="interval")
