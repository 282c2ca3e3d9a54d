"""What every store promises beside runs, asked of each kind of store.

Read off the sentences of `nbflow.store.orchestration`, and of nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbflow import schedules
from nbflow.exceptions import (
    LeaseLost,
    ObjectAlreadyExists,
    ObjectNotFound,
    ParameterError,
    ResumeError,
    StoreError,
    UsageError,
)
from nbflow.models import FlowKind, FlowRun, FlowRunFilter, RunKind, StateChange, TaskRun, new_id
from nbflow.models.deployments import (
    Artifact,
    ArtifactKind,
    Backfill,
    Claim,
    Collision,
    ConcurrencyLimit,
    Deployment,
    DeploymentSchedule,
    DeploymentSpec,
    Fence,
    QueuedRun,
    RunInput,
    Worker,
    WorkQueue,
)
from nbflow.states import (
    Completed,
    Failed,
    Paused,
    Pending,
    Running,
    Scheduled,
    State,
    StateType,
    Suspended,
    now,
)
from nbflow.store import SQLStore, Store
from nbflow.store.http.client import HTTPStore
from nbflow.store.http.interface import COMPONENTS, RUNS, methods

SPEC = DeploymentSpec(entrypoint="train.ipynb", kind=FlowKind.NOTEBOOK)
ME = "host:1:1"
FAR = timedelta(days=365)

Opener = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql", "http"])
def open_another(
    request: pytest.FixtureRequest, new_database: Callable[[str], str]
) -> Iterator[Opener]:
    """Opens stores on one database, as processes would."""
    url = new_database("postgresql" if request.param == "postgresql" else "sqlite")
    opened: list[Store] = []
    if request.param == "http":
        opened.append(behind := SQLStore(url))
        url = request.getfixturevalue("host").serve(behind)

    def opener() -> Store:
        opened.append(HTTPStore(url) if url.startswith("http") else SQLStore(url))
        return opened[-1]

    yield opener
    for store in reversed(opened):
        store.close()


@pytest.fixture
def store(open_another: Opener) -> Store:
    """The store under test."""
    return open_another()


def deploy(store: Store, name: str = "nightly", **spec: Any) -> Deployment:
    return store.deployments.save(
        "train", name, replace(SPEC, **spec), content_hash="a" * 64, snapshot=b"zip"
    )


def every(minutes: int, slug: str = "s", **more: Any) -> DeploymentSchedule:
    rule = schedules.to_json(schedules.Cron(f"*/{minutes} * * * *"))
    return DeploymentSchedule(slug=slug, schedule=rule, **more)


def scheduled(store: Store, *planned: DeploymentSchedule, **more: Any) -> Deployment:
    return store.deployments.save(
        "train", "nightly", SPEC, schedules=planned, content_hash="a" * 64, **more
    )


def a_run(**more: Any) -> FlowRun:
    values: dict[str, Any] = {"id": new_id(), "name": "calm-otter", "flow_name": "train"}
    values |= {"state": Scheduled(scheduled_time=now()), "created": now(), **more}
    return FlowRun(**values)


def submit(store: Store, run: FlowRun | None = None, **queued: Any) -> FlowRun:
    run = run or a_run()
    place = {"run_id": run.id, "due": run.state.scheduled_time, **queued}
    return store.dispatch.submit(run, QueuedRun(**place))


def claim(store: Store, queues: tuple[str, ...] = (), **more: Any) -> Claim:
    (found,) = store.dispatch.claim(new_id(), queues, **more)
    return found


def started(store: Store) -> Claim:
    submit(store)
    found = claim(store)
    run = store.dispatch.start(found.fence, ME)
    store.set_state(StateChange(RunKind.FLOW, run.id, Running(), 1, flow_run_id=run.id))
    store.flush()
    return found


def state(store: Store, run: FlowRun) -> State[Any]:
    return store.flow_run(run.id).state


# ── one interface for all ────────────────────────────────────────────────────────────────


def test_every_method_of_every_protocol_is_there(store: Store) -> None:
    for component in COMPONENTS:
        target = store if component == RUNS else getattr(store, component)
        for name in methods(component):
            assert callable(getattr(target, name)), f"{component}.{name}"


# ── deployments ──────────────────────────────────────────────────────────────────────────


def test_a_deployment_comes_back_as_it_was_saved(store: Store, open_another: Opener) -> None:
    spec = replace(
        SPEC,
        description="Each night ü",
        parameters={"n": 1, "deep": {"a": [None, 1.5]}},
        parameter_schema={"type": "object", "properties": {"n": {"type": "integer"}}},
        tags=frozenset({"prod", "b"}),
        queue="gpu",
        priority=-3,
        retries=2,
        retry_delay_seconds=0.5,
        crash_retries=1,
        timeout_seconds=60.0,
        cell_timeout_seconds=5.5,
        keep_kernel_seconds=1.0,
        concurrency_limit=3,
        collision=Collision.SKIP,
        follow=False,
        cwd="/a/b",
        kernel_name="python3",
        env={"A": "1"},
        output="/out",
        keep_runs=5,
        keep_days=1.5,
    )
    made = store.deployments.save(
        "train", "nightly", spec, content_hash="c" * 64, snapshot=b"\x00zip", author="ada@host"
    )
    assert (made.full_name, made.spec, made.version) == ("train/nightly", spec, 1)
    assert open_another().deployments.get(made.id) == made
    (version,) = store.deployments.versions(made.id)
    assert (version.spec, version.content_hash, version.author) == (spec, "c" * 64, "ada@host")
    assert version.snapshot is not None
    assert store.deployments.snapshot(version.snapshot) == b"\x00zip"


def test_the_same_twice_changes_nothing(store: Store) -> None:
    first = scheduled(store, every(10), snapshot=b"zip")
    events = store.events.latest()
    assert scheduled(store, every(10), snapshot=b"zip") == first
    assert store.events.latest() == events
    assert store.count_flow_runs() == 1


@pytest.mark.parametrize(
    "change",
    [{"content_hash": "b" * 64}, {"snapshot": b"other"}, {"spec": replace(SPEC, retries=1)}],
)
def test_a_change_is_a_new_version(store: Store, change: dict[str, Any]) -> None:
    before: dict[str, Any] = {"spec": SPEC, "content_hash": "a" * 64, "snapshot": b"zip"}
    first = store.deployments.save("train", "nightly", **before)
    second = store.deployments.save("train", "nightly", **{**before, **change})
    assert (second.id, second.version) == (first.id, 2)
    assert [v.number for v in store.deployments.versions(first.id)] == [2, 1]
    back = store.deployments.use_version(first.id, 1)
    assert (back.version, back.spec) == (1, SPEC)
    assert store.deployments.use_version(first.id, 2).spec == second.spec
    with pytest.raises(ObjectNotFound, match=r"\b2\b"):
        store.deployments.version(first.id, 7)
    with pytest.raises(ObjectNotFound):
        store.deployments.use_version(first.id, 7)


def test_schedules_are_matched_by_slug(store: Store) -> None:
    first = scheduled(store, every(10, "keep"), every(5, "drop"))
    kept = next(s for s in first.schedules if s.slug == "keep")
    assert kept.next_fire is not None
    waiting = {r.id for r in store.flow_runs()}
    assert len(waiting) == 2
    second = scheduled(store, every(10, "keep"), every(15, "new"))
    assert {s.slug for s in second.schedules} == {"keep", "new"}
    assert next(s for s in second.schedules if s.slug == "keep").next_fire == kept.next_fire
    slugs = {store.dispatch.queued(r.id).schedule for r in store.flow_runs()}  # type: ignore[union-attr]
    assert slugs == {"keep", "new"}
    third = store.deployments.remove_schedule(first.id, "new")
    assert [s.slug for s in third.schedules] == ["keep"]
    assert store.count_flow_runs() == 1
    with pytest.raises(ObjectNotFound):
        store.deployments.remove_schedule(first.id, "new")
    changed = store.deployments.set_schedule(first.id, every(30, "keep", active=False))
    assert changed.schedules[0].next_fire is None
    assert store.count_flow_runs() == 0


def test_paused_none_leaves_it_as_it_is(store: Store) -> None:
    assert not scheduled(store, every(10)).paused
    made = scheduled(store, every(10), paused=True)
    assert made.paused
    assert store.count_flow_runs() == 0, "waiting scheduled runs go"
    assert scheduled(store, every(10)).paused
    assert not store.deployments.set_paused(made.id, False).paused
    assert store.count_flow_runs() == 1, "and come"


def test_deployments_are_found_by_what_people_type(store: Store) -> None:
    nightly = deploy(store)
    other = store.deployments.save("etl", "nightly", SPEC, content_hash="a" * 64)
    weekly = deploy(store, "weekly")
    find = store.deployments.find
    assert find("train/nightly") == nightly
    assert find("weekly") == weekly
    assert find(str(other.id)) == find(other.id.hex) == other
    with pytest.raises(ObjectNotFound, match=r"etl/nightly.*train/nightly|train/nightly.*etl"):
        find("nightly")
    with pytest.raises(ObjectNotFound, match="weekly"):
        find("weekli")
    with pytest.raises(ObjectNotFound):
        store.deployments.get(new_id())


def test_deployments_are_searched_by_name(store: Store) -> None:
    names = ["c", "a", "b"]
    for name in names:
        deploy(
            store, name, tags=frozenset({name, "all"}), queue="gpu" if name == "a" else "default"
        )
    store.deployments.save("etl", "z", SPEC, content_hash="a" * 64)

    def found(**where: Any) -> list[str]:
        return [d.full_name for d in store.deployments.search(**where)]

    assert found() == ["etl/z", "train/a", "train/b", "train/c"]
    assert found(flow_name="train", limit=2) == ["train/a", "train/b"]
    assert found(flow_name="train", limit=2, offset=2) == ["train/c"]
    assert found(tag="b") == ["train/b"]
    assert found(tag="all", queue="gpu") == ["train/a"]
    assert found(text="ETL") == ["etl/z"]
    assert found(text="%") == []
    assert store.deployments.count() == 4


def test_a_deleted_deployment_keeps_what_began(store: Store) -> None:
    made = scheduled(store, every(10))
    began = submit(store, a_run(deployment_id=made.id), deployment_id=made.id)
    claim(store)
    waits = submit(store, a_run(deployment_id=made.id), deployment_id=made.id)
    store.deployments.delete(made.id)
    assert [r.id for r in store.flow_runs()] == [began.id]
    for gone in (lambda: store.flow_run(waits.id), lambda: store.deployments.get(made.id)):
        with pytest.raises(ObjectNotFound):
            gone()
    with pytest.raises(ObjectNotFound):
        store.deployments.delete(made.id)


def test_what_schedules_will_fire_is_told_in_order(store: Store) -> None:
    made = scheduled(store, every(10, "ten"), every(15, "quarter"), every(1, "off", active=False))
    start = datetime(2031, 1, 1, tzinfo=UTC)
    found = store.deployments.upcoming(start, start + timedelta(minutes=31))
    assert {d for d, _, _ in found} == {made.id}
    assert [(slug, at.minute) for _, slug, at in found if at > start] == [
        ("ten", 10),
        ("quarter", 15),
        ("ten", 20),
        *sorted([("quarter", 30), ("ten", 30)]),
    ] or [at for _, _, at in found] == sorted(at for _, _, at in found)
    assert len(store.deployments.upcoming(start, start + FAR, limit=3)) == 3
    assert store.deployments.upcoming(start, start + FAR, deployment_id=new_id()) == []
    store.deployments.set_paused(made.id, True)
    assert store.deployments.upcoming(start, start + FAR) == []


# ── dispatch ─────────────────────────────────────────────────────────────────────────────


def test_submit_returns_the_run_that_is_there_already(store: Store) -> None:
    first = submit(store, idempotency_key="k")
    assert submit(store, idempotency_key="k").id == first.id
    made, at = deploy(store), now()
    timed: dict[str, Any] = {"deployment_id": made.id, "schedule": "s", "nominal": at}
    once = submit(store, **timed)
    assert submit(store, **timed).id == once.id
    assert submit(store, **{**timed, "nominal": at + timedelta(seconds=1)}).id != once.id
    assert store.count_flow_runs() == 3
    assert store.dispatch.queue("default").waiting == 3


def test_a_submitted_run_waits_in_a_queue_made_for_it(store: Store) -> None:
    due = now() + timedelta(hours=1)
    run = a_run(
        state=Scheduled(scheduled_time=due),
        parameters={"n": [1, {"a": None}]},
        tags=frozenset("ab"),
    )
    assert submit(store, run, queue="new", priority=4, crash_retries_left=2) == run
    assert store.flow_run(run.id) == run
    queued = store.dispatch.queued(run.id)
    assert queued is not None
    assert (queued.queue, queued.priority, queued.due, queued.token) == ("new", 4, due, 0)
    assert queued.crash_retries_left == 2
    assert store.dispatch.queue("new").name == "new"
    assert store.dispatch.queued(new_id()) is None
    assert store.dispatch.next_due(["new"]) == due
    assert store.dispatch.next_due(["other"]) is None
    assert store.dispatch.claim(new_id(), ["new"]) == []
    moved = store.dispatch.postpone(run.id, now() - timedelta(seconds=1))
    assert moved.state.scheduled_time is not None
    assert (store.dispatch.next_due() or due) < now()
    assert claim(store, ("new",)).run.id == run.id


def test_a_claim_is_a_lease_with_a_token(store: Store) -> None:
    made = deploy(store)
    run = submit(store, a_run(deployment_id=made.id), deployment_id=made.id)
    worker = new_id()
    (found,) = store.dispatch.claim(worker, [], 5)
    assert found.run.state.type is StateType.PENDING
    assert (found.run.id, found.queued.worker_id, found.queued.token) == (run.id, worker, 1)
    assert found.queued.lease_until is not None
    assert found.queued.lease_until > now()
    assert found.version is not None
    assert (found.version.number, found.queued.version) == (1, 1)
    assert store.flow_run(run.id).state == found.run.state
    assert store.dispatch.claim(new_id(), [], 5) == []
    assert submit(store).id == claim(store).run.id
    assert claim_without_deployment(store).version is None


def claim_without_deployment(store: Store) -> Claim:
    submit(store)
    return claim(store)


def test_claims_go_by_queue_priority_then_priority_then_time(store: Store) -> None:
    store.dispatch.save_queue(WorkQueue(name="slow", priority=200))
    store.dispatch.save_queue(WorkQueue(name="fast", priority=1))
    past = now() - timedelta(minutes=1)
    wanted: list[FlowRun] = []
    for queue, priority, seconds in [
        ("fast", 0, 30),
        ("fast", 0, 40),
        ("fast", 5, 0),
        ("slow", -9, 0),
    ]:
        at = past + timedelta(seconds=seconds)
        run = a_run(state=Scheduled(scheduled_time=at))
        wanted.append(submit(store, run, queue=queue, priority=priority))
    claims = store.dispatch.claim(new_id(), [], 10)
    assert [c.run.id for c in claims] == [run.id for run in wanted]


def test_paused_queues_and_limits_are_kept(store: Store) -> None:
    store.dispatch.save_queue(WorkQueue(name="a", concurrency_limit=1))
    store.dispatch.save_queue(WorkQueue(name="b", paused=True))
    for queue in ("a", "a", "b"):
        submit(store, queue=queue)
    first = claim(store, ("a", "b"), limit=10)
    assert store.dispatch.claim(new_id(), [], 10) == []
    found = store.dispatch.queue("a")
    assert (found.waiting, found.running, found.concurrency_limit) == (1, 1, 1)
    store.dispatch.finish(first.fence, Completed())
    assert claim(store, ("a",), limit=10).run.id != first.run.id
    store.dispatch.save_queue(replace(store.dispatch.queue("b"), paused=False))
    assert len(store.dispatch.claim(new_id(), ["b"], 10)) == 1


def test_start_gives_the_run_to_its_process(store: Store) -> None:
    submit(store)
    found = claim(store)
    run = store.dispatch.start(found.fence, ME)
    assert (run.owner, run.id) == (ME, found.run.id)
    assert store.flow_run(run.id).owner == ME
    for wrong in (Fence(run.id, found.queued.token + 1), Fence(run.id, 0), Fence(new_id(), 1)):
        with pytest.raises(LeaseLost):
            store.dispatch.start(wrong, "other:1:1")
    assert store.flow_run(run.id).owner == ME


@pytest.mark.parametrize("retries", [0, 1])
def test_finish_of_a_run_that_has_not_settled(store: Store, retries: int) -> None:
    submit(store, crash_retries_left=retries)
    found = claim(store)
    run = store.dispatch.start(found.fence, ME)
    child = TaskRun(
        id=new_id(), name="t", task_name="t", state=Running(), created=now(), flow_run_id=run.id
    )
    store.set_state(StateChange(RunKind.FLOW, run.id, Running(), 1, flow_run_id=run.id))
    store.create_task_run(child)
    store.flush()
    ended = store.dispatch.finish(found.fence)
    assert ended is not None
    assert store.task_run(child.id).state.is_crashed()
    if retries:
        assert ended.state.is_scheduled()
        again = claim(store, now=now() + timedelta(minutes=10))
        assert (again.run.id, again.queued.token) == (run.id, 2)
        assert again.queued.crash_retries_left == 0
    else:
        assert ended.state.is_crashed()
        stored = store.flow_run(run.id)
        assert (stored.state, stored.owner) == (ended.state, None)
        assert stored.end_time == ended.state.timestamp
    assert store.dispatch.finish(found.fence) is None, "it was let go of"


def test_finish_of_a_run_that_has_settled_leaves_it(store: Store) -> None:
    found = started(store)
    store.set_state(StateChange(RunKind.FLOW, found.run.id, Failed(), 1, flow_run_id=found.run.id))
    store.flush()
    ended = store.dispatch.finish(found.fence, Completed())
    assert ended is not None
    assert ended.state.is_failed()
    assert store.dispatch.queue("default").running == 0


def test_hand_back_lets_it_wait_for_another_at_once(store: Store) -> None:
    submit(store)
    first = claim(store)
    waits = store.dispatch.hand_back(first.fence, "the worker ends")
    assert waits is not None
    assert waits.state.is_scheduled()
    assert "the worker ends" in (waits.state.message or "")
    second = claim(store)
    assert (second.run.id, second.queued.token) == (first.run.id, 2)
    assert store.dispatch.hand_back(first.fence, "again") is None
    assert store.dispatch.finish(first.fence) is None


def test_a_heartbeat_prolongs_and_tells(store: Store) -> None:
    worker = new_id()
    for _ in range(3):
        submit(store)
    claims = store.dispatch.claim(worker, [], 3)
    later = now() + timedelta(seconds=5)
    store.dispatch.cancel(claims[0].run.id)
    store.dispatch.finish(claims[1].fence, Completed())
    told = store.dispatch.heartbeat(worker, [c.fence for c in claims], now=later)
    assert told.cancelling == {claims[0].run.id}
    assert told.lost == (claims[1].fence,)
    kept = store.dispatch.queued(claims[2].run.id)
    assert kept is not None
    assert kept.lease_until is not None
    assert claims[2].queued.lease_until is not None
    assert kept.lease_until > claims[2].queued.lease_until


def test_an_expired_lease_is_closed_by_whoever_looks(store: Store) -> None:
    found = started(store)
    assert found.queued.lease_until is not None
    late = found.queued.lease_until + timedelta(seconds=1)
    store.dispatch.tick(now=late)
    assert state(store, found.run).is_crashed()
    told = store.dispatch.heartbeat(new_id(), [found.fence], now=late)
    assert told.lost == (found.fence,)
    store.dispatch.tick(now=late)
    assert sum(s.state.is_crashed() for s in store.states(RunKind.FLOW, found.run.id)) == 1


def test_cancel_by_where_the_run_is(store: Store) -> None:
    held, ended = started(store).run, started(store)
    store.dispatch.finish(ended.fence, Completed())
    waits = submit(store)
    assert store.dispatch.cancel(waits.id).state.is_cancelled()
    assert store.dispatch.cancel(held.id).state.is_cancelling()
    assert store.dispatch.cancel(held.id).state.is_cancelling(), "asked twice"
    for run_id in (ended.run.id, waits.id):
        with pytest.raises(UsageError):
            store.dispatch.cancel(run_id)
    called = a_run(state=Running())
    store.create_flow_run(called)
    with pytest.raises(UsageError):
        store.dispatch.cancel(called.id)
    with pytest.raises(ObjectNotFound):
        store.dispatch.cancel(new_id())
    queued = store.dispatch.queued(held.id)
    assert queued is not None
    over = store.dispatch.finish(Fence(held.id, queued.token))
    assert over is not None
    assert over.state.is_cancelled()


def test_retry_of_ended_runs(store: Store) -> None:
    made = deploy(store)
    run = submit(store, a_run(deployment_id=made.id), deployment_id=made.id)
    first = claim(store)
    store.dispatch.start(first.fence, ME)
    with pytest.raises(ResumeError):
        store.dispatch.retry(run.id)
    store.dispatch.finish(first.fence, Failed())
    due = now() - timedelta(seconds=1)
    waits = store.dispatch.retry(run.id, due=due)
    assert waits.state.is_scheduled()
    assert waits.state.scheduled_time == due
    second = claim(store)
    assert (second.run.id, second.queued.token) == (run.id, 2)
    store.dispatch.start(second.fence, ME)
    store.dispatch.finish(second.fence, Failed())
    assert store.dispatch.retry(run.id, resume=True).state.name == "Resuming"
    third = claim(store)
    store.dispatch.finish(third.fence, Completed())
    with pytest.raises(ResumeError):
        store.dispatch.retry(run.id, resume=True)
    with pytest.raises(ObjectNotFound):
        store.dispatch.retry(new_id())


def test_tick_is_idempotent_and_keeps_one_run_waiting(store: Store, open_another: Opener) -> None:
    made = scheduled(store, every(10))
    (waits,) = store.flow_runs()
    due = waits.state.scheduled_time
    assert due is not None
    (schedule,) = store.deployments.get(made.id).schedules
    assert schedule.next_fire == due
    look_again = store.dispatch.tick(now=due - timedelta(minutes=1))
    assert look_again is not None
    assert look_again <= due
    for _ in range(2):
        for each in (store, open_another()):
            each.dispatch.tick(now=due)
    times = sorted(r.state.scheduled_time for r in store.flow_runs())  # type: ignore[type-var]
    assert times == [due, due + timedelta(minutes=10)]
    assert {r.deployment_id for r in store.flow_runs()} == {made.id}


def test_a_claim_fires_schedules_that_are_due(store: Store) -> None:
    scheduled(store, every(10))
    due = store.dispatch.next_due()
    assert due is not None
    claims = store.dispatch.claim(new_id(), [], 5, now=due)
    assert len(claims) == 1
    assert claims[0].queued.nominal == due
    assert claims[0].queued.schedule == "s"
    assert store.dispatch.next_due() == due + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("collision", "expected"),
    [
        (Collision.QUEUE, "Scheduled"),
        (Collision.CANCEL_NEW, "Cancelled"),
        (Collision.SKIP, "Skipped"),
    ],
    ids=str,
)
def test_collisions_of_a_deployment(store: Store, collision: Collision, expected: str) -> None:
    made = deploy(store, concurrency_limit=1, collision=collision)
    runs = [submit(store, a_run(deployment_id=made.id), deployment_id=made.id) for _ in range(2)]
    first = claim(store)
    assert store.dispatch.claim(new_id(), []) == []
    (second,) = [run for run in runs if run.id != first.run.id]
    assert state(store, second).name in {
        expected,
        "AwaitingSlot" if expected == "Scheduled" else "",
    }


# ── queues and workers ───────────────────────────────────────────────────────────────────


def test_queues_are_made_changed_and_forgotten(store: Store) -> None:
    made = store.dispatch.save_queue(WorkQueue(name="gpu", priority=5, description="ü"))
    assert made == store.dispatch.queue("gpu") == WorkQueue(name="gpu", priority=5, description="ü")
    store.dispatch.save_queue(WorkQueue(name="alpha", priority=5))
    names = [q.name for q in store.dispatch.queues() if q.name != "default"]
    assert names == ["alpha", "gpu"]
    store.dispatch.save_queue(replace(made, paused=True, concurrency_limit=0))
    assert store.dispatch.queue("gpu").paused
    submit(store, queue="gpu")
    with pytest.raises(UsageError):
        store.dispatch.delete_queue("gpu")
    store.dispatch.delete_queue("alpha")
    with pytest.raises(ObjectNotFound, match="gpu"):
        store.dispatch.queue("gpuu")
    deploy(store, queue="used")
    with pytest.raises(UsageError):
        store.dispatch.delete_queue("used")


def test_workers_come_and_go(store: Store) -> None:
    first = Worker(
        id=new_id(), name="w", owner=ME, queues=("a", "b"), limit=3, version="1", started=now(),
        heartbeat=now(),
    )  # fmt: skip
    assert store.dispatch.register(first).id == first.id
    with pytest.raises(ObjectAlreadyExists):
        store.dispatch.register(replace(first, id=new_id()))
    (found,) = store.dispatch.workers()
    assert (found.name, found.queues, found.limit, found.owner) == ("w", ("a", "b"), 3, ME)
    store.dispatch.sign_off(first.id)
    assert store.dispatch.workers() == []
    again = store.dispatch.register(replace(first, id=new_id(), started=now(), heartbeat=now()))
    assert [w.id for w in store.dispatch.workers()] == [again.id]
    assert store.dispatch.workers(alive=False)[0].id == again.id


# ── backfills ────────────────────────────────────────────────────────────────────────────


def test_a_backfill_is_one_thing(store: Store) -> None:
    made = deploy(store)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    backfill = Backfill(
        id=new_id(),
        deployment_id=made.id,
        start=begin,
        end=begin + timedelta(days=3),
        parameter="day",
        concurrency_limit=1,
        created=now(),
    )
    pairs = []
    for day in range(3):
        run = a_run(deployment_id=made.id)
        queued = QueuedRun(
            run_id=run.id,
            deployment_id=made.id,
            due=now(),
            nominal=begin + timedelta(days=day),
            backfill_id=backfill.id,
        )
        pairs.append((run, queued))
    told = store.dispatch.submit_backfill(backfill, pairs)
    assert told.counts == {"SCHEDULED": 3}
    assert store.dispatch.backfill(backfill.id) == told
    held = claim(store, limit=5)
    assert store.dispatch.claim(new_id(), [], 5) == [], "one at a time"
    assert store.count_flow_runs(FlowRunFilter(backfill_id=backfill.id)) == 3
    over = store.dispatch.cancel_backfill(backfill.id)
    assert over.cancelled
    assert over.counts == {"CANCELLED": 2, "CANCELLING": 1}
    assert state(store, held.run).is_cancelling()
    assert [b.id for b in store.dispatch.backfills(deployment_id=made.id)] == [backfill.id]
    assert store.dispatch.backfills(deployment_id=new_id()) == []
    with pytest.raises(ObjectNotFound):
        store.dispatch.backfill(new_id())


# ── pausing ──────────────────────────────────────────────────────────────────────────────

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def test_a_paused_run_is_answered(store: Store) -> None:
    run = a_run(state=Paused())
    store.create_flow_run(run)
    request = RunInput(flow_run_id=run.id, key="1", schema=SCHEMA, message="Go?", created=now())
    assert store.dispatch.ask(request) == request
    assert store.dispatch.ask(replace(request, message="other")) == request, "what is there"
    assert store.dispatch.inputs(run.id) == [request]
    with pytest.raises(ParameterError):
        store.dispatch.answer(run.id, {"ok": 1})
    with pytest.raises(ParameterError):
        store.dispatch.answer(run.id)
    assert store.dispatch.inputs(run.id)[0].answered is None
    store.dispatch.answer(run.id, {"ok": True})
    (answered,) = store.dispatch.inputs(run.id)
    assert answered.answer == {"ok": True}
    assert answered.answered is not None
    with pytest.raises(UsageError):
        store.dispatch.answer(run.id, {"ok": True})
    with pytest.raises(UsageError):
        store.dispatch.answer(submit(store).id)
    with pytest.raises(ObjectNotFound):
        store.dispatch.answer(new_id())


def test_a_suspended_run_rests_and_waits_again_when_answered(store: Store) -> None:
    found = started(store)
    run = found.run
    store.dispatch.ask(RunInput(flow_run_id=run.id, key="1", created=now()))
    store.set_state(StateChange(RunKind.FLOW, run.id, Suspended(), 1, flow_run_id=run.id))
    store.flush()
    rests = store.dispatch.finish(found.fence)
    assert rests is not None
    assert rests.state.is_paused()
    assert store.dispatch.claim(new_id(), []) == []
    waits = store.dispatch.answer(run.id)
    assert waits.state.is_scheduled()
    assert waits.state.name == "Resuming"
    assert claim(store).run.id == run.id


# ── limits ───────────────────────────────────────────────────────────────────────────────


def test_slots_of_limits(store: Store, open_another: Opener) -> None:
    limits = store.limits
    made = limits.save(ConcurrencyLimit(name="db", slots=2))
    assert made == limits.limit("db")
    limits.save(ConcurrencyLimit(name="api", slots=1))
    first = limits.acquire(["db", "api"], 1, "me")
    assert first is not None
    assert open_another().limits.acquire(["api"], 1, "you") is None
    assert limits.acquire(["db", "api"], 1, "me") is None, "all at once, or none"
    assert limits.limit("db").taken == 1
    assert limits.renew(first)
    limits.release(first)
    limits.release(first)
    assert not limits.renew(first)
    assert [(x.name, x.taken) for x in limits.limits()] == [("api", 0), ("db", 0)]
    with pytest.raises(UsageError):
        limits.acquire(["db"], 3, "me")
    assert limits.acquire(["unknown"], 99, "me") is not None
    limits.save(ConcurrencyLimit(name="db", slots=0, active=False))
    assert limits.acquire(["db"], 5, "me") is not None
    limits.delete("db")
    for ask in (limits.delete, limits.limit):
        with pytest.raises(ObjectNotFound):
            ask("db")
    with pytest.raises(ObjectNotFound, match="api"):
        limits.limit("apu")


def test_slots_are_leases(store: Store) -> None:
    store.limits.save(ConcurrencyLimit(name="db", slots=1))
    start = now()
    slot = store.limits.acquire(["db"], 1, "me", lease_seconds=10, now=start)
    assert slot is not None
    later = start + timedelta(seconds=9)
    assert store.limits.acquire(["db"], 1, "you", now=later) is None
    assert store.limits.acquire(["db"], 1, "you", now=start + timedelta(seconds=11)) is not None


def test_slots_of_a_rate_become_free_by_themselves(store: Store) -> None:
    store.limits.save(ConcurrencyLimit(name="api", slots=2, slot_decay_per_second=1.0))
    start = now()

    def take(seconds: float) -> bool:
        at = start + timedelta(seconds=seconds)
        return store.limits.acquire(["api"], 1, "me", lease_seconds=999, now=at) is not None

    assert [take(0), take(0), take(0), take(0.5), take(1.1), take(1.2)] == [
        *(True, True, False, False, True, False)
    ]


# ── variables, secrets, artifacts ────────────────────────────────────────────────────────


def test_variables_and_secrets(store: Store, open_another: Opener) -> None:
    vault = store.vault
    for value in (None, 0, "ü", [1, {"a": 1.5}], {"x": None}, True):
        assert vault.set_variable("v", value).value == value
        assert open_another().vault.variable("v").value == value
    vault.set_variable("a", 1)
    assert [v.name for v in vault.variables()] == ["a", "v"]
    vault.set_secret("key", "very secret ü\n")
    vault.set_secret("key", "newer")
    assert [s.name for s in vault.secrets()] == ["key"]
    assert open_another().vault.secret_value("key") == "newer"
    vault.delete_variable("a")
    vault.delete_secret("key")
    for ask in (vault.variable, vault.delete_variable, vault.secret_value, vault.delete_secret):
        with pytest.raises(ObjectNotFound):
            ask("gone")
    with pytest.raises(ObjectNotFound, match="threshold"):
        vault.set_variable("threshold", 1)
        vault.variable("treshold")
    with pytest.raises(UsageError):
        vault.set_variable("odd", {1, 2})


def test_artifacts(store: Store) -> None:
    run = a_run()
    store.create_flow_run(run)
    made = [
        Artifact(id=new_id(), kind=kind, key=key, data=data, flow_run_id=owner, created=now())
        for kind, key, data, owner in [
            (ArtifactKind.MARKDOWN, "report", "# Hello ü", run.id),
            (ArtifactKind.TABLE, "report", [{"a": 1, "b": None}], None),
            (ArtifactKind.METRIC, "loss", 0.25, run.id),
        ]
    ]
    for each in made:
        assert store.artifacts.add(each) == each
        assert store.artifacts.get(each.id) == each
    assert store.artifacts.search() == made[::-1], "newest first"
    assert store.artifacts.search(key="report") == [made[1], made[0]]
    assert store.artifacts.search(flow_run_id=run.id, kind="metric") == [made[2]]
    assert store.artifacts.search(limit=1, offset=1) == [made[1]]
    assert store.artifacts.search(task_run_id=new_id()) == []
    store.artifacts.delete(made[1].id)
    for ask in (store.artifacts.get, store.artifacts.delete):
        with pytest.raises(ObjectNotFound):
            ask(made[1].id)


# ── events ───────────────────────────────────────────────────────────────────────────────


def test_events_have_one_order(store: Store) -> None:
    start = store.events.latest()
    run = a_run(state=Pending())
    store.create_flow_run(run)
    deploy(store)
    store.set_state(StateChange(RunKind.FLOW, run.id, Running(), 1, flow_run_id=run.id))
    store.flush()
    found, cursor = store.events.since(start)
    numbers = [event.sequence for event in found]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > start
    assert cursor == store.events.latest() >= numbers[-1]
    mine = [event.kind for event in found if event.subject == str(run.id)]
    assert mine == ["flow-run.Pending", "flow-run.Running"]
    assert any(event.kind.startswith("deployment.") for event in found)
    assert store.events.since(cursor) == ([], cursor)
    pages, at = [], start
    while True:
        page, at = store.events.since(at, limit=1)
        if not page:
            break
        pages += page
    assert pages == found
    only, _ = store.events.since(start, flow_run_id=run.id)
    assert {event.subject for event in only} == {str(run.id)}


@pytest.mark.parametrize("own", [True, False], ids=["own write", "another process's"])
def test_who_waits_is_woken_by_a_commit(store: Store, open_another: Opener, own: bool) -> None:
    writer = store if own else open_another()
    latest = store.events.latest()
    assert store.events.wait(latest - 1, 60) == latest, "it is greater already"
    woken: list[int] = []
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        woken.append(store.events.wait(latest, 100))

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait(60)
    time.sleep(0.05)  # as likely as not it waits by now; the outcome is the same if it does not
    writer.vault.set_variable("wake", "up")
    thread.join(60)
    assert not thread.is_alive()
    assert woken[0] > latest


def test_waiting_ends_with_its_time(store: Store) -> None:
    latest = store.events.latest()
    assert store.events.wait(latest, 0.05) == latest


# ── upkeep ───────────────────────────────────────────────────────────────────────────────


def test_prune_keeps_the_newest_ended_and_the_newest_completed(store: Store) -> None:
    made = deploy(store, keep_runs=1)
    runs = []
    for state_ in (Failed(), Completed(), Failed(), Failed()):
        at = now() - timedelta(days=10) + timedelta(minutes=len(runs))
        moved = replace(state_, timestamp=at)
        run = a_run(deployment_id=made.id, created=at, state=moved, end_time=at)
        store.create_flow_run(run)
        runs.append(run)
    waits = submit(store, a_run(deployment_id=made.id), deployment_id=made.id)
    tried = store.upkeep.prune(dry_run=True)
    assert store.count_flow_runs() == 5
    removed = store.upkeep.prune()
    assert removed.flow_runs == tried.flow_runs == 2
    assert {r.id for r in store.flow_runs()} == {runs[1].id, runs[3].id, waits.id}
    assert store.upkeep.prune().flow_runs == 0


def test_the_database_is_looked_after(store: Store, tmp_path: Path) -> None:
    run = a_run()
    store.create_flow_run(run)
    sizes = store.upkeep.largest()
    assert {"flow_run", "state"} <= {name for name, _, _ in sizes}
    assert {type(rows) for _, rows, _ in sizes} == {int}
    assert store.upkeep.vacuum() is not None
    if store.info().dialect != "sqlite":
        return
    target = tmp_path / "copy.db"
    assert store.upkeep.backup(str(target)) == target.stat().st_size
    with pytest.raises((UsageError, StoreError)):
        store.upkeep.backup(str(target))
    with closing(SQLStore(f"sqlite:///{target}")) as copy:
        assert copy.flow_run(run.id) == run
