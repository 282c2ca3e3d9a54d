"""Who waits for a group may be interrupted at any moment, and harms nobody else."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import pytest

from nbflow.exceptions import StoreError
from nbflow.store.grouping import Grouping, Wait


class Interrupted(BaseException):
    """Stands for Ctrl-C, which pytest would take for its own."""


@contextmanager
def interrupts() -> Iterator[Callable[[bool], None]]:
    """Interrupts the main thread as soon as that is switched on, once."""
    armed, over = [False], threading.Event()

    def hear(*_: object) -> None:
        if armed[0]:
            armed[0] = False  # once, or it would interrupt who handles it
            raise Interrupted

    def switch(on: bool) -> None:
        armed[0] = on

    def keep_calling() -> None:
        while not over.wait(0.0002):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before, interval = signal.signal(signal.SIGUSR1, hear), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=keep_calling)
    thread.start()
    try:
        yield switch
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(interval)
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signals there")
def test_an_interrupt_of_who_waits_does_not_end_the_thread_that_finishes() -> None:
    waits: SimpleQueue[Wait | None] = SimpleQueue()
    thread = threading.Thread(target=lambda: [each.ring() for each in iter(waits.get, None)])
    thread.start()
    end = time.monotonic() + 0.5
    with interrupts() as switch:
        while time.monotonic() < end and thread.is_alive():
            wait = Wait()
            waits.put(wait)
            try:
                switch(True)
                wait.wait(20)
                switch(False)
            except Interrupted:
                switch(False)
    assert thread.is_alive()
    waits.put(None)
    thread.join()


@pytest.mark.parametrize("times", [1, 2])
def test_whoever_waits_goes_on_once_it_is_finished(times: int) -> None:
    wait = Wait()
    assert not wait.wait(0)
    for _ in range(times):
        wait.ring()
    assert wait.wait(0)


class Kept(Grouping[int]):
    """Keeps what it carries out, and whether two threads did at once."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.is_doubled = False
        self._busy = threading.Lock()
        super().__init__()

    def _carry_out(self, items: list[int | Wait]) -> None:
        if not self._busy.acquire(blocking=False):
            self.is_doubled = True
            return
        self.done += [item for item in items if isinstance(item, int)]
        self._busy.release()


# Python's own `Thread.start` waits for an Event, so the thread may die of it before it is ours.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signals there")
def test_an_interrupt_of_who_puts_leaves_nothing_undone() -> None:
    """Neither while the thread is started, nor while it is woken."""
    end = time.monotonic() + 2
    with interrupts() as switch:
        while time.monotonic() < end:
            kept = Kept()
            for number in range(10):
                try:
                    switch(True)
                    kept.put(number)
                    switch(False)
                except Interrupted:
                    pass
                assert kept.settle(5), f"{number} is never done: {kept.done}"
            kept.stop()
            assert kept.done == sorted(kept.done)
            assert not kept.is_doubled


def test_what_comes_while_it_stops_is_done_or_refused() -> None:
    """Whoever waits for it would else wait for ever: nobody is left to do it."""

    def keep_asking(kept: Kept, refused: threading.Event) -> None:
        try:
            while True:
                kept.wait_for(Wait())
        except StoreError:
            refused.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            kept, refusals = Kept(), [threading.Event() for _ in range(3)]
            for refused in refusals:
                threading.Thread(target=keep_asking, args=(kept, refused), daemon=True).start()
            kept.settle(5)
            kept.stop()
            assert all(refused.wait(10) for refused in refusals)
            assert not kept._queue
    finally:
        sys.setswitchinterval(interval)
