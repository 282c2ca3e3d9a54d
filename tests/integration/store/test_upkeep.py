"""What is forgotten, what is kept, and that nothing of what is forgotten stays behind."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbflow import flow, task
from nbflow.cache_policies import NO_CACHE
from nbflow.exceptions import UsageError
from nbflow.models import (
    FlowKind,
    FlowRun,
    LogRecord,
    ResultRef,
    RunKind,
    StateChange,
    TaskRun,
    new_id,
)
from nbflow.models.deployments import (
    Artifact,
    ArtifactKind,
    Deployment,
    DeploymentSpec,
    QueuedRun,
    RunInput,
)
from nbflow.settings import get_settings, temporary_settings
from nbflow.states import Completed, Failed, Pending, Running, Scheduled, State
from nbflow.store import SQLStore, Store, erasing, open_store

Opener = Callable[[], Store]
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def at(days_ago: float) -> datetime:
    return NOW - days_ago * DAY


def made(store: Store, days_ago: float, state: State[Any] | None = None, **changes: Any) -> FlowRun:
    """A flow run that ended so long ago; `state` None: it has not ended."""
    moment = at(days_ago)
    run = FlowRun(
        id=new_id(),
        name=f"run-{days_ago}",
        flow_name="etl",
        state=replace(Pending(), timestamp=moment),
        created=moment,
    )
    run = replace(run, **changes)
    store.create_flow_run(run)
    final = replace(state or Running(), timestamp=moment)
    store.set_state(StateChange(RunKind.FLOW, run.id, final, 1))
    return run


def ended(store: Store, *days_ago: float, **changes: Any) -> list[FlowRun]:
    return [made(store, each, Completed(), **changes) for each in days_ago]


def names(store: Store) -> list[str]:
    return [run.name for run in store.flow_runs()]


def rows_of_all_tables(store: Store) -> dict[str, int]:
    aside = {"counter", "alembic_version", "event"}
    return {name: rows for name, rows, _ in store.upkeep.largest() if rows and name not in aside}


def deployed(
    store: Store, name: str = "nightly", content: str = "0" * 64, **spec: Any
) -> Deployment:
    made_of = DeploymentSpec(entrypoint="etl.py:etl", kind=FlowKind.FUNCTION, **spec)
    return store.deployments.save(
        "etl", name, made_of, content_hash=content, snapshot=content.encode(), now=NOW
    )


# ── which runs go ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("keep_runs", "keep_days", "kept"),
    [
        (3, 0.0, [1, 2, 3]),
        (0, 3.5, [1, 2, 3]),
        (2, 3.5, [1, 2]),
        (100, 100.0, [1, 2, 3, 4, 5]),
        (0, 0.0, [1, 2, 3, 4, 5]),
        (0, 0.5, [1]),
        (1, 0.0, [1]),
    ],
)
def test_runs_go_by_number_and_by_age(
    store: Store, keep_runs: int, keep_days: float, kept: list[int]
) -> None:
    ended(store, 5, 4, 3, 2, 1)
    with temporary_settings(keep_runs=keep_runs, keep_days=keep_days):
        look = store.upkeep.prune(now=NOW, dry_run=True)
        assert len(names(store)) == 5
        removed = store.upkeep.prune(now=NOW)
        assert names(store) == [f"run-{days}" for days in kept]
        assert look.flow_runs == removed.flow_runs == 5 - len(kept)
        assert store.upkeep.prune(now=NOW).flow_runs == 0


def test_each_flow_is_counted_by_itself(store: Store) -> None:
    ended(store, 3, 2, 1)
    ended(store, 6, 5, flow_name="other")
    with temporary_settings(keep_runs=1):
        assert store.upkeep.prune(now=NOW).flow_runs == 3
    assert names(store) == ["run-1", "run-5"]


def test_the_newest_ended_and_the_newest_completed_run_stay(store: Store) -> None:
    ended(store, 500, 400)
    made(store, 300, Failed())
    made(store, 200, Failed())
    with temporary_settings(keep_runs=1, keep_days=1.0):
        assert store.upkeep.prune(now=NOW).flow_runs == 2
    assert names(store) == ["run-200", "run-400"]


def test_runs_that_have_not_ended_stay_with_all_that_hangs_on_them(store: Store) -> None:
    running = made(store, 400)
    made(store, 399, Scheduled(scheduled_time=NOW))
    deployment = deployed(store, keep_runs=1)
    child_of_running = ended(store, 350, parent_id=running.id, deployment_id=deployment.id)[0]
    parent = made(store, 340, Completed())
    made(store, 339, parent_id=parent.id)
    ended(store, 338, parent_id=running.id)
    ended(store, 2, 1)
    ended(store, 1, deployment_id=deployment.id)
    before = names(store)
    with temporary_settings(keep_runs=1):
        assert store.upkeep.prune(now=NOW).flow_runs == 1
        assert set(before) - set(names(store)) == {"run-2"}
        store.set_state(
            StateChange(RunKind.FLOW, running.id, replace(Completed(), timestamp=NOW), 1)
        )
        store.flush()
        assert store.upkeep.prune(now=NOW, dry_run=True).flow_runs >= 3
        store.upkeep.prune(now=NOW)
    assert child_of_running.name not in names(store)


def test_subflows_go_with_their_parent(store: Store) -> None:
    parent = ended(store, 10)[0]
    child = ended(store, 9, parent_id=parent.id)[0]
    ended(store, 8, parent_id=child.id, flow_name="inner")
    ended(store, 1)
    with temporary_settings(keep_runs=1):
        assert store.upkeep.prune(now=NOW, dry_run=True).flow_runs == 3
        assert store.upkeep.prune(now=NOW).flow_runs == 3
    assert names(store) == ["run-1"]


def test_a_deployment_says_how_much_it_keeps(store: Store) -> None:
    few = deployed(store, "few", keep_runs=1)
    young = deployed(store, "young", keep_days=2.5, keep_runs=0)
    plain = deployed(store, "plain")
    for deployment in (few, young, plain):
        ended(store, 4, 3, 2, 1, deployment_id=deployment.id)
    ended(store, 4, 3, deployment_id=new_id())  # of a deployment that was deleted
    with temporary_settings(keep_runs=3):
        store.upkeep.prune(now=NOW)
    kept = [(run.deployment_id, run.name) for run in store.flow_runs()]
    for deployment, days in ((few, [1]), (young, [1, 2]), (plain, [1, 2, 3])):
        here = [name for owner, name in kept if owner == deployment.id]
        assert here == [f"run-{each}" for each in days]
    assert len(kept) == 8


def test_the_newest_run_of_a_deployment_keeps_its_parent(store: Store) -> None:
    deployment = deployed(store)
    parent, *_ = ended(store, 300, 200, 1)
    ended(store, 299, parent_id=parent.id, deployment_id=deployment.id)
    assert store.upkeep.prune(now=NOW, dry_run=True).flow_runs == 1
    assert store.upkeep.prune(now=NOW).flow_runs == 1
    assert set(names(store)) == {"run-300", "run-299", "run-1"}


def test_a_run_of_two_reasons_is_counted_once(store: Store) -> None:
    deployment = deployed(store)
    parent, *_ = ended(store, 300, 1)
    ended(store, 299, parent_id=parent.id, deployment_id=deployment.id)
    ended(store, 2, deployment_id=deployment.id)
    assert store.upkeep.prune(now=NOW, dry_run=True).flow_runs == 2
    assert store.upkeep.prune(now=NOW).flow_runs == 2


def test_a_run_that_was_started_anew_meanwhile_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed, _ = ended(store, 10, 1)
    real = erasing.members_that_may_go

    def retried(tx: Any, root: Any, kept: Any) -> Any:
        tx.run("UPDATE flow_run SET state_type='SCHEDULED' WHERE id=?", (doomed.id.bytes,))
        return real(tx, root, kept)

    monkeypatch.setattr(erasing, "members_that_may_go", retried)
    with temporary_settings(keep_runs=1):
        assert store.upkeep.prune(now=NOW).flow_runs == 0
    assert len(names(store)) == 2


# ── what goes with them ──────────────────────────────────────────────────────────────────


def full_run(store: Store, days_ago: float, deployment: Deployment | None = None) -> FlowRun:
    """A run with something in every table."""
    state = replace(Scheduled(scheduled_time=at(days_ago)), timestamp=at(days_ago))
    run = FlowRun(
        id=new_id(),
        name=f"run-{days_ago}",
        flow_name="etl",
        state=state,
        created=at(days_ago),
        tags=frozenset({"a", "b"}),
        deployment_id=deployment and deployment.id,
    )
    queued = QueuedRun(run_id=run.id, deployment_id=run.deployment_id, due=at(days_ago))
    store.dispatch.submit(run, queued)
    for number in range(5):
        child = TaskRun(
            id=new_id(),
            name=f"load-{number}",
            task_name="load",
            state=Pending(),
            created=at(days_ago),
            flow_run_id=run.id,
        )
        store.create_task_run(child)
        store.set_state(StateChange(RunKind.TASK, child.id, Completed(), 1))
        store.add_logs([LogRecord(run.id, child.id, 20, "x", "text", at(days_ago))])
    store.add_logs([LogRecord(run.id, None, 20, "x", "text", at(days_ago))] * 30)
    for _ in range(3):
        store.artifacts.add(
            Artifact(id=new_id(), kind=ArtifactKind.METRIC, data=1, flow_run_id=run.id, created=NOW)
        )
    store.dispatch.ask(RunInput(flow_run_id=run.id, key="go", created=at(days_ago)))
    final = replace(Completed(), timestamp=at(days_ago))
    store.set_state(StateChange(RunKind.FLOW, run.id, final, 1))
    return run


@pytest.mark.parametrize("slices", ["as time allows", "one by one"])
def test_nothing_of_a_run_stays_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch, slices: str
) -> None:
    if slices == "one by one":
        monkeypatch.setattr(erasing, "SLICE_SECONDS", 0.0)
        monkeypatch.setattr(erasing, "_TASKS", 2)
    full_run(store, 1)
    alone = rows_of_all_tables(store)
    full_run(store, 10)
    full_run(store, 9)
    assert rows_of_all_tables(store) != alone
    with temporary_settings(keep_runs=1):
        assert store.upkeep.prune(now=NOW).flow_runs == 2
    assert rows_of_all_tables(store) == alone
    assert names(store) == ["run-1"]


def test_others_write_in_between(store: Store, open_another: Opener) -> None:
    ended(store, *(float(number) for number in range(60, 0, -1)))
    other, stop = open_another(), threading.Event()
    store.flush()

    def work() -> None:
        while not stop.is_set():
            other.vault.set_variable("beat", 1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        with temporary_settings(keep_runs=5):
            assert store.upkeep.prune(now=NOW).flow_runs == 55
    finally:
        stop.set()
        thread.join()
    assert len(names(store)) == 5


def test_task_runs_and_logs_outside_of_flows_go_by_age(store: Store) -> None:
    for days_ago in (100, 1):
        child = TaskRun(
            id=new_id(), name=f"t-{days_ago}", task_name="t", state=Pending(), created=at(days_ago)
        )
        store.create_task_run(child)
        final = replace(Completed(), timestamp=at(days_ago))
        store.set_state(StateChange(RunKind.TASK, child.id, final, 1))
        store.add_logs([LogRecord(None, child.id, 20, "x", "text", at(days_ago))])
    with temporary_settings(keep_days=0.0):
        store.upkeep.prune(now=NOW)
    assert rows_of_all_tables(store) == {"task_run": 2, "state": 4, "log": 2}
    store.upkeep.prune(now=NOW)
    assert rows_of_all_tables(store) == {"task_run": 1, "state": 2, "log": 1}


def test_old_events_go(store: Store) -> None:
    assert isinstance(store, SQLStore)
    for days_ago in (40, 31, 29, 1):
        store._database.write(lambda tx, d=days_ago: tx.tell("x.told", f"{d}", now=at(d)))
    assert store.upkeep.prune(now=NOW, dry_run=True).events == 2
    assert store.upkeep.prune(now=NOW).events == 2
    assert [event.subject for event in store.events.since(0)[0]] == ["29", "1"]


def test_versions_and_snapshots_that_nobody_needs_go(store: Store) -> None:
    contents = [f"{number:064d}" for number in range(55)]
    deployment = deployed(store, content=contents[0])
    run = FlowRun(
        id=new_id(),
        name="old",
        flow_name="etl",
        state=Scheduled(scheduled_time=NOW),
        created=NOW,
        deployment_id=deployment.id,
    )
    store.dispatch.submit(run, QueuedRun(run_id=run.id, deployment_id=deployment.id, version=3))
    for content in contents[1:]:
        deployed(store, content=content)
    store.deployments.use_version(deployment.id, 1)
    assert isinstance(store, SQLStore)
    store._database.write(
        lambda tx: tx.run("UPDATE queued_run SET version=3 WHERE run_id=?", (run.id.bytes,))
    )
    removed = store.upkeep.prune(now=NOW)
    kept = [version.number for version in store.deployments.versions(deployment.id)]
    assert kept == [*range(55, 5, -1), 3, 1]
    assert removed.snapshots == 3
    for version in store.deployments.versions(deployment.id):
        assert version.snapshot is not None and store.deployments.snapshot(version.snapshot)
    assert store.upkeep.prune(now=NOW).snapshots == 0


# ── files ────────────────────────────────────────────────────────────────────────────────


def put(*paths: Path) -> list[str]:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return [str(path) for path in paths]


def test_files_of_forgotten_runs_go_and_others_stay(nbflow_home: Path, tmp_path: Path) -> None:
    store, settings = open_store(), get_settings()
    folder, results = settings.notebooks_folder(), Path(settings.results_root())
    in_place = folder / "source.ipynb"
    own, kept_too, elsewhere = folder / "a.ipynb", folder / "b.ipynb", tmp_path / "mine.ipynb"
    runs = [
        made(store, 9, Completed(), output=str(own)),
        made(store, 8, Completed(), output=str(kept_too)),
        made(store, 7, Completed(), output=str(elsewhere)),
        made(store, 6, Completed(), output=str(folder / ".." / "c.ipynb")),
        made(store, 5, Completed(), output="s3://bucket/d.ipynb"),
        made(store, 4, Completed(), output=str(in_place), source=str(in_place)),
    ]
    made(store, 1, Completed(), output=str(kept_too))
    child = TaskRun(
        id=new_id(), name="t", task_name="t", state=Pending(), created=NOW, flow_run_id=runs[0].id
    )
    store.create_task_run(child)
    place = tmp_path / "other results"
    ref = ResultRef(f"runs/{child.id}", str(place), "pickle", 1, None)
    store.set_state(StateChange(RunKind.TASK, child.id, Completed(), 1, ref))
    shared = ResultRef("shared-key", str(results), "pickle", 1, None)
    store.set_state(
        StateChange(RunKind.FLOW, runs[1].id, replace(Completed(), timestamp=at(8)), 1, shared)
    )
    going = put(
        own,
        folder / "a.cell-3.txt",
        results / "cells" / "runs" / str(runs[0].id) / "kept",
        results / "failed" / str(child.id),
        place / "runs" / str(child.id),
    )
    going[2] = str(Path(going[2]).parent)
    staying = put(
        kept_too,
        elsewhere,
        in_place,
        folder / "b.cell-3.txt",
        folder / "ab.cell-3.txt",
        nbflow_home / "c.ipynb",
        results / "shared-key",
    )
    with temporary_settings(keep_runs=1):
        look = store.upkeep.prune(now=NOW, dry_run=True)
        assert all(Path(each).exists() for each in going)
        removed = store.upkeep.prune(now=NOW)
    assert removed.flow_runs == 6
    assert sorted(look.files) == sorted(going)
    assert sorted(removed.files) == sorted(going)
    assert not [each for each in going if Path(each).exists()]
    assert all(Path(each).exists() for each in staying)


def test_what_real_runs_left_on_disk_goes_with_them() -> None:
    @task(persist_result=True, cache_policy=NO_CACHE)
    def number() -> int:
        return 1

    @flow(persist_result=True)
    def work() -> int:
        return number()

    work()
    store, results = open_store(), Path(get_settings().results_root())
    before = {path for path in results.rglob("*") if path.is_file()}
    work()
    with temporary_settings(keep_runs=1):
        assert store.upkeep.prune().flow_runs == 1
    after = {path for path in results.rglob("*") if path.is_file()}
    assert before and after and not before & after


# ── space and safety ─────────────────────────────────────────────────────────────────────


def test_space_is_given_back(store: Store, url: str) -> None:
    run = ended(store, 1)[0]
    store.add_logs([LogRecord(run.id, None, 20, "x", "text " * 200, NOW)] * 3_000)
    store.delete_flow_run(run.id)
    store.flush()
    removed = store.upkeep.vacuum()
    assert removed.bytes_before is not None and removed.bytes_after is not None
    if url.startswith("sqlite"):
        assert removed.bytes_after < removed.bytes_before / 2
    ended(store, 1)
    assert len(names(store)) == 1


def test_the_largest_tables_come_first(store: Store) -> None:
    run = ended(store, 1)[0]
    store.add_logs([LogRecord(run.id, None, 20, "x", "text " * 200, NOW)] * 500)
    (name, rows, size), *others = store.upkeep.largest()
    assert (name, rows) == ("log", 500) and size is not None and size > 100_000
    assert {"flow_run", "state", "deployment"} <= {other for other, _, _ in others}


def test_a_copy_is_a_whole_database_of_its_own(
    store: Store, url: str, tmp_path: Path, open_another: Opener
) -> None:
    target = tmp_path / "copies" / "copy of ä.db"
    if not url.startswith("sqlite"):
        with pytest.raises(UsageError, match="pg_dump"):
            store.upkeep.backup(str(target))
        return
    ended(store, 2, 1)
    with pytest.raises(UsageError, match="cannot be written"):
        store.upkeep.backup(str(target))
    target.parent.mkdir()
    size = store.upkeep.backup(str(target))
    assert size == target.stat().st_size > 0
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    if os.name == "posix":
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="is there already"):
        store.upkeep.backup(str(target))
    with closing(SQLStore(f"sqlite:///{target}")) as copy:
        assert names(copy) == names(store)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_copy_is_made_while_others_write(tmp_path: Path) -> None:
    store = open_store()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            ended(store, 1)
            store.flush()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(3):
            store.upkeep.backup(str(tmp_path / f"{number}.db"))
    finally:
        stop.set()
        thread.join()
    for number in range(3):
        with closing(sqlite3.connect(tmp_path / f"{number}.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
