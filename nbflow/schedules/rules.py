"""iCalendar recurrence text (RFC 5545: DTSTART, RRULE, RDATE, EXDATE), as records.

This module decides which texts are taken, and explains the others. It must not know how the
dates of a rule are found: that is for `recurrence`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from nbflow.exceptions import ScheduleError
from nbflow.schedules.zones import YEARS, find_zone, wall_time

#: Longer texts are refused: they cost time whenever a date is looked for.
MAX_LENGTH: Final = 6500
#: Most occurrences a COUNT may ask for, most RRULE lines, and most times of day one may have.
MAX_COUNT: Final = 10_000
MAX_RULES: Final = 10
MAX_TIMES: Final = 1440
#: What counts as DTSTART where none is given, by the clocks of the schedule's zone.
DEFAULT_START: Final = datetime(2020, 1, 1)  # noqa: DTZ001  wall-clock time of any zone

_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DATE: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")
_BYDAY: Final = re.compile(rf"([+-]?\d{{1,2}})?({'|'.join(_WEEKDAYS)})")


class Frequency(IntEnum):
    """The length of a rule's periods, the longest first."""

    YEARLY = 0  # calendar years
    MONTHLY = 1  # calendar months
    WEEKLY = 2  # weeks that begin on WKST
    DAILY = 3  # calendar days
    HOURLY = 4  # hours on the wall clock
    MINUTELY = 5  # minutes on the wall clock
    SECONDLY = 6  # seconds on the wall clock


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE line with everything that follows from DTSTART filled in.

    All its dates are wall-clock times. `days` are weekdays (Monday is 0), `nth_days` such as
    (-1, 4): the last Friday. An empty set restricts nothing.
    """

    frequency: Frequency
    start: datetime
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    week_start: int = 0
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    year_days: frozenset[int] = frozenset()
    weeks: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    nth_days: frozenset[tuple[int, int]] = frozenset()
    hours: frozenset[int] = frozenset()
    minutes: frozenset[int] = frozenset()
    seconds: frozenset[int] = frozenset()
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What the whole text says: dates by rules, single dates more, single dates less."""

    start: datetime = DEFAULT_START
    #: Whether the text states its DTSTART.
    stated_start: bool = False
    rules: tuple[Rule, ...] = ()
    added: tuple[datetime, ...] = ()
    excluded: frozenset[datetime] = frozenset()


def stated_zone(text: str) -> str | None:
    """The time zone that the text names itself, in `DTSTART;TZID=Europe/Paris:…`."""
    names = dict.fromkeys(re.findall(r";TZID=\"?([^:;\"]+)", text, re.IGNORECASE))
    if len(names) > 1:
        raise _error(f"the rule names several time zones ({', '.join(names)}); use one")
    return next(iter(names), None)


@lru_cache(maxsize=4096)
def read_rules(text: str, timezone: str) -> RuleSet:
    """What the text says, in wall-clock times of that zone.

    Raises:
        ScheduleError: It cannot be used; the message says which part.
    """
    if len(text) > MAX_LENGTH:
        raise _error(f"the rule has {len(text)} characters; at most {MAX_LENGTH} are taken")
    zone = find_zone(timezone)
    lines = [_split_line(line) for line in unfolded(text)]
    starts = [_dates(value, zone, name) for name, value in lines if name == "DTSTART"]
    if len(starts) > 1 or any(len(start) != 1 for start in starts):
        raise _error("a rule has one DTSTART")
    start = starts[0][0] if starts else DEFAULT_START
    rules = tuple(_rule(value, start, zone) for name, value in lines if name == "RRULE")
    if len(rules) > MAX_RULES:
        raise _error(f"the text has {len(rules)} rules; use several schedules for so many")
    return RuleSet(
        start=start,
        stated_start=bool(starts),
        rules=rules,
        added=tuple(sorted(_all_dates("RDATE", lines, zone))),
        excluded=frozenset(_all_dates("EXDATE", lines, zone)),
    )


