"""A run is followed to its end, whatever happens to the store, the reader and the run."""

from __future__ import annotations

import time
from collections import defaultdict

import pytest

from nbflow.cli.follow import following
from nbflow.cli.reports import Silent
from nbflow.exceptions import ObjectNotFound, StoreError
from nbflow.models import Changes
from nbflow.states import Completed, Running


class Reporter(Silent):
    """Remembers what it was told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[str] = []
        self.error = error

    def begin(self) -> None:
        self.told.append("begin")

    def tell(self, events, story) -> None:
        self.told += [getattr(e, "run", getattr(e, "task", None)).state.name for e in events]
        if self.error:
            raise self.error

    def stop(self) -> None:
        self.told.append("stop")


class FakeStore:
    """Holds batches of changes by run; `None` stands for a run that is not there yet."""

    def __init__(self) -> None:
        self.batches = defaultdict(list)
        self.children = defaultdict(list)
        self.missing = 0
        self.error: Exception | None = None

    def changes(self, run_id, *, after=0, limit=5000) -> Changes:
        if self.error:
            raise self.error
        if self.missing:
            self.missing -= 1
            raise ObjectNotFound
        news = self.batches[run_id][after:]
        runs = [each for each in news if not hasattr(each, "task_name")]
        tasks = tuple(each for each in news if hasattr(each, "task_name"))
        return Changes(runs[-1] if runs else None, tasks, (), len(self.batches[run_id]))

    def watch(self, run_id, *, after=0, timeout=None):
        found = self.changes(run_id, after=after)
        if found.flow_run or found.task_runs:
            yield found

    def flow_runs(self, where, *, limit=200):
        return self.children[where.parent_id]


def test_all_is_told_by_the_end(make) -> None:
    """Also what happened just before the block ended, and once only."""
    store, reporter = FakeStore(), Reporter()
    with following(store, make.id, reporter):
        store.batches[make.id].append(make.flow_run(make.state(Running)))
        store.batches[make.id].append(make.cell(0, make.state(Completed)))
    assert sorted(reporter.told[1:-1]) == ["Completed", "Running"]
    assert (reporter.told[0], reporter.told[-1]) == ("begin", "stop")


def test_a_run_that_is_not_there_yet_is_waited_for(make) -> None:
    """The store learns of the run a little later than the display."""
    store, reporter = FakeStore(), Reporter()
    store.missing = 1
    store.batches[make.id].append(make.flow_run(make.state(Running)))
    with following(store, make.id, reporter):
        while len(reporter.told) < 2:
            time.sleep(0.01)
    assert reporter.told == ["begin", "Running", "stop"]


def test_subflows_are_told_too(make) -> None:
    """Their tasks come from batches of their own."""
    store, reporter = FakeStore(), Reporter()
    child = make.flow_run(make.state(Completed), id=make.cell(7, make.state(Running)).id)
    store.children[make.id].append(child)
    store.batches[make.id].append(make.flow_run(make.state(Completed)))
    store.batches[child.id] += [child, make.cell(0, make.state(Completed))]
    with following(store, make.id, reporter) as follower:
        pass
    assert reporter.told.count("Completed") == 3
    assert follower.story.tally().total == 1


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError("gone")])
def test_a_reader_that_went_away_is_told_nothing_more(make, error) -> None:
    """The run goes on."""
    store, reporter = FakeStore(), Reporter(error)
    store.batches[make.id].append(make.flow_run(make.state(Running)))
    with following(store, make.id, reporter) as follower:
        while len(reporter.told) < 2:
            time.sleep(0.01)
        store.batches[make.id].append(make.flow_run(make.state(Completed)))
    assert reporter.told == ["begin", "Running", "stop"]
    assert follower.story.run.state.name == "Completed"


def test_a_store_that_fails_ends_the_display_not_the_run(make) -> None:
    """The engine meets the same store, and is the one who says so."""
    store, reporter = FakeStore(), Reporter()
    store.error = StoreError("The disk is full.")
    with following(store, make.id, reporter):
        pass
    assert reporter.told == ["begin", "stop"]


def test_the_display_is_taken_down_when_the_run_is_refused(make) -> None:
    """A mistake found by the engine is told below a clean terminal."""
    reporter = Reporter()
    with pytest.raises(ValueError, match="no"), following(FakeStore(), make.id, reporter):
        raise ValueError("no")
    assert reporter.told == ["begin", "stop"]
