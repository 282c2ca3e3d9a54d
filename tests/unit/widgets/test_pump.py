"""When watches are served: by a pump whose targets do what a test tells them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from nbflow.exceptions import ObjectNotFound, StoreError
from nbflow.feed.look import Look
from nbflow.widgets import pump as pump_module
from nbflow.widgets.ear import Ear
from nbflow.widgets.messages import Leaving, Looking, Seeing, Target, Watching
from nbflow.widgets.open_pages import Pages
from nbflow.widgets.pump import Pump
from tests.waiting import until

RUN = UUID(int=1)
DEADLINE = 60.0


class Store:
    """Its news are announced by the test."""

    def __init__(self) -> None:
        self.events = self
        self.latest = 1
        self.waits = 0
        self._news = threading.Condition()

    def wait(self, after: int, timeout: float) -> int:
        with self._news:
            self.waits += 1
            self._news.wait_for(lambda: self.latest > after, min(timeout, 0.2))
            return self.latest

    def happen(self) -> None:
        with self._news:
            self.latest += 1
            self._news.notify_all()


class Follower:
    """Tells how often it was asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.settled = self.is_behind = False
        self.paced_seconds = 0.0
        self.work = 0.0
        self.looks: list[Look] = []
        self.errors: list[Exception] = []

    def update(self, look: Look) -> dict[str, Any] | None:
        self.looks.append(look)
        if self.errors:
            raise self.errors.pop(0)
        end = time.thread_time() + self.work
        while time.thread_time() < end:
            pass
        return {"now": len(self.looks)}

    def has_settled(self) -> bool:
        return self.settled


