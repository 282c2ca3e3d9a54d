"""The inputs of failed tasks are kept, as far as they can be, within a limit."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from nbflow import flow, task
from nbflow.engine.failed_inputs import keep_inputs, load_failed
from nbflow.exceptions import MissingResult
from nbflow.futures import resolve_to_states
from nbflow.settings import get_settings, temporary_settings


def kept():
    """The files of kept inputs."""
    return sorted(Path(get_settings().results_root()).glob("failed/*"))


def run_id(path: Path):
    return type(uuid4())(path.name)


def only_run():
    (path,) = kept()
    return run_id(path)


def test_a_failed_task_leaves_its_inputs_and_its_source():
    @task
    def divide(a, b=0):
        return a / b

    assert divide(1, return_state=True).is_failed()
    left = load_failed(only_run())
    assert left.inputs == {"a": 1, "b": 0}
    assert left.source == "@task\ndef divide(a, b=0):\n    return a / b\n"


def test_a_task_in_a_flow_leaves_them_by_its_run():
    @task(retries=1)
    def divide(a, b):
        return a / b

    futures = []

    @flow
    def whole():
        futures.append(divide.submit(1, divide.submit(0, 5)))
        return resolve_to_states(futures)

    whole(return_state=True)
    assert load_failed(futures[0].task_run_id).inputs == {"a": 1, "b": 0.0}
    assert len(kept()) == 1


def test_what_inputs_share_stays_shared():
    shared = [1]
    keep_inputs(one := uuid4(), {"a": shared, "b": {"k": shared}})
    inputs = load_failed(one).inputs
    assert inputs["a"] is inputs["b"]["k"]


def test_inputs_that_cannot_be_pickled_are_left_out_with_the_reason():
    keep_inputs(one := uuid4(), {"a": 1, "lock": threading.Lock(), "f": lambda x: x + 1})
    failed = load_failed(one)
    assert failed.inputs["a"] == 1
    assert failed.inputs["f"](1) == 2
    assert list(failed.left_out) == ["lock"]
    assert "cannot be pickled" in failed.left_out["lock"]


def test_inputs_beyond_the_limit_are_left_out():
    with temporary_settings(failed_inputs_limit=10_000):
        keep_inputs(one := uuid4(), {"small": b"1" * 4_000, "large": b"2" * 20_000})
        failed = load_failed(one)
    assert list(failed.inputs) == ["small"]
    assert "failed_inputs_limit" in failed.left_out["large"]


def test_the_oldest_failures_make_room():
    with temporary_settings(failed_inputs_limit=30_000):
        runs = [uuid4() for _ in range(5)]
        for age, one in enumerate(runs):
            keep_inputs(one, {"x": bytes([age]) * 9_000})
            newest = Path(get_settings().results_root(), "failed", str(one))
            os.utime(newest, (1_000 + age, 1_000 + age))
    assert {run_id(path) for path in kept()} == set(runs[2:])
    with pytest.raises(MissingResult, match="Run it again"):
        load_failed(runs[0])


@pytest.mark.parametrize(
    ("what", "options"),
    [("ok", {}), ("switched off", {"keep_failed_inputs": False})],
)
def test_nothing_is_kept_unless_something_failed_and_is_wanted(what, options):
    @task
    def work(word):
        if word != "ok":
            raise ValueError(word)

    with temporary_settings(**options):
        work(what, return_state=True)
    assert kept() == []


def test_a_storage_that_cannot_be_written_changes_nothing(tmp_path):
    (tmp_path / "file").write_text("")

    @task
    def fail():
        raise ValueError("mine")

    with temporary_settings(results=str(tmp_path / "file" / "below")):
        state = fail(return_state=True)
    assert "mine" in state.message
