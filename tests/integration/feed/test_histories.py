"""Whatever happened, and however often it was asked for: what was told adds up to the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from nbflow import states
from nbflow.drawing import Direction
from nbflow.feed import Look, RunFeed
from nbflow.models import (
    FlowRun,
    LogRecord,
    ResultRef,
    RunKind,
    StateChange,
    TaskKind,
    TaskRun,
    new_id,
)
from nbflow.models.deployments import Artifact, ArtifactKind
from nbflow.states import State, now
from nbflow.store.base import Store
from nbflow.store.sql import SQLStore
from tests.integration.feed.conftest import Page

NAMES = ("load", "train\ud800", "<b>score</b>")
MAKERS: tuple[Callable[..., State[Any]], ...] = (
    states.Pending,
    states.Running,
    states.Retrying,
    states.AwaitingRetry,
    states.Completed,
    states.Failed,
    states.Cached,
    states.NotReady,
    states.Crashed,
    states.TimedOut,
)


@dataclass
class History:
    """Writes what may happen in a run, in any order that a store takes."""

    store: Store
    chance: random.Random
    flows: list[FlowRun] = field(default_factory=list)
    tasks: list[TaskRun] = field(default_factory=list)
    maps: list[UUID] = field(default_factory=lambda: [new_id(), new_id()])
    attempts: dict[UUID, int] = field(default_factory=dict)
    #: Runs that have ended: nothing happens in them until they go on.
    ended: set[UUID] = field(default_factory=set)

    def begin(self) -> UUID:
        self.add_flow()
        return self.flows[0].id

    def step(self) -> None:
        getattr(self, self.chance.choice(STEPS))()

    def add_flow(self) -> None:
        alive = self.alive()
        if self.flows and not alive:
            return
        parent = self.chance.choice(alive) if alive else None
        run = FlowRun(
            id=new_id(),
            name=self.chance.choice(NAMES),
            flow_name="part",
            state=states.Pending(),
            parent_id=parent,
            parameters={"text\udfff": float("nan"), "many": ["\x00"] * 3},
            created=now(),
        )
        self.store.create_flow_run(run)
        self.flows.append(run)

    def add_tasks(self) -> None:
        """One, or so many that they become a loop."""
        alive = self.alive()
        for _ in range(self.chance.choice((1, 1, 2, 5, 7)) if alive else 0):
            self.add_task(self.chance.choice(alive))

    def add_task(self, flow_run_id: UUID) -> None:
        kind = self.chance.choice((TaskKind.FUNCTION, TaskKind.FUNCTION, TaskKind.CELL))
        name = self.chance.choice((*NAMES, "load", "load", "load"))
        mapped = kind is TaskKind.FUNCTION and self.chance.random() < 0.3
        task = TaskRun(
            id=new_id(),
            name=name,
            task_name=name,
            task_key=name,
            kind=kind,
            state=states.Pending(),
            flow_run_id=flow_run_id,
            parent_id=self.some_task() if self.chance.random() < 0.2 else None,
            map_id=self.chance.choice(self.maps) if mapped else None,
            map_index=len(self.tasks) if mapped else None,
            cell_index=len(self.tasks) if kind is TaskKind.CELL else None,
            created=now(),
        )
        self.store.create_task_run(task)
        self.tasks.append(task)
        if self.chance.random() < 0.5:
            self.depend()

    def alive(self) -> list[UUID]:
        return [run.id for run in self.flows if run.id not in self.ended]

    def some_alive(self, number: int = 1) -> list[TaskRun]:
        alive = [task for task in self.tasks if task.flow_run_id not in self.ended]
        return self.chance.choices(alive, k=number) if alive else []

    def some_task(self) -> UUID | None:
        return self.chance.choice(self.tasks).id if self.tasks else None

    def depend(self) -> None:
        """A task needs another."""
        for task in self.some_alive():
            upstream, name = self.some_task(), self.chance.choice(("", "rows"))
            if upstream is not None and upstream != task.id:
                certain = self.chance.random() < 0.5
                self.store.add_dependencies(task.id, task.flow_run_id, [(upstream, name, certain)])

    def move(self) -> None:
        for task in self.some_alive(self.chance.choice((1, 3, 9))):
            state = self.chance.choice(MAKERS)(message=self.chance.choice((None, "a\ud800\nb")))
            attempt = self.attempts.get(task.id, 0) + (state.type is states.StateType.RUNNING)
            self.attempts[task.id] = attempt
            result = ResultRef("key", "here", "json", attempt) if state.is_completed() else None
            self.store.set_state(
                StateChange(RunKind.TASK, task.id, state, attempt, result, task.flow_run_id)
            )

    def move_flow(self) -> None:
        """A flow that has not ended moves; one whose caller has ended is left alone."""
        run = self.chance.choice(self.flows)
        if self.ended.isdisjoint((run.id, run.parent_id)):
            self.move_to(run, self.chance.choice(MAKERS)())

    def retry(self) -> None:
        """After its end a run goes on with all that it called."""
        if self.flows[0].id in self.ended:
            for run in self.flows:
                self.move_to(run, states.Running())

    def move_to(self, run: FlowRun, state: State[Any]) -> None:
        self.store.set_state(StateChange(RunKind.FLOW, run.id, state, 1, None, run.id))
        (self.ended.add if state.is_settled() else self.ended.discard)(run.id)

    def rename(self) -> None:
        for task in self.some_alive():
            self.store.rename_task_run(task.id, "renamed")

    def log(self) -> None:
        task = next(iter(self.some_alive()), None)
        run_id = task.flow_run_id if task else self.flows[0].id
        words = self.chance.choice(("5%\r", "a line", "\x1b[1mbold\x00\udc80"))
        self.store.add_logs(
            [LogRecord(run_id, task.id if task else None, 20, "nbflow.stdout", words, now())]
        )

    def keep(self) -> None:
        kind, data = self.chance.choice(
            (
                (ArtifactKind.METRIC, {"value": 1.5, "step": 1}),
                (ArtifactKind.PROGRESS, 20.0),
                (ArtifactKind.MARKDOWN, "text"),
            )
        )
        artifact = Artifact(
            id=new_id(), kind=kind, key="k", data=data, created=now(), flow_run_id=self.flows[0].id
        )
        self.store.flush()
        self.store.artifacts.add(artifact)
        if kind is ArtifactKind.PROGRESS and self.chance.random() < 0.5:
            self.store.artifacts.add(replace(artifact, data=80.0))


STEPS = (
    "add_flow",
    "add_tasks",
    "add_tasks",
    "add_tasks",
    "depend",
    "move",
    "move",
    "move",
    "move_flow",
    "retry",
    "rename",
    "log",
    "keep",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples: each has a run of its own."""
    store = SQLStore(f"sqlite:///{tmp_path_factory.mktemp('store') / 'runs.db'}")
    yield store
    store.close()


LOOKS = (Look(), Look(frozenset()), Look(None, Direction.RIGHT))


def shutting(page: Page) -> Look:
    """All subflows closed, as far as the page knows them."""
    return Look(frozenset(page.known.get("graph", {}).get("groups", ())))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    #: How much happens before each look, and whether time passes.
    looks=st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=6),
    #: None: every subflow is closed once it is known.
    look=st.sampled_from((*LOOKS, None)),
)
def test_all_that_was_told_adds_up_to_what_a_new_reader_is_told(
    shared: Store, clock: Any, seed: int, looks: list[tuple[int, bool]], look: Look | None
) -> None:
    history = History(shared, random.Random(seed))
    run_id = history.begin()
    page = Page(RunFeed(shared, run_id, clock=clock), clock, look)
    for steps, later in looks:
        for _ in range(steps):
            history.step()
        clock.time += 10_000 if later else 0
        page.pull()
        page.look = look or shutting(page)
    page.pull_all()
    page.look = look = look or shutting(page)
    told = page.pull_all()
    assert page.pull() is None
    new = Page(RunFeed(shared, run_id, clock=clock), clock, look)
    assert told == new.pull_all()
    assert new.updates[0]["run"]["id"] == str(run_id)
