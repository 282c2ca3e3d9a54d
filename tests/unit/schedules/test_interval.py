"""Intervals: calendar arithmetic for whole days, real time for the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from nbflow.exceptions import ScheduleError
from nbflow.schedules import Interval, next_after, parse_interval, upcoming

NY = "America/New_York"
DAY = timedelta(days=1)


def local(schedule, after, count):
    zone = ZoneInfo(schedule.timezone)
    start = datetime.fromisoformat(after).replace(tzinfo=zone)
    return [f"{m.astimezone(zone):%d %H:%M}" for m in upcoming(schedule, start, count)]


@pytest.mark.parametrize("after", ["2026-03-07T12:00", "2026-03-08T12:00", "2026-07-01T12:00"])
def test_a_day_keeps_its_local_time_from_wherever_it_is_computed(after):
    schedule = Interval(DAY, datetime(2026, 3, 6, 9), NY)
    found = local(schedule, after, 3)
    assert {when[3:] for when in found} == {"09:00"}
    assert int(found[0][:2]) == datetime.fromisoformat(after).day + 1


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        (Interval(DAY, datetime(2026, 3, 1, 2, 30), NY), "2026-03-07T12:00", ["08 03:00", "09 02:30"]),
        # An anchor in the gap is no reason to move the other days.
        (Interval(DAY, datetime(2026, 3, 8, 2, 30), NY), "2026-03-07T12:00", ["08 03:00", "09 02:30"]),
        (Interval(DAY, datetime(2026, 3, 1, 1, 30), NY), "2026-11-01T01:00", ["01 01:30", "02 01:30"]),
        (Interval(2 * DAY, datetime(2026, 3, 1), "UTC"), "2026-02-26T12:00", ["27 00:00", "01 00:00"]),
        (Interval(7 * DAY, datetime(2026, 3, 2, 8), "UTC"), "2026-03-02T08:00", ["09 08:00", "16 08:00"]),
        (Interval(timedelta(hours=1), None, NY), "2026-03-08T00:30", ["08 01:00", "08 03:00"]),
        (Interval(timedelta(hours=12), datetime(2026, 3, 1, 9), NY), "2026-03-07T12:00", ["07 21:00", "08 10:00"]),
        (Interval(timedelta(minutes=10)), "2026-03-07T12:05", ["07 12:10", "07 12:20"]),
        (Interval(600, datetime(2026, 3, 7, 12, 3, 9)), "2026-03-07T12:05", ["07 12:13", "07 12:23"]),
    ],
)  # fmt: skip
def test_dates(schedule, after, expected):
    assert local(schedule, after, 2) == expected


def test_anchors_are_kept_to_the_second_and_in_utc_or_by_the_zones_clocks():
    aware = datetime(2026, 3, 1, 9, 0, 0, 7, tzinfo=timezone(timedelta(hours=-5)))
    assert Interval(DAY, aware, NY).anchor_date == datetime(2026, 3, 1, 14, tzinfo=UTC)
    assert Interval(DAY, aware, NY).anchor_date.tzinfo is UTC
    assert Interval(DAY, datetime(2026, 3, 1, 9, 0, 0, 7), NY).anchor_date == datetime(
        2026, 3, 1, 9
    )
    by_zone = Interval(DAY, datetime(2026, 3, 1, 9), NY)
    after = datetime(2026, 6, 1, tzinfo=UTC)
    assert next_after(Interval(DAY, aware, NY), after) == next_after(by_zone, after)


def test_numbers_are_seconds():
    assert Interval(90) == Interval(timedelta(seconds=90)) == Interval(90.0)
    assert Interval(90).interval == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("args", "field", "message"),
    [
        ((0,), "interval", "longer than nothing; write 15m, 2h or 1d"),
        ((-60,), "interval", "longer than nothing"),
        ((timedelta(milliseconds=1500),), "interval", "1.5 s is not a whole number of seconds"),
        ((float("nan"),), "interval", "are no interval; write 15m"),
        ((float("inf"),), "interval", "are no interval; write 15m"),
        ((1e300,), "interval", "are no interval; write 15m"),
        ((10**400,), "interval", "are no interval; write 15m"),
        ((36_526 * 86_400,), "interval", "at most a century, not 36526 days"),
        ((60, datetime.min), "anchor_date", "a datetime such as 2026-01-31T09:00"),
        ((60, datetime.max.replace(tzinfo=UTC)), "anchor_date", "a datetime such as"),
        ((True,), "interval", "a timedelta or a number of seconds, not True"),
        (("15m",), "interval", "a timedelta or a number of seconds, not '15m'"),
        ((60, "2026-01-01"), "anchor_date", "a datetime such as 2026-01-31T09:00"),
        ((60, None, "Mars/Olympus"), "timezone", "no IANA time zone"),
    ],
)
def test_what_is_no_interval_is_refused(args, field, message):
    with pytest.raises(ScheduleError, match=message) as error:
        Interval(*args)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("2h", 7200), ("1d", 86_400), ("90", 90), ("1h30m", 5400)]
)
def test_intervals_are_read(text, seconds):
    assert parse_interval(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "-5m", "0", "250ms", "1e300d", "9" * 400])
def test_what_is_no_interval_is_told_so(text):
    with pytest.raises(ScheduleError) as error:
        parse_interval(text)
    assert error.value.field == "interval" and str(error.value).endswith(".")


def test_the_calendar_has_an_end():
    end = datetime(9999, 12, 31, 12, tzinfo=UTC)
    assert next_after(Interval(30 * DAY), end) is None
    assert next_after(Interval(timedelta(hours=36)), end) is None
