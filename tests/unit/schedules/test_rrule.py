"""Recurrence rules: the same dates as python-dateutil, found at a bounded cost."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nbflow.exceptions import ScheduleError
from nbflow.schedules import RRule, between, next_after, upcoming

FAR = datetime(2060, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BEFORE = datetime(2019, 12, 31, tzinfo=UTC)


def dates(text, count=5, timezone="UTC", after=BEFORE):
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in upcoming(RRule(text, timezone), after, count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=DAILY", ["2020-01-01 00:00", "2020-01-02 00:00"]),
        ("RRULE:FREQ=DAILY;BYHOUR=9", ["2020-01-01 09:00", "2020-01-02 09:00"]),
        ("freq=daily;byhour=9", ["2020-01-01 09:00", "2020-01-02 09:00"]),
        ("DTSTART:20260105T093000 RRULE:FREQ=WEEKLY", ["2026-01-05 09:30", "2026-01-12 09:30"]),
        ("DTSTART:20260105\nFREQ=WEEKLY", ["2026-01-05 00:00", "2026-01-12 00:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["2020-01-31 00:00", "2020-02-28 00:00"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2020-01-31 00:00", "2020-02-28 00:00"]),
        ("FREQ=MONTHLY;BYDAY=1MO,TH", ["2020-01-02 00:00", "2020-01-06 00:00"]),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2020-11-26 00:00", "2021-11-25 00:00"]),
        ("FREQ=YEARLY;BYDAY=20MO", ["2020-05-18 00:00", "2021-05-17 00:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2020-01-31 00:00", "2020-02-29 00:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2020-01-31 00:00", "2020-03-31 00:00"]),
        ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SA", ["2021-01-02 00:00", "2027-01-02 00:00"]),
        ("FREQ=YEARLY;BYYEARDAY=-1", ["2020-12-31 00:00", "2021-12-31 00:00"]),
        ("FREQ=YEARLY;INTERVAL=60", ["2020-01-01 00:00", "2080-01-01 00:00"]),
        ("FREQ=HOURLY;INTERVAL=5;BYMINUTE=7", ["2020-01-01 00:07", "2020-01-01 05:07"]),
        ("FREQ=DAILY;UNTIL=20200101", ["2020-01-01 00:00"]),
        ("FREQ=HOURLY;INTERVAL=18;UNTIL=20200101", ["2020-01-01 00:00", "2020-01-01 18:00"]),
        ("FREQ=HOURLY;UNTIL=20200101T010000Z", ["2020-01-01 00:00", "2020-01-01 01:00"]),
        ("FREQ=YEARLY;UNTIL=99991231T235959Z", ["2020-01-01 00:00", "2021-01-01 00:00"]),
        ("FREQ=DAILY;COUNT=2", ["2020-01-01 00:00", "2020-01-02 00:00"]),
        ("RDATE:20300101T090000,20250101T090000", ["2025-01-01 09:00", "2030-01-01 09:00"]),
        (
            "FREQ=DAILY\nEXDATE:20200102T000000,20200101T000000",
            ["2020-01-03 00:00", "2020-01-04 00:00"],
        ),
        (
            "FREQ=DAILY;COUNT=1\nRRULE:FREQ=WEEKLY;BYDAY=MO",
            ["2020-01-01 00:00", "2020-01-06 00:00"],
        ),
        # A long line is folded: the next begins with a space.
        ("FREQ=DAILY;BY\n HOUR=9", ["2020-01-01 09:00", "2020-01-02 09:00"]),
    ],
)
def test_rules_give_dates(text, expected):
    assert dates(text, 2) == expected


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        # Skipped: after the gap. Twice: the first time.
        ("DTSTART:20260307T023000\nFREQ=DAILY", "America/New_York", ["2026-03-07 07:30", "2026-03-08 07:00", "2026-03-09 06:30"]),
        ("DTSTART:20261031T013000\nFREQ=DAILY", "America/New_York", ["2026-10-31 05:30", "2026-11-01 05:30", "2026-11-02 06:30"]),
        # The local hours 1 and 2 of the gap's day fall together, and come once.
        ("DTSTART:20260308T010000\nFREQ=HOURLY", "America/New_York", ["2026-03-08 06:00", "2026-03-08 07:00", "2026-03-08 08:00"]),
        ("DTSTART;TZID=Europe/Paris:20260101T090000\nFREQ=DAILY", "UTC", ["2026-01-01 08:00", "2026-01-02 08:00", "2026-01-03 08:00"]),
        ("DTSTART:20260101T080000Z\nFREQ=DAILY", "Europe/Paris", ["2026-01-01 08:00", "2026-01-02 08:00", "2026-01-03 08:00"]),
        ("DTSTART:20260701T080000Z\nFREQ=MONTHLY;BYMONTH=7,12", "Europe/Paris", ["2026-07-01 08:00", "2026-12-01 09:00", "2027-07-01 08:00"]),
    ],
)  # fmt: skip
def test_rules_go_by_the_clocks_of_their_zone(text, timezone, expected):
    assert dates(text, 3, timezone) == expected


@pytest.mark.parametrize(("week_start", "days"), [("MO", [5, 10, 19, 24]), ("SU", [5, 17, 19, 31])])
def test_weeks_begin_where_the_rule_says(week_start, days):
    """The example of RFC 5545, page 132."""
    rule = f"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST={week_start}"
    schedule = RRule(f"DTSTART:19970805T090000\nRRULE:{rule}")
    assert [date.day for date in upcoming(schedule, datetime(1997, 1, 1, tzinfo=UTC), 9)] == days


def test_the_rule_may_state_the_zone():
    text = "DTSTART;TZID=Europe/Paris:20260101T090000\nRRULE:FREQ=DAILY"
    assert RRule(text).timezone == "Europe/Paris"
    assert RRule(text) == RRule(text, "Europe/Paris")
    with pytest.raises(
        ScheduleError, match="for Europe/Paris and the schedule for Asia/Tokyo"
    ) as e:
        RRule(text, "Asia/Tokyo")
    assert e.value.field == "timezone"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "gives no date"),
        ("FREQ=DALY", "FREQ=DALY is unknown; write FREQ= with YEARLY"),
        ("INTERVAL=2", "no FREQ"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR=24 is not a number from 0 to 23"),
        ("FREQ=DAILY;BYHOUR=", "BYHOUR has no value"),
        ("FREQ=DAILY;BYHOUR=9;BYHOUR=10", "BYHOUR stands twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0 is not a number from 1"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1 is not a number from 1"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY counts from 1"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32 is not a number from -31 to 31"),
        ("FREQ=DAILY;BYDAY=MON", "BYDAY=MON is no weekday; write MO"),
        ("FREQ=WEEKLY;BYDAY=1MO", "needs FREQ=MONTHLY or FREQ=YEARLY"),
        ("FREQ=WEEKLY;WKST=X", "WKST=X is no weekday"),
        ("FREQ=DAILY;BYEASTER=1", "'BYEASTER' is no part of an RRULE"),
        ("FREQ=DAILY;COUNT=10001", "COUNT=10001 is not a number from 1 to 10000"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20300101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=tomorrow", "the UNTIL 'TOMORROW' is no date; write 20260131T090000"),
        ("DTSTART:20261301T000000\nFREQ=DAILY", "'20261301T000000' is no date"),
        ("DTSTART:20260101\nDTSTART:20260101\nFREQ=DAILY", "one DTSTART"),
        ("DTSTART:20260101", "gives no date"),
        ("DTSTART:00010101\nFREQ=DAILY", "the DTSTART '00010101' is no date"),
        ("FREQ=DAILY\n" * 11, "has 11 rules; use several schedules"),
        ("FREQ=DAILY\nFREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "gives no date"),
        ("FREQ=DAILY\nEXRULE:FREQ=WEEKLY", "EXRULE is not taken"),
        ("FREQ=DAILY\nVALARM:1", "'VALARM' is no part of a rule"),
        ("FREQ=DAILY;BYHOUR=%s;BYMINUTE=%s;BYSECOND=0,1", "names 2880 times a day"),
        ("FREQ=DAILY\nEXDATE:" + "20260101," * 800, "characters; at most 6500 are taken"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "gives no date"),
        ("FREQ=DAILY;UNTIL=20191231", "gives no date"),
        ("FREQ=DAILY;COUNT=1\nEXDATE:20200101T000000", "gives no date"),
        ("DTSTART;TZID=A/B:20260101\nRDATE;TZID=C/D:20260101", "several time zones"),
        (None, "A rule is a text"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_would_be_right(text, message):
    if text and "%s" in text:
        text %= (",".join(map(str, range(24))), ",".join(map(str, range(60))))
    with pytest.raises(ScheduleError, match="(?i)" + message) as error:
        RRule(text)
    assert error.value.field == "rrule"


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;INTERVAL=60;BYSECOND=30",
        "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5",
        "FREQ=HOURLY;BYSETPOS=5",
        "FREQ=SECONDLY;BYSETPOS=2",
        "FREQ=YEARLY;BYSETPOS=366;BYMONTH=2;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100",
    ],
)
def test_rules_that_never_come_are_refused_soon(text):
    before = time.process_time()
    with pytest.raises(ScheduleError, match="gives no date that could be found"):
        RRule(text)
    assert time.process_time() - before < 10  # dateutil takes minutes for some


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;BYHOUR=9;BYMINUTE=0;BYSECOND=0;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=MINUTELY;INTERVAL=7;COUNT=10000",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=10000",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
        "FREQ=DAILY;INTERVAL=9;BYMONTHDAY=13;BYDAY=FR",
    ],
)
def test_dates_far_from_the_start_cost_no_more(text):
    schedule = RRule("DTSTART:19000101T000000\n" + text)
    before = time.process_time()
    found = upcoming(schedule, datetime(2100, 6, 1, tzinfo=UTC), 3)
    assert len(found) == (0 if "MINUTELY" in text else 3)
    assert time.process_time() - before < 5


# -- the same as dateutil ---------------------------------------------------------------------


def _numbers(low, high, size=3):
    return st.lists(st.integers(low, high), min_size=1, max_size=size, unique=True).map(
        lambda numbers: ",".join(map(str, numbers))
    )


def _signed(high):
    return st.lists(
        st.integers(1, high) | st.integers(-high, -1), min_size=1, max_size=4, unique=True
    ).map(lambda numbers: ",".join(map(str, numbers)))


WEEKDAY = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
WEEKDAYS = st.lists(WEEKDAY, min_size=1, max_size=4, unique=True).map(",".join)
NTH = st.tuples(st.sampled_from(["1", "2", "-1", "-2", "5"]), WEEKDAY).map("".join)
PARTS = {
    "BYMONTH": _numbers(1, 12, 6),
    "BYMONTHDAY": _signed(31),
    "BYYEARDAY": _signed(366),
    "BYDAY": WEEKDAYS,
    "BYHOUR": _numbers(0, 23),
    "BYMINUTE": _numbers(0, 59),
    "BYSECOND": _numbers(0, 59),
}
FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]


@st.composite
def rules(draw):
    frequency = draw(st.sampled_from(FREQUENCIES))
    # More at once seldom meet.
    names = draw(st.lists(st.sampled_from(sorted(PARTS)), max_size=2, unique=True))
    parts = {name: draw(PARTS[name]) for name in names}
    assume(not {"BYMONTHDAY", "BYYEARDAY"} <= parts.keys())
    if frequency in {"YEARLY", "MONTHLY"} and draw(st.booleans()):
        parts["BYDAY"] = draw(st.lists(NTH, min_size=1, max_size=3, unique=True).map(",".join))
    if frequency == "YEARLY" and not parts:
        # dateutil miscounts the weeks of the year before: 1 January 2022 is in its week 52.
        parts["BYWEEKNO"] = draw(_numbers(2, 51))
    # dateutil does not count the days of the first week that are before DTSTART.
    if parts and frequency != "WEEKLY" and draw(st.booleans()):
        parts["BYSETPOS"] = draw(_signed(2 if frequency in {"YEARLY", "MONTHLY"} else 1))
    parts["INTERVAL"] = str(draw(st.sampled_from([1, 1, 1, 2, 3, 5, 7, 40])))
    parts["WKST"] = draw(WEEKDAY)
    if draw(st.booleans()):
        parts["COUNT"] = str(draw(st.integers(1, 6)))
    start = draw(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))).replace(microsecond=0)
    words = ";".join(f"{name}={value}" for name, value in {"FREQ": frequency, **parts}.items())
    return f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{words}", start


@example(rule=("DTSTART:20260101T000000\nRRULE:FREQ=YEARLY;BYWEEKNO=1,52,53", datetime(2026, 1, 1)))
@given(rule=rules())
@settings(max_examples=100)
def test_dates_are_those_of_dateutil(rule):
    text, start = rule
    schedule = _possible(text)
    found = list(islice(between(schedule, start.replace(tzinfo=UTC) - SECOND, FAR), 6))
    # Asked for no more than is there: dateutil may search for minutes for what is not.
    expected = list(islice(rrulestr(text), len(found)))
    assert [moment.replace(tzinfo=None) for moment in found] == expected


def _possible(text):
    """The schedule; rules without any date are left out, because dateutil would take minutes."""
    with suppress(ScheduleError):
        return RRule(text)
    return assume(False)


def test_week_numbers_are_those_of_iso_8601():
    wanted = {1, 2, 52, 53, -1, -53}
    end = BEFORE + timedelta(days=7 * 366)
    found = {n: set(between(RRule(f"FREQ=YEARLY;BYWEEKNO={n}"), BEFORE, end)) for n in wanted}
    for n in range(1, 7 * 366):
        day = BEFORE + timedelta(days=n)
        year, week, _ = day.isocalendar()
        numbers = {week, week - _weeks(year) - 1}
        assert {number for number in wanted if day in found[number]} == numbers & wanted


def _weeks(year):
    return datetime(year, 12, 28).isocalendar().week


def test_a_rule_that_has_ended_has_no_next_date():
    schedule = RRule("FREQ=DAILY;COUNT=3")
    assert next_after(schedule, datetime(2020, 1, 3, tzinfo=UTC)) is None
    assert next_after(schedule, datetime(2019, 1, 1, tzinfo=UTC)) == datetime(
        2020, 1, 1, tzinfo=UTC
    )
