"""Schedules in words.

This module decides the wording only: `every weekday at 06:00, Europe/Paris`.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from nbflow import wording
from nbflow.schedules.cron import Cron
from nbflow.schedules.dates import Schedule, upcoming
from nbflow.schedules.interval import Interval


def in_words(schedule: Schedule) -> str:
    """What the schedule says, in words."""
    if isinstance(schedule, Cron):
        return f"cron {schedule.cron}, {schedule.timezone}"
    if isinstance(schedule, Interval):
        return f"every {wording.duration(schedule.interval.total_seconds())}"
    return f"rrule {schedule.rrule}, {schedule.timezone}"


def preview(schedule: Schedule, now: datetime, count: int = 3) -> str:
    """The next runs, in words."""
    zone = ZoneInfo(schedule.timezone)
    words = [wording.ago(moment, now, zone) for moment in upcoming(schedule, now, count)]
    return f"next {', then '.join(words)}" if words else "no further runs"
