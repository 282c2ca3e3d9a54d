"""Runs on their way to workers: who holds them, and what becomes of those nobody holds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from nbflow import schedules
from nbflow.exceptions import LeaseLost, ParameterError, ResumeError, UsageError
from nbflow.models import FlowKind, FlowRun, RunKind, StateChange, TaskRun, new_id
from nbflow.models.deployments import (
    Backfill,
    CatchUp,
    Claim,
    Collision,
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
    Crashed,
    Failed,
    Paused,
    Running,
    Scheduled,
    State,
    StateType,
    Suspended,
    now,
)
from nbflow.store import SQLStore

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ME = "host:1:1"


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def deploy(store: SQLStore, name: str = "nightly", cron: str = "", **spec: Any) -> Deployment:
    made = DeploymentSpec(entrypoint="train.ipynb", kind=FlowKind.NOTEBOOK, **spec)
    rules = [schedules.to_json(schedules.Cron(cron))] if cron else []
    planned = [DeploymentSchedule(slug="s", schedule=rule) for rule in rules]
    return store.deployments.save(
        "train", name, made, schedules=planned, content_hash="a", now=NOON
    )


def submit(store: SQLStore, deployment: Deployment | None = None, **queued: Any) -> FlowRun:
    due = queued.pop("due", None) or now()
    run = FlowRun(
        id=new_id(),
        name=queued.pop("name", "brisk-otter"),
        flow_name="train",
        state=Scheduled(scheduled_time=due),
        created=now(),
        parent_id=queued.pop("parent_id", None),
        deployment_id=deployment.id if deployment else None,
    )
    place = QueuedRun(
        run_id=run.id, deployment_id=deployment.id if deployment else None, due=due, **queued
    )
    return store.dispatch.submit(run, place)


def claim_one(store: SQLStore, at: datetime | None = None) -> Claim:
    (claim,) = store.dispatch.claim(new_id(), (), 1, now=at)
    return claim


def record(store: SQLStore, run: FlowRun, state: State[Any], attempt: int = 1) -> None:
    store.set_state(StateChange(RunKind.FLOW, run.id, state, attempt, None, run.id))
    store.flush()


def state_of(store: SQLStore, run: FlowRun) -> str:
    return store.flow_run(run.id).state.name


# ── claims ───────────────────────────────────────────────────────────────────────────────


def test_a_run_is_claimed_once(store: SQLStore) -> None:
    run = submit(store)
    worker = new_id()

    (claim,) = store.dispatch.claim(worker, ["default"], 5)

    assert (claim.run.id, claim.queued.token, claim.queued.worker_id) == (run.id, 1, worker)
    assert claim.run.state.type is StateType.PENDING
    assert store.dispatch.claim(new_id(), ["default"], 5) == []


def test_a_run_waits_for_its_time_and_its_queue(store: SQLStore) -> None:
    submit(store, due=minutes(5), queue="gpu")

    assert store.dispatch.claim(new_id(), ["gpu"], now=minutes(4.9)) == []
    assert store.dispatch.claim(new_id(), ["default"], now=minutes(5)) == []
    assert store.dispatch.next_due(["gpu"]) == minutes(5)
    assert len(store.dispatch.claim(new_id(), ["gpu"], now=minutes(5))) == 1
    assert store.dispatch.next_due(["gpu"]) is None


def test_the_order_is_queue_priority_then_priority_then_time(store: SQLStore) -> None:
    store.dispatch.save_queue(WorkQueue(name="urgent", priority=1))
    names = ["late", "first", "less", "early"]
    places = [("default", 0, 2), ("urgent", 5, 9), ("default", 7, 0), ("default", 0, 1)]
    for name, (queue, priority, due) in zip(names, places, strict=True):
        submit(store, name=name, queue=queue, priority=priority, due=minutes(due))

    claims = store.dispatch.claim(new_id(), (), 9, now=minutes(10))

    assert [claim.run.name for claim in claims] == ["first", "early", "late", "less"]


def test_many_claimants_share_without_overlap(open_another: Callable[[], SQLStore]) -> None:
    stores = [open_another() for _ in range(4)]
    wanted = {submit(stores[0]).id for _ in range(60)}
    got: Counter[UUID] = Counter()
    lock = threading.Lock()

    def work(store: SQLStore) -> None:
        while claims := store.dispatch.claim(new_id(), (), 2):
            with lock:
                got.update(claim.run.id for claim in claims)

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert got == Counter(dict.fromkeys(wanted, 1))


def test_the_same_key_is_the_same_run(store: SQLStore) -> None:
    first = submit(store, idempotency_key="k")

    assert submit(store, idempotency_key="k").id == first.id
    assert store.count_flow_runs() == 1


# ── limits and collisions ────────────────────────────────────────────────────────────────


def test_limits_of_queues_are_counted_from_leases(store: SQLStore) -> None:
    store.dispatch.save_queue(WorkQueue(name="gpu", concurrency_limit=1))
    for _ in range(3):
        submit(store, queue="gpu")
    (claim,) = store.dispatch.claim(new_id(), (), 5)

    assert store.dispatch.claim(new_id(), (), 5) == []
    assert (store.dispatch.queue("gpu").waiting, store.dispatch.queue("gpu").running) == (2, 1)
    store.dispatch.finish(claim.fence)
    assert len(store.dispatch.claim(new_id(), (), 5)) == 1


def test_a_paused_queue_gives_nothing_and_wakes_nobody(store: SQLStore) -> None:
    submit(store, queue="gpu")
    store.dispatch.save_queue(WorkQueue(name="gpu", paused=True))

    assert store.dispatch.claim(new_id(), (), 5) == []
    assert store.dispatch.next_due() is None


@pytest.mark.parametrize(
    ("collision", "newer", "older"),
    [
        (Collision.QUEUE, "AwaitingSlot", "Pending"),
        (Collision.CANCEL_NEW, "Cancelled", "Pending"),
        (Collision.SKIP, "Skipped", "Pending"),
        (Collision.CANCEL_RUNNING, "AwaitingSlot", "Cancelling"),
    ],
)
def test_collisions(store: SQLStore, collision: Collision, newer: str, older: str) -> None:
    deployment = deploy(store, concurrency_limit=1, collision=collision)
    first = submit(store, deployment)
    claim_one(store)
    second = submit(store, deployment)

    assert store.dispatch.claim(new_id(), (), 5) == []

    assert (state_of(store, second), state_of(store, first)) == (newer, older)


def test_whoever_waited_for_a_slot_gets_it(store: SQLStore) -> None:
    deployment = deploy(store, concurrency_limit=1)
    submit(store, deployment)
    claim = claim_one(store)
    second = submit(store, deployment)
    store.dispatch.claim(new_id(), (), 5)
    store.dispatch.finish(claim.fence)

    assert claim_one(store).run.id == second.id


# ── leases and fences ────────────────────────────────────────────────────────────────────


def test_writes_under_a_lost_claim_are_dropped(open_another: Callable[[], SQLStore]) -> None:
    store, other = open_another(), open_another()
    run = submit(store)
    old = claim_one(store, minutes(0.1) if run.created < NOON else None)
    other.write_under(old.fence)
    record(other, run, Running())
    later = now() + timedelta(hours=1)
    store.dispatch.tick(now=later)  # the lease is over
    assert state_of(store, run) in {"Crashed", "Scheduled"}
    if state_of(store, run) == "Crashed":
        store.dispatch.retry(run.id)
    new = claim_one(store, later)

    other.set_state(StateChange(RunKind.FLOW, run.id, Completed(), 1, None, run.id))
    with pytest.raises(LeaseLost, match="another worker"):
        other.flush()

    assert new.queued.token == old.queued.token + 1
    assert state_of(store, run) == "Pending"
    for call in (store.dispatch.finish, lambda f: store.dispatch.hand_back(f, "no")):
        assert call(old.fence) is None
    with pytest.raises(LeaseLost):
        store.dispatch.start(old.fence, ME)


def test_a_heartbeat_prolongs_and_tells(store: SQLStore) -> None:
    worker = new_id()
    for _ in range(3):
        submit(store)
    claims = store.dispatch.claim(worker, (), 3)
    start = now()
    store.dispatch.cancel(claims[1].run.id)
    store.dispatch.finish(claims[2].fence)

    heard = store.dispatch.heartbeat(worker, [c.fence for c in claims], now=start)

    assert heard.lost == (claims[2].fence,)
    assert heard.cancelling == {claims[1].run.id}
    queued = store.dispatch.queued(claims[0].run.id)
    assert queued is not None
    assert queued.lease_until is not None
    assert queued.lease_until > start + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("began", "retries", "ended"),
    [(False, 0, "Scheduled"), (True, 0, "Crashed"), (True, 1, "AwaitingRetry")],
)
def test_a_silent_worker_loses_its_run(
    store: SQLStore, began: bool, retries: int, ended: str
) -> None:
    run = submit(store, crash_retries_left=retries)
    claim = claim_one(store)
    child = TaskRun(
        id=new_id(), name="t", task_name="t", flow_run_id=run.id, state=Running(), created=now()
    )
    if began:
        store.dispatch.start(claim.fence, ME)
        record(store, run, Running())
        store.create_task_run(child)

    store.dispatch.tick(now=now() + timedelta(hours=1))

    assert state_of(store, run) == ended
    if began:
        assert store.task_run(child.id).state.name == "Crashed"
    assert bool(store.dispatch.claim(new_id(), (), 1, now=now() + timedelta(hours=2))) == (
        ended != "Crashed"
    )


@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (Completed(), "Completed"),
        (Failed(message="no"), "Failed"),
        (Running(), "Crashed"),
        (Suspended(), "Suspended"),
        (Paused(), "Crashed"),
    ],
)
def test_what_a_run_is_when_its_process_has_ended(
    store: SQLStore, last: State[Any], ended: str
) -> None:
    run = submit(store)
    claim = claim_one(store)
    store.dispatch.start(claim.fence, ME)
    record(store, run, Running())
    record(store, run, last)

    done = store.dispatch.finish(claim.fence)

    assert done is not None
    assert (done.state.name, state_of(store, run)) == (ended, ended)
    assert store.dispatch.finish(claim.fence) is None
    assert store.flow_run(run.id).owner is None


def test_a_cancelled_run_ends_as_cancelled_however_its_process_ends(store: SQLStore) -> None:
    run = submit(store, crash_retries_left=3)
    claim = claim_one(store)
    assert store.dispatch.cancel(run.id).state.type is StateType.CANCELLING
    with pytest.raises(LeaseLost, match="cancelled"):
        store.dispatch.start(claim.fence, ME)

    store.dispatch.finish(claim.fence, Crashed())

    assert state_of(store, run) == "Cancelled"
    with pytest.raises(UsageError, match="ended"):
        store.dispatch.cancel(run.id)


def test_cancelling_reaches_what_a_run_has_sent_to_other_workers(store: SQLStore) -> None:
    parent = submit(store)
    claim_one(store)
    child = submit(store, parent_id=parent.id)

    store.dispatch.cancel(parent.id)

    assert (state_of(store, parent), state_of(store, child)) == ("Cancelling", "Cancelled")


def test_a_dead_parent_does_not_end_what_waits_for_other_workers(store: SQLStore) -> None:
    parent = submit(store)
    claim = claim_one(store)
    record(store, parent, Running())
    child = submit(store, parent_id=parent.id)

    store.dispatch.finish(claim.fence)

    assert (state_of(store, parent), state_of(store, child)) == ("Crashed", "Scheduled")


def test_a_handed_back_run_waits_at_once(store: SQLStore) -> None:
    run = submit(store)
    store.dispatch.hand_back(claim_one(store).fence, "the worker stops")

    assert claim_one(store).run.id == run.id


# ── retries and answers ──────────────────────────────────────────────────────────────────


def test_an_ended_run_is_retried_and_resumed(store: SQLStore) -> None:
    run = submit(store)
    claim = claim_one(store)
    with pytest.raises(ResumeError, match="has not ended"):
        store.dispatch.retry(run.id)
    record(store, run, Running())
    record(store, run, Failed())
    store.dispatch.finish(claim.fence)

    assert store.dispatch.retry(run.id, resume=True).state.name == "Resuming"
    again = claim_one(store)
    assert store.dispatch.start(again.fence, ME).state.name == "Resuming"
    record(store, run, Failed(), 2)
    store.dispatch.finish(again.fence)
    store.dispatch.retry(run.id)
    third = claim_one(store)

    assert store.dispatch.start(third.fence, ME).state.name == "Pending"
    assert third.queued.token == 3


def test_a_run_whose_process_is_just_ending_can_be_retried(store: SQLStore) -> None:
    run = submit(store)
    claim = claim_one(store)
    record(store, run, Running())
    record(store, run, Failed())

    store.dispatch.retry(run.id)

    assert store.dispatch.finish(claim.fence) is None
    assert claim_one(store).queued.token == 2


def test_a_completed_run_is_not_retried(store: SQLStore) -> None:
    run = submit(store)
    claim = claim_one(store)
    record(store, run, Completed())
    store.dispatch.finish(claim.fence)

    with pytest.raises(ResumeError, match="has completed"):
        store.dispatch.retry(run.id)


def test_a_suspended_run_goes_on_when_it_is_answered(store: SQLStore) -> None:
    run = submit(store)
    claim = claim_one(store)
    record(store, run, Running())
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    store.dispatch.ask(RunInput(flow_run_id=run.id, key="go", schema=schema, created=now()))
    record(store, run, Suspended())
    store.dispatch.finish(claim.fence)
    with pytest.raises(ParameterError, match="ok: 'yes' is not of type 'boolean'"):
        store.dispatch.answer(run.id, {"ok": "yes"})
    assert store.dispatch.claim(new_id(), ()) == []

    store.dispatch.answer(run.id, {"ok": True})

    assert store.dispatch.start(claim_one(store).fence, ME).state.name == "Resuming"
    assert [each.answer for each in store.dispatch.inputs(run.id)] == [{"ok": True}]
    with pytest.raises(UsageError, match="waits for no answer"):
        store.dispatch.answer(run.id, {"ok": True})


def test_a_suspended_run_does_not_wait_longer_than_it_said(store: SQLStore) -> None:
    run = submit(store)
    claim = claim_one(store)
    soon = now() + timedelta(minutes=1)
    store.dispatch.ask(RunInput(flow_run_id=run.id, key="go", created=now(), deadline=soon))
    record(store, run, Suspended())
    store.dispatch.finish(claim.fence)
    assert store.dispatch.tick() == soon
    assert state_of(store, run) == "Suspended"

    assert store.dispatch.tick(now=soon) is None

    assert state_of(store, run) == "TimedOut"
    with pytest.raises(UsageError, match="waits for no answer"):
        store.dispatch.answer(run.id)


def test_an_answer_may_come_before_the_process_has_gone(store: SQLStore) -> None:
    run = submit(store)
    claim = claim_one(store)
    store.dispatch.ask(RunInput(flow_run_id=run.id, key="go", created=now()))
    record(store, run, Suspended())

    store.dispatch.answer(run.id)
    store.dispatch.finish(claim.fence)

    assert claim_one(store).run.id == run.id


# ── schedules ────────────────────────────────────────────────────────────────────────────


def waiting(store: SQLStore) -> list[datetime]:
    states = [run.state for run in store.flow_runs() if run.state.is_scheduled()]
    return sorted(state.scheduled_time for state in states if state.scheduled_time)


def test_one_run_of_a_schedule_waits_and_the_next_follows(store: SQLStore) -> None:
    deployment = deploy(store, cron="*/10 * * * *")
    assert waiting(store) == [minutes(10)]

    claim = claim_one(store, minutes(10))

    assert claim.queued.nominal == minutes(10)
    assert claim.version is not None
    assert claim.version.number == 1
    assert waiting(store) == [minutes(20)]
    assert store.deployments.get(deployment.id).schedules[0].next_fire == minutes(20)
    assert store.dispatch.tick(now=minutes(10.1)) is not None
    assert waiting(store) == [minutes(20)]


@pytest.mark.parametrize(
    ("catchup", "ran"),
    [
        (CatchUp.LATEST, [minutes(50)]),
        (CatchUp.SKIP, []),
        (CatchUp.ALL, [minutes(10 * n) for n in range(1, 6)]),
    ],
)
def test_what_was_missed_is_caught_up_as_the_deployment_wants(
    store: SQLStore, catchup: CatchUp, ran: list[datetime]
) -> None:
    deploy(store, cron="*/10 * * * *", catchup=catchup)

    claims = store.dispatch.claim(new_id(), (), 99, now=minutes(55))

    assert [claim.queued.nominal for claim in claims] == ran
    assert waiting(store) == [minutes(60)]


def test_many_look_at_schedules_at_once(open_another: Callable[[], SQLStore]) -> None:
    stores = [open_another() for _ in range(3)]
    deploy(stores[0], cron="* * * * *", catchup=CatchUp.ALL)
    threads = [
        threading.Thread(target=store.dispatch.tick, kwargs={"now": minutes(count)})
        for count in range(1, 9)
        for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert waiting(stores[0]) == [minutes(count) for count in range(1, 10)]


def test_more_schedules_than_fit_into_one_transaction(
    store: SQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbflow.store.scheduling.AT_ONCE", 2)
    for number in range(5):
        deploy(store, f"d{number}", cron="*/10 * * * *")

    assert len(store.dispatch.claim(new_id(), (), 9, now=minutes(10))) == 5
    assert waiting(store) == [minutes(20)] * 5


def test_a_paused_deployment_rests_and_goes_on(store: SQLStore) -> None:
    deployment = deploy(store, cron="* * * * *")
    store.dispatch.tick(now=minutes(0.5))
    store.deployments.set_paused(deployment.id, paused=True)
    assert waiting(store) == []
    assert {run.state.name for run in store.flow_runs()} <= {"Skipped"}
    assert store.dispatch.tick(now=minutes(500)) is None

    store.deployments.set_paused(deployment.id, paused=False)

    assert len(waiting(store)) == 1


def test_a_new_version_is_what_later_runs_use(store: SQLStore) -> None:
    deployment = deploy(store, cron="*/10 * * * *")
    newer = deploy(store, cron="*/10 * * * *", parameters={"folds": 3})
    assert (newer.id, newer.version) == (deployment.id, 2)

    claim = claim_one(store, minutes(10))

    assert claim.run.parameters == {"folds": 3}
    assert claim.version is not None
    assert claim.version.number == 2


def test_runs_that_nobody_takes_get_late(store: SQLStore) -> None:
    run = submit(store, due=NOON)
    store.dispatch.tick(now=minutes(1))

    assert state_of(store, run) == "Late"


# ── backfills, workers, queues ───────────────────────────────────────────────────────────


def test_a_backfill_is_one_thing(store: SQLStore) -> None:
    deployment = deploy(store)
    made = Backfill(
        id=new_id(),
        deployment_id=deployment.id,
        start=NOON,
        end=minutes(3),
        concurrency_limit=2,
        created=NOON,
    )
    pairs = []
    for number in range(4):
        run = FlowRun(
            id=new_id(), name=f"r{number}", flow_name="train", state=Scheduled(), created=now()
        )
        place = QueuedRun(run_id=run.id, backfill_id=made.id, idempotency_key=f"b{number}")
        pairs.append((run, place))

    store.dispatch.submit_backfill(made, pairs)

    assert len(store.dispatch.claim(new_id(), (), 9)) == 2
    assert store.dispatch.backfill(made.id).counts == {"PENDING": 2, "SCHEDULED": 2}
    cancelled = store.dispatch.cancel_backfill(made.id)
    assert cancelled.cancelled
    assert cancelled.counts == {"CANCELLING": 2, "CANCELLED": 2}
    assert store.dispatch.backfills(deployment_id=deployment.id) == [cancelled]


def test_worker_names_are_unique_among_the_living(store: SQLStore) -> None:
    from nbflow.exceptions import ObjectAlreadyExists
    from nbflow.owner import this_owner

    first = Worker(id=new_id(), name="w", owner=this_owner(), started=now(), heartbeat=now())
    store.dispatch.register(first)
    second = replace(first, id=new_id())
    with pytest.raises(ObjectAlreadyExists, match="--name"):
        store.dispatch.register(second)

    store.dispatch.sign_off(first.id)
    store.dispatch.register(second)

    assert [worker.id for worker in store.dispatch.workers()] == [second.id]


def test_a_queue_in_use_is_not_forgotten(store: SQLStore) -> None:
    deploy(store, queue="gpu")
    store.dispatch.save_queue(WorkQueue(name="gpu"))
    with pytest.raises(UsageError, match="train/nightly"):
        store.dispatch.delete_queue("gpu")


def test_fences_are_values() -> None:
    key = new_id()
    assert Fence(key, 1) == Fence(key, 1) != Fence(key, 2)
