"""What is asked of schedules: the next dates, those of a stretch, and those that were missed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.exceptions import ConfigurationError
from nbflow.schedules import Cron, Interval, RRule, between, missed, next_after, upcoming

HOURLY = Cron("0 * * * *")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(moments):
    return [moment.hour for moment in moments]


def test_the_next_is_strictly_after_and_in_utc():
    assert next_after(HOURLY, NOON) == NOON + HOUR
    assert next_after(HOURLY, NOON - timedelta(microseconds=1)) == NOON
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert next_after(HOURLY, elsewhere) == NOON + HOUR
    assert next_after(HOURLY, elsewhere).tzinfo is UTC


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="needs a time zone"):
        next_after(HOURLY, datetime(2026, 1, 1))


def test_upcoming_ends_with_the_schedule():
    assert hours(upcoming(HOURLY, NOON, 3)) == [13, 14, 15]
    assert upcoming(HOURLY, NOON, 0) == []
    assert upcoming(RRule("FREQ=DAILY;COUNT=2"), datetime(2020, 1, 1, tzinfo=UTC), 5) == [
        datetime(2020, 1, 2, tzinfo=UTC)
    ]


def test_between_leaves_its_start_out_and_takes_its_end_in():
    assert hours(between(HOURLY, NOON, NOON + 3 * HOUR)) == [13, 14, 15]
    assert list(between(HOURLY, NOON, NOON)) == []
    assert list(between(HOURLY, NOON, NOON - HOUR)) == []
    assert hours(between(HOURLY, NOON, NOON + 9 * HOUR, limit=2)) == [13, 14]


@pytest.mark.parametrize(
    ("policy", "last", "now", "expected"),
    [
        ("all", -3 * HOUR, timedelta(minutes=5), [10, 11, 12]),
        ("all", -3 * HOUR, timedelta(), [10, 11, 12]),
        ("all", timedelta(), timedelta(minutes=5), []),
        ("latest", -3 * HOUR, timedelta(minutes=5), [12]),
        ("latest", timedelta(), timedelta(minutes=5), []),
        ("skip", -3 * HOUR, timedelta(minutes=5), []),
        ("skip", -3 * HOUR, timedelta(seconds=59), [12]),
        ("skip", -3 * HOUR, timedelta(), [12]),
        ("skip", timedelta(), timedelta(seconds=30), []),
        ("skip", timedelta(seconds=-1), timedelta(seconds=30), [12]),
        ("all", 2 * HOUR, timedelta(), []),
    ],
)
def test_missed_runs_by_policy(policy, last, now, expected):
    assert hours(missed(HOURLY, NOON + last, NOON + now, policy)) == expected


def test_of_many_missed_runs_the_newest_are_wanted():
    found = missed(HOURLY, NOON - 900 * HOUR, NOON, "all", limit=3)
    assert hours(found) == [10, 11, 12]
    assert len(missed(HOURLY, NOON - 900 * HOUR, NOON, "all")) == 100


def test_a_long_outage_costs_no_more_than_a_short_one():
    before = time.process_time()
    found = missed(Cron("* * * * *"), NOON - timedelta(days=3650), NOON, "all")
    assert len(found) == 100 and found[-1] == NOON
    assert missed(Interval(1), NOON - timedelta(days=3650), NOON, "latest") == [NOON]
    yearly = missed(Cron("0 0 1 1 *"), NOON - timedelta(days=3650), NOON, "all")
    assert [moment.year for moment in yearly] == list(range(2017, 2027))
    assert time.process_time() - before < 10


def test_a_policy_that_does_not_exist_is_refused():
    with pytest.raises(ConfigurationError, match="'both' is no catch-up policy; write skip"):
        missed(HOURLY, NOON - HOUR, NOON, "both")


SCHEDULES = [
    HOURLY,
    Cron("*/10 9-10 1 * *", "Europe/Paris"),
    Cron("30 2 * * *", "America/New_York"),
    Interval(timedelta(hours=7)),
    RRule("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2;UNTIL=20260601"),
]


@given(
    schedule=st.sampled_from(SCHEDULES),
    back=st.integers(0, 60 * 24 * 90),
    length=st.integers(0, 60 * 24 * 60),
    limit=st.integers(1, 40),
)
@settings(max_examples=80)
def test_policies_choose_from_what_lies_between(schedule, back, length, limit):
    last = NOON - timedelta(minutes=back)
    now = last + timedelta(minutes=length)
    all_of_them = list(between(schedule, last, now))
    assert missed(schedule, last, now, "all", limit) == all_of_them[-limit:]
    assert missed(schedule, last, now, "latest") == all_of_them[-1:]
    on_time = [moment for moment in all_of_them[-1:] if now - moment < timedelta(seconds=60)]
    assert missed(schedule, last, now, "skip") == on_time