def unfolded(text: str) -> list[str]:
    """The lines of the text; a line that starts with a space goes on from the one before."""
    return re.sub(r"\r?\n[ \t]", "", text.strip()).split()


def _split_line(line: str) -> tuple[str, str]:
    """The name and the value of a line; a line without a name is a rule."""
    head, colon, value = line.rpartition(":")
    name = head.partition(";")[0].upper() if colon else "RRULE"
    if name == "EXRULE":
        raise _error("EXRULE is not taken (RFC 5545 dropped it); name the dates with EXDATE")
    if name not in {"DTSTART", "RRULE", "RDATE", "EXDATE"}:
        raise _error(f"{name or line!r} is no part of a rule; write DTSTART, RRULE, RDATE, EXDATE")
    return name, value.upper()


def _all_dates(wanted: str, lines: list[tuple[str, str]], zone: ZoneInfo) -> list[datetime]:
    return [date for name, value in lines if name == wanted for date in _dates(value, zone, name)]


def _dates(value: str, zone: ZoneInfo, name: str) -> list[datetime]:
    return [_date(word, zone, name) for word in value.split(",")]


def _date(word: str, zone: ZoneInfo, name: str) -> datetime:
    """The wall-clock time that `20260131T090000`, `20260131T080000Z` or `20260131` means."""
    match = _DATE.fullmatch(word)
    try:
        if match and int(match[1][:4]) in YEARS:
            moment = datetime.strptime(match[1] + (match[2] or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007
            return wall_time(moment.replace(tzinfo=UTC), zone) if match[3] else moment
    except ValueError:
        pass
    raise _error(f"the {name} {word!r} is no date; write 20260131T090000")


def _rule(value: str, start: datetime, zone: ZoneInfo) -> Rule:
    parts = _parts(value)
    rule = Rule(
        frequency=_frequency(parts),
        start=start,
        until=_until(parts["UNTIL"], zone) if "UNTIL" in parts else None,
        **{key: read(parts[name], name) for name, (key, read) in _READERS.items() if name in parts},
        **_by_day(parts.get("BYDAY", "")),
    )
    _check(rule)
    return _completed(rule)


def _parts(value: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in filter(None, value.split(";")):
        name, _, words = part.partition("=")
        if name not in _KNOWN:
            raise _error(f"{name!r} is no part of an RRULE; it has {', '.join(sorted(_KNOWN))}")
        if name in parts:
            raise _error(f"{name} stands twice in the RRULE")
        if not words:
            raise _error(f"{name} has no value; leave it away or give it one")
        parts[name] = words
    return parts


def _frequency(parts: Mapping[str, str]) -> Frequency:
    word = parts.get("FREQ", "")
    if word not in Frequency.__members__:
        wrong = f"FREQ={word} is unknown" if word else "the RRULE has no FREQ"
        raise _error(f"{wrong}; write FREQ= with {', '.join(Frequency.__members__)}")
    return Frequency[word]


def _until(word: str, zone: ZoneInfo) -> datetime | None:
    """The last moment that counts; a date alone includes its whole day."""
    if _DATE.fullmatch(word) and int(word[:4]) >= YEARS.stop:
        return None  # as some calendars write "for ever"
    until = _date(word, zone, "UNTIL")
    return until if "T" in word else datetime.combine(until, time(23, 59, 59))


def _number(low: int, high: int) -> Callable[[str, str], int]:
    def read(word: str, name: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", word) or not low <= int(word) <= high:
            raise _error(f"{name}={word} is not a number from {low} to {high}")
        return int(word)

    return read


def _numbers(low: int, high: int, *, signed: bool = False) -> Callable[[str, str], frozenset[int]]:
    """Reads a list of numbers; signed ones count from the end too, and are never 0."""
    number = _number(-high if signed else low, high)

    def read(words: str, name: str) -> frozenset[int]:
        values = frozenset(number(word, name) for word in words.split(","))
        if signed and 0 in values:
            raise _error(f"{name} counts from 1, or from -1 backwards, but says 0")
        return values

    return read


def _positions(words: str, name: str) -> tuple[int, ...]:
    return tuple(_numbers(1, 366, signed=True)(words, name))


def _weekday(word: str, name: str) -> int:
    if word not in _WEEKDAYS:
        raise _error(f"{name}={word} is no weekday; write one of {', '.join(_WEEKDAYS)}")
    return _WEEKDAYS.index(word)


def _by_day(words: str) -> dict[str, Any]:
    days, nth_days = set(), set()
    for word in filter(None, words.split(",")):
        match = _BYDAY.fullmatch(word)
        if not match or (match[1] and not 1 <= abs(int(match[1])) <= 53):  # noqa: PLR2004
            raise _error(f"BYDAY={word} is no weekday; write MO, 1MO (first) or -1FR (last)")
        weekday = _WEEKDAYS.index(match[2])
        if match[1]:
            nth_days.add((int(match[1]), weekday))
        else:
            days.add(weekday)
    return {"days": frozenset(days), "nth_days": frozenset(nth_days)}


#: How the parts of an RRULE are read, and the fields of a rule that they give.
_READERS: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "INTERVAL": ("interval", _number(1, 999_999)),
    "COUNT": ("count", _number(1, MAX_COUNT)),
    "WKST": ("week_start", _weekday),
    "BYMONTH": ("months", _numbers(1, 12)),
    "BYMONTHDAY": ("month_days", _numbers(1, 31, signed=True)),
    "BYYEARDAY": ("year_days", _numbers(1, 366, signed=True)),
    "BYWEEKNO": ("weeks", _numbers(1, 53, signed=True)),
    "BYHOUR": ("hours", _numbers(0, 23)),
    "BYMINUTE": ("minutes", _numbers(0, 59)),
    "BYSECOND": ("seconds", _numbers(0, 59)),
    "BYSETPOS": ("positions", _positions),
}
_KNOWN: Final = {"FREQ", "UNTIL", "BYDAY", *_READERS}


def _check(rule: Rule) -> None:
    if rule.nth_days and rule.frequency > Frequency.MONTHLY:
        raise _error("a numbered BYDAY such as 1MO needs FREQ=MONTHLY or FREQ=YEARLY")
    if rule.count and rule.until:
        raise _error("COUNT and UNTIL exclude each other; keep one of them")
    times = (len(rule.hours) or 1) * (len(rule.minutes) or 1) * (len(rule.seconds) or 1)
    if times > MAX_TIMES and rule.frequency <= Frequency.DAILY:
        raise _error(f"the rule names {times} times a day; use FREQ=MINUTELY or FREQ=SECONDLY")


def _completed(rule: Rule) -> Rule:
    """The rule with what it leaves open taken from DTSTART, as RFC 5545 tells."""
    start, frequency = rule.start, rule.frequency
    changes: dict[str, Any] = {}
    if not (rule.weeks or rule.year_days or rule.month_days or rule.days or rule.nth_days):
        changes |= _start_days(rule)
    if frequency < Frequency.HOURLY and not rule.hours:
        changes["hours"] = frozenset({start.hour})
    if frequency < Frequency.MINUTELY and not rule.minutes:
        changes["minutes"] = frozenset({start.minute})
    if frequency < Frequency.SECONDLY and not rule.seconds:
        changes["seconds"] = frozenset({start.second})
    return replace(rule, **changes)


def _start_days(rule: Rule) -> dict[str, Any]:
    start, frequency = rule.start, rule.frequency
    if frequency is Frequency.WEEKLY:
        return {"days": frozenset({start.weekday()})}
    if frequency is Frequency.MONTHLY:
        return {"month_days": frozenset({start.day})}
    if frequency is Frequency.YEARLY:
        return {
            "months": rule.months or frozenset({start.month}),
            "month_days": frozenset({start.day}),
        }
    return {}


def _error(message: str) -> ScheduleError:
    return ScheduleError(message[0].upper() + message[1:] + ".", field="rrule")
