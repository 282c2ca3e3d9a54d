"""Cron texts: what they mean where clocks jump, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.exceptions import ScheduleError, UsageError
from nbflow.schedules import Cron, next_after, upcoming

NY = "America/New_York"


def local(cron, timezone, after, count):
    """The next dates by the zone's clocks, as `08 03:00 EDT`."""
    zone = ZoneInfo(timezone)
    start = datetime.fromisoformat(after).replace(tzinfo=zone)
    return [
        f"{m.astimezone(zone):%d %H:%M %z}" for m in upcoming(Cron(cron, timezone), start, count)
    ]


@pytest.mark.parametrize(
    ("cron", "timezone", "after", "expected"),
    [
        # 8 March 2026: 02:00 EST is 03:00 EDT. 1 November: 02:00 EDT is 01:00 EST.
        ("30 2 * * *", NY, "2026-03-07T12:00", ["08 03:00 -0400", "09 02:30 -0400"]),
        ("0 2 * * *", NY, "2026-03-07T12:00", ["08 03:00 -0400", "09 02:00 -0400"]),
        ("0 2,3 * * *", NY, "2026-03-07T12:00", ["08 03:00 -0400", "09 02:00 -0400"]),
        ("30 2 8 3 *", NY, "2026-03-07T12:00", ["08 03:00 -0400", "08 02:30 -0500"]),
        ("*/30 2 * * *", NY, "2026-03-07T12:00", ["09 02:00 -0400", "09 02:30 -0400"]),
        ("0 * * * *", NY, "2026-11-01T00:30", ["01 01:00 -0400", "01 01:00 -0500", "01 02:00 -0500"]),
        ("*/30 * * * *", NY, "2026-11-01T00:45", ["01 01:00 -0400", "01 01:30 -0400", "01 01:00 -0500", "01 01:30 -0500", "01 02:00 -0500"]),
        ("30 1 * * *", NY, "2026-10-31T12:00", ["01 01:30 -0400", "02 01:30 -0500"]),
        ("*/30 1 * * *", NY, "2026-10-31T12:00", ["01 01:00 -0400", "01 01:30 -0400", "01 01:00 -0500", "01 01:30 -0500", "02 01:00 -0500"]),
        # The clocks change between now and then, or even twice.
        ("*/30 3 1 4 *", "Europe/Paris", "2026-01-15T12:00", ["01 03:00 +0200", "01 03:30 +0200"]),
        ("*/30 3 1 11 *", "Europe/Paris", "2026-07-15T12:00", ["01 03:00 +0100", "01 03:30 +0100"]),
        ("*/30 3 1 7 *", "Europe/Paris", "2026-07-15T12:00", ["01 03:00 +0200", "01 03:30 +0200"]),
        # A range is a list of fixed times to Debian's cron: no hour twice.
        ("0 0-3 * * *", NY, "2026-10-31T12:00", ["01 00:00 -0400", "01 01:00 -0400", "01 02:00 -0500"]),
        # Half an hour.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["04 02:30 +1100", "05 02:15 +1100"]),
        ("*/5 3 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["04 03:00 +1100", "04 03:05 +1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", ["05 01:45 +1100", "06 01:45 +1030"]),
        # Midnight itself is skipped, or comes twice.
        ("0 0 * * *", "America/Santiago", "2026-09-05T12:00", ["06 01:00 -0300", "07 00:00 -0300"]),
        ("30 0 * * 0", "America/Santiago", "2026-09-05T12:00", ["06 01:00 -0300", "13 00:30 -0300"]),
        ("30 23 * * *", "America/Santiago", "2026-04-04T12:00", ["04 23:30 -0300", "05 23:30 -0400"]),
        ("0 0 * * *", "America/Havana", "2026-11-01T00:00", ["02 00:00 -0500"]),
        # The last hour of a day is skipped: its run comes at the first minute of the next.
        ("30 23 * * *", "America/Nuuk", "2026-03-27T23:45", ["29 00:00 -0100", "29 23:30 -0100"]),
        # Two hours; and clocks that go back for the month of Ramadan.
        ("30 2 * * *", "Antarctica/Troll", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:30 +0200"]),
        ("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00", ["15 02:30 +0100", "16 02:30 +0000"]),
        ("30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00", ["22 03:00 +0100", "23 02:30 +0100"]),
    ],
)  # fmt: skip
def test_where_clocks_jump(cron, timezone, after, expected):
    assert local(cron, timezone, after, len(expected)) == expected


def test_a_fixed_time_is_not_repeated_by_who_asks_in_the_repeated_hour():
    second_hour = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # 01:10 EST
    assert next_after(Cron("30 1 * * *", NY), second_hour) == datetime(
        2026, 11, 2, 6, 30, tzinfo=UTC
    )
    assert next_after(Cron("*/30 1 1 11 *", NY), second_hour) == datetime(
        2026, 11, 1, 6, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("cron", "day_or", "expected"),
    [
        ("0 0 13 * 5", True, ["2026-01-02", "2026-01-09", "2026-01-13", "2026-01-16"]),
        ("0 0 13 * 5", False, ["2026-02-13", "2026-03-13", "2026-11-13", "2027-08-13"]),
        # A day field that starts with a star makes it "and", as in Debian's cron.
        ("0 0 */2 * 1", True, ["2026-01-05", "2026-01-19", "2026-02-09", "2026-02-23"]),
        ("0 0 29 2 *", True, ["2028-02-29", "2032-02-29", "2036-02-29", "2040-02-29"]),
        ("0 0 L 2 *", True, ["2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"]),
        ("0 0 LW 1,5 *", True, ["2026-01-30", "2026-05-29", "2027-01-29", "2027-05-31"]),
        ("0 0 * * 1#1", True, ["2026-01-05", "2026-02-02", "2026-03-02", "2026-04-06"]),
        ("0 0 * * 5L", True, ["2026-01-30", "2026-02-27", "2026-03-27", "2026-04-24"]),
        ("0 0 * * sat,SUN", True, ["2026-01-03", "2026-01-04", "2026-01-10", "2026-01-11"]),
        ("0 0 * * 5-7", True, ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-09"]),
        ("0 0 1 jan-mar/2 *", True, ["2026-03-01", "2027-01-01", "2027-03-01", "2028-01-01"]),
        ("@monthly", True, ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]),
        (" @Weekly ", True, ["2026-01-04", "2026-01-11", "2026-01-18", "2026-01-25"]),
        ("0  0\t1 1 *", True, ["2027-01-01", "2028-01-01", "2029-01-01", "2030-01-01"]),
        ("*/60 */24 * * *", True, ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"]),
    ],
)
def test_days(cron, day_or, expected):
    found = upcoming(Cron(cron, day_or=day_or), datetime(2026, 1, 1, tzinfo=UTC), 4)
    assert [f"{moment:%Y-%m-%d}" for moment in found] == expected
    assert {f"{moment:%H:%M:%S}" for moment in found} == {"00:00:00"}


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("61 * * * *", "Minute 61 is not in 0–59."),
        ("0 24 * * *", "Hour 24 is not in 0–23."),
        ("0 0 0 * *", "Day 0 is not in 1–31."),
        ("0 0 * 13 *", "Month 13 is not in 1–12."),
        ("0 0 * * 8", "Weekday 8 is not in 0–7."),
        ("5-70 * * * *", "Minute 70 is not in 0–59."),
        ("* * *", "'* * *' has 3 fields, a cron schedule five .*such as '0 6"),
        ("*", "has 1 field, a cron schedule five"),
        ("", "has 0 fields"),
        ("0 * * * * *", "has 6 fields, .*leave seconds and years away, and use an interval"),
        ("0 22-2 * * *", "The hour range 22-2 runs backwards; write 22-23,0-2."),
        ("0 0 * * fri-sun", "range fri-sun runs backwards; write 5-7."),
        ("0 0 * * sat-mon", "range sat-mon runs backwards; write 6,0-1."),
        ("0 0 * dec-jan *", "range dec-jan runs backwards; write 12,1."),
        ("*/0 * * * *", "The step /0 of the minute is not a whole number from 1."),
        ("*/x * * * *", "The step /x of the minute is not a whole number from 1."),
        ("*/-5 * * * *", "is not a whole number from 1."),
        ("*/90 * * * *", "minute step /90 is longer than the 60 minutes there are; .*interval"),
        ("1/2/3 * * * *", "step /2/3 of the minute"),
        ("x * * * *", "'x' is no minute; write a number from 0 to 59 or *"),
        ("0 0 * * monday", "'monday' is no weekday; write a number from 0 to 7, SUN–SAT or"),
        ("0 0 * * L", "'L' is no weekday"),
        ("0 0 * * 1#6", "'1#6' is no weekday"),
        ("1,,2 * * * *", "A minute is missing; write a number"),
        ("-5 * * * *", "A minute is missing"),
        ("٥ * * * *", "'٥' is no minute"),
        ("0 0 31 2 *", "'0 0 31 2 \\*' never fires: there is no such date"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("@reboot", "'@reboot' is not known; write @yearly"),
        ("@every 10m", "is not known; write @yearly"),
        (None, "a text such as '0 6"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(cron, message):
    with pytest.raises(ScheduleError, match=message.replace("(", "\\(")) as error:
        Cron(cron)
    assert error.value.field == "cron"
    assert isinstance(error.value, UsageError) and str(error.value).endswith(".")
    assert str(error.value).count(". ") == 0  # one sentence


def test_dates_that_never_meet_are_refused_when_both_are_wanted():
    assert Cron("0 0 30 2 1")  # Mondays in February
    with pytest.raises(ScheduleError, match="never fires"):
        Cron("0 0 30 2 1", day_or=False)


@pytest.mark.parametrize(
    ("timezone", "hint"),
    [
        ("Paris", "did you mean Europe/Paris?"),
        ("europe/paris", "did you mean Europe/Paris"),
        ("Europe/Pariss", "did you mean Europe/Paris"),
        ("new york", "did you mean America/New_York?"),
        ("America/NewYork", "did you mean America/New_York"),
        ("Asia/Calcuta", "did you mean Asia/Calcutta"),
        ("America", "no IANA time zone"),  # a folder
        ("../etc/passwd", "write one such as Europe/Paris."),
        ("/etc/localtime", "no IANA time zone"),
        ("localtime", "no IANA time zone"),
        ("right/Europe/Paris", "no IANA time zone"),
        ("\0", "no IANA time zone"),
        ("GMT+25", "no IANA time zone"),
        (7, "7 is no IANA time zone"),
    ],
)
def test_unknown_zones_are_refused_with_near_names(timezone, hint):
    with pytest.raises(ScheduleError) as error:
        Cron("0 0 * * *", timezone)
    assert hint in str(error.value)
    assert error.value.field == "timezone"


def test_prefects_none_is_utc():
    assert Cron("0 0 * * *", timezone=None) == Cron("0 0 * * *")


def test_schedules_can_be_pickled_and_are_keys():
    import pickle

    schedule = Cron("0 9 * * 1-5", "Europe/Paris")
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert len({schedule, Cron("0 9 * * 1-5", timezone="Europe/Paris")}) == 1
    error = pickle.loads(pickle.dumps(ScheduleError("No.", field="rrule")))
    assert (str(error), error.field) == ("No.", "rrule")


def test_the_calendar_has_an_end():
    end = datetime(9999, 12, 31, 23, 59, 30, tzinfo=UTC)
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        assert next_after(Cron("* * * * *", zone), end) is None
        assert next_after(Cron("0 0 1 1 *", zone), end - timedelta(days=9)) is None


FIELD = st.tuples(
    st.sampled_from(["*", "*/7", "3,17,59", "10-20", "10-40/7", "0", "5/20"]),
    st.sampled_from(["*", "*/5", "3,17", "10-20", "0", "1-23/2"]),
    st.sampled_from(["*", "*/9", "3,17", "10-20", "31", "L", "LW", "1-7"]),
    st.sampled_from(["*", "*/5", "3,12", "JAN-APR", "2"]),
    st.sampled_from(["*", "1", "MON-FRI", "0,7", "*/2", "6L", "2#2"]),
)


@given(fields=FIELD, after=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))
@settings(max_examples=150)
def test_without_jumps_dates_are_those_of_cronsim(fields, after):
    text = " ".join(fields)
    try:
        schedule = Cron(text, "Asia/Kathmandu")  # +05:45, for all these years
    except ScheduleError:
        assert "31" in fields[2] and fields[3] == "2"
        return
    start = after.replace(tzinfo=ZoneInfo("Asia/Kathmandu"))
    assert upcoming(schedule, start, 5) == list(islice(CronSim(text, start), 5))
