"""Tasks in other processes: what travels there and back, and what is printed on the way."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

from nbflow import flow, get_run_logger, runtime, task
from nbflow.exceptions import SerializationError, TaskRunTimeout
from nbflow.task_runners import ProcessPoolTaskRunner


@pytest.fixture(scope="module")
def one() -> ProcessPoolTaskRunner:
    return ProcessPoolTaskRunner(max_workers=1)


def test_prints_and_logs_arrive_once(one: Any, record: Any, capfd: Any) -> None:
    @task(log_prints=True)
    def talk() -> None:
        print("printed")
        get_run_logger().info("logged")

    @task(log_prints=False)
    def whisper() -> None:
        print("only shown")

    @flow(task_runner=one, log_prints=True)
    def main() -> None:
        talk.submit()
        whisper.submit()

    main()
    out, err = capfd.readouterr()
    assert out.splitlines().count("printed") == 1
    assert out.splitlines().count("only shown") == 1
    assert err.count("logged") == 1
    assert record.logs("talk") == ["printed", "logged"]
    assert record.logs("whisper") == []
    assert sum("printed" in line for line in record.logs()) == 1


def test_the_run_is_known_over_there(one: Any, record: Any) -> None:
    @task
    def where(x: int) -> Any:
        return (
            os.getpid(),
            runtime.flow_run.name,
            runtime.task_run.name,
            runtime.task_run.parameters,
        )

    @flow(task_runner=one)
    def main() -> Any:
        return where.submit(1).result()

    pid, flow_name, task_name, parameters = main()
    assert pid != os.getpid()
    assert (flow_name, task_name) == (record.run().name, "where")
    assert parameters == {"x": 1}


class Picky(Exception):
    """Cannot be made anew from what it passed on."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def test_failures_come_back_with_their_story(one: Any, record: Any) -> None:
    @task(retries=1)
    def fails(x: int) -> None:
        raise ValueError(f"with {x}")

    @task
    def picky() -> None:
        raise Picky(1, 2)

    @task
    def locked() -> None:
        error = RuntimeError("holds a lock")
        error.lock = threading.Lock()
        raise error

    @flow(task_runner=one)
    def main() -> None:
        with pytest.raises(ValueError, match="with 3"):
            fails.submit(3).result()
        with pytest.raises(Exception, match="1 and 2"):
            picky.submit().result()
        with pytest.raises(RuntimeError, match="holds a lock"):
            locked.submit().result()

    main()
    assert record.history("fails") == [
        "Pending", "Running", "AwaitingRetry", "Retrying", "Failed",
    ]  # fmt: skip
    assert any('raise ValueError(f"with {x}")' in line for line in record.logs("fails"))


def test_what_cannot_travel_is_named(one: Any, record: Any) -> None:
    @task(retries=2)
    def take(lock: Any) -> None: ...

    @task
    def give() -> Any:
        return threading.Lock()

    @flow(task_runner=one)
    def main() -> None:
        with pytest.raises(SerializationError, match="argument 'lock'"):
            take.submit(threading.Lock()).result()
        with pytest.raises(TypeError, match="cannot be sent back"):
            give.submit().result()

    main()
    assert record.history("take") == ["Pending", "Running", "Failed"]


def test_a_time_limit_kills_what_cannot_be_interrupted(one: Any, record: Any) -> None:
    @task(timeout_seconds=0.3)
    def stuck() -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    @flow(task_runner=one)
    def main() -> float:
        stuck.submit().wait()
        began = time.monotonic()
        future = stuck.submit()
        future.wait()
        with pytest.raises(TaskRunTimeout, match="killed"):
            future.result()
        return time.monotonic() - began

    assert main() < 30, "it holds a lock that nobody gives back"
    assert record.tasks() == {"stuck": "TimedOut", "stuck-2": "TimedOut"}


def test_async_and_generator_tasks_run_over_there(one: Any, record: Any) -> None:
    @task
    async def later(x: int) -> int:
        return x

    @task
    def several() -> Any:
        yield from range(3)

    @flow(task_runner=one)
    def main() -> Any:
        return later.submit(1).result(), several.submit().result()

    assert main() == (1, [0, 1, 2])
