"""Schedules: cron texts, intervals and recurrence rules, each in a time zone.

    schedule = Cron("0 9 * * 1-5", timezone="Europe/Paris")
    next_after(schedule, datetime.now(UTC))

This package decides when a schedule runs and how it is told. It must not know deployments,
runs or the clock.
"""

from nbflow.schedules.cron import Cron
from nbflow.schedules.dates import (
    ON_TIME,
    CatchUp,
    Schedule,
    between,
    missed,
    next_after,
    upcoming,
)
from nbflow.schedules.interval import Interval, parse_interval
from nbflow.schedules.records import from_json, kind, slug, to_json
from nbflow.schedules.rrule import RRule
from nbflow.schedules.words import in_words, preview

#: Prefect's names.
CronSchedule = Cron
IntervalSchedule = Interval
RRuleSchedule = RRule

__all__ = [
    "ON_TIME",
    "CatchUp",
    "Cron",
    "CronSchedule",
    "Interval",
    "IntervalSchedule",
    "RRule",
    "RRuleSchedule",
    "Schedule",
    "between",
    "from_json",
    "in_words",
    "kind",
    "missed",
    "next_after",
    "parse_interval",
    "preview",
    "slug",
    "to_json",
    "upcoming",
]
