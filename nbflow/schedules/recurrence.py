"""The dates of recurrence rules.

This module decides which wall-clock times a rule of RFC 5545 gives, going through its periods
(years, months, … seconds) in order. It must not know text nor time zones. Work is bounded:
a search that looks at `SEARCH_LIMIT` days or periods in vain gives up; and it starts at the
date asked for, not at DTSTART, so that what it finds costs the same in ten years.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import count, islice, product, takewhile
from typing import Final

from nbflow.schedules.rules import Frequency, Rule, RuleSet
from nbflow.schedules.zones import YEARS

#: Days and periods that one search looks at before it gives up: more than 50 years of days,
#: and a 29 February that is a Monday comes after 40 at most.
SEARCH_LIMIT: Final = 20_000

#: Before every date that a rule may state.
_BEGINNING: Final = datetime(YEARS.start - 1, 1, 1)  # noqa: DTZ001  wall-clock time of any zone
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_LENGTHS: Final = {
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.MINUTELY: timedelta(minutes=1),
    Frequency.SECONDLY: timedelta(seconds=1),
}

#: The days of one period that match and the times of each, in order; how many were looked at.
Period = tuple[Sequence[date], Sequence[time], int]


def next_date(rules: RuleSet, wall: datetime) -> datetime | None:
    """The first date of the whole set that is after this one."""
    while True:
        dates = [_next_of_rule(rule, wall) for rule in rules.rules]
        dates += rules.added[bisect_right(rules.added, wall) :][:1]
        found = min((date for date in dates if date is not None), default=None)
        if found is None or found not in rules.excluded:
            return found
        wall = found


def is_vain(rules: RuleSet) -> bool:
    """Whether the set, or one of its rules, gives no date that can be found."""
    beginnings = [_next_of_rule(rule, rule.start - _SECOND) for rule in rules.rules]
    return None in beginnings or next_date(rules, _BEGINNING) is None


def _next_of_rule(rule: Rule, wall: datetime) -> datetime | None:
    """The first date of one rule that is after this one."""
    end = _last(rule) if rule.count else rule.until
    if end is not None and wall >= end:
        return None
    found = next(_dates_after(rule, wall), None)
    return None if found is None or (end is not None and found > end) else found


@lru_cache(maxsize=4096)
def _last(rule: Rule) -> datetime:
    """The last date of a rule with a COUNT."""
    dates = takewhile(lambda date: date.year in YEARS, _dates_after(rule, rule.start - _SECOND))
    return max(islice(dates, rule.count), default=rule.start)


def _dates_after(rule: Rule, wall: datetime) -> Iterator[datetime]:
    wall = max(wall, rule.start - _SECOND)
    looked = 0
    for days, times, cost in _periods(rule, wall + _SECOND):
        looked += cost
        for found in _dates_of(days, times, rule.positions):
            if found > wall:
                looked = 0
                yield found
        if looked > SEARCH_LIMIT:
            return


def _dates_of(
    days: Sequence[date], times: Sequence[time], positions: Sequence[int]
) -> Iterator[datetime]:
    """All dates of a period, or those at these positions (BYSETPOS)."""
    if not positions:
        return (datetime.combine(day, at) for day, at in product(days, times))
    size = len(days) * len(times)
    chosen = sorted({at - 1 if at > 0 else size + at for at in positions})
    return (
        datetime.combine(days[index // len(times)], times[index % len(times)])
        for index in chosen
        if 0 <= index < size
    )


def _periods(rule: Rule, wall: datetime) -> Iterator[Period]:
    """The periods that may have dates from `wall` on."""
    periods = _short_periods if rule.frequency in _LENGTHS else _long_periods
    try:
        yield from periods(rule, wall)
    except (OverflowError, ValueError):
        return  # the calendar ends with the year 9999


def _long_periods(rule: Rule, wall: datetime) -> Iterator[Period]:
    """Periods of days: each matching day has the same times."""
    times = _times(rule.hours, rule.minutes, rule.seconds)
    # BYSETPOS counts in whole periods; otherwise what is past needs no look.
    earliest = date.min if rule.positions else wall.date()
    for start, end in _blocks(rule, wall.date()):
        first = max(start, earliest)
        ordinals = range(first.toordinal(), end.toordinal() + 1)
        days = [day for day in map(date.fromordinal, ordinals) if _matches(rule, day)]
        yield days, times, 1 + len(ordinals)


@lru_cache(maxsize=1024)
def _times(
    hours: frozenset[int], minutes: frozenset[int], seconds: frozenset[int]
) -> tuple[time, ...]:
    return tuple(time(*hms) for hms in product(sorted(hours), sorted(minutes), sorted(seconds)))


def _blocks(rule: Rule, day: date) -> Iterator[tuple[date, date]]:
    """The first and last days of the rule's periods, from the last that begins by `day`."""
    start = rule.start.date()
    match rule.frequency:
        case Frequency.YEARLY:
            for year in _steps(start.year, day.year, rule.interval):
                yield date(year, 1, 1), date(year, 12, 31)
        case Frequency.MONTHLY:
            for number in _steps(_month_number(start), _month_number(day), rule.interval):
                yield _month(number)
        case _:
            length = 7 if rule.frequency is Frequency.WEEKLY else 1
            begin = start - (start.weekday() - rule.week_start) % length * _DAY
            for n in _steps(begin.toordinal(), day.toordinal(), rule.interval * length):
                yield date.fromordinal(n), date.fromordinal(n + length - 1)


