"""A run is stopped from another thread, wherever it is."""

from __future__ import annotations

import asyncio
import threading
import time
from uuid import UUID, uuid4

import pytest

from nbflow import flow
from nbflow.engine import under_way
from nbflow.exceptions import CancelledRun
from nbflow.runs import get_run

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class Killer:
    """Interrupts the newest run as soon as its code has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.run_id: UUID | None = None
        self.found = False
        self.thread = threading.Thread(target=self.stop)
        self.thread.start()

    def begin(self) -> None:
        from nbflow import runtime

        self.run_id = UUID(str(runtime.flow_run.id))
        self.begun.set()

    def stop(self) -> None:
        assert self.begun.wait(60)
        time.sleep(0.1)  # let it fall asleep
        assert self.run_id is not None
        self.found = under_way.interrupt(self.run_id)


def test_a_sleep_in_the_main_thread_ends_at_once() -> None:
    killer = Killer()

    @flow
    def sleeps() -> None:
        killer.begin()
        time.sleep(240)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        sleeps()
    killer.thread.join()
    assert killer.found
    assert time.monotonic() - began < 120
    assert get_run("latest").state.name == "Cancelled"


def test_an_async_flow_ends_too() -> None:
    killer = Killer()

    @flow
    async def sleeps() -> None:
        killer.begin()
        await asyncio.sleep(240)

    with pytest.raises((KeyboardInterrupt, CancelledRun, asyncio.CancelledError)):
        asyncio.run(sleeps())
    killer.thread.join()
    assert killer.found
    assert get_run("latest").state.name == "Cancelled"


def test_a_run_in_another_thread_ends_at_its_next_line() -> None:
    killer = Killer()

    @flow
    def loops() -> None:
        killer.begin()
        for _ in range(24_000):
            time.sleep(0.01)

    thread = threading.Thread(target=lambda: loops(return_state=True))
    thread.start()
    thread.join(120)
    killer.thread.join()
    assert not thread.is_alive()
    assert killer.found
    assert get_run("latest").state.name == "Cancelled"


def test_what_does_not_run_here_is_not_found() -> None:
    @flow
    def quick() -> UUID:
        from nbflow import runtime

        return UUID(str(runtime.flow_run.id))

    assert under_way.interrupt(quick()) is False  # it is over
    assert under_way.interrupt(uuid4()) is False
