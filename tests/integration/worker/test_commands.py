"""`nbflow queue`, `nbflow worker` and `nbflow cancel`, as typed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from nbflow.cli.main import main
from nbflow.deployments.running import new_run
from nbflow.models import FlowKind, FlowRun, new_id
from nbflow.models.deployments import DeploymentSpec
from nbflow.owner import this_owner
from nbflow.store import Store, close_stores, open_store

Nbflow = Callable[..., tuple[int, str]]


@pytest.fixture
def nbflow(capsys: pytest.CaptureFixture[str]) -> Nbflow:
    """Types a command; gives its exit code and what it said."""

    def typed(*arguments: str) -> tuple[int, str]:
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out + said.err

    return typed


@pytest.fixture
def store():
    yield open_store()
    close_stores()


def waiting(store: Store) -> FlowRun:
    spec = DeploymentSpec(entrypoint="m.py:f", kind=FlowKind.FUNCTION, queue="gpu")
    deployment = store.deployments.save("f", "d", spec, content_hash="1")
    return store.dispatch.submit(*new_run(deployment))


def test_a_queue_is_made_changed_and_deleted(nbflow: Nbflow, store: Store) -> None:
    assert nbflow("queue", "create", "gpu", "--limit", "1", "--description", "one card")[0] == 0
    assert nbflow("queue", "set-limit", "gpu", "3")[0] == 0
    assert nbflow("queue", "set-priority", "gpu", "-5")[0] == 0
    assert nbflow("queue", "pause", "gpu")[0] == 0
    queue = store.dispatch.queue("gpu")
    assert (queue.concurrency_limit, queue.priority, queue.paused) == (3, -5, True)
    assert queue.description == "one card"
    assert nbflow("queue", "resume", "gpu")[0] == 0
    assert nbflow("queue", "set-limit", "gpu", "none")[0] == 0
    queue = store.dispatch.queue("gpu")
    assert (queue.concurrency_limit, queue.paused) == (None, False)
    listed = json.loads(nbflow("queue", "ls", "--json")[1])
    assert [each["name"] for each in listed] == ["gpu", "default"]
    assert nbflow("queue", "delete", "gpu") == (0, "The queue gpu is gone.\n")
    assert [each.name for each in store.dispatch.queues()] == ["default"]


def test_a_queue_is_inspected(nbflow: Nbflow, store: Store) -> None:
    waiting(store)
    code, said = nbflow("queue", "inspect", "gpu")
    assert code == 0
    assert "Served by nobody. Start a worker: nbflow worker start -q gpu" in said
    told = json.loads(nbflow("queue", "inspect", "gpu", "--json")[1])
    assert (told["waiting"], told["running"], told["workers"]) == (1, 0, [])


MISTAKES = {
    "an unknown queue": (("queue", "pause", "gpv"), "There is no queue 'gpv'. Did you mean gpu?"),
    "one that is there": (("queue", "create", "gpu", "--limit", "2"), "There is a queue 'gpu'"),
    "no number": (("queue", "set-limit", "gpu", "many"), "'many' is no number of runs"),
    "less than none": (("queue", "set-limit", "gpu", "-1"), "nbflow queue set-limit --help"),
    "in use": (("queue", "delete", "gpu"), "wait in the queue 'gpu'"),
    "no such worker": (("worker", "stop", "bob"), "There is no living worker 'bob'."),
    "no limit": (("worker", "start", "--limit", "0"), "nbflow worker start --help"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told(nbflow: Nbflow, store: Store, case: str) -> None:
    nbflow("queue", "create", "gpu", "--limit", "1")
    waiting(store)
    arguments, words = MISTAKES[case]
    code, said = nbflow(*arguments)
    assert code == 2
    assert words in said
    assert said.count("\n") == 1


def test_no_worker_is_said(nbflow: Nbflow) -> None:
    assert nbflow("worker", "ls") == (0, "No worker lives. Start one: nbflow worker start\n")
    assert nbflow("agent", "ls", "--json") == (0, "[]\n")


def test_a_waiting_run_is_cancelled_at_once(nbflow: Nbflow, store: Store) -> None:
    run = waiting(store)
    code, said = nbflow("cancel", str(run.id))
    assert code == 0
    assert f"cancelled  {run.name}: it waits for a worker no more." in said
    assert store.flow_run(run.id).state.is_cancelled()
    code, said = nbflow("cancel", str(run.id))
    assert code == 2
    assert "has ended already: it was cancelled." in said


def test_a_held_run_is_its_workers_to_end(nbflow: Nbflow, store: Store) -> None:
    run = waiting(store)
    [claim] = store.dispatch.claim(new_id(), [])
    store.dispatch.start(claim.fence, this_owner())
    code, said = nbflow("cancel", str(run.id), "--wait", "0s")
    assert code == 1
    assert "its worker was asked to end it" in said
    assert "See whether it lives: nbflow worker ls" in said
    store.dispatch.finish(claim.fence)
    assert store.flow_run(run.id).state.is_cancelled()