class Scene:
    """A page that watches one target, and what it is told."""

    def __init__(self) -> None:
        self.store = Store()
        self.follower = Follower(self.store)
        self.follows: list[Callable[[], Any]] = []
        self.told: list[tuple[float, dict[str, Any]]] = []
        self.news = threading.Condition()
        self.pages = Pages()
        self.pump = Pump(self.pages, self._send, self._follow)

    def _follow(self, target: Target) -> Any:
        return self.follows.pop(0)() if self.follows else self.follower

    def _send(self, message: Any) -> None:
        with self.news:
            self.told.append((time.monotonic(), message))
            self.news.notify_all()

    def watch(self, number: int = 1, **target: Any) -> None:
        self.pages.hear("p", time.monotonic())
        target = target or {"run": RUN}
        self.pages.watch(Watching(page="p", watch=number, target=Target(**target)))
        self.pump.wake()

    def updates(self) -> list[dict[str, Any]]:
        return [each["update"] for _, message in self.told for each in message["updates"]]

    def wait_for(self, fits: Callable[[], Any], seconds: float = DEADLINE) -> None:
        with self.news:
            assert self.news.wait_for(fits, seconds), self.told

    def is_let_alone(self) -> bool:
        """Whether everything watched has ended, and nobody listens for news of it any more."""
        served, ears = list(self.pump._served.values()), list(self.pump._ears.values())
        asleep = all(each.is_asleep(time.monotonic()) for each in served)
        return bool(served and ears) and asleep and not any(ear._wanted.is_set() for ear in ears)

    def wait_until(self, fits: Callable[[], Any]) -> None:
        """Of what is not told."""
        until(fits, "what is not told", DEADLINE)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.pump.stop()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes less."""
    for name in ("_RETRY", "_LINGER", "_AFTERMATH"):
        monkeypatch.setattr(pump_module, name, 0.1)
    monkeypatch.setattr(pump_module, "_UNBORN", 0.5)
    monkeypatch.setattr(pump_module, "_SOON", 0.05)


def test_a_watch_is_served_at_once_then_by_news(scene: Scene) -> None:
    scene.watch()
    scene.wait_for(lambda: scene.told)
    assert scene.told[0][1] == {
        "type": "updates",
        "updates": [{"page": "p", "watch": 1, "update": {"now": 1}}],
    }
    before = len(scene.follower.looks)
    scene.store.happen()
    scene.wait_until(lambda: len(scene.follower.looks) > before)


def test_a_flood_of_news_is_at_most_ten_messages_a_second(scene: Scene) -> None:
    scene.watch()
    scene.watch(2, run=UUID(int=2))
    end = time.monotonic() + 1.0
    while time.monotonic() < end or (len(scene.told) < 3 and time.monotonic() < end + DEADLINE):
        scene.store.happen()
        scene.pump.wake()
        time.sleep(0.001)
    times = [at for at, _ in scene.told]
    assert len(times) >= 3
    assert all(b - a >= 0.09 for a, b in pairwise(times))


def test_work_is_followed_by_a_rest_but_an_end_is_told_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "REST", 300.0)
    scene.watch()
    scene.wait_for(lambda: scene.told)
    scene.follower.work = 0.2  # a minute of rest
    before = len(scene.follower.looks)
    scene.store.happen()
    scene.wait_until(lambda: len(scene.follower.looks) > before)
    scene.wait_until(lambda: scene.pump._rested > time.monotonic())
    rest = scene.pump._rested - time.monotonic()
    scene.store.happen()
    scene.pump.wake()
    count = len(scene.follower.looks)
    time.sleep(0.3)
    assert len(scene.follower.looks) == count
    assert rest > 10.0
    scene.follower.settled = True
    scene.wait_until(lambda: len(scene.follower.looks) > count)
    assert time.monotonic() < scene.pump._rested


def test_the_rest_of_a_large_answer_comes_without_a_rest(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_HURRY", DEADLINE)
    monkeypatch.setattr(pump_module, "REST", 10 * DEADLINE)  # news of that cost wait a minute
    scene.follower.is_behind, scene.follower.work = True, 0.1
    scene.watch()
    scene.wait_until(lambda: len(scene.follower.looks) >= 4)
    assert scene.pump._rested < time.monotonic() + 1


def test_what_nobody_sees_is_not_read(scene: Scene) -> None:
    scene.watch()
    scene.wait_until(lambda: len(scene.follower.looks) == 2)  # the second as news may have come
    scene.pages.see(Seeing(page="p", watch=1, visible=False))
    count = len(scene.follower.looks)
    for _ in range(5):
        scene.store.happen()
        scene.pump.wake()
        time.sleep(0.03)
    assert len(scene.follower.looks) == count
    scene.pages.see(Seeing(page="p", watch=1, visible=True))
    scene.pump.wake()
    scene.wait_until(lambda: len(scene.follower.looks) > count)


def test_another_look_is_served_at_once(scene: Scene) -> None:
    scene.watch()
    scene.wait_for(lambda: scene.told)
    scene.pages.look(Looking(page="p", watch=1, look={"closed": ["g"]}))
    scene.pump.wake()
    scene.wait_until(lambda: scene.follower.looks[-1] == Look(frozenset("g")))


@pytest.mark.usefixtures("quick")
def test_an_ended_run_is_let_alone_until_its_page_asks(scene: Scene) -> None:
    scene.follower.settled = True
    scene.watch()
    scene.wait_for(lambda: scene.told)
    scene.wait_until(scene.is_let_alone)
    count, waits = len(scene.follower.looks), scene.store.waits
    scene.store.happen()
    time.sleep(0.4)
    assert len(scene.follower.looks) == count
    assert scene.store.waits <= waits + 2
    scene.pages.hear("p", time.monotonic())  # a beat: nothing has changed
    scene.pump.wake()
    time.sleep(0.3)
    assert len(scene.follower.looks) == count
    scene.follower.settled = False  # it was resumed
    scene.pages.hear("p", time.monotonic())
    scene.pump.wake()
    scene.wait_until(lambda: len(scene.follower.looks) > count)


@pytest.mark.usefixtures("quick")
def test_trouble_is_told_once_and_the_rest_goes_on(scene: Scene) -> None:
    fresh = Follower(scene.store)
    scene.follower.errors = [StoreError("The database is locked."), *[StoreError("Again.")] * 2]
    scene.follows = [lambda: scene.follower] * 3 + [lambda: fresh]
    scene.watch()
    scene.wait_for(lambda: fresh.looks and scene.updates()[-1] == {"now": 1})
    gone = [update["gone"] for update in scene.updates() if "gone" in update]
    assert gone == ["The database is locked.", "Again."]


@pytest.mark.usefixtures("quick")
def test_an_error_of_nbflow_itself_is_told_honestly(scene: Scene) -> None:
    scene.follower.errors = [KeyError("x")]
    scene.watch()
    scene.wait_for(lambda: len(scene.updates()) >= 2)
    assert "KeyError" in scene.updates()[0]["gone"]


def raising(error: Exception) -> Callable[[], Any]:
    def raise_it() -> Any:
        raise error

    return raise_it


@pytest.mark.usefixtures("quick")
def test_a_run_that_is_not_recorded_yet_is_waited_for(scene: Scene) -> None:
    scene.follows = [raising(ObjectNotFound("no such run"))] * 3
    scene.watch()
    scene.wait_for(lambda: scene.told)
    assert scene.updates()[0] == {"now": 1}


@pytest.mark.usefixtures("quick")
def test_a_run_that_never_comes_is_given_up(scene: Scene) -> None:
    scene.follows = [raising(ObjectNotFound("no such run"))] * 100
    scene.watch()
    scene.wait_for(lambda: scene.told)
    assert scene.updates()[0]["gone"] == "no such run"


def test_a_view_that_is_gone_is_told_of_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_UNBORN", 10 * DEADLINE)  # so long others are waited for
    scene.follows = [raising(ObjectNotFound("run the cell again"))]
    scene.watch(view="v")
    scene.wait_for(lambda: scene.told)
    assert scene.updates()[0]["gone"] == "run the cell again"


@pytest.mark.usefixtures("quick")
def test_the_thread_ends_and_begins_again(scene: Scene) -> None:
    scene.pump.wake()
    scene.wait_until(lambda: scene.pump._thread is None)
    scene.watch()
    scene.wait_for(lambda: scene.told)


def test_nothing_is_sent_after_the_end(scene: Scene) -> None:
    scene.watch()
    scene.wait_for(lambda: scene.told)
    scene.pump.stop()
    count = len(scene.told)
    scene.store.happen()
    scene.pump.wake()
    scene.wait_until(lambda: scene.pump._thread is None)
    assert len(scene.told) == count


def test_a_message_does_not_wait_for_all_that_many_views_have_to_be_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_FULL", 0.05)
    scene.follower.work = 0.02
    for number in range(12):
        scene.watch(number, run=UUID(int=number))
    scene.wait_for(lambda: len(scene.updates()) >= 12)
    sizes = [len(message["updates"]) for _, message in scene.told]
    assert max(sizes) < 12
    told = [each["watch"] for _, message in scene.told for each in message["updates"]]
    assert sorted(told[:12]) == list(range(12))  # nobody twice before all were told once


def test_whoever_was_left_out_of_a_full_message_is_told_the_same_news(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "_FULL", 0.0)
    monkeypatch.setattr(pump_module, "REST", 0.0)
    for number in range(4):
        scene.watch(number, run=UUID(int=number))
    scene.wait_for(lambda: len(scene.updates()) >= 4)
    scene.told.clear()
    scene.store.happen()
    scene.wait_for(
        lambda: (
            {each["watch"] for _, message in scene.told for each in message["updates"]}
            == {0, 1, 2, 3}
        )
    )


def test_a_watch_that_comes_while_the_thread_ends_hears_news(
    scene: Scene, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.watch()
    scene.wait_for(lambda: scene.told)
    close, closed = Ear.close, threading.Event()

    def slowly(ear: Ear) -> None:
        if not closed.is_set():
            closed.set()
            scene.watch(2)
            scene.wait_for(lambda: len(scene.told) > 1)
        close(ear)

    monkeypatch.setattr(Ear, "close", slowly)
    scene.pages.unwatch(Leaving(page="p", watch=1))
    assert closed.wait(DEADLINE)
    scene.wait_for(lambda: len(scene.told) > 1)
    before = len(scene.told)
    scene.wait_until(lambda: any(ear.name == "nbflow-ear" for ear in threading.enumerate()))
    scene.store.happen()
    scene.wait_for(lambda: len(scene.told) > before)


def test_an_error_of_a_store_ends_no_thread(scene: Scene, quick: None) -> None:
    def broken() -> bool:
        raise OSError("the disk is gone")

    scene.follower.settled = True
    scene.watch()
    scene.wait_for(lambda: scene.told)
    scene.wait_until(lambda: all(s.is_asleep(time.monotonic()) for s in served(scene)))
    scene.follower.has_settled = broken  # type: ignore[method-assign]
    scene.pages.hear("p", time.monotonic())
    scene.pump.wake()
    scene.watch(2)
    scene.wait_for(lambda: any(each["watch"] == 2 for each in scene.told[-1][1]["updates"]))


def served(scene: Scene) -> list[Any]:
    return list(scene.pump._served.values())


def test_a_thread_that_could_not_begin_is_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError):
            scene.watch()
    scene.pump.wake()
    scene.wait_for(lambda: scene.told)
