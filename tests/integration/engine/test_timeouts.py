"""Time limits hold wherever the code runs, and nest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest

from nbflow import flow, task
from nbflow.exceptions import FlowRunTimeout, TaskRunTimeout

#: Seconds of what must be cut short, and what a slow machine may take to do so.
LONG, PROMPT = 240, 120


@pytest.mark.parametrize("how", ["direct", "submitted"])
def test_a_task_that_takes_too_long_is_timed_out(how: str, record: Any) -> None:
    @task(timeout_seconds=0.1)
    def slow() -> None:
        for _ in range(12_000):
            time.sleep(0.02)

    @flow
    def main() -> None:
        with pytest.raises(TaskRunTimeout, match=r"0\.1 seconds"):
            slow() if how == "direct" else slow.submit().result()

    began = time.monotonic()
    main()
    assert time.monotonic() - began < PROMPT
    assert record.tasks() == {"slow": "TimedOut"}


def test_a_blocked_thread_is_left_behind_and_says_so(record: Any) -> None:
    @task(timeout_seconds=0.1)
    def blocked() -> None:
        time.sleep(LONG)

    @flow
    def main() -> None:
        with pytest.raises(TaskRunTimeout, match="ProcessPoolTaskRunner"):
            blocked.submit().result()

    began = time.monotonic()
    main()
    assert time.monotonic() - began < PROMPT


def test_an_outer_limit_ends_inner_runs_without_retries(record: Any) -> None:
    calls = []

    @task(retries=5, timeout_seconds=LONG)
    def slow() -> None:
        calls.append(1)
        time.sleep(LONG)

    @flow(timeout_seconds=1.5)  # enough to reach the task, on any machine
    def main() -> None:
        slow()

    began = time.monotonic()
    with pytest.raises(FlowRunTimeout, match=r"1\.5 seconds"):
        main()
    assert time.monotonic() - began < PROMPT
    assert record.state() == "TimedOut"
    assert record.tasks() == {"slow": "Cancelled"}
    assert len(calls) == 1


def test_an_inner_limit_leaves_the_outer_one_at_work(record: Any) -> None:
    @task(timeout_seconds=0.1)
    def slow() -> None:
        time.sleep(LONG)

    @flow(timeout_seconds=2.5)  # enough to see the inner limit at work
    def main() -> None:
        with pytest.raises(TaskRunTimeout):
            slow()
        time.sleep(LONG)

    with pytest.raises(FlowRunTimeout):
        main()
    assert record.tasks() == {"slow": "TimedOut"}


def test_swallowing_the_interruption_changes_nothing(record: Any) -> None:
    @task(timeout_seconds=0.1)
    def stubborn() -> str:
        with contextlib.suppress(BaseException):
            time.sleep(LONG)
        return "done"

    @flow
    def main() -> None:
        with pytest.raises(TaskRunTimeout):
            stubborn()

    main()
    assert record.tasks() == {"stubborn": "TimedOut"}


def test_an_async_task_is_cancelled_at_its_limit(record: Any) -> None:
    seen = []

    @task(timeout_seconds=0.1)
    async def slow() -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            seen.append("cleaned up")

    @task(timeout_seconds=0.1)
    async def deaf() -> None:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(LONG)

    @flow
    async def main() -> None:
        with pytest.raises(TaskRunTimeout):
            await slow()
        with pytest.raises(TaskRunTimeout, match="ignores"):
            await deaf()
        with pytest.raises(TaskRunTimeout):
            slow.submit().result()

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < PROMPT
    assert seen == ["cleaned up"] * 2
    assert set(record.tasks().values()) == {"TimedOut"}


def test_a_timeout_is_retried(record: Any) -> None:
    calls = []

    @task(timeout_seconds=1.5, retries=1)  # enough for the second attempt
    def slow_at_first() -> int:
        calls.append(1)
        if len(calls) == 1:
            time.sleep(LONG)
        return 1

    @flow
    def main() -> int:
        return slow_at_first()

    assert main() == 1
    assert record.history("slow_at_first") == [
        "Pending", "Running", "AwaitingRetry", "Retrying", "Completed",
    ]  # fmt: skip
