"""Recurring days and times of day in words.

This module decides the wording: `every weekday at 06:00`, `on the 1st of every month at 02:30`,
`every 10 minutes`. It must not know which kind of schedule says so. Where no words are shorter
than the thing itself it answers with None.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from itertools import product
from typing import Final

#: The last weekday (Monday to Friday) of a month, among its days.
LAST_WEEKDAY: Final = -100

#: Most things that are listed one by one.
_MOST_LISTED: Final = 6
_MOST_TIMES: Final = 4
_DAY_HOURS: Final = tuple(range(24))
_WORKWEEK: Final = frozenset(range(5))
_NTH: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """Days of the calendar and times of day; a set that is empty restricts nothing.

    `month_days` count from 1, or from -1 backwards; weekdays from Monday, 0; `nth_days` such
    as (-1, 4): the last Friday of a month.
    """

    hours: frozenset[int]
    minutes: frozenset[int]
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    nth_days: frozenset[tuple[int, int]] = frozenset()
    #: Whether a day of the month or a weekday is enough where both are told.
    either: bool = False

    @property
    def is_everywhere(self) -> bool:
        """Whether it repeats in every hour of every day, so that the zone hardly matters."""
        return len(self.hours) == len(_DAY_HOURS) and not (
            self.months or self.month_days or self.weekdays or self.nth_days
        )


def pattern_words(pattern: Pattern) -> str | None:
    """The days and times in words."""
    days, ticks, clock = day_words(pattern), tick_words(pattern), clock_words(pattern)
    if days is None:
        return None
    if ticks:
        return ticks if days == "every day" else f"{days}, {ticks}"
    return f"{days} {clock}" if clock else None


def clock_words(pattern: Pattern) -> str | None:
    """A few times of day: `at 06:00 and 18:00`."""
    if len(pattern.hours) * len(pattern.minutes) > _MOST_TIMES:
        return None
    times = product(sorted(pattern.hours), sorted(pattern.minutes))
    return f"at {listed(time_word(time(*at)) for at in times)}"


def time_word(at: time) -> str:
    """A time of day: `06:00`, with seconds where it has some."""
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def tick_words(pattern: Pattern) -> str | None:
    """Times that repeat within a day: `every 10 minutes from 09:00 to 16:50`."""
    hours, minutes = sorted(pattern.hours), sorted(pattern.minutes)
    distance = _distance(minutes, 60)
    if len(hours) == len(_DAY_HOURS):
        return _in_every_hour(minutes, distance)
    step = _distance(hours, 24)
    if len(minutes) == 1 and len(hours) >= _MOST_TIMES and step:
        return every(step, "hour") + _past(minutes)
    if len(hours) * len(minutes) <= _MOST_TIMES or hours[-1] - hours[0] != len(hours) - 1:
        return None
    stretch = f"from {hours[0]:02}:{minutes[0]:02} to {hours[-1]:02}:{minutes[-1]:02}"
    if len(minutes) == 1:
        return f"every hour {stretch}"
    return f"{every(distance, 'minute')} {stretch}" if distance else None


def _in_every_hour(minutes: Sequence[int], distance: int | None) -> str | None:
    if distance and len(minutes) > 1:
        return every(distance, "minute")
    return f"every hour{_past(minutes)}" if len(minutes) <= _MOST_LISTED else None


def _past(minutes: Sequence[int]) -> str:
    return "" if list(minutes) == [0] else f" at {listed(f':{minute:02}' for minute in minutes)}"


def _distance(numbers: Sequence[int], size: int) -> int | None:
    """The distance of numbers that go evenly around the clock from 0."""
    step = size // len(numbers)
    return step if list(numbers) == list(range(0, size, step)) else None


def every(number: int, noun: str) -> str:
    """`every minute`, `every 10 minutes`."""
    return f"every {noun}" if number == 1 else f"every {number} {noun}s"


def day_words(pattern: Pattern) -> str | None:
    """The days alone: `every weekday`, `on the 1st of January and July`."""
    ways = [bool(pattern.month_days), bool(pattern.weekdays), bool(pattern.nth_days)]
    if sum(ways) > 1:
        return _either_words(pattern)
    if pattern.month_days:
        return _month_day_words(pattern)
    if pattern.nth_days:
        return _nth_words(pattern)
    days = weekday_words(pattern.weekdays) if pattern.weekdays else "every day"
    return f"{days} in {_months(pattern)}" if pattern.months else days


def _either_words(pattern: Pattern) -> str | None:
    if not pattern.either or pattern.months or pattern.nth_days:
        return None
    month_days = _month_day_words(pattern)
    return month_days and f"{month_days} and {weekday_words(pattern.weekdays)}"


def weekday_words(weekdays: frozenset[int]) -> str:
    """`every weekday`, `every Monday and Thursday`."""
    return "every weekday" if weekdays == _WORKWEEK else f"every {weekday_list(weekdays)}"


def weekday_list(weekdays: frozenset[int]) -> str:
    """`weekdays`, `Monday and Thursday`."""
    if weekdays == _WORKWEEK:
        return "weekdays"
    return listed(calendar.day_name[day] for day in sorted(weekdays))


def _month_day_words(pattern: Pattern) -> str | None:
    days = sorted(pattern.month_days, key=lambda day: (day < 0, day))
    if len(pattern.months) == len(days) == 1 and days[0] > 0:
        return f"every year on {days[0]} {_months(pattern)}"
    words = month_day_list(days)
    return words and f"on the {words} of {_months(pattern)}"


def month_day_list(days: Sequence[int]) -> str | None:
    """`1st and 15th`, `last day`."""
    return listed(_month_day(day) for day in days) if len(days) <= _MOST_LISTED else None


def _month_day(day: int) -> str:
    if day == LAST_WEEKDAY:
        return "last weekday"
    if day < 0:
        return "last day" if day == -1 else f"{ordinal(-day)} last day"
    return ordinal(day)


def _nth_words(pattern: Pattern) -> str | None:
    if any(number not in _NTH for number, _ in pattern.nth_days):
        return None
    days = sorted(pattern.nth_days, key=lambda nth: (nth[0] < 0, nth))
    words = listed(f"{_NTH[number]} {calendar.day_name[weekday]}" for number, weekday in days)
    return f"on the {words} of {_months(pattern)}"


def _months(pattern: Pattern) -> str:
    if not pattern.months:
        return "every month"
    return listed(calendar.month_name[month] for month in sorted(pattern.months))


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`, `22nd`."""
    teens = 10 <= number % 100 <= 20  # noqa: PLR2004  11th, 12th, 13th
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
