"""Which runs a filter lets through, beyond names and states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nbflow.models import FlowRun, FlowRunFilter, FlowRunOrder, new_id
from nbflow.models.deployments import QueuedRun
from nbflow.states import Pending, Scheduled, now
from nbflow.store import SQLStore

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def names(store: SQLStore, **where: Any) -> set[str]:
    found = store.flow_runs(FlowRunFilter(**where))
    assert store.count_flow_runs(FlowRunFilter(**where)) == len(found)
    return {run.name for run in found}


def add(store: SQLStore, name: str, **fields: Any) -> FlowRun:
    run = FlowRun(id=new_id(), name=name, flow_name="f", state=Pending(), created=NOON, **fields)
    store.create_flow_run(run)
    return run


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"n": 1}, {"one"}),
        ({"n": "1"}, {"text"}),
        ({"n": 1, "deep": {"a": [1, 2]}}, {"one"}),
        ({"deep": {"a": [2, 1]}}, set()),
        ({"n": None}, {"nothing"}),
        ({"odd. \"name'": True}, {"odd"}),
        ({"missing": None}, set()),
        ({"é": "ü"}, {"odd"}),
    ],
)
def test_by_parameters(store: SQLStore, asked: dict[str, Any], found: set[str]) -> None:
    add(store, "one", parameters={"n": 1, "deep": {"a": [1, 2]}})
    add(store, "text", parameters={"n": "1"})
    add(store, "nothing", parameters={"n": None})
    add(store, "odd", parameters={"odd. \"name'": True, "é": "ü"})
    add(store, "not a number", parameters={"n": float("nan")})
    add(store, "none at all")

    assert names(store, parameters=asked) == found


def test_by_deployment_queue_backfill_and_tag(store: SQLStore) -> None:
    deployment, backfill = new_id(), new_id()
    run = FlowRun(
        id=new_id(),
        name="deployed",
        flow_name="f",
        state=Scheduled(),
        created=now(),
        deployment_id=deployment,
        tags=frozenset({"a", "b"}),
    )
    store.dispatch.submit(run, QueuedRun(run_id=run.id, queue="gpu", backfill_id=backfill))
    add(store, "called", tags=frozenset({"a"}))

    assert names(store, deployment_ids=frozenset({deployment, new_id()})) == {"deployed"}
    assert names(store, queues=frozenset({"gpu", "cpu"})) == {"deployed"}
    assert names(store, backfill_id=backfill) == {"deployed"}
    assert names(store, tags=frozenset({"a"}), queues=frozenset({"gpu"})) == {"deployed"}
    assert names(store, tags=frozenset({"a"}), parameters={"x": 1}) == set()


def test_by_the_time_of_its_start(store: SQLStore) -> None:
    early = add(store, "called")
    for hours in (1, 2):
        run = replace(early, id=new_id(), name=f"in {hours} h", state=Scheduled())
        place = QueuedRun(run_id=run.id, due=NOON + timedelta(hours=hours))
        store.dispatch.submit(run, place)

    assert names(store, scheduled_after=NOON + timedelta(minutes=90)) == {"in 2 h"}
    assert names(store, scheduled_before=NOON + timedelta(minutes=90)) == {"called", "in 1 h"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (FlowRunOrder.NEWEST, "c b a"),
        (FlowRunOrder.OLDEST, "a b c"),
        (FlowRunOrder.FIRST_STARTED, "b a c"),
        (FlowRunOrder.LAST_STARTED, "a b c"),
        (FlowRunOrder.LONGEST, "b a c"),
        (FlowRunOrder.SHORTEST, "a b c"),
        (FlowRunOrder.LAST_ENDED, "b a c"),
        (FlowRunOrder.FIRST_DUE, "b a c"),
        (FlowRunOrder.NAME, "a b c"),
    ],
)
def test_in_any_order(store: SQLStore, order: FlowRunOrder, expected: str) -> None:
    """What has not begun stands last, whichever end the list begins with."""
    times = {"a": (5, 6), "b": (2, 8), "c": None}
    for number, (name, span) in enumerate(times.items()):
        made = FlowRun(
            id=new_id(),
            name=name,
            flow_name="f",
            state=Pending(),
            created=NOON + timedelta(hours=number + 10 * (span is None)),
            start_time=NOON + timedelta(hours=span[0]) if span else None,
            end_time=NOON + timedelta(hours=span[1]) if span else None,
            tags=frozenset({"t"}),
        )
        store.create_flow_run(made)

    for where in (FlowRunFilter(), FlowRunFilter(tags=frozenset({"t"}))):
        listed = store.flow_runs(where, order=order)
        assert " ".join(run.name for run in listed) == expected
        assert store.flow_runs(where, order=order, limit=1, offset=1) == listed[1:2]
