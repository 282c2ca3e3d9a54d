"""Retries are counted, and wait as long as they are told."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.exceptions import ConfigurationError
from nbflow.retries import MAX_DELAYS, RetryPolicy, exponential_backoff


def no_chance():
    raise AssertionError("no randomness was asked for")


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        (None, [0, 0, 0]),
        (0, [0, 0, 0]),
        (2.5, [2.5, 2.5, 2.5]),
        ([], [0, 0, 0]),
        ([1, 2], [1, 2, 2]),
        ((1, 2, 3, 4), [1, 2, 3]),
        (exponential_backoff(10), [10, 20, 40]),
        (lambda retries: retries * 10, [30, 30, 30]),
        (lambda _: None, [0, 0, 0]),
    ],
)
def test_delays_follow_the_schedule_and_the_last_repeats(delays, expected):
    policy = RetryPolicy(3, delays)
    assert [policy.delay(attempt, no_chance) for attempt in (1, 2, 3)] == expected


@given(st.integers(0, 20), st.integers(1, 40))
def test_attempts_after_the_first_are_counted(retries, attempt):
    assert RetryPolicy(retries).allows(attempt) is (attempt <= retries)


@given(
    st.floats(0.01, 1e6),
    st.floats(0.01, 100),
    st.floats(0, 1, exclude_max=True),
)
def test_jitter_stays_within_its_bounds(base, factor, chance):
    delay = RetryPolicy(1, base, factor).delay(1, lambda: chance)
    assert 0 <= delay <= base * (1 + factor) * (1 + 1e-9)
    lower = -math.log2(1 - 2 ** -(1 + factor)) * base
    assert delay >= lower * (1 - 1e-6)


@pytest.mark.parametrize("factor", [0.1, 0.5, 1, 10])
def test_jitter_keeps_the_median_and_spreads(factor):
    chance = random.Random(7).random
    delays = [RetryPolicy(1, 10, factor).delay(1, chance) for _ in range(4000)]
    assert statistics.median(delays) == pytest.approx(10, rel=0.1)
    assert max(delays) > 10 * (1 + 0.8 * min(factor, 2)) > 10 > min(delays)


def test_backoff_lists_at_most_fifty_delays():
    assert len(exponential_backoff(1)(1000)) == MAX_DELAYS
    assert RetryPolicy(1000, exponential_backoff(1)).delay(1000, no_chance) == 2.0**49


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"retries": -1}, "retries must be a whole number, 0 or more; got -1"),
        ({"retries": 1.5}, "retries must be a whole number"),
        ({"delays": -1}, "retry_delay_seconds must be a number, 0 or more; got -1"),
        ({"delays": [1, float("nan")]}, "retry_delay_seconds must be a number"),
        ({"delays": "5"}, "must be a number, a list or a function; got '5'"),
        ({"delays": [1, None]}, "got None"),
        ({"delays": [1] * 51}, "lists 51 delays; the most is 50"),
        ({"jitter_factor": -0.1}, "retry_jitter_factor must be a number, 0 or more"),
        ({"jitter_factor": math.inf}, "retry_jitter_factor"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(arguments, message):
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**arguments)
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_negative_backoff_is_refused_where_it_is_written():
    with pytest.raises(ConfigurationError, match="backoff_factor"):
        exponential_backoff(-1)


def test_policies_compare_by_what_was_asked_for():
    assert RetryPolicy(2, 1) == RetryPolicy(2, 1) != RetryPolicy(2, 2)
