"""Lengths of time as people type them."""

from __future__ import annotations

import pytest

from nbflow.durations import read_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        (" 1.5 h ", 5400),
        ("15M", 900),
        ("1h30m", 5400),
        ("2 d 3 h", 183_600),
        ("1w", 604_800),
        ("250ms", 0.25),
        ("-5m", -300),
        ("1e3", 1000),
    ],
)
def test_lengths_of_time_are_read(text, seconds):
    assert read_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "5x", "nan", "inf", "1h30", "5 5", "--5", "1:30"])
def test_what_is_no_length_of_time_is_told_how_to_be_written(text):
    with pytest.raises(ValueError, match="is no length of time; write 90s, 15m, 2h or 1d"):
        read_duration(text)
