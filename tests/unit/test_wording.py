"""Numbers, times and names read as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from nbflow import wording

NOW = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""), (-3, "0 ms"), (0, "0 ms"), (0.0004, "0 ms"), (0.34, "340 ms"), (0.9994, "999 ms"),
        (0.9996, "1.0 s"), (1.2, "1.2 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 m 00 s"),
        (125, "2 m 05 s"), (3599.7, "1 h 00 m"), (3720, "1 h 02 m"), (86400 * 3 + 3600 * 4, "3 d 04 h"),
    ],
)  # fmt: skip
def test_durations(seconds, told):
    assert wording.duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"), (9, "just now"), (59, "59 seconds ago"), (60, "1 minute ago"), (-185, "in 3 minutes"),
        (7200, "2 hours ago"), (11 * 3600, "today 01:00"), (30 * 3600, "yesterday 06:00"), (54 * 3600, "Monday 06:00"),
        (86400 * 30, "6 April"), (86400 * 300, "10 July 2025"), (-86400, "tomorrow 12:00"),
    ],
)  # fmt: skip
def test_relative_times(seconds, told):
    assert wording.ago(NOW - timedelta(seconds=seconds), NOW, UTC) == told


def test_days_are_those_of_the_zone():
    late = timezone(timedelta(hours=14))
    assert wording.ago(NOW - timedelta(hours=11), NOW, late) == "yesterday 15:00"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "0/0"),
        ({"Completed": 187, "Failed": 3, "Running": 10}, "187/200 · 3 failed"),
        ({"Cached": 1, "TimedOut": 1, "Crashed": 2}, "1/4 · 1 timed out · 2 crashed"),
    ],
)
def test_progress(counts, told):
    assert wording.progress(counts) == told


@pytest.mark.parametrize(
    ("text", "limit", "told"),
    [
        ("short", 10, "short"), ("fetch_customers_2024_q3", 17, "fetch_cu…_2024_q3"), ("abcdef", 1, "…"),
        ("日本語のタスク", 7, "日本…ク"), ("e\u0301" * 4, 4, "e\u0301" * 4),
    ],
)  # fmt: skip
def test_a_long_name_loses_its_middle(text, limit, told):
    assert wording.middle_ellipsis(text, limit) == told
    assert wording.cell_width(wording.middle_ellipsis(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\n b\tc", "a b c"),
        ("x\x1b[31mred", "x�[31mred"),
        ("\u202eevil", "evil"),
        ("\ud800", "�"),
        ("👩‍👧", "👩‍👧"),
    ],
)
def test_one_line_steers_no_terminal(text, told):
    assert wording.one_line(text) == told


def test_the_last_line_is_the_one_that_speaks():
    assert wording.last_line("Traceback\n  at x\nValueError: no\n\n") == "ValueError: no"


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 tasks"), (1, "1 task"), (12000, "12\u202f000 tasks")]
)
def test_counted(number, told):
    assert wording.counted(number, "task") == told
