"""What happened, in one order, and waiting for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nbflow.models import FlowRun, LogRecord, RunKind, StateChange, TaskRun, new_id
from nbflow.states import Completed, Failed, Pending, Running, State, now
from nbflow.store import SQLStore, Store

Opener = Callable[[], Store]


def flow_run(**changes: Any) -> FlowRun:
    base = FlowRun(id=new_id(), name="calm-otter", flow_name="etl", state=Pending(), created=now())
    return replace(base, **changes)


def task_run(flow: FlowRun | None, **changes: Any) -> TaskRun:
    run_id = flow and flow.id
    state = Pending()
    base = TaskRun(
        id=new_id(),
        name="load-0",
        task_name="load",
        state=state,
        created=now(),
        flow_run_id=run_id,
    )
    return replace(base, **changes)


def move(store: Store, run: FlowRun | TaskRun, state: State[Any]) -> None:
    kind = RunKind.FLOW if isinstance(run, FlowRun) else RunKind.TASK
    store.set_state(StateChange(kind, run.id, state, 1))


def tell(store: Store, kind: str, subject: object, **payload: Any) -> None:
    assert isinstance(store, SQLStore)
    store._database.write(lambda transaction: transaction.tell(kind, subject, payload))


def kinds(store: Store, after: int = 0, **more: Any) -> list[str]:
    return [event.kind for event in store.events.since(after, **more)[0]]


def test_states_and_other_events_stand_in_one_order(store: Store) -> None:
    flow = flow_run(deployment_id=new_id())
    task = task_run(flow)
    tell(store, "deployment.created", "etl/nightly", version=1)
    store.create_flow_run(flow)
    move(store, flow, Running())
    tell(store, "worker.started", "w-1")
    store.create_task_run(task)
    move(store, task, Failed(message="no\nfile"))
    move(store, flow, Completed())

    events, cursor = store.events.since(0)

    assert [event.kind for event in events] == [
        "deployment.created",
        "flow-run.Pending",
        "flow-run.Running",
        "worker.started",
        "task-run.Pending",
        "task-run.Failed",
        "flow-run.Completed",
    ]
    numbers = [event.sequence for event in events]
    assert numbers == sorted(set(numbers)) and cursor == numbers[-1] == store.events.latest()
    assert events[0].subject == "etl/nightly" and events[0].payload == {"version": 1}
    assert events[2].subject == str(flow.id)
    assert events[5].subject == str(task.id)
    assert events[5].payload == {
        "name": "load-0",
        "flow_name": "etl",
        "task_name": "load",
        "type": "FAILED",
        "message": "no\nfile",
        "attempt": 1,
        "flow_run_id": str(flow.id),
        "deployment_id": str(flow.deployment_id),
    }
    assert all(event.timestamp.tzinfo is not None for event in events)
    assert store.events.since(cursor) == ([], cursor)


@pytest.mark.parametrize("page", [1, 2, 3, 7, 100])
def test_pages_lose_and_repeat_nothing(store: Store, page: int) -> None:
    for number in range(4):
        store.create_flow_run(flow_run(name=f"run-{number}"))
        tell(store, f"told.{number}", number)
    store.add_logs([LogRecord(None, None, 20, "x", "no event", now())])
    whole, _ = store.events.since(0)
    assert len(whole) == 8

    found, after = [], 0
    for _ in range(20):
        events, after = store.events.since(after, limit=page)
        found += events

    assert found == whole
    assert after == store.events.latest()


def test_the_events_of_one_run_are_those_of_its_tasks_and_subflows_too(store: Store) -> None:
    tell(store, "worker.started", "before")
    mine, other = flow_run(), flow_run()
    below = flow_run(parent_id=mine.id)
    tasks = [task_run(mine), task_run(below), task_run(other), task_run(None)]
    for run in (mine, other, below):
        store.create_flow_run(run)
    for task in tasks:
        store.create_task_run(task)
    tell(store, "run.asked", mine.id)
    tell(store, "run.asked", other.id)
    tell(store, "artifact.created", new_id(), flow_run_id=str(below.id))
    tell(store, "worker.started", "after")
    move(store, tasks[1], Completed())

    events, cursor = store.events.since(0, flow_run_id=mine.id)

    assert [event.kind for event in events] == [
        "flow-run.Pending",
        "flow-run.Pending",
        "task-run.Pending",
        "task-run.Pending",
        "run.asked",
        "artifact.created",
        "task-run.Completed",
    ]
    assert cursor == store.events.latest()
    first, after = store.events.since(0, flow_run_id=mine.id, limit=3)
    assert first + store.events.since(after, flow_run_id=mine.id)[0] == events
    assert kinds(store, flow_run_id=new_id()) == []


def test_a_task_run_outside_a_flow_has_events_of_its_own(store: Store) -> None:
    task = task_run(None)
    store.create_task_run(task)
    (event,), _ = store.events.since(0)
    assert (event.kind, event.subject) == ("task-run.Pending", str(task.id))
    assert event.payload["flow_run_id"] is None and event.payload["flow_name"] is None


def test_waiting_ends_at_once_when_something_happened_already(store: Store) -> None:
    assert store.events.wait(0, 0) == store.events.latest() == 0
    store.create_flow_run(flow_run())
    store.flush()
    start = time.monotonic()
    assert store.events.wait(0, 60) == store.events.latest() > 0
    assert time.monotonic() - start < 30


def test_waiting_ends_with_its_time(store: Store) -> None:
    start = time.monotonic()
    assert store.events.wait(0, 0.15) == 0
    assert time.monotonic() - start >= 0.15


@pytest.mark.parametrize("own", [True, False], ids=["of this store", "of another"])
def test_a_commit_wakes_everybody_who_waits(store: Store, open_another: Opener, own: bool) -> None:
    writer = store if own else open_another()
    after = store.events.latest()
    woken: list[tuple[int, float]] = []
    ready = threading.Barrier(4)

    def wait() -> None:
        ready.wait()
        woken.append((store.events.wait(after, 60), time.monotonic()))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    ready.wait()
    begun = time.monotonic()
    writer.create_flow_run(flow_run())
    writer.flush()
    for thread in threads:
        thread.join(60)
    assert [latest for latest, _ in woken] == [writer.events.latest()] * 3
    assert max(at for _, at in woken) - begun < 30  # far below the 60 s it may take


def test_a_connection_that_listened_serves_others_afterwards(store: Store) -> None:
    for _ in range(3):
        store.events.wait(0, 0.01)
        run = flow_run()
        store.create_flow_run(run)
        assert store.flow_run(run.id) == run
    assert len(store.events.since(0)[0]) == 3
