"""Threads at work are counted, waiting ones are not, and nothing queued is lost."""

from __future__ import annotations

import threading

import pytest

from nbflow.engine.pool import Place, PoolClosed, ThreadPool
from nbflow.engine.timer import call_later


@pytest.mark.parametrize("size", [1, 2, 5])
def test_every_job_runs_and_never_more_than_allowed(size: int) -> None:
    pool, lock, now, seen = ThreadPool(size), threading.Lock(), 0, []
    together = threading.Barrier(size)

    def job() -> None:
        nonlocal now
        with lock:
            now += 1
            seen.append(now)
        together.wait(60)
        with lock:
            now -= 1

    for _ in range(50):
        pool.submit(job)
    pool.drain()
    pool.close()
    assert len(seen) == 50
    assert max(seen) == size


def test_a_job_that_waits_lets_the_next_one_run() -> None:
    pool, done = ThreadPool(1), threading.Event()
    place = Place(pool)
    order = []

    def waiting() -> None:
        with place.given_away():
            assert done.wait(60)
        order.append("first")

    def second() -> None:
        order.append("second")
        done.set()

    pool.submit(waiting)
    pool.submit(second)
    pool.drain()
    pool.close()
    assert order == ["second", "first"]


def test_a_closed_pool_finishes_its_queue_and_takes_no_more() -> None:
    pool, ran = ThreadPool(1), []
    for n in range(5):
        pool.submit(lambda n=n: ran.append(n))  # type: ignore[misc]
    pool.close()
    pool.drain()
    assert ran == list(range(5))
    with pytest.raises(PoolClosed):
        pool.submit(lambda: None)


def test_a_pool_told_to_forget_drops_its_queue() -> None:
    pool, gate, ran = ThreadPool(1), threading.Event(), []
    pool.submit(lambda: gate.wait(60))
    pool.submit(lambda: ran.append(1))
    pool.close(forget=True)
    gate.set()
    pool.drain()
    assert ran == []


def test_timers_fire_in_order_of_their_time() -> None:
    fired: list[str] = []
    over = threading.Event()
    call_later(1.0, lambda: (fired.append("late"), over.set()))
    call_later(0.02, lambda: fired.append("early"))
    assert over.wait(60)
    assert fired == ["early", "late"]
