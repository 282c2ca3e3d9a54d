"""Backfills: one run for each instant, the same backfill once, as one thing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from nbflow import deploy
from nbflow.deployments.backfilling import BackfillPlan, plan_backfill
from nbflow.exceptions import ParameterTypeError, UnknownParameterError, UsageError
from nbflow.models import FlowRunFilter
from nbflow.models.deployments import Deployment
from nbflow.store import Store

SPAN = (date(2026, 3, 28), date(2026, 3, 30))  # the clocks of Paris go forward on the 29th
FLOWS = """
from datetime import date, datetime
from nbflow import flow
@flow
def etl(day: date, at: datetime | None = None, text: str = "", n: int = 0, free=None): ...
"""


@pytest.fixture
def nightly(folder: Path, store: Store) -> Deployment:
    (folder / "flows.py").write_text(FLOWS)
    return deploy(
        "flows.py:etl",
        "nightly",
        parameters={"day": "2026-01-01", "n": 1},
        schedules=[
            {"cron": "0 6 * * *", "slug": "early", "parameters": {"n": 2}, "tz": "Europe/Paris"}
        ],
    )


def plan(deployment: Deployment, **options: Any) -> BackfillPlan:
    return plan_backfill(deployment, *SPAN, **options)


def runs(store: Store, deployment: Deployment) -> int:
    """Runs of backfills; the one that waits by schedule is none."""
    where = FlowRunFilter(deployment_ids=frozenset({deployment.id}), tags=frozenset({"backfill"}))
    return store.count_flow_runs(where)


def test_each_instant_has_a_run(nightly: Deployment, store: Store) -> None:
    made = plan(nightly, parameter="day", tags=["late"])
    assert [each.hour for each in made.instants] == [5, 4, 4]  # six o'clock in Paris, in UTC
    assert [run.parameters["day"] for run, _ in made.runs] == [
        "2026-03-28",
        "2026-03-29",
        "2026-03-30",
    ]
    run, queued = made.runs[0]
    assert (run.parameters["n"], run.tags) == (2, {"backfill", "late"})
    assert (queued.nominal, queued.schedule) == (made.instants[0], None)
    kept = made.submit(store)
    assert (kept.counts, kept.concurrency_limit, kept.parameter) == ({"SCHEDULED": 3}, 1, "day")
    waiting = nightly.schedules[0]
    assert store.deployments.get(nightly.id).schedules == (waiting,)


def test_the_same_backfill_again_starts_nothing(nightly: Deployment, store: Store) -> None:
    plan(nightly, parameter="day").submit(store)
    assert plan(nightly, parameter="day").submit(store).counts == {}
    assert runs(store, nightly) == 3
    wider = plan_backfill(nightly, date(2026, 3, 28), date(2026, 4, 1), parameter="day")
    assert wider.submit(store).counts == {"SCHEDULED": 2}
    assert plan(nightly, parameter="day", on_existing="again").submit(store).counts == {
        "SCHEDULED": 3
    }
    assert plan(nightly, parameter="day", parameters={"n": 9}).submit(store).counts == {
        "SCHEDULED": 3
    }


def test_a_backfill_is_cancelled_as_one(nightly: Deployment, store: Store) -> None:
    made = plan(nightly).submit(store)
    over = store.dispatch.cancel_backfill(made.id)
    assert over.cancelled
    assert over.counts == {"CANCELLED": 3}


def test_backwards_and_without_a_limit(nightly: Deployment) -> None:
    made = plan(nightly, reverse=True, limit=None)
    assert made.instants == tuple(sorted(made.instants, reverse=True))
    due = [queued.due for _, queued in made.runs]
    assert due == sorted(due, key=lambda each: each or datetime.now(UTC))
    assert made.backfill.concurrency_limit is None


@pytest.mark.parametrize(
    ("parameter", "first"),
    [
        ("day", "2026-03-28"),
        ("at", "2026-03-28T06:00:00+01:00"),
        ("text", "2026-03-28T06:00:00+01:00"),
        ("free", "2026-03-28T06:00:00+01:00"),
    ],
)
def test_the_parameter_says_how_it_wants_its_instant(
    nightly: Deployment, parameter: str, first: str
) -> None:
    assert plan(nightly, parameter=parameter).runs[0][0].parameters[parameter] == first


def test_distances_stand_in_for_a_schedule(nightly: Deployment) -> None:
    made = plan(nightly, every="1d", parameter="text")
    assert [run.parameters["text"] for run, _ in made.runs] == [
        "2026-03-28",
        "2026-03-29",
        "2026-03-30",
    ]
    assert made.timezone == "Europe/Paris"
    assert len(plan(nightly, every="12h").runs) == 6


def test_times_count_as_they_stand(nightly: Deployment) -> None:
    def count(start: datetime, end: datetime) -> int:
        return len(plan_backfill(nightly, start, end).runs)

    assert count(datetime(2026, 3, 28, 6), datetime(2026, 3, 28, 6)) == 1
    assert count(datetime(2026, 3, 28, 5, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC)) == 2


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"parameter": "dya"}, UnknownParameterError, "Did you mean 'day'"),
        ({"parameter": "n"}, ParameterTypeError, "takes no date"),
        ({"parameters": {"n": "x"}}, ParameterTypeError, "a whole number"),
        ({"schedule": "late"}, UsageError, "no schedule 'late'. It has early"),
        ({"every": "1s"}, UsageError, "at most 10000"),
        ({"every": "4m"}, UsageError, "These are 1065 runs. Add --yes"),
        ({"every": "soon"}, UsageError, "15m"),
        ({"on_existing": "replace"}, UsageError, "skip or again"),
    ],
)
def test_what_cannot_be(
    nightly: Deployment, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        plan(nightly, **options)
    if "4m" in options.values():
        assert len(plan(nightly, **options, allow_many=True).runs) == 1065


def test_a_span_must_hold_something(nightly: Deployment) -> None:
    with pytest.raises(UsageError, match="before it begins"):
        plan_backfill(nightly, SPAN[1], SPAN[0])
    with pytest.raises(UsageError, match="no instant between"):
        plan_backfill(nightly, datetime(2026, 3, 28, 7), datetime(2026, 3, 28, 9))


def test_which_schedule_must_be_clear(folder: Path, store: Store) -> None:
    bare = deploy("train.ipynb", "bare")
    with pytest.raises(UsageError, match="--every 1d"):
        plan(bare)
    both = deploy("train.ipynb", "both", cron=["0 6 * * *", "0 18 * * *"])
    with pytest.raises(UsageError, match=r"several schedules\. Name one with --schedule: cron-"):
        plan(both)
    assert len(plan(both, schedule=both.schedules[0].slug).runs) == 3
