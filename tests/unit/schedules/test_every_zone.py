"""Schedules in every time zone there is, around every change of its clocks, 2020 to 2035."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbflow.schedules import Cron, Interval, RRule, between, next_after, upcoming

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ZONES = sorted(available_timezones() - {"localtime", "Factory"})


@pytest.fixture(scope="module")
def behaviours(clocks):
    """All different clocks, each with the name of one zone that has them."""
    zones = defaultdict(list)
    for name in ZONES:
        zones[clocks(name)].append(name)
    return {names[0]: each for each, names in zones.items()}


def test_a_daily_job_runs_exactly_once_on_each_local_day_at_every_change(behaviours):
    changes = 0
    for zone, clocks in behaviours.items():
        for change in clocks.changes:
            changes += 1
            before, after = clocks.wall(change - MINUTE) + MINUTE, clocks.wall(change)
            low, high = sorted([before, after])
            for at in (low, low + (high - low) / 2, high):
                _check_daily(zone, clocks, at)
    assert changes > 1000  # of clocks that differ; it counts them to notice that none is left out


def _check_daily(zone, clocks, at):
    """The day before, the day itself and the day after each have their run, at the right time."""
    days = [at + n * DAY for n in (-1, 0, 1, 2)]
    expected = [clocks.first_reaching(wall) for wall in days]
    schedule = Cron(f"{at.minute} {at.hour} * * *", zone)
    found = list(between(schedule, expected[0] - HOUR, expected[-1]))
    assert found == expected == sorted(set(expected)), (zone, at)
    for start in (expected[1] - MINUTE, expected[1] + HOUR):
        assert next_after(schedule, start) == next(when for when in expected if when > start)


def test_hourly_jobs_never_leave_an_hour_out_at_any_change(behaviours):
    for zone, clocks in behaviours.items():
        for change in clocks.changes:
            ticks = list(between(Cron("*/30 * * * *", zone), change - 2 * HOUR, change + 3 * HOUR))
            assert {b - a for a, b in pairwise(ticks)} == {HOUR / 2}, zone


# -- any schedule in any zone -----------------------------------------------------------------

MINUTES = st.sampled_from(
    ["0", "30", "15,45", "*", "*/5", "*/20", "7", "10-50/10", "0,59", "*/30", "59"]
)
HOURS = st.sampled_from(
    ["0", "1", "2", "3", "23", "*", "*/2", "0-4", "1-3", "0,1,2,3,23", "2,14", "*/3", "22-23"]
)
DAYS = st.sampled_from(["*", "*", "*", "1-15", "*/2", "25-31", "29"])
WEEKDAYS = st.sampled_from(["*", "*", "*", "0", "7", "6,0", "1-5", "*/2"])
CRONS = st.tuples(MINUTES, HOURS, DAYS, st.just("*"), WEEKDAYS).map(" ".join)
#: Where in the changes of a zone to look (1 is the last), and how far beside.
PLACES = st.floats(0, 1)
ASIDE = st.integers(-15 * 60, 15 * 60).map(lambda minutes: minutes * MINUTE)


def _place(clocks, place):
    """A change of the clocks, or where they never change a moment of these years."""
    if clocks.changes:
        return clocks.changes[round(place * (len(clocks.changes) - 1))]
    hours = int(place * 15 * 365 * 24)
    return datetime(2020, 1, 3, tzinfo=UTC) + hours * HOUR


@example(zone="America/New_York", cron="30 2 * * *", place=0.5)
@example(zone="Australia/Lord_Howe", cron="*/5 3 * * *", place=0.5)
@example(zone="America/Santiago", cron="0 0 * * *", place=0.4)
@example(zone="America/Nuuk", cron="30 23 * * 6", place=1)
@example(zone="Antarctica/Troll", cron="0,59 1-3 * * *", place=0)
@given(zone=st.sampled_from(ZONES), cron=CRONS, place=PLACES)
@settings(max_examples=100)
def test_cron_is_debians_cron_to_the_minute(clocks, debian, zone, cron, place):
    middle = _place(clocks(zone), place)
    start, end = middle - 20 * HOUR, middle + 26 * HOUR
    expected = list(debian(cron).runs(clocks(zone), start, end))
    found = list(between(Cron(cron, zone), start - MINUTE, end - MINUTE))
    assert found == expected


@given(
    zone=st.sampled_from(ZONES),
    times=st.tuples(MINUTES, HOURS).map(" ".join),
    place=PLACES,
    days=st.integers(-1, 2),
    away=st.integers(2, 200),
)
@settings(max_examples=80)
def test_a_day_far_away_is_found_exactly(clocks, debian, zone, times, place, days, away):
    """The clocks may change on the way there, and on the day itself."""
    middle = _place(clocks(zone), place)
    day = clocks(zone).wall(middle + days * DAY)
    cron = f"{times} {day.day} {day.month} *"
    midnight = clocks(zone).first_reaching(datetime(day.year, day.month, day.day))
    start, end = midnight - 5 * HOUR, midnight + 27 * HOUR
    expected = next(iter(debian(cron).runs(clocks(zone), start, end)), None)
    found = next_after(Cron(cron, zone), start - away * DAY)
    assert found == expected or (found > end and expected is None)


INTERVALS = st.sampled_from([60, 600, 5400, 3600, 43_200, 86_400, 2 * 86_400, 7 * 86_400, 90_000])
RULES = st.sampled_from(
    [
        "FREQ=DAILY;BYHOUR=2;BYMINUTE=30",
        "FREQ=DAILY;BYHOUR=0,1,2,3,23",
        "FREQ=HOURLY",
        "FREQ=MINUTELY;INTERVAL=45",
        "FREQ=WEEKLY;BYDAY=SU;BYHOUR=1,2;BYMINUTE=0,30",
        "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=1",
        "DTSTART:20210328T023000\nRRULE:FREQ=DAILY;COUNT=4000\nEXDATE:20230326T023000",
    ]
)
ANCHORS = st.none() | st.datetimes(datetime(2019, 1, 1), datetime(2037, 1, 1))


@st.composite
def schedules(draw):
    zone = draw(st.sampled_from(ZONES))
    return draw(
        st.one_of(
            CRONS.map(lambda text: Cron(text, zone)),
            st.tuples(INTERVALS, ANCHORS).map(lambda args: Interval(*args, zone)),
            RULES.map(lambda text: RRule(text, zone)),
        )
    )


@given(schedule=schedules(), place=PLACES, aside=ASIDE, later=ASIDE)
@settings(max_examples=120)
def test_dates_do_not_depend_on_where_the_search_starts(clocks, schedule, place, aside, later):
    middle = _place(clocks(schedule.timezone), place)
    first, second = sorted([middle + aside, middle + later])
    end = second + DAY
    from_first = list(between(schedule, first, end))
    assert list(between(schedule, second, end)) == [when for when in from_first if when > second]
    assert from_first == sorted(set(from_first))


@example(RRule("FREQ=HOURLY"), 0, timedelta(), -0.5)
@given(schedule=schedules(), place=PLACES, aside=ASIDE, seconds=st.floats(-59, 59))
@settings(max_examples=100)
def test_the_next_date_is_the_first_after_the_instant(clocks, schedule, place, aside, seconds):
    after = _place(clocks(schedule.timezone), place) + aside + timedelta(seconds=seconds)
    found = next_after(schedule, after)
    if found is None:  # the rule with a COUNT has ended
        assert isinstance(schedule, RRule)
        return
    assert found > after
    assert found.tzinfo is UTC and not found.microsecond
    # Nothing lies between, from wherever one looks; and the date itself is found.
    assert next_after(schedule, found - timedelta(seconds=1)) == found
    assert next_after(schedule, after + (found - after) / 2) == found


@given(zone=st.sampled_from(ZONES), place=PLACES, anchor=ANCHORS, days=st.integers(1, 9))
@settings(max_examples=150)
def test_whole_days_keep_the_local_time(clocks, zone, place, anchor, days):
    times = clocks(zone)
    schedule = Interval(timedelta(days=days), anchor, zone)
    start = _place(times, place) - 10 * DAY
    wall = (anchor or datetime(2020, 1, 1)).replace(microsecond=0)
    first = wall + ((times.wall(start) - wall) // timedelta(days=days) + 1) * timedelta(days=days)
    expected = [times.first_reaching(first + n * timedelta(days=days)) for n in range(5)]
    assert upcoming(schedule, start, 5) == expected


@given(zone=st.sampled_from(ZONES), place=PLACES, seconds=st.integers(60, 90_000))
@settings(max_examples=100)
def test_shorter_distances_are_real_time(clocks, zone, place, seconds):
    start = _place(clocks(zone), place) - 5 * HOUR
    schedule = Interval(seconds + (seconds == 86_400), timezone=zone)
    found = upcoming(schedule, start, 20)
    assert {b - a for a, b in pairwise(found)} == {schedule.interval}
    assert not (found[0] - clocks(zone).first_reaching(datetime(2020, 1, 1))) % schedule.interval
