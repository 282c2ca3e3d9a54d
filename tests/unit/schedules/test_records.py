"""Schedules as plain data, and their short names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.exceptions import ScheduleError
from nbflow.schedules import (
    Cron,
    CronSchedule,
    Interval,
    IntervalSchedule,
    RRule,
    RRuleSchedule,
    from_json,
    kind,
    slug,
    to_json,
)

CRON = Cron("0 9 * * 1-5", "Europe/Paris", day_or=False)
RULE = RRule("DTSTART;TZID=Asia/Tokyo:20260101T090000\nRRULE:FREQ=DAILY\nEXDATE:20260105T090000")


def test_the_plain_form():
    assert to_json(CRON) == {"cron": "0 9 * * 1-5", "timezone": "Europe/Paris", "day_or": False}
    assert to_json(Interval(600, datetime(2026, 1, 1, tzinfo=UTC))) == {
        "interval": 600,
        "anchor_date": "2026-01-01T00:00:00+00:00",
        "timezone": "UTC",
    }
    assert to_json(RRule("FREQ=DAILY")) == {"rrule": "FREQ=DAILY", "timezone": "UTC"}
    assert [kind(schedule) for schedule in (CRON, Interval(1), RULE)] == [
        "cron",
        "interval",
        "rrule",
    ]


def test_prefects_names():
    assert (CronSchedule, IntervalSchedule, RRuleSchedule) == (Cron, Interval, RRule)


ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/New_York"])
MOMENTS = st.datetimes(
    datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.none() | st.just(UTC)
)
SCHEDULES = st.one_of(
    st.builds(
        Cron, st.sampled_from(["@daily", " 5  4 * * sun", "*/5 * * * *"]), ZONES, st.booleans()
    ),
    st.builds(
        Interval,
        st.integers(1, 3 * 10**9).map(lambda seconds: timedelta(seconds=seconds)),
        st.none() | MOMENTS,
        ZONES,
    ),
    st.builds(RRule, st.sampled_from(["FREQ=DAILY", " rrule:freq=weekly;byday=MO\n"]), ZONES),
    st.just(RULE),
)


@given(schedule=SCHEDULES)
def test_the_plain_form_gives_the_same_schedule_back(schedule):
    back = from_json(json.loads(json.dumps(to_json(schedule))))
    assert back == schedule and hash(back) == hash(schedule)
    assert to_json(back) == to_json(schedule)
    assert slug(back) == slug(schedule)


def test_little_is_enough():
    assert from_json({"cron": "@daily"}) == Cron("@daily")
    assert from_json({"interval": 90}) == from_json({"interval": "90s"}) == Interval(90)
    assert from_json({"rrule": "FREQ=DAILY", "timezone": None}) == RRule("FREQ=DAILY")


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({}, "cron", "one of cron, interval, rrule; this one has none of them"),
        ({"cron": "@daily", "interval": 5}, "interval", "this one has cron and interval"),
        ({"cron": "@daily", "anchor_date": "2026-01-01"}, "cron", "'anchor_date' is no part"),
        ({"cron": 5}, "cron", "is a text"),
        ({"interval": "soon"}, "interval", "'soon' is no length of time"),
        ({"interval": [5]}, "interval", "number of seconds, not"),
        ({"interval": 5, "anchor_date": "yesterday"}, "anchor_date", "'yesterday' is no date"),
        ({"interval": 5, "anchor_date": 5}, "anchor_date", "a datetime such as"),
        ({"rrule": ["FREQ=DAILY"]}, "rrule", "A rule is a text"),
        ({"cron": "@daily", "timezone": 5}, "timezone", "a text such as Europe/Paris"),
        ({"cron": "@daily", "timezone": "Mars"}, "timezone", "no IANA time zone"),
        ({"cron": "@daily", "day_or": "no"}, "cron", "day_or is true or false, not 'no'"),
    ],
)
def test_other_data_is_refused(data, field, message):
    with pytest.raises(ScheduleError, match=message) as error:
        from_json(data)
    assert error.value.field == field


def test_slugs_stay_the_same_forever():
    """They are keys in users' databases: a change here would run everything twice."""
    assert slug(CRON) == "cron-def85607"
    assert slug(Interval(600)) == "interval-0c5e358c"
    assert slug(RRule("FREQ=DAILY")) == "rrule-36df00c9"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Cron("@daily"), Cron("0 0 * * *")),
        (Cron("0 9 * * mon"), Cron(" 0  9 * * MON")),
        (Interval(86_400), Interval(timedelta(days=1))),
        (RRule("FREQ=DAILY;BYHOUR=9"), RRule(" freq=daily;by\n hour=9\n")),
    ],
)
def test_spelling_does_not_change_a_slug(one, other):
    assert slug(one) == slug(other)


def test_what_is_said_changes_the_slug():
    schedules = [
        Cron("0 9 1-5 * *"),
        Cron("0 9 * * 1-5"),
        Cron("0 9 * * 1-5", "Europe/Paris"),
        CRON,
        Interval(600),
        Interval(601),
        Interval(600, datetime(2026, 1, 1)),
        Interval(600, datetime(2026, 1, 1, tzinfo=UTC)),
        RRule("FREQ=DAILY"),
        RRule("FREQ=DAILY", "Europe/Paris"),
    ]
    slugs = {slug(schedule) for schedule in schedules}
    assert len(slugs) == len(schedules)
    assert all(re.fullmatch(r"(cron|interval|rrule)-[0-9a-f]{8}", name) for name in slugs)


def test_nobody_pays_for_schedules_who_has_none():
    code = (
        "import nbflow, sys; print([m for m in sys.modules if 'schedules' in m or 'cronsim' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
