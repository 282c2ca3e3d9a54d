"""Deployments in a real store: the same twice changes nothing, a change makes a version."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbflow import deploy, notebook
from nbflow.deployments import Draft, draft
from nbflow.deployments.diff import (
    changed_files,
    files_of,
    source_diff,
    source_of_version,
    spec_changes,
)
from nbflow.exceptions import (
    InvalidNameError,
    ParameterBindError,
    ParameterTypeError,
    ScheduleError,
    UnknownParameterError,
    UsageError,
)
from nbflow.models.deployments import CatchUp, Collision, DeploymentSpec
from nbflow.store import Store

DAILY = {"cron": "0 6 * * *", "tz": "Europe/Paris"}


def executed(folder: Path) -> bool:
    return (folder / "executed").exists()


@pytest.mark.parametrize("target", ["train.ipynb", "flows.py:etl"])
def test_the_same_twice_changes_nothing(folder: Path, store: Store, target: str) -> None:
    first = deploy(target, "nightly", **DAILY, parameters={"rows": 5}, tags=["a"])
    second = deploy(target, "nightly", **DAILY, parameters={"rows": 5}, tags=["a"])
    assert first == second
    assert first.version == 1
    assert first.schedules[0].next_fire is not None
    assert len(store.deployments.versions(first.id)) == 1
    assert not executed(folder)


def test_running_a_notebook_or_touching_a_file_changes_nothing(folder: Path, store: Store) -> None:
    first = deploy("train.ipynb", "nightly")
    document = nbformat.read(folder / "train.ipynb", as_version=4)
    document.cells[2].outputs = [nbformat.v4.new_output("stream", text="3\n")]
    document.cells[2].execution_count = 1
    nbformat.write(document, folder / "train.ipynb")
    assert deploy("train.ipynb", "nightly").version == first.version


@pytest.mark.parametrize("changed", ["flows.py", "steps.py"])
def test_a_change_of_the_source_makes_a_version(folder: Path, store: Store, changed: str) -> None:
    first = deploy("flows.py:etl", "nightly", **DAILY)
    path = folder / changed
    path.write_text(f"{path.read_text()}\nADDED = 1\n")
    second = deploy("flows.py:etl", "nightly")
    assert second.version == 2
    # Schedules that are not named stay, with their next run.
    assert second.schedules == first.schedules
    old, new = (source_of_version(store, v) for v in reversed(store.deployments.versions(first.id)))
    assert changed_files(old, new) == [changed]
    assert "+ADDED = 1" in list(source_diff(old, new))
    assert not executed(folder)


def test_a_snapshot_holds_what_is_needed(folder: Path, store: Store) -> None:
    (folder / "q.sql").write_text("select 1")
    made = deploy("flows.py:etl", include=["*.sql"])
    assert (made.full_name, made.spec.entrypoint) == ("etl/etl", "flows.py:etl")
    version = store.deployments.version(made.id, 1)
    assert version.snapshot is not None
    files = files_of(store.deployments.snapshot(version.snapshot))
    assert sorted(files) == ["flows.py", "q.sql", "steps.py"]
    assert version.author is not None


def test_a_followed_file_has_no_snapshot(folder: Path, store: Store) -> None:
    made = deploy("flows.py:etl", "live", follow=True)
    assert made.spec.entrypoint == f"{folder / 'flows.py'}:etl"
    assert store.deployments.version(made.id, 1).snapshot is None
    with pytest.raises(UsageError, match="leave out include"):
        deploy("flows.py:etl", "live", follow=True, include=["*.sql"])


def test_schedules_are_matched_by_what_they_say(folder: Path, store: Store) -> None:
    first = deploy("train.ipynb", "nightly", cron=["0 6 * * *", "0 18 * * *"])
    second = deploy("train.ipynb", "nightly", cron="0 18 * * *", interval="1h")
    assert second.version == 1  # schedules are no source
    kept = {each.slug: each for each in first.schedules} & {
        each.slug: each for each in second.schedules
    }.keys()
    assert len(kept) == 1
    assert deploy("train.ipynb", "nightly", schedules=[]).schedules == ()


def test_every_option_of_a_spec_is_taken(folder: Path, store: Store) -> None:
    options: dict[str, Any] = {
        "description": "Does it.",
        "parameters": {"rows": 5, "day": date(2026, 5, 1)},
        "tags": ("a", "b"),
        "queue": "gpu",
        "priority": -3,
        "retries": 2,
        "retry_delay_seconds": 1.5,
        "crash_retries": 1,
        "timeout_seconds": 60,
        "cell_timeout_seconds": 30,
        "keep_kernel_seconds": 10,
        "concurrency_limit": 1,
        "collision": "cancel-new",
        "catchup": "all",
        "follow": True,
        "cwd": ".",
        "kernel_name": "python3",
        "env": {"A": "b", "N": 3},
        "output": "out/",
        "keep_runs": 5,
        "keep_days": 2.5,
    }
    spec = deploy("train.ipynb", "x", **options).spec
    told = {each.name for each in fields(DeploymentSpec)}
    assert told == {*options, "entrypoint", "kind", "parameter_schema"}
    assert spec.parameters == {"rows": 5, "day": "2026-05-01"}
    assert (spec.collision, spec.catchup) == (Collision.CANCEL_NEW, CatchUp.ALL)
    assert (spec.cwd, spec.output) == (str(folder), f"{folder / 'out'}/")
    assert spec.env == {"A": "b", "N": "3"}
    same = {n: getattr(spec, n) for n in options if n not in {
        "parameters", "tags", "collision", "catchup", "cwd", "env", "output"}}  # fmt: skip
    assert same == {name: options[name] for name in same}


def test_prefects_spellings(folder: Path, store: Store) -> None:
    with pytest.warns(UserWarning, match=r"image, job_variables\['cpu'\], work_pool_name has no"):
        made = deploy(
            "train.ipynb",
            "x",
            work_queue_name="gpu",
            work_pool_name="pool",
            image="x:1",
            job_variables={"env": {"A": "b"}, "cpu": 2},
        )
    assert (made.spec.queue, made.spec.env) == ("gpu", {"A": "b"})


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"parameters": {"row": 1}}, UnknownParameterError, "Did you mean 'rows'"),
        ({"parameters": {"rows": "x"}}, ParameterTypeError, "a whole number"),
        ({"schedules": [{"cron": "@daily", "parameters": {"rows": "x"}}]}, ParameterTypeError, "rows"),
        ({"cron": "x"}, ScheduleError, "cron"),
        ({"querry": "x"}, UsageError, "no option 'querry'"),
        ({"retires": 3}, UsageError, "Did you mean 'retries'"),
        ({"retries": -1}, UsageError, "retries is 0 or more"),
        ({"retries": 1.5}, UsageError, "retries is a whole number"),
        ({"timeout_seconds": 0}, UsageError, "more than 0"),
        ({"concurrency_limit": 0}, UsageError, "1 or more"),
        ({"keep_days": float("nan")}, UsageError, "is a number"),
        ({"collision": "wait"}, UsageError, "queue, cancel_new, cancel_running, skip"),
        ({"catchup": "none"}, UsageError, "skip, latest, all"),
        ({"queue": " "}, UsageError, "is no text"),
        ({"tags": [3]}, UsageError, "is no text"),
        ({"env": {"A": None}}, UsageError, "environment variables"),
        ({"parameters": 3}, UsageError, "names with values"),
        ({"name": "a/b"}, InvalidNameError, "without slashes"),
        ({"name": " a"}, InvalidNameError, "without spaces"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    folder: Path, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        draft("train.ipynb", **options)


def test_what_is_refused_is_not_kept(folder: Path, store: Store) -> None:
    with pytest.raises(UsageError):
        deploy("train.ipynb", retries=-1)
    assert store.deployments.count() == 0


def test_a_schedule_must_give_what_the_flow_needs(folder: Path, store: Store) -> None:
    assert deploy("flows.py:other").schedules == ()
    with pytest.raises(ParameterBindError, match="needs the parameter 'n'"):
        deploy("flows.py:other", cron="@daily")
    deploy("flows.py:other", schedules=[{"cron": "@daily", "parameters": {"n": 1}}])
    with pytest.raises(UsageError, match="cell_timeout_seconds is for notebooks"):
        deploy("flows.py:other", cell_timeout_seconds=3)


def test_a_notebook_flow_deploys_itself(folder: Path, store: Store) -> None:
    flow = notebook("train.ipynb", name="trainer")
    made = flow.deploy("nightly", interval=60)
    assert made.full_name == "trainer/nightly"
    planned = flow.to_deployment("other")
    assert isinstance(planned, Draft)
    assert store.deployments.count() == 1


def test_pausing_lasts_until_it_is_said_otherwise(folder: Path, store: Store) -> None:
    made = deploy("train.ipynb", "x", **DAILY, paused=True)
    assert made.paused
    assert made.schedules[0].next_fire is None
    assert deploy("train.ipynb", "x", **DAILY).paused
    assert not deploy("train.ipynb", "x", **DAILY, paused=False).paused


def test_drafts_tell_what_would_be(folder: Path, store: Store) -> None:
    first = draft("train.ipynb", "x", retries=1, parameters={"rows": 1})
    second = draft("train.ipynb", "x", retries=2, parameters={"rows": 1, "day": "2026-01-01"})
    assert store.deployments.count() == 0
    assert [str(each) for each in spec_changes(first.spec, second.spec)] == [
        "parameters.day: 2026-01-01",
        "retries: 1 → 2",
    ]


def test_rolling_back_uses_the_old_source(folder: Path, store: Store) -> None:
    first = deploy("train.ipynb", "x", retries=1)
    path = folder / "train.ipynb"
    path.write_text(path.read_text().replace("print(rows, day)", "print(day)"))
    second = deploy("train.ipynb", "x", retries=2)
    assert (second.version, second.spec.retries) == (2, 2)
    back = store.deployments.use_version(first.id, 1)
    assert (back.version, back.spec) == (1, first.spec)
    again = deploy("train.ipynb", "x", retries=2)
    assert again.spec == second.spec


def test_notebooks_are_compared_by_cells_or_by_lines(
    folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = files_of(draft("train.ipynb").snapshot)
    path = folder / "train.ipynb"
    path.write_text(path.read_text().replace("print(rows, day)", "print(day)"))
    new = files_of(draft("train.ipynb").snapshot)
    by_cells = "\n".join(source_diff(old, new))
    assert "print(day)" in by_cells
    assert "=== train.ipynb" in by_cells
    monkeypatch.setattr("nbflow.deployments.diff._notebook_diff", lambda: None)
    by_lines = list(source_diff(old, new))
    assert "-print(rows, day)" in by_lines
    assert "+print(day)" in by_lines
    assert not any('"cell_type"' in line for line in by_lines)


@pytest.mark.parametrize("content", [b"no JSON", b"[1]", b'{"cells": 3}', b'{"cells": [{}]}'])
def test_a_file_that_is_no_notebook_in_spite_of_its_name(content: bytes) -> None:
    """Compared line by line: a deployment may include any file."""
    lines = list(source_diff({"a.ipynb": content}, {"a.ipynb": content + b"\nmore"}))
    assert "+more" in lines
