"""Schedules in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nbflow.schedules import Cron, Interval, RRule, in_words, preview

PARIS = "Europe/Paris"
SATURDAY = datetime(2026, 3, 7, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 6 * * 1-5", "every weekday at 06:00, Europe/Paris"),
        ("0 6 * * MON-FRI", "every weekday at 06:00, Europe/Paris"),
        ("*/10 * * * *", "every 10 minutes"),
        ("30 2 1 * *", "on the 1st of every month at 02:30, Europe/Paris"),
        ("5,17 3-9/2 * * *", "cron 5,17 3-9/2 * * *, Europe/Paris"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour"),
        ("15 * * * *", "every hour at :15"),
        ("5-59/15 * * * *", "every hour at :05, :20, :35 and :50"),
        ("*/7 * * * *", "cron */7 * * * *"),
        ("0,30 * * * *", "every 30 minutes"),
        ("0 */2 * * *", "every 2 hours, Europe/Paris"),
        ("30 */6 * * *", "every 6 hours at :30, Europe/Paris"),
        ("0 9-17 * * *", "every hour from 09:00 to 17:00, Europe/Paris"),
        ("*/10 9-16 * * 1-5", "every weekday, every 10 minutes from 09:00 to 16:50, Europe/Paris"),
        ("0 9-17/2 * * *", "cron 0 9-17/2 * * *, Europe/Paris"),
        ("@daily", "every day at 00:00, Europe/Paris"),
        ("0 6,18 * * *", "every day at 06:00 and 18:00, Europe/Paris"),
        ("0 9 * * 0,6", "every Saturday and Sunday at 09:00, Europe/Paris"),
        ("0 9 * * 7", "every Sunday at 09:00, Europe/Paris"),
        ("0 9 * * 0-7", "every day at 09:00, Europe/Paris"),
        ("0 9 * 6 1", "every Monday in June at 09:00, Europe/Paris"),
        ("0 9 1,15 * *", "on the 1st and 15th of every month at 09:00, Europe/Paris"),
        ("0 9 2,3,11,22 * *", "on the 2nd, 3rd, 11th and 22nd of every month at 09:00, Europe/Paris"),
        ("0 9 1 1 *", "every year on 1 January at 09:00, Europe/Paris"),
        ("0 9 1 */3 *", "on the 1st of January, April, July and October at 09:00, Europe/Paris"),
        ("0 9 */2 * *", "cron 0 9 */2 * *, Europe/Paris"),
        ("0 9 L * *", "on the last day of every month at 09:00, Europe/Paris"),
        ("0 9 LW * *", "on the last weekday of every month at 09:00, Europe/Paris"),
        ("0 9 * * 1#1,2#3", "on the first Monday and third Tuesday of every month at 09:00, Europe/Paris"),
        ("0 9 * * 5L", "on the last Friday of every month at 09:00, Europe/Paris"),
        # Both are told, and either is enough; unless one of them is every day.
        ("0 9 13 * 5", "on the 13th of every month and every Friday at 09:00, Europe/Paris"),
        ("0 9 1-31 * 1", "every day at 09:00, Europe/Paris"),
        ("0 9 13 6 5", "cron 0 9 13 6 5, Europe/Paris"),
        ("0 9 */9 * 5", "cron 0 9 */9 * 5, Europe/Paris"),
        ("* * 1 * *", "on the 1st of every month, every minute, Europe/Paris"),
    ],
)  # fmt: skip
def test_cron_in_words(cron, words):
    assert in_words(Cron(cron, PARIS)) == words


def test_both_days_at_once_have_no_words():
    assert in_words(Cron("0 9 13 * 5", day_or=False)) == "cron 0 9 13 * 5, UTC"


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Interval(600), "every 10 minutes"),
        (Interval(60), "every minute"),
        (Interval(5400), "every 90 minutes"),
        (Interval(3601), "every 3601 seconds"),
        (Interval(36 * 3600), "every 36 hours"),
        (Interval(86_400), "every day at 00:00, UTC"),
        (Interval(86_400, datetime(2026, 1, 1, 9, 5, 7), PARIS), "every day at 09:05:07, Europe/Paris"),
        (Interval(86_400, datetime(2026, 1, 1, 8, tzinfo=UTC), PARIS), "every day at 09:00, Europe/Paris"),
        (Interval(3 * 86_400), "every 3 days at 00:00, UTC"),
        (Interval(7 * 86_400), "every Wednesday at 00:00, UTC"),
        (Interval(14 * 86_400, datetime(2026, 3, 6, 9)), "every 2 weeks on Friday at 09:00, UTC"),
    ],
)  # fmt: skip
def test_intervals_in_words(schedule, words):
    assert in_words(schedule) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY;BYHOUR=9", "every day at 09:00"),
        ("FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9", "every Monday and Thursday at 09:00"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9", "every weekday at 09:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "every 2 weeks on Monday and Thursday at 00:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR", "every 2 weeks on weekdays at 00:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYMONTH=5", "rrule FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYMONTH=5"),
        ("FREQ=MONTHLY", "on the 1st of every month at 00:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,-3", "on the 3rd last day and last day of every month at 00:00"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "on the last Friday of every month at 00:00"),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", "every 3 months on the 1st at 00:00"),
        ("FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR", "rrule FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "rrule FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1"),
        ("FREQ=YEARLY", "every year on 1 January at 00:00"),
        ("FREQ=YEARLY;INTERVAL=2", "every 2 years on 1 January at 00:00"),
        ("FREQ=YEARLY;BYDAY=20MO", "rrule FREQ=YEARLY;BYDAY=20MO"),
        ("FREQ=HOURLY;INTERVAL=2", "every 2 hours"),
        ("FREQ=HOURLY;BYMINUTE=15", "rrule FREQ=HOURLY;BYMINUTE=15"),
        ("FREQ=MINUTELY;INTERVAL=5", "every 5 minutes"),
        ("FREQ=MINUTELY;BYHOUR=3", "rrule FREQ=MINUTELY;BYHOUR=3"),
        ("FREQ=SECONDLY;INTERVAL=30", "every 30 seconds"),
        ("FREQ=SECONDLY;BYSECOND=30", "rrule FREQ=SECONDLY;BYSECOND=30"),
        ("FREQ=DAILY;UNTIL=20261231", "every day at 00:00 until 31 December 2026"),
        ("FREQ=DAILY;COUNT=10", "every day at 00:00, 10 times in all"),
        ("FREQ=DAILY\nEXDATE:20260101,20260102", "every day at 00:00, but for 2 dates"),
        ("FREQ=DAILY\nRDATE:20260101T100000", "every day at 00:00, and 1 date more"),
        ("RDATE:20270101T090000", "rrule RDATE:20270101T090000"),
        ("FREQ=DAILY\nFREQ=WEEKLY", "rrule FREQ=DAILY FREQ=WEEKLY"),
    ],
)  # fmt: skip
def test_rules_in_words(rule, words):
    assert in_words(RRule(rule, PARIS)) == f"{words}, Europe/Paris"


def test_long_rules_are_shortened():
    words = in_words(RRule("FREQ=DAILY;BYSETPOS=1\nEXDATE:" + ",".join(["20260101"] * 50)))
    assert len(words) < 100 and "…" in words


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Cron("0 6 * * 1-5", PARIS), "next Monday 06:00, then Tuesday 06:00, then Wednesday 06:00"),
        (Cron("0 16 * * *", PARIS), "next in 3 h, then tomorrow 16:00, then Monday 16:00"),
        (Cron("*/40 * * * *"), "next in 40 m, then in 1 h, then in 1 h 40 m"),
        (
            Cron("0 0 1 */6 *"),
            "next 1 July 00:00, then 1 January 2027 00:00, then 1 July 2027 00:00",
        ),
        (Interval(20), "next in 20 s, then in 40 s, then in 1 m"),
        (RRule("FREQ=DAILY;COUNT=1"), "no further runs"),
        (RRule("RDATE:20260307T130000"), "next in 1 h"),
    ],
)
def test_what_comes_next(schedule, words):
    assert preview(schedule, SATURDAY) == words


def test_what_comes_next_to_the_second():
    assert preview(Cron("0 * * * *"), SATURDAY - timedelta(seconds=0.5), 1) == "next now"
    assert preview(Cron("0 * * * *"), SATURDAY - timedelta(seconds=7), 1) == "next in 7 s"
