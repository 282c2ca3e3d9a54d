"""Reused values: policies, key functions, expiration."""

from datetime import timedelta

from prefect import flow, task
from prefect.cache_policies import INPUTS, NO_CACHE, TASK_SOURCE
from prefect.tasks import task_input_hash

calls = []


@task(cache_policy=INPUTS + TASK_SOURCE, persist_result=True)
def square(x: int) -> int:
    calls.append(("square", x))
    return x * x


@task(cache_key_fn=task_input_hash, cache_expiration=timedelta(hours=1))
def cube(x: int) -> int:
    calls.append(("cube", x))
    return x**3


@task(cache_policy=NO_CACHE)
def plain(x: int) -> int:
    calls.append(("plain", x))
    return x


@task(cache_policy=INPUTS - "label")
def labelled(x: int, label: str) -> int:
    calls.append(("labelled", x))
    return x


@flow(persist_result=True)
def numbers(x: int):
    return square(x), cube(x), plain(x), labelled(x, f"label {len(calls)}")


def main():
    assert numbers(2) == numbers(2) == (4, 8, 2, 2)
    assert sorted(calls) == [
        ("cube", 2),
        ("labelled", 2),
        ("plain", 2),
        ("plain", 2),
        ("square", 2),
    ]
    forced = square.with_options(refresh_cache=True)

    @flow
    def again():
        return forced(2, return_state=True).name, square(2, return_state=True).name

    assert again() == ("Completed", "Cached")
    return 1
