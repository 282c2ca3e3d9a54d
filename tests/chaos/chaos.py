"""A database, servers, workers, runs, and somebody who kills: then the truth is looked for."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from nbflow import schedules
from nbflow.deployments import deploying, running
from nbflow.models import FlowRun, FlowRunFilter, RunKind
from nbflow.models.deployments import CatchUp, Deployment
from nbflow.settings import get_settings, temporary_settings
from nbflow.states import FINAL_TYPES, now
from nbflow.store import SQLStore
from tests.chaos import evidence
from tests.chaos.fleet import Fleet

PATIENCE_SECONDS = 90.0


@dataclass
class Outcome:
    """What a round of chaos came to."""

    runs: int = 0
    kills: int = 0
    executions: int = 0
    #: Runs whose code came to its end twice: allowed (at least once), but told.
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)


def play(
    folder: Path,
    *,
    seed: int,
    seconds: float,
    servers: int = 2,
    workers: int = 4,
    url: str = "",
) -> Outcome:
    """Submit runs for some seconds while members are killed, then wait and judge."""
    rng = random.Random(seed)
    home = folder / "home"
    home.mkdir(mode=0o700)
    database = url or f"sqlite:///{home / 'nbflow.db'}"
    fleet = Fleet(home)
    for number in range(servers):
        fleet.add_server(f"server-{number}")
    for number in range(workers):
        fleet.add_worker(f"worker-{number}")
    with temporary_settings(home=home, database_url=database):
        store = SQLStore(get_settings().resolved_database_url())
        try:
            deployment = _deploy(folder, store)
            fleet.start_all()
            submitted = _play(store, deployment, fleet, rng, seconds, folder / "book")
            store.deployments.set_paused(deployment.id, paused=True)
            _settle(store, fleet)
            return _judge(store, fleet, submitted, folder / "book")
        finally:
            fleet.stop()
            store.close()


def _deploy(folder: Path, store: SQLStore) -> Deployment:
    (folder / "sign.py").write_text(evidence.FLOW)
    (folder / "book").touch()
    every = schedules.Interval(timedelta(seconds=1))
    made = deploying.draft(
        f"{folder / 'sign.py'}:sign",
        name="chaos",
        schedules=[every],
        catchup=CatchUp.ALL,
        parameters={"seconds": 0.2, "book": str(folder / "book")},
        crash_retries=50,
    )
    return made.save(store)


def _play(
    store: SQLStore,
    deployment: Deployment,
    fleet: Fleet,
    rng: random.Random,
    seconds: float,
    book: Path,
) -> list[FlowRun]:
    end = time.monotonic() + seconds
    submitted = []
    while time.monotonic() < end:
        for _ in range(rng.randrange(3)):
            given = {"seconds": rng.random(), "book": str(book)}
            run, queued = running.new_run(deployment, given)
            submitted.append(store.dispatch.submit(run, queued))
        time.sleep(rng.random() * 0.6)
        fleet.kill_one(rng)
    return submitted


def _settle(store: SQLStore, fleet: Fleet) -> None:
    """Wait until nothing is left to be done."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        fleet.start_all()
        if all(run.state.type in FINAL_TYPES for run in store.flow_runs(limit=10_000)):
            return
        time.sleep(0.2)


def _judge(store: SQLStore, fleet: Fleet, submitted: list[FlowRun], book: Path) -> Outcome:
    runs = store.flow_runs(limit=10_000)
    seen = evidence.read(book)
    outcome = Outcome(runs=len(runs), kills=sum(member.kills for member in fleet.members))
    outcome.executions = sum(len(each) for each in seen.values())
    if store.count_flow_runs(FlowRunFilter()) < len(submitted):
        outcome.wrong.append("a run was forgotten")
    for run in runs:
        executions = seen.get(str(run.id), [])
        ends = sum(execution.ended for execution in executions)
        outcome.repeated += ends > 1
        outcome.wrong += [f"{run.name}: {each}" for each in _mistakes(store, run, executions)]
    outcome.wrong += _mistakes_of_schedule(store, runs)
    return outcome


def _mistakes(store: SQLStore, run: FlowRun, executions: list[evidence.Execution]) -> list[str]:
    history = [change.state for change in store.states(RunKind.FLOW, run.id)]
    final = [state for state in history if state.name == "Completed"]
    wrong = evidence.overlaps(executions)
    if run.state.name == "Skipped":
        return [*wrong, *(["it was skipped, and yet executed"] if executions else [])]
    if run.state.name != "Completed":
        wrong.append(f"it is {run.state.name}: {[state.name for state in history]}")
    if len(final) > 1:
        wrong.append(f"it completed {len(final)} times")
    if run.state.name == "Completed" and not any(each.ended for each in executions):
        wrong.append("it is Completed, and yet never came to its end")
    return wrong


def _mistakes_of_schedule(store: SQLStore, runs: list[FlowRun]) -> list[str]:
    """Each second has one run, from the first to the last."""
    found = [store.dispatch.queued(run.id) for run in runs]
    instants = sorted(each.nominal for each in found if each is not None and each.nominal)
    wrong = [f"{at} has two runs" for at, b in pairwise(instants) if at == b]
    steps = pairwise(instants)
    second = timedelta(seconds=1)
    wrong += [f"no run between {a} and {b}" for a, b in steps if b - a > second]
    return wrong if instants and instants[0] <= now() else [*wrong, "the schedule never fired"]
