"""Oracles that know nothing of nbflow: the clocks of zones, and Debian's cron.

A zone's clocks are a list of stretches with a constant offset, found by asking `zoneinfo`
about instants only: how it reads wall-clock times is not used.
"""

from __future__ import annotations

import zoneinfo
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

FIRST, LAST = datetime(2019, 12, 1, tzinfo=UTC), datetime(2036, 2, 1, tzinfo=UTC)
#: Less than the four weeks that lie at least between two changes in these years.
STEP = timedelta(days=20)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Clocks:
    """Stretches (start, end, offset) of UTC time, in order and without holes."""

    stretches: tuple[tuple[datetime, datetime, timedelta], ...]

    @property
    def changes(self):
        """The instants at which the offset changes."""
        return [start for start, _, _ in self.stretches[1:]]

    def walls(self, start, end):
        """Each minute in [start, end) with what the clocks show at it."""
        for first, last, offset in self.stretches:
            moment = max(first, start)
            while moment < min(last, end):
                yield moment, (moment + offset).replace(tzinfo=None)
                moment += MINUTE

    def wall(self, moment):
        """What the clocks show at the instant."""
        number = bisect_right(self.stretches, moment, key=lambda stretch: stretch[0])
        return (moment + self.stretches[number - 1][2]).replace(tzinfo=None)

    def first_reaching(self, wall):
        """The first instant at which the clocks show this or a later time."""
        wall = wall.replace(tzinfo=UTC)
        number = bisect_right(self.stretches, wall, key=lambda stretch: stretch[1] + stretch[2])
        first, _, offset = self.stretches[number]
        return max(first, wall - offset)


@cache
def clocks_of(name):
    zone = zoneinfo.ZoneInfo(name)

    def offset(moment):
        return moment.astimezone(zone).utcoffset()

    stretches, start, moment = [], FIRST, FIRST
    while moment < LAST:
        later = moment + STEP
        if offset(later) != offset(start):
            low, high = moment, later
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if offset(middle) == offset(start) else (low, middle)
            stretches.append((start, high, offset(start)))
            start = high
        moment = later
    return Clocks((*stretches, (start, moment, offset(start))))


class DebianCron:
    """Debian's cron, as a daemon that wakes every minute.

    It keeps the newest wall-clock minute it has seen. When the clocks jump ahead, jobs with
    fixed times are run for each minute that was left out; when they are set back, those jobs
    wait until the clocks have caught up. Jobs with a star at the beginning of the minute or
    the hour follow the clocks as they are.
    """

    RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))

    def __init__(self, text):
        fields = text.split()
        self.sets = [self.numbers(field, *r) for field, r in zip(fields, self.RANGES, strict=True)]
        self.wild = fields[0][0] == "*" or fields[1][0] == "*"
        self.both_days = fields[2][0] == "*" or fields[4][0] == "*"

    @staticmethod
    def numbers(field, low, high):
        found = set()
        for term in field.split(","):
            base, _, step = term.partition("/")
            first, _, last = (f"{low}-{high}" if base == "*" else base).partition("-")
            found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
        return found

    def matches(self, wall):
        minutes, hours, days, months, weekdays = self.sets
        if not (wall.minute in minutes and wall.hour in hours and wall.month in months):
            return False
        by_day, by_weekday = (
            wall.day in days,
            bool({wall.isoweekday(), wall.isoweekday() % 7} & weekdays),
        )
        return by_day and by_weekday if self.both_days else by_day or by_weekday

    def runs(self, clocks, start, end):
        """The minutes in [start, end) at which the job is run; no change shortly before."""
        newest = clocks.wall(start) - MINUTE
        for moment, wall in clocks.walls(start, end):
            if self.wild:
                if self.matches(wall):
                    yield moment
                continue
            missed = [newest + n * MINUTE for n in range(1, (wall - newest) // MINUTE + 1)]
            if any(self.matches(minute) for minute in missed):
                yield moment
            newest = max(newest, wall)


@pytest.fixture(scope="session")
def clocks():
    """The clocks of a zone, by its name."""
    return clocks_of


@pytest.fixture(scope="session")
def debian():
    """Debian's cron for a cron text."""
    return DebianCron
