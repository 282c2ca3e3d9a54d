"""Schedules in words.

This module decides how each kind of schedule is told: `every weekday at 06:00, Europe/Paris`.
It must not know the clock: the present is a parameter. Where no good words exist the cron text
or rule itself is shown.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from cronsim import CronSim

from nbflow import wording
from nbflow.schedules import phrases
from nbflow.schedules.cron import Cron, read_pattern
from nbflow.schedules.dates import Schedule, upcoming
from nbflow.schedules.interval import Interval
from nbflow.schedules.phrases import Pattern
from nbflow.schedules.rrule import RRule
from nbflow.schedules.rules import Frequency, Rule, RuleSet
from nbflow.schedules.zones import find_zone

_UNITS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
#: How cronsim writes days that count from the end.
_CRON_DAYS: Final = {CronSim.LAST: -1, CronSim.LAST_WEEKDAY: phrases.LAST_WEEKDAY}
_NOUNS: Final = ("year", "month", "week", "day", "hour", "minute", "second")
#: Most characters of a rule that is shown as it is.
_LONGEST: Final = 80
#: Up to this distance a coming run is told as `in 3 h`.
_SOON: Final = timedelta(hours=6)


def in_words(schedule: Schedule) -> str:
    """What the schedule says: `every weekday at 06:00, Europe/Paris`, `every 10 minutes`.

    The zone is told wherever it matters.
    """
    match schedule:
        case Cron():
            return _cron_words(schedule)
        case Interval():
            return _interval_words(schedule)
        case RRule():
            return _rrule_words(schedule)


def preview(schedule: Schedule, now: datetime, count: int = 3) -> str:
    """When it runs next: `next in 3 h, then tomorrow 06:00, then Monday 06:00`.

    Times are by the clocks of the schedule's zone.
    """
    moments = upcoming(schedule, now, count)
    if not moments:
        return "no further runs"
    return f"next {', then '.join(_until(moment, now, schedule) for moment in moments)}"


def _until(moment: datetime, now: datetime, schedule: Schedule) -> str:
    if moment - now < _SOON:
        return _soon(int((moment - now).total_seconds()))
    zone = find_zone(schedule.timezone)
    words = wording.ago(moment, now, zone)
    return words if ":" in words else f"{words} {moment.astimezone(zone):%H:%M}"


def _soon(seconds: int) -> str:
    """`in 3 h`, `in 1 h 20 m`, `in 12 m`, `in 40 s`."""
    hours, minutes = seconds // 3600, seconds // 60 % 60
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} m"] * bool(minutes)
    if not parts and not seconds:
        return "now"
    return f"in {' '.join(parts) or f'{seconds} s'}"


def _cron_words(schedule: Cron) -> str:
    pattern = _cron_pattern(read_pattern(schedule.cron, schedule.day_or).search)
    words = phrases.pattern_words(pattern) or f"cron {' '.join(schedule.cron.split())}"
    return words if pattern.is_everywhere else f"{words}, {schedule.timezone}"


def _cron_pattern(cron: CronSim) -> Pattern:
    nth_days = {day for day in cron.weekdays if isinstance(day, tuple)}
    plain_days = {(day - 1) % 7 for day in cron.weekdays if not isinstance(day, tuple)}
    pattern = Pattern(
        hours=frozenset(cron.hours),
        minutes=frozenset(cron.minutes),
        months=_restricting(cron.months, 12),
        month_days=_restricting({_CRON_DAYS.get(day, day) for day in cron.days}, 31),
        weekdays=_restricting(plain_days, 7),
        nth_days=frozenset((_CRON_DAYS.get(nth, nth), (day - 1) % 7) for day, nth in nth_days),
        either=not cron.day_and,
    )
    if pattern.either and not (pattern.month_days and (pattern.weekdays or pattern.nth_days)):
        # One of them is every day, and either is enough.
        none: frozenset[Any] = frozenset()
        return replace(pattern, month_days=none, weekdays=none, nth_days=none)
    return pattern


def _restricting(numbers: Iterable[int], size: int) -> frozenset[int]:
    """The numbers, or none when they are all there are."""
    found = frozenset(numbers)
    return frozenset() if len(found) >= size else found


def _interval_words(schedule: Interval) -> str:
    if not schedule.is_calendar:
        return _every(schedule.interval)
    wall = schedule.anchor_wall
    clock = f"at {phrases.time_word(wall.time())}, {schedule.timezone}"
    weeks, odd_days = divmod(schedule.interval.days, 7)
    if odd_days:
        return f"{phrases.every(schedule.interval.days, 'day')} {clock}"
    return f"{_every_weeks(weeks, frozenset({wall.weekday()}))} {clock}"


def _every(distance: timedelta) -> str:
    """`every 90 minutes`: in the largest unit that fits without a rest."""
    noun, unit = next((noun, unit) for noun, unit in _UNITS.items() if not distance % unit)
    return phrases.every(distance // unit, noun)


def _every_weeks(weeks: int, weekdays: frozenset[int]) -> str:
    if weeks == 1:
        return phrases.weekday_words(weekdays)
    return f"every {weeks} weeks on {phrases.weekday_list(weekdays)}"


def _rrule_words(schedule: RRule) -> str:
    rules = schedule.rules
    rule = rules.rules[0] if len(rules.rules) == 1 else None
    words = _rule_words(rule) if rule else None
    if rule is None or words is None:
        text = " ".join(schedule.rrule.split())
        shown = wording.middle_ellipsis(wording.one_line(text), _LONGEST)
        return f"rrule {shown}, {schedule.timezone}"
    return "".join([words, *_limits(rule, rules), f", {schedule.timezone}"])


def _limits(rule: Rule, rules: RuleSet) -> Iterator[str]:
    """What a rule has besides its pattern."""
    if rule.count:
        yield f", {wording.counted(rule.count, 'time')} in all"
    if rule.until:
        yield f" until {rule.until.day} {rule.until:%B %Y}"
    if rules.added:
        yield f", and {wording.counted(len(rules.added), 'date')} more"
    if rules.excluded:
        yield f", but for {wording.counted(len(rules.excluded), 'date')}"


def _rule_words(rule: Rule) -> str | None:
    if rule.positions or rule.weeks or rule.year_days or rule.seconds - {0}:
        return None
    if rule.frequency > Frequency.DAILY:
        return _short_rule_words(rule)
    if rule.interval > 1:
        return _sparse_rule_words(rule)
    if rule.nth_days and rule.frequency is Frequency.YEARLY and not rule.months:
        return None  # the tenth Monday of a year
    return phrases.pattern_words(_rule_pattern(rule))


def _rule_pattern(rule: Rule) -> Pattern:
    return Pattern(
        hours=rule.hours,
        minutes=rule.minutes,
        months=_restricting(rule.months, 12),
        month_days=rule.month_days,
        weekdays=_restricting(rule.days, 7),
        nth_days=rule.nth_days,
    )


def _short_rule_words(rule: Rule) -> str | None:
    """`every 2 hours`: only where nothing else restricts the rule."""
    restricted = rule.months or rule.month_days or rule.days or rule.hours
    minutes = rule.minutes if rule.frequency > Frequency.HOURLY else rule.minutes - {0}
    seconds = rule.seconds if rule.frequency is Frequency.SECONDLY else None
    if restricted or minutes or seconds:
        return None
    return phrases.every(rule.interval, _NOUNS[rule.frequency])


def _sparse_rule_words(rule: Rule) -> str | None:
    """`every 2 weeks on Monday at 09:00`: periods that are left out."""
    clock = phrases.clock_words(_rule_pattern(rule))
    days = _days_within(rule)
    return f"{days} {clock}" if days and clock else None


def _days_within(rule: Rule) -> str | None:
    period = phrases.every(rule.interval, _NOUNS[rule.frequency])
    month_days = sorted(rule.month_days)
    weekdays = bool(rule.days or rule.nth_days)
    match rule.frequency, bool(rule.months), bool(month_days), weekdays:
        case Frequency.DAILY, False, False, False:
            return period
        case Frequency.WEEKLY, False, False, True:
            return _every_weeks(rule.interval, rule.days)
        case Frequency.MONTHLY, False, True, False:
            listed = phrases.month_day_list(month_days)
            return listed and f"{period} on the {listed}"
        case Frequency.YEARLY, True, True, False if len(rule.months) == len(month_days) == 1:
            return f"{period} on {month_days[0]} {calendar.month_name[min(rule.months)]}"
    return None
