"""A run is followed to its end, whatever happens to the store, the reader and the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from nbflow import states
from nbflow.cli.follow import Follower, following
from nbflow.cli.reports import Silent
from nbflow.exceptions import StoreError
from nbflow.models import FlowRun, LogRecord, RunKind, StateChange, TaskRun, new_id
from nbflow.store.sql import SQLStore
from nbflow.story import Event, Logged, RunMoved, Story
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLStore]:
    opened = SQLStore(f"sqlite:///{tmp_path / 'runs.db'}")
    yield opened
    opened.close()


class Reporter(Silent):
    """Remembers what it was told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[str] = []
        self.error = error
        self.is_resting = False

    @property
    def rests(self) -> bool:
        return self.is_resting

    def begin(self) -> None:
        self.told.append("begin")

    def tell(self, events: Sequence[Event], story: Story) -> None:
        assert story.run is not None
        self.told += [words(event) for event in events]
        if self.error:
            raise self.error

    def stop(self) -> None:
        self.told.append("stop")


def words(event: Event) -> str:
    if isinstance(event, Logged):
        return event.record.message
    run = event.run if isinstance(event, RunMoved) else event.task
    return f"{run.name} {run.state.name}"


def flow_run(state: states.State[Any], name: str = "fox", **fields: Any) -> FlowRun:
    made = FlowRun(id=new_id(), name=name, flow_name="f", state=state, created=datetime.now(UTC))
    return replace(made, **fields)


def task_run(run: FlowRun, name: str, state: states.State[Any]) -> TaskRun:
    now = datetime.now(UTC)
    return TaskRun(
        id=new_id(), name=name, task_name=name, state=state, flow_run_id=run.id, created=now
    )


def move(store: SQLStore, run: FlowRun, state: states.State[Any]) -> None:
    store.set_state(StateChange(RunKind.FLOW, run.id, state, 1, None, run.id))


def line(run: FlowRun, text: str) -> LogRecord:
    return LogRecord(run.id, None, 20, "mine", text, datetime.now(UTC))


def test_all_is_told_by_the_end_and_once(store: SQLStore) -> None:
    run, reporter = flow_run(states.Running()), Reporter()
    with following(store, run.id, reporter) as follower:
        store.create_flow_run(run)
        until(lambda: "fox Running" in reporter.told, "word of the run")
        store.create_task_run(task_run(run, "load", states.Completed()))
        store.add_logs([line(run, "one"), line(run, "two")])
        move(store, run, states.Completed())
    assert (reporter.told[0], reporter.told[-1]) == ("begin", "stop")
    assert sorted(reporter.told[1:-1]) == sorted(
        ["fox Running", "load Completed", "one", "two", "fox Completed"]
    )
    assert follower.whole is follower.story


def test_a_run_that_is_not_there_yet_is_waited_for(store: SQLStore) -> None:
    """The store learns of the run a little later than the display."""
    run, other, reporter = flow_run(states.Running()), flow_run(states.Running()), Reporter()
    with following(store, run.id, reporter):
        store.create_flow_run(other)
        store.flush()
        store.create_flow_run(run)
        until(lambda: reporter.told == ["begin", "fox Running"], "word of the run")


def test_subflows_are_told_too(store: SQLStore) -> None:
    run, reporter = flow_run(states.Running()), Reporter()
    child = flow_run(states.Completed(), "cub", parent_id=run.id)
    with following(store, run.id, reporter) as follower:
        for each in (run, child):
            store.create_flow_run(each)
        store.create_task_run(task_run(child, "load", states.Completed()))
        move(store, run, states.Completed())
    assert {"cub Completed", "load Completed", "fox Completed"} <= set(reporter.told)
    assert follower.story.tally().total == 1


def test_an_earlier_attempt_is_no_news(store: SQLStore) -> None:
    run, reporter = flow_run(states.Failed()), Reporter()
    store.create_flow_run(run)
    store.add_logs([line(run, "old")])
    with following(store, run.id, reporter, again=True):
        store.add_logs([line(run, "new")])
        move(store, run, states.Completed())
    assert sorted(reporter.told[1:-1]) == ["fox Completed", "new"]


def test_a_reporter_that_rests_is_told_all_at_the_end(store: SQLStore) -> None:
    """Nothing is read for it meanwhile."""
    run, reporter = flow_run(states.Running()), Reporter()
    reporter.is_resting = True
    store.create_flow_run(run)
    reads = counted(store)
    with following(store, run.id, reporter):
        until(lambda: threads("nbflow-progress") == 1, "the follower's thread")
        assert reads == []
        move(store, run, states.Completed())
    assert reporter.told == ["begin", "fox Completed", "stop"]
    assert 0 < len(reads) < 10


def counted(store: SQLStore) -> list[UUID]:
    """Which runs were read."""
    reads, real = [], store.changes

    def changes(run_id: UUID, **options: Any) -> Any:
        reads.append(run_id)
        return real(run_id, **options)

    store.changes = changes  # type: ignore[method-assign]
    return reads


def threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


def test_the_pause_follows_the_work(store: SQLStore) -> None:
    """Who shares the run's process must not take it for itself."""
    run, reporter = flow_run(states.Running()), Reporter()
    store.create_flow_run(run)
    for number in range(300):
        store.create_task_run(task_run(run, f"task {number}", states.Running()))
    follower = Follower(store, run.id, reporter)
    began = time.thread_time()
    pause = follower.look(0.05)
    took = time.thread_time() - began
    assert len(reporter.told) == 301
    assert 0 < pause <= max(0.05, reporter.rest * took)
    assert [follower.look(0.05), follower.look(0.1), follower.look(0.2)] == [0.1, 0.2, 0.25]


def test_a_subflow_that_is_deleted_meanwhile_is_left_out(store: SQLStore) -> None:
    run, reporter = flow_run(states.Running()), Reporter()
    child = flow_run(states.Running(), "cub", parent_id=run.id)
    with following(store, run.id, reporter):
        for each in (run, child):
            store.create_flow_run(each)
        until(lambda: "cub Running" in reporter.told, "word of the subflow")
        store.delete_flow_run(child.id)
        store.flush()
        move(store, run, states.Completed())
    assert reporter.told.count("fox Running") == 1


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError("gone")])
def test_a_reader_that_went_away_is_told_nothing_more(store: SQLStore, error: OSError) -> None:
    """The run goes on."""
    run, reporter = flow_run(states.Running()), Reporter(error)
    store.create_flow_run(run)
    with following(store, run.id, reporter) as follower:
        until(lambda: len(reporter.told) == 2, "word of the run")
        move(store, run, states.Completed())
    assert reporter.told == ["begin", "fox Running", "stop"]
    assert follower.story.run is not None
    assert follower.story.run.state.name == "Completed"


def test_a_store_that_fails_ends_the_display_not_the_run(
    store: SQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine meets the same store, and is the one who says so."""

    def fail(*_: object, **__: object) -> None:
        raise StoreError("The disk is full.")

    run, reporter = flow_run(states.Running()), Reporter()
    store.create_flow_run(run)
    monkeypatch.setattr(store, "changes", fail)
    with following(store, run.id, reporter) as follower:
        pass
    assert reporter.told == ["begin", "stop"]
    assert follower.whole is None


def test_the_display_is_taken_down_when_the_run_is_refused(store: SQLStore) -> None:
    """A mistake found by the engine is told below a clean terminal."""
    reporter = Reporter()
    with pytest.raises(ValueError, match="no"), following(store, new_id(), reporter):
        raise ValueError("no")
    assert reporter.told == ["begin", "stop"]