def _steps(start: int, wanted: int, step: int) -> Iterator[int]:
    """start, start + step, … from the last that is not beyond `wanted`."""
    return count(start + max(0, (wanted - start) // step) * step, step)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(number: int) -> tuple[date, date]:
    year, month = number // 12, number % 12 + 1
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


def _short_periods(rule: Rule, wall: datetime) -> Iterator[Period]:
    """Periods within a day, by the wall clock."""
    unit = _LENGTHS[rule.frequency]
    begin = _floor(rule.start, unit)
    step = unit * rule.interval
    moment = begin + max(0, -((begin - _floor(wall, unit)) // step)) * step
    while True:
        later = _later(rule, moment)
        if later is None:
            yield [moment.date()], _times_within(rule, moment), 1
            later = moment + step
        else:
            yield (), (), 1
        moment = begin - (begin - later) // step * step


def _floor(wall: datetime, unit: timedelta) -> datetime:
    return wall - timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second) % unit


def _later(rule: Rule, moment: datetime) -> datetime | None:
    """The next time worth a look; None when the period at `moment` itself matches."""
    frequency = rule.frequency
    if not _matches(rule, moment):
        return _floor(moment, _DAY) + _DAY
    if rule.hours and moment.hour not in rule.hours:
        return _floor(moment, _LENGTHS[Frequency.HOURLY]) + _LENGTHS[Frequency.HOURLY]
    if frequency >= Frequency.MINUTELY and rule.minutes and moment.minute not in rule.minutes:
        return _floor(moment, _LENGTHS[Frequency.MINUTELY]) + _LENGTHS[Frequency.MINUTELY]
    if frequency == Frequency.SECONDLY and rule.seconds and moment.second not in rule.seconds:
        return moment + _SECOND
    return None


def _times_within(rule: Rule, moment: datetime) -> list[time]:
    """The times in the hour, minute or second that begins at `moment`."""
    minutes, seconds = [moment.minute], [moment.second]
    if rule.frequency is Frequency.HOURLY:
        minutes = sorted(rule.minutes)
    if rule.frequency is not Frequency.SECONDLY:
        seconds = sorted(rule.seconds)
    return [time(moment.hour, minute, second) for minute, second in product(minutes, seconds)]


def _matches(rule: Rule, day: date) -> bool:
    """Whether the day is one that the BY… parts let through."""
    return (
        (not rule.months or day.month in rule.months)
        and (not (rule.days or rule.nth_days) or _is_weekday(rule, day))
        and (not rule.month_days or _in_month(rule, day))
        and (not rule.year_days or _in_year(rule, day))
        and (not rule.weeks or _in_week(rule, day))
    )


def _is_weekday(rule: Rule, day: date) -> bool:
    weekday = day.weekday()
    if weekday in rule.days or not rule.nth_days:
        return weekday in rule.days
    numbers = {number for number, nth_weekday in rule.nth_days if nth_weekday == weekday}
    return bool(numbers) and not numbers.isdisjoint(_week_numbers(rule, day))


def _week_numbers(rule: Rule, day: date) -> tuple[int, int]:
    """The how manieth of its weekday the day is, from the start and from the end."""
    position, size = _place_in_year(day)
    if rule.frequency is Frequency.MONTHLY or rule.months:
        position, size = day.day, calendar.monthrange(day.year, day.month)[1]
    return (position + 6) // 7, -((size - position) // 7 + 1)


def _in_month(rule: Rule, day: date) -> bool:
    if day.day in rule.month_days:
        return True
    size = calendar.monthrange(day.year, day.month)[1]
    return day.day - size - 1 in rule.month_days


def _place_in_year(day: date) -> tuple[int, int]:
    """The number of the day in its year, and how many days the year has."""
    return day.toordinal() - date(day.year, 1, 1).toordinal() + 1, 365 + calendar.isleap(day.year)


def _in_year(rule: Rule, day: date) -> bool:
    position, size = _place_in_year(day)
    return position in rule.year_days or position - size - 1 in rule.year_days


def _in_week(rule: Rule, day: date) -> bool:
    """Whether the day's week, which may belong to the year before or after, has such a number."""
    ordinal = day.toordinal()
    year = day.year + 1
    while (first := _first_week(year, rule.week_start)) > ordinal:
        year -= 1
    number = (ordinal - first) // 7 + 1
    weeks = (_first_week(year + 1, rule.week_start) - first) // 7
    return number in rule.weeks or number - weeks - 1 in rule.weeks


def _first_week(year: int, week_start: int) -> int:
    """The ordinal of the first day of the year's first week: the one with 4 January."""
    fourth = date(year, 1, 4)
    return fourth.toordinal() - (fourth.weekday() - week_start) % 7
