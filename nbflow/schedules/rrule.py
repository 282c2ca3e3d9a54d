"""Schedules by recurrence rule (iCalendar, RFC 5545).

This module decides what instants a rule means: its dates are times by the clocks of the zone,
each of which comes once, after the gap where the clocks skip it. It must not know how a rule
is read (`rules`) nor how its dates are found (`recurrence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nbflow.exceptions import ScheduleError
from nbflow.schedules.recurrence import is_vain, next_date
from nbflow.schedules.rules import RuleSet, read_rules, stated_zone
from nbflow.schedules.zones import find_zone, next_instant


@dataclass(frozen=True, slots=True)
class RRule:
    """Runs by a recurrence rule: `RRule("FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9")`.

    Args:
        rrule: An RRULE, or several lines of DTSTART, RRULE, RDATE and EXDATE; at most 6500
            characters. Without a DTSTART the rule starts at midnight of 1 January 2020.
        timezone: The IANA zone whose clocks count. A `DTSTART;TZID=…` may state it instead.

    Raises:
        ScheduleError: The rule or the zone cannot be used, or the rule gives no date.
    """

    rrule: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if not isinstance(self.rrule, str):
            raise ScheduleError(
                f"A rule is a text such as 'FREQ=DAILY', not {self.rrule!r}.", field="rrule"
            )
        object.__setattr__(self, "timezone", _zone_of(self.rrule, self.timezone or "UTC"))
        if is_vain(self.rules):
            raise ScheduleError(
                "The rule gives no date that could be found; check that its parts can meet.",
                field="rrule",
            )

    @property
    def rules(self) -> RuleSet:
        """What the text says, in wall-clock times."""
        return read_rules(self.rrule, self.timezone)

    def next_after(self, after: datetime) -> datetime | None:
        """The first instant after that one, which has whole seconds; see `dates.next_after`."""
        rules = self.rules
        return next_instant(after, find_zone(self.timezone), lambda wall: next_date(rules, wall))


def _zone_of(text: str, timezone: str) -> str:
    """The zone of the schedule: what the rule states counts where nothing else was said."""
    zone, stated = find_zone(timezone).key, stated_zone(text)
    if stated is None or find_zone(stated).key == zone:
        return zone
    if zone == "UTC":
        return find_zone(stated).key
    raise ScheduleError(
        f"The rule is for {stated} and the schedule for {zone}; use one zone.", field="timezone"
    )
