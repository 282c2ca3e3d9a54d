"""Named limits: `with concurrency(...)` and `rate_limit(...)`, in threads, loops and processes."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbflow
from nbflow import concurrency, flow, rate_limit, task
from nbflow.concurrency.asyncio import rate_limit as rate_limit_async
from nbflow.engine import slots
from nbflow.exceptions import ObjectNotFound, RunTimeout, UsageError
from nbflow.models.deployments import ConcurrencyLimit
from nbflow.store import close_stores, open_store
from tests.waiting import until


@pytest.fixture(autouse=True)
def _stores(nbflow_home: Path) -> Iterator[None]:
    slots.forget_limits()
    yield
    slots.forget_limits()
    close_stores()


def limit(name: str, count: int, decay: float | None = None) -> None:
    made = ConcurrencyLimit(name=name, slots=count, slot_decay_per_second=decay)
    open_store().limits.save(made)


def taken(name: str) -> int:
    return open_store().limits.limit(name).taken


# ── holding slots ────────────────────────────────────────────────────────────────────────


def test_slots_are_held_inside_the_block_and_given_back() -> None:
    limit("db", 3)
    with concurrency("db", occupy=2):
        assert taken("db") == 2
        with concurrency(["db"]):
            assert taken("db") == 3
    assert taken("db") == 0


def test_they_are_given_back_when_the_block_raises() -> None:
    limit("db", 1)
    with pytest.raises(ZeroDivisionError), concurrency("db"):
        _ = 1 / 0
    assert taken("db") == 0


def test_threads_take_turns_in_the_order_they_came() -> None:
    limit("db", 1)
    order: list[int] = []
    threads = []

    def work(number: int) -> None:
        with concurrency("db"):
            order.append(number)

    with concurrency("db"):
        for number in range(5):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
            until(lambda: _in_line() == len(threads), "all to stand in line")
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def _in_line() -> int:
    return sum(len(line.waiting) for line in slots._keeper._lines.values())


def test_the_next_one_starts_as_soon_as_a_slot_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "_FIRST_PAUSE", 240.0)  # by itself it would ask much later
    limit("db", 1)
    started: list[float] = []
    first = concurrency("db")
    first.__enter__()

    def work() -> None:
        with concurrency("db"):
            started.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: _in_line() == 1, "one to stand in line")
    first.__exit__(None, None, None)
    free = time.monotonic()
    thread.join()
    assert started[0] - free < 60


def test_all_of_several_limits_or_none() -> None:
    limit("a", 1)
    limit("b", 1)
    with (
        concurrency("b"),
        pytest.raises(RunTimeout, match="'a', 'b' became free within"),
        concurrency(["b", "a"], timeout_seconds=0.05),
    ):
        pytest.fail("there was no slot")
    assert (taken("a"), taken("b")) == (0, 0)


def test_a_timeout_says_what_to_do_and_leaves_the_line() -> None:
    limit("db", 1)
    with concurrency("db"), pytest.raises(TimeoutError, match="nbflow limit ls"):
        concurrency("db", timeout_seconds=0.05).__enter__()
    assert _in_line() == 0


def test_a_name_without_limit_lets_everybody_through_unless_strict() -> None:
    limit("database", 1)
    with concurrency("databse"):
        pass
    with pytest.raises(ObjectNotFound, match="database"), concurrency("databse", strict=True):
        pytest.fail("it is strict")


@pytest.mark.parametrize("occupy", [0, -1])
def test_nothing_cannot_be_occupied(occupy: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        concurrency("db", occupy=occupy)


def test_more_than_there_will_ever_be_is_refused_at_once() -> None:
    limit("db", 1)
    with pytest.raises(UsageError):
        concurrency("db", occupy=2).__enter__()


def test_the_names_of_prefect_work_whatever_was_imported_first() -> None:
    sync = importlib.import_module("nbflow.concurrency.sync")
    limit("db", 1)
    with nbflow.concurrency("db"), pytest.raises(RunTimeout):
        sync.concurrency("db", timeout_seconds=0.01).__enter__()


# ── async ────────────────────────────────────────────────────────────────────────────────


def test_the_event_loop_is_free_while_others_wait() -> None:
    limit("db", 2)
    most, inside = 0, 0

    async def work() -> None:
        nonlocal most, inside
        async with concurrency("db"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    async def run() -> None:
        await asyncio.gather(*(work() for _ in range(8)))

    asyncio.run(run())
    assert most == 2
    assert taken("db") == 0


def test_a_cancelled_wait_leaves_the_line() -> None:
    limit("db", 1)

    async def run() -> None:
        async def work() -> None:
            async with concurrency("db"):
                pytest.fail("there was no slot")

        waiting = asyncio.create_task(work())
        while not _in_line():  # noqa: ASYNC110 - another thread's line
            await asyncio.sleep(0.005)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(RunTimeout):
            await concurrency("db", timeout_seconds=0.02).__aenter__()

    with concurrency("db"):
        asyncio.run(run())
    assert _in_line() == 0
    assert taken("db") == 0


# ── in runs ──────────────────────────────────────────────────────────────────────────────


def test_tasks_and_flows_name_themselves_as_holders() -> None:
    limit("db", 1)
    holders: list[str] = []
    acquire = slots.SlotRequest._acquire

    @task
    def work() -> None:
        with concurrency("db"):
            assert taken("db") == 1

    @flow
    def run() -> None:
        work.submit().result()
        with concurrency("db"):
            pass

    def watched(request: slots.SlotRequest) -> Any:
        holders.append(request.holder)
        return acquire(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slots.SlotRequest, "_acquire", watched)
        run()
    assert holders[0] == "task run 'work'"
    assert holders[1].startswith("flow run '")


# ── leases ───────────────────────────────────────────────────────────────────────────────


def test_a_held_lease_is_renewed_and_outlives_its_time() -> None:
    limit("db", 1)
    with concurrency("db", lease_duration=3.0):
        time.sleep(3.5)
        assert taken("db") == 1


def test_a_lost_lease_is_told(caplog: pytest.LogCaptureFixture) -> None:
    limit("db", 1)
    with caplog.at_level(logging.WARNING), concurrency("db", lease_duration=0.2):
        (request,) = slots._keeper._held
        assert request.slot is not None
        open_store().limits.release(request.slot)  # as somebody's clean-up would
        until(lambda: "were lost" in caplog.text, "word of the loss")
    assert "'db'" in caplog.text


HOLDER = """
import sys, time
from nbflow import concurrency
with concurrency("db", lease_duration=float(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_slots_of_a_dead_process_become_free_and_an_interrupt_frees_at_once() -> None:
    limit("db", 1)
    for number, lease in ((signal.SIGKILL, "1.0"), (signal.SIGINT, "600")):
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, lease],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            holder.send_signal(number)
            with concurrency("db", timeout_seconds=60):
                assert taken("db") == 1


def test_waiting_is_interrupted_by_ctrl_c() -> None:
    limit("db", 1)

    def interrupt() -> None:
        until(lambda: _in_line() == 1, "one to stand in line")
        os.kill(os.getpid(), signal.SIGINT)

    with concurrency("db"):
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            concurrency("db").__enter__()
        thread.join()
    assert _in_line() == 0


def test_the_thread_ends_when_there_is_nothing_to_do() -> None:
    limit("db", 1)
    with concurrency("db"):
        assert _threads() == 1
    until(lambda: _threads() == 0, "the thread's end")


def _threads() -> int:
    return sum(thread.name == "nbflow-slots" for thread in threading.enumerate())


# ── rates ────────────────────────────────────────────────────────────────────────────────


def test_a_rate_limit_lets_so_many_through_a_second() -> None:
    limit("api", 1, decay=20.0)
    start = time.monotonic()
    for _ in range(7):
        rate_limit("api")
    took = time.monotonic() - start
    assert took >= 6 / 20 - 0.01


def test_a_rate_limit_in_async_code_and_in_time() -> None:
    limit("api", 1, decay=0.1)

    async def run() -> None:
        await rate_limit_async("api")
        with pytest.raises(RunTimeout):
            await rate_limit_async("api", timeout_seconds=0.05)

    asyncio.run(run())
    with pytest.raises(RunTimeout, match="'api'"):
        rate_limit("api", timeout_seconds=0.05)


def test_a_strict_rate_limit_wants_a_rate() -> None:
    limit("db", 1)
    with pytest.raises(UsageError, match="limits no rate"):
        rate_limit("db", strict=True)
    with pytest.raises(ObjectNotFound):
        rate_limit("nothing", strict=True)
    rate_limit("nothing")
