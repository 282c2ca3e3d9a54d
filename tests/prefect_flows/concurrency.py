"""Async flows, gather, and the task runners."""

import asyncio

from prefect import flow, task
from prefect.context import get_run_context
from prefect.runtime import flow_run, task_run
from prefect.task_runners import (
    ConcurrentTaskRunner,
    ProcessPoolTaskRunner,
    ThreadPoolTaskRunner,
)


def name_of_run():
    return f"{flow_run.flow_name}-{task_run.task_name}-{task_run.parameters['n']}"


@task(task_run_name=name_of_run)
async def double(n: int) -> int:
    await asyncio.sleep(0.01)
    assert get_run_context().task_run.name.endswith(f"double-{n}")
    return 2 * n


@task
def add(a: int, b: int) -> int:
    return a + b


@flow
async def inner(n: int) -> int:
    return await double(n)


@flow(task_runner=ConcurrentTaskRunner())
async def outer() -> int:
    doubled = await asyncio.gather(*[double(n) for n in range(4)])
    nested = await asyncio.gather(inner(1), inner(2))
    futures = [add.submit(a, 1) for a in doubled]
    total = add.submit(futures[0], futures[1])
    return total.result() + sum(nested)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def threads() -> list:
    first = add.submit(1, 2)
    return [add.submit(first, n, wait_for=[first]).result() for n in range(3)]


@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def processes() -> list:
    return add.map([1, 2], [3, 4]).result()


@flow
def forgotten():
    add.submit("not", 1)


@flow
def returned():
    return add.submit("not", 1)


def main():
    assert asyncio.run(outer()) == 10
    assert threads() == [3, 4, 5]
    assert processes() == [4, 6]
    assert forgotten(return_state=True).is_completed()
    assert returned(return_state=True).is_failed()
    return 1
