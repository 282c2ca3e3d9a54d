"""When a schedule runs.

This module decides which instants are asked of a schedule: the next, those of a stretch of
time, those that were missed. It must not know how a kind of schedule finds them, nor the
clock: the present is a parameter. Instants are aware UTC. What comes out depends on the
schedule alone, never on when, or from where, it is computed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, Literal

from nbflow.exceptions import ConfigurationError
from nbflow.schedules.cron import Cron
from nbflow.schedules.interval import Interval
from nbflow.schedules.rrule import RRule

Schedule = Cron | Interval | RRule

#: What happens to runs that were due while nobody was there to start them.
CatchUp = Literal["skip", "latest", "all"]

#: What was due this short a time ago is on time, not missed.
ON_TIME: Final = timedelta(seconds=60)

#: The stretch in which missed runs are first looked for; doubled until it is enough.
_FIRST_LOOK: Final = timedelta(hours=1)


def next_after(schedule: Schedule, after: datetime) -> datetime | None:
    """The first instant strictly after `after` at which the schedule runs; None when it ended.

    Raises:
        ValueError: `after` has no time zone.
    """
    if after.tzinfo is None:
        raise ValueError("The instant needs a time zone; use datetime.now(UTC).")
    # Schedules run at whole seconds, so that fractions say nothing.
    whole = after.astimezone(UTC).replace(microsecond=0)
    try:
        return schedule.next_after(whole)
    except OverflowError:
        return None  # the calendar ends with the year 9999


def upcoming(schedule: Schedule, after: datetime, limit: int) -> list[datetime]:
    """The first `limit` instants after `after`; fewer when the schedule ends."""
    return list(islice(_following(schedule, after), limit))


def between(
    schedule: Schedule, start: datetime, end: datetime, limit: int = 10_000
) -> Iterator[datetime]:
    """The instants in (start, end], in order; at most the first `limit` of them."""
    return islice(_until(schedule, start, end), limit)


def missed(
    schedule: Schedule, last: datetime, now: datetime, policy: CatchUp, limit: int = 100
) -> list[datetime]:
    """The instants in (last, now] that are to run now, in order.

    With `all` every one of them (the newest `limit`), with `latest` the newest, with `skip`
    the newest if it was due within the last minute: that one is on time.

    Raises:
        ConfigurationError: There is no such policy.
    """
    match policy:
        case "all":
            return _newest(schedule, last, now, limit)
        case "latest":
            return _newest(schedule, last, now, 1)
        case "skip":
            return _newest(schedule, max(last, now - ON_TIME), now, 1)
    raise ConfigurationError(f"{policy!r} is no catch-up policy; write skip, latest or all.")


def _newest(schedule: Schedule, last: datetime, now: datetime, limit: int) -> list[datetime]:
    """The newest instants in (last, now], found without going through all of a long outage."""
    look = _FIRST_LOOK
    while True:
        start = max(last, now - look) if now - last > look else last
        found = deque(_until(schedule, start, now), maxlen=limit)
        if start == last or len(found) >= limit:
            return list(found)
        look *= 2


def _until(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    for moment in _following(schedule, start):
        if moment > end:
            return
        yield moment


def _following(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    moment = next_after(schedule, after)
    while moment is not None:
        yield moment
        moment = next_after(schedule, moment)
