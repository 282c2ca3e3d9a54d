"""Pools finish any DAG, count only what works, and lose nothing."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbflow import flow, get_run, task
from nbflow.exceptions import ConfigurationError, UpstreamTaskError
from nbflow.task_runners import (
    ConcurrentTaskRunner,
    ProcessPoolTaskRunner,
    SequentialTaskRunner,
    ThreadPoolTaskRunner,
)
from tests.waiting import until


@st.composite
def dags(draw: Any, most: int = 12) -> list[tuple[list[int], int, bool, bool]]:
    """Nodes as (upstream nodes, delay in ms, fails, is async)."""
    count = draw(st.integers(1, most))
    return [
        (
            draw(st.lists(st.integers(0, n - 1), unique=True, max_size=4)) if n else [],
            draw(st.sampled_from([0, 0, 0, 1, 5])),
            draw(st.integers(0, 5)) == 0,
            draw(st.booleans()),
        )
        for n in range(count)
    ]


class Expected(Exception):
    """A failure that the test asked for."""


@task
def node(values: list[int], delay: int, fails: bool) -> int:
    time.sleep(delay / 1000)
    if fails:
        raise Expected
    return sum(values) + 1


@task
async def async_node(values: list[int], delay: int, fails: bool) -> int:
    import asyncio

    await asyncio.sleep(delay / 1000)
    if fails:
        raise Expected
    return sum(values) + 1


def expected(dag: list[Any]) -> list[Any]:
    """Each node's value, evaluated one after another; "failed" or "blocked" without one."""
    answers: list[Any] = []
    for upstream, _, fails, _ in dag:
        values = [answers[n] for n in upstream]
        if any(isinstance(value, str) for value in values):
            answers.append("blocked")
        else:
            answers.append("failed" if fails else sum(values) + 1)
    return answers


def run_dag(dag: list[Any], runner: Any) -> list[Any]:
    """The same by a flow."""

    @flow(task_runner=runner)
    def main() -> list[Any]:
        futures: list[Any] = []
        for upstream, delay, fails, is_async in dag:
            chosen = async_node if is_async else node
            futures.append(chosen.submit([futures[n] for n in upstream], delay, fails))
        answers: list[Any] = []
        for future in futures:
            try:
                answers.append(future.result(timeout=30))
            except Expected:
                answers.append("failed")
            except UpstreamTaskError:
                assert future.state.name == "NotReady"
                answers.append("blocked")
        return answers

    return main()


@pytest.mark.parametrize(
    ("runner", "examples"),
    [
        (ThreadPoolTaskRunner(1), 40),
        (ThreadPoolTaskRunner(3), 40),
        (SequentialTaskRunner(), 20),
        (ProcessPoolTaskRunner(1), 2),
        (ProcessPoolTaskRunner(2), 3),
    ],
    ids=repr,
)
def test_any_dag_finishes_as_if_it_were_sequential(runner: Any, examples: int, record: Any) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(dags())
    def check(dag: list[Any]) -> None:
        assert run_dag(dag, runner) == expected(dag)

    check()


def test_a_pool_of_one_finishes_tasks_that_wait_for_their_own(record: Any) -> None:
    @task
    def fib(n: int) -> int:
        return n if n < 2 else fib.submit(n - 1).result() + fib.submit(n - 2).result(timeout=60)

    @task
    async def parent() -> int:
        return fib.submit(3).result() + await fib.submit(4)

    @task(timeout_seconds=30)
    def limited() -> int:
        return fib.submit(5).result()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def main() -> tuple[int, int, int]:
        return fib.submit(8).result(), parent.submit().result(), limited.submit().result()

    assert main() == (21, 5, 5)


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("is_async", [False, True])
def test_no_more_tasks_work_at_a_time_than_allowed(limit: int, is_async: bool, record: Any) -> None:
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(limit)

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(60)
        with lock:
            now -= 1

    async def async_work() -> None:
        work()

    step = task(async_work if is_async else work)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=limit))
    def main() -> None:
        for _ in range(8):
            step.submit()

    main()
    assert most == limit


def test_waiting_for_a_retry_holds_no_thread(record: Any) -> None:
    tries = []

    @task(retries=1, retry_delay_seconds=2)
    def flaky() -> str:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise ValueError
        return "flaky"

    @task
    def quick() -> float:
        return time.monotonic()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def main() -> tuple[str, float]:
        slow, fast = flaky.submit(), quick.submit()
        return slow.result(), fast.result()

    _, at = main()
    assert tries[0] <= at < tries[1]


@pytest.mark.parametrize("workers", [0, -1])
def test_a_pool_needs_a_worker(workers: int) -> None:
    with pytest.raises(ConfigurationError, match="max_workers"):
        ThreadPoolTaskRunner(max_workers=workers)


def test_a_runner_may_be_given_as_its_class(record: Any) -> None:
    seen = []

    @task
    def where() -> None:
        seen.append(threading.current_thread())

    @flow(task_runner=SequentialTaskRunner)
    def main() -> None:
        where.submit()

    main()
    assert seen == [threading.current_thread()]
    assert ConcurrentTaskRunner is ThreadPoolTaskRunner


@pytest.mark.timeout(600)  # it takes seconds; on a busy machine, minutes
def test_thousands_of_mapped_tasks_are_recorded(record: Any) -> None:
    @task
    def inc(x: int) -> int:
        return x + 1

    @flow
    def main() -> int:
        return sum(inc.map(range(3000)).result())

    assert main() == sum(range(1, 3001))
    assert sum(t.state.is_completed() for t in get_run().task_runs) == 3000


def test_no_thread_stays_behind_when_a_flow_is_over(record: Any) -> None:
    @task
    def quick() -> None: ...

    @flow(task_runner=ThreadPoolTaskRunner(4))
    def main() -> None:
        for _ in range(8):
            quick.submit()

    main()
    until(
        lambda: "nbflow-task" not in {thread.name for thread in threading.enumerate()},
        "the threads' end",
    )


def test_submitting_from_other_threads_gives_each_run_its_name(record: Any) -> None:
    import contextvars

    @task
    def step() -> None: ...

    @flow
    def main() -> None:
        def submit() -> None:
            for _ in range(50):
                step.submit().wait()

        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(submit,))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    main()
    assert len(record.tasks()) == 200
