"""Schedules as authors state them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nbflow.deployments.scheduling import schedules_of
from nbflow.exceptions import ParameterTypeError, ScheduleError, UsageError
from nbflow.models.deployments import DeploymentSchedule
from nbflow.schedules import Cron, Interval, RRule, from_json, slug


def stated(**options: Any) -> list[DeploymentSchedule]:
    found = schedules_of(**options)
    assert found is not None
    return list(found)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"cron": "0 6 * * *"}, [Cron("0 6 * * *")]),
        ({"cron": ["0 6 * * *", "0 18 * * *"]}, [Cron("0 6 * * *"), Cron("0 18 * * *")]),
        ({"interval": 60}, [Interval(timedelta(seconds=60))]),
        ({"interval": "15m"}, [Interval(timedelta(minutes=15))]),
        ({"interval": ("15m", 3600)}, [Interval(timedelta(minutes=15)), Interval(3600)]),
        ({"interval": timedelta(days=1)}, [Interval(timedelta(days=1))]),
        ({"rrule": "FREQ=DAILY"}, [RRule("FREQ=DAILY")]),
        ({"schedule": Cron("@daily")}, [Cron("@daily")]),
        ({"schedules": [Cron("@daily"), {"interval": "1h"}]}, [Cron("@daily"), Interval(3600)]),
        (
            {"cron": "0 6 * * *", "timezone": "Europe/Paris"},
            [Cron("0 6 * * *", timezone="Europe/Paris")],
        ),
        (
            {"schedules": [{"cron": "0 6 * * *"}], "timezone": "Asia/Tokyo"},
            [Cron("0 6 * * *", timezone="Asia/Tokyo")],
        ),
        (
            {"schedules": [{"cron": "0 6 * * *", "tz": "Asia/Tokyo"}], "timezone": "Europe/Rome"},
            [Cron("0 6 * * *", timezone="Asia/Tokyo")],
        ),
        ({"schedules": []}, []),
        ({"schedules": [], "timezone": "Asia/Tokyo"}, []),
    ],
)
def test_spellings(options: dict[str, Any], expected: list[Any]) -> None:
    found = stated(**options)
    assert [from_json(each.schedule) for each in found] == expected
    assert [each.slug for each in found] == [slug(each) for each in expected]


def test_nothing_said_is_none() -> None:
    assert schedules_of() is None


def test_a_mapping_adds_parameters_a_slug_and_whether_it_is_active() -> None:
    (found,) = stated(
        schedules=[
            {"cron": "0 6 * * *", "slug": "early", "parameters": {"rows": 3}, "active": False}
        ]
    )
    assert (found.slug, found.parameters, found.active) == ("early", {"rows": 3}, False)


def test_one_schedule_may_stand_twice_with_other_parameters() -> None:
    pair = [
        {"cron": "0 6 * * *", "parameters": {"region": "eu"}},
        {"cron": "0 6 * * *", "parameters": {"region": "us"}},
    ]
    first, second = stated(schedules=pair)
    assert first.slug != second.slug
    assert [each.slug for each in stated(schedules=pair)] == [first.slug, second.slug]


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"cron": "0 25 * * *"}, ScheduleError, "25"),
        ({"interval": "soon"}, ScheduleError, "15m"),
        ({"interval": -1}, ScheduleError, "longer than nothing"),
        ({"rrule": "FREQ=NEVER"}, ScheduleError, "FREQ"),
        ({"timezone": "Europe/Paris"}, ScheduleError, "no schedule that it is for"),
        ({"cron": "@daily", "timezone": "Europe/Pariss"}, ScheduleError, "Europe/Paris"),
        ({"schedule": 3}, ScheduleError, "is no schedule"),
        ({"schedules": [{"cronn": "@daily"}]}, ScheduleError, "Did you mean 'cron'"),
        ({"schedules": [{}]}, ScheduleError, "one of cron, interval, rrule"),
        ({"schedules": [{"cron": "@daily", "interval": 3}]}, ScheduleError, "one of cron"),
        ({"schedules": [{"cron": "@daily", "tz": "UTC", "timezone": "Asia/Tokyo"}]},
         ScheduleError, "two time zones"),
        ({"schedules": [{"cron": "@daily", "slug": "a/b"}]}, UsageError, "name of a schedule"),
        ({"schedules": [{"cron": "@daily", "active": "yes"}]}, UsageError, "true or false"),
        ({"schedules": [{"cron": "@daily", "parameters": [1]}]}, UsageError, "names with values"),
        ({"schedules": [{"cron": "@daily", "parameters": {"a": object()}}]},
         ParameterTypeError, "no JSON form"),
        ({"cron": ["@daily", "@daily"]}, UsageError, "stands twice"),
    ],
)  # fmt: skip
def test_what_cannot_be_used(options: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        schedules_of(**options)
