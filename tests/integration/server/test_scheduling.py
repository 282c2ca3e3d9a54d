"""The scheduler beside the API."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nbflow.models.deployments import DeploymentSchedule
from nbflow.server.scheduling import PunctualScheduler
from nbflow.store import SQLStore
from tests.waiting import until

from .conftest import SPEC


def test_schedules_fire_though_nobody_works_and_the_lag_is_measured(tmp_path: Path) -> None:
    store = SQLStore(f"sqlite:///{tmp_path / 'runs.db'}")
    scheduler = PunctualScheduler(store)
    scheduler.start()
    try:
        each_second = DeploymentSchedule(slug="often", schedule={"interval": 1})
        spec = replace(SPEC, follow=True)
        made = store.deployments.save(
            "train", "often", spec, schedules=[each_second], content_hash="0" * 64
        )
        first = made.schedules[0].next_fire
        assert first is not None
        until(
            lambda: (store.deployments.get(made.id).schedules[0].next_fire or first) > first,
            "the schedule's firing",
        )
        until(lambda: scheduler.lag_seconds is not None, "its lag")
        assert scheduler.lag_seconds is not None
        assert 0 <= scheduler.lag_seconds < 30
    finally:
        scheduler.close()
        store.close()
    assert not scheduler._thread.is_alive()


def test_a_scheduler_that_never_began_ends(tmp_path: Path) -> None:
    store = SQLStore(f"sqlite:///{tmp_path / 'runs.db'}")
    PunctualScheduler(store).close()
    store.close()
