"""The scheduler looks when there is something to do, and rests otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbflow.deployments.running import new_run
from nbflow.exceptions import StoreError
from nbflow.models import FlowKind, new_id
from nbflow.models.deployments import DeploymentSpec
from nbflow.owner import this_owner
from nbflow.settings import temporary_settings
from nbflow.store import SQLStore
from nbflow.worker import scheduler as module
from nbflow.worker.scheduler import Scheduler
from tests.waiting import PATIENCE, until


@pytest.fixture
def store(nbflow_home: Path) -> Iterator[SQLStore]:
    nbflow_home.mkdir()
    made = SQLStore(f"sqlite:///{nbflow_home / 'nbflow.db'}")
    yield made
    made.close()


@contextmanager
def working(scheduler: Scheduler) -> Iterator[None]:
    thread = threading.Thread(target=scheduler.run, name="scheduler under test")
    thread.start()
    assert scheduler.ready.wait(PATIENCE)
    try:
        yield
    finally:
        scheduler.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Counted:
    """A store whose ticks are counted, and answered as the test wants."""

    def __init__(self, store: Any, answer: Any = None) -> None:
        self._store = store
        self._answer = answer
        self.ticks = 0
        self.dispatch = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def tick(self) -> datetime | None:
        self.ticks += 1
        return self._answer(self.ticks) if self._answer else self._store.dispatch.tick()


def test_a_new_deployment_is_heard_of_at_once(store: SQLStore) -> None:
    counted = Counted(store, lambda _: datetime.now(UTC) + timedelta(seconds=60))
    with working(Scheduler(counted)):
        until(lambda: counted.ticks == 1, "the first look")
        spec = DeploymentSpec(entrypoint="n.ipynb", kind=FlowKind.NOTEBOOK)
        store.deployments.save("f", "d", spec, content_hash="1")
        until(lambda: counted.ticks == 2, "the second look", 20)  # else it rests for 30 s


def test_a_lease_that_ran_out_is_found(store: SQLStore) -> None:
    spec = DeploymentSpec(entrypoint="n.ipynb", kind=FlowKind.NOTEBOOK)
    deployment = store.deployments.save("f", "d", spec, content_hash="1")
    with temporary_settings(lease_seconds=2.0), working(Scheduler(store)):
        run = store.dispatch.submit(*new_run(deployment))
        [claim] = store.dispatch.claim(new_id(), [])
        store.dispatch.start(claim.fence, this_owner())
        until(lambda: store.flow_run(run.id).state.name == "Crashed", "its end")


def test_it_rests_until_the_time_it_was_told(store: SQLStore) -> None:
    def answer(number: int) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=0.3 if number == 1 else 60)

    counted = Counted(store, answer)
    with working(Scheduler(counted)):
        until(lambda: counted.ticks == 2, "the second look")
        for _ in range(20):  # nothing of this brings anything forward
            store.vault.set_variable("x", 1)
    assert counted.ticks == 2


def test_a_past_time_does_not_make_it_spin(store: SQLStore) -> None:
    counted = Counted(store, lambda _: datetime.now(UTC) - timedelta(hours=1))
    with working(Scheduler(counted)):
        until(lambda: counted.ticks > 3, "some looks")
        begun, start = counted.ticks, datetime.now(UTC)
        until(lambda: counted.ticks >= begun + 4, "some more")
        assert datetime.now(UTC) - start > timedelta(seconds=0.15)


def test_trouble_is_told_once_and_tried_again(store: SQLStore) -> None:
    def answer(number: int) -> None:
        if number < 4:
            raise StoreError("It is away.")

    lines: list[str] = []
    counted = Counted(store, answer)
    with working(Scheduler(counted, tell=lines.append)):
        until(lambda: counted.ticks >= 4, "an answer")
        until(lambda: len(lines) == 2, "its words")
    assert lines[0].endswith("(It is away.)")
    assert lines[1] == "The store answers again."


def test_old_runs_go_every_hour(store: SQLStore, monkeypatch: pytest.MonkeyPatch) -> None:
    pruned: list[int] = []

    class Upkeep:
        def prune(self) -> Any:
            pruned.append(1)
            if len(pruned) == 1:
                raise StoreError("Not now.")
            return replace(store.upkeep.prune(), flow_runs=3)

    monkeypatch.setattr(module, "_PRUNE_EVERY", 0.0)
    lines: list[str] = []
    counted = Counted(store, lambda _: datetime.now(UTC))
    counted.upkeep = Upkeep()
    with working(Scheduler(counted, tell=lines.append)):
        until(lambda: len(lines) >= 2, "its words")
    assert "next try in an hour" in lines[0]
    assert lines[1] == "3 old runs removed"
