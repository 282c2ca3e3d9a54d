"""Tasks whose tags are limited: how many run at once, what they are while they wait."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nbflow import flow, tags, task
from nbflow.engine import slots
from nbflow.models.deployments import ConcurrencyLimit
from nbflow.store import open_store
from nbflow.task_runners import (
    ProcessPoolTaskRunner,
    SequentialTaskRunner,
    TaskRunner,
    ThreadPoolTaskRunner,
)


class Busy:
    """Counts who is inside at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


@pytest.fixture(autouse=True)
def _fresh(record: Any) -> Iterator[None]:
    slots.forget_limits()
    yield
    slots.forget_limits()


def limit(name: str, count: int) -> None:
    open_store().limits.save(ConcurrencyLimit(name=name, slots=count))


def taken(name: str) -> int:
    return open_store().limits.limit(name).taken


@pytest.mark.parametrize("runner", [ThreadPoolTaskRunner(8), ThreadPoolTaskRunner(1)])
def test_no_more_run_at_once_than_the_limit_says(record: Any, runner: TaskRunner) -> None:
    limit("tag:db", 2)
    busy = Busy()

    @task(tags={"db"})
    def work(number: int) -> int:
        with busy:
            time.sleep(0.01)
        return number

    @flow(task_runner=runner)
    def run() -> list[int]:
        return work.map(range(8)).result()  # type: ignore[no-any-return]

    assert run() == list(range(8))
    assert busy.most <= 2
    assert taken("tag:db") == 0
    assert set(record.tasks().values()) == {"Completed"}


def test_who_waits_is_awaiting_a_slot_and_holds_no_thread(record: Any) -> None:
    limit("tag:db", 1)
    begun, others_done = threading.Event(), threading.Event()

    @task(tags={"db"})
    def first() -> bool:
        begun.set()
        return others_done.wait(60)

    @task(tags={"db"})
    def second() -> str:
        return "second"

    @task
    def plain() -> str:
        return "plain"

    @flow(task_runner=ThreadPoolTaskRunner(2))
    def run() -> list[Any]:
        holder = first.submit()
        assert begun.wait(60)
        waiting, free = second.submit(), plain.submit()
        assert free.result() == "plain"  # of two threads, one is free
        while waiting.state.name != "AwaitingSlot":
            time.sleep(0.005)
        others_done.set()
        return [holder.result(), waiting.result()]

    assert run() == [True, "second"]
    assert record.history("second") == ["Pending", "AwaitingSlot", "Running", "Completed"]


def test_slots_are_given_back_between_attempts_and_after_a_failure(record: Any) -> None:
    limit("tag:db", 1)
    held: list[int] = []

    @task(tags={"db"}, retries=1, retry_delay_seconds=0)
    def fails() -> None:
        held.append(taken("tag:db"))
        raise ValueError("no")

    @flow
    def run() -> int:
        future = fails.submit()
        future.wait()
        assert future.state.name == "Failed"
        return taken("tag:db")

    assert run() == 0
    assert held == [1, 1]


def test_tasks_that_are_called_take_slots_too_sync_and_async(record: Any) -> None:
    limit("tag:db", 1)

    @task(tags={"db"})
    def called() -> int:
        return taken("tag:db")

    @task(tags={"db"})
    async def awaited() -> int:
        await asyncio.sleep(0.01)
        return taken("tag:db")

    @flow
    async def run() -> list[int]:
        return [called(), *await asyncio.gather(awaited(), awaited(), awaited())]

    assert asyncio.run(run()) == [1, 1, 1, 1]


def test_tags_of_a_block_count_as_well(record: Any) -> None:
    limit("tag:db", 1)

    @task
    def called() -> int:
        return taken("tag:db")

    @flow(task_runner=SequentialTaskRunner())
    def run() -> list[int]:
        with tags("db"):
            inside = called.submit().result()
        return [inside, called.submit().result()]

    assert run() == [1, 0]


def _sleep_in_process(number: int) -> tuple[float, float]:
    start = time.time()
    time.sleep(0.05)
    return start, time.time()


def test_tasks_in_processes_take_turns(record: Any) -> None:
    limit("tag:db", 1)
    work = task(_sleep_in_process, tags={"db"}, name="work")

    @flow(task_runner=ProcessPoolTaskRunner(2))
    def run() -> list[tuple[float, float]]:
        return work.map(range(3)).result()  # type: ignore[no-any-return]

    spans = sorted(run())
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_a_limit_of_nothing_lets_nobody_start_and_an_interrupt_ends_the_wait(record: Any) -> None:
    limit("tag:db", 0)

    @task(tags={"db"})
    def never() -> None:
        pytest.fail("it ran")

    @flow
    def run() -> None:
        waiting = never.submit()
        while waiting.state.name != "AwaitingSlot":
            time.sleep(0.005)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert record.tasks() == {"never": "Cancelled"}
    assert not slots._keeper._lines


def test_who_is_stopped_just_before_it_lines_up_does_not_wait() -> None:
    limit("tag:db", 0)
    request = slots.SlotRequest(limits=open_store().limits, names=("tag:db",))
    assert not request.take()
    request.release()  # by the thread that stops the run
    request.line_up()  # by the one that works on it
    assert not slots._keeper._lines


def test_flows_without_tags_never_look_at_limits(
    record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*_: object) -> None:
        pytest.fail("it looked")

    monkeypatch.setattr("nbflow.engine.execution.known_limits", look)

    @task
    def plain() -> int:
        return 1

    @flow
    def run() -> int:
        return sum(plain.submit().result() for _ in range(3))

    assert run() == 3


def test_tagged_tasks_look_at_limits_once_in_a_while(
    record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "_BELIEVED", 600.0)  # longer than any machine needs for this
    looked: list[int] = []
    limits = open_store().limits
    monkeypatch.setattr(limits, "limits", lambda: looked.append(1) or [])

    @task(tags={"db"})
    def tagged() -> int:
        return 1

    @flow
    def run() -> int:
        return sum(future.result() for future in [tagged.submit() for _ in range(50)])

    assert run() == 50
    assert len(looked) <= 2
