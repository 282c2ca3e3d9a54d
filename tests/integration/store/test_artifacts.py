"""What runs leave behind, and how it finds its run."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import nbflow
from nbflow import flow, notebook, task
from nbflow.artifacts import _add
from nbflow.exceptions import InvalidNameError, ObjectNotFound, UsageError
from nbflow.models import FlowRun, new_id
from nbflow.models.deployments import Artifact, ArtifactKind
from nbflow.states import Pending, now
from nbflow.store import Store, open_store
from nbflow.task_runners import ProcessPoolTaskRunner

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def artifact(**changes: Any) -> Artifact:
    base = Artifact(id=new_id(), kind=ArtifactKind.MARKDOWN, data="# Hello", created=now())
    return replace(base, **changes)


def flow_run() -> FlowRun:
    return FlowRun(id=new_id(), name="calm-otter", flow_name="etl", state=Pending(), created=now())


# ── the store ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "data",
    ["", "ä ✓ 'quoted'\r\n", 1, 0.5, None, {"columns": ["a"], "rows": [[None, 1.5]], "total": 1}],
    ids=repr,
)
def test_an_artifact_comes_back_as_it_was_kept(store: Store, data: Any) -> None:
    run = flow_run()
    store.create_flow_run(run)
    kept = artifact(
        data=data,
        key="a key: ä",
        description="what\nit says",
        flow_run_id=run.id,
        task_run_id=new_id(),
        created=datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=UTC),
    )
    assert store.artifacts.add(kept) == kept
    assert store.artifacts.get(kept.id) == kept


def test_text_that_a_database_cannot_hold_is_made_to_fit(store: Store) -> None:
    kept = artifact(data="a\x00b\udc80", description="a\x00b\udc80")
    store.artifacts.add(kept)
    found = store.artifacts.get(kept.id)
    assert found.data == kept.data  # JSON writes it in ASCII
    assert found.description is not None and "\udc80" not in found.description


def test_artifacts_are_found_newest_first(store: Store) -> None:
    runs = [flow_run(), flow_run()]
    task_run_id = new_id()
    for run in runs:
        store.create_flow_run(run)
    kept = [
        artifact(key="a", flow_run_id=runs[0].id),
        artifact(key="a", flow_run_id=runs[1].id, kind=ArtifactKind.TABLE),
        artifact(key="b", flow_run_id=runs[1].id, task_run_id=task_run_id),
        artifact(),
    ]
    for each in kept:
        store.artifacts.add(each)
    first, second, third, loose = kept
    search = store.artifacts.search
    assert search() == [loose, third, second, first]
    assert search(limit=2, offset=1) == [third, second]
    assert search(key="a") == [second, first]
    assert search(key="a", kind="table") == [second]
    assert search(kind=ArtifactKind.TABLE) == [second]
    assert search(flow_run_id=runs[1].id) == [third, second]
    assert search(task_run_id=task_run_id) == [third]
    assert search(key="none") == []


def test_an_artifact_kept_again_takes_the_place_of_the_first(store: Store) -> None:
    kept, later = artifact(kind=ArtifactKind.PROGRESS, data=0.0), artifact()
    store.artifacts.add(kept)
    store.artifacts.add(later)
    store.artifacts.add(replace(kept, data=50.0))
    assert store.artifacts.search() == [later, replace(kept, data=50.0)]
    told = [(event.kind, event.payload.get("data")) for event in store.events.since(0)[0]]
    assert told == [
        ("artifact.created", 0.0),
        ("artifact.created", None),
        ("artifact.updated", 50.0),
    ]


def test_what_is_not_there_cannot_be_read_or_deleted(store: Store) -> None:
    kept = artifact()
    store.artifacts.add(kept)
    store.artifacts.delete(kept.id)
    for ask in (store.artifacts.get, store.artifacts.delete):
        with pytest.raises(ObjectNotFound, match=str(kept.id)):
            ask(kept.id)
    with pytest.raises(ObjectNotFound, match="no flow run"):
        store.artifacts.add(artifact(flow_run_id=new_id()))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"data": float("nan")}, UsageError),
        ({"data": {1, 2}}, UsageError),
        ({"data": "x" * 5_000_001}, UsageError),
        ({"key": ""}, InvalidNameError),
        ({"key": "a\nb"}, InvalidNameError),
        ({"key": "\udc80"}, InvalidNameError),
        ({"key": "x" * 201}, InvalidNameError),
    ],
    ids=["NaN", "set", "large", "no key", "two lines", "surrogate", "long"],
)
def test_what_cannot_be_an_artifact_is_refused(
    store: Store, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        store.artifacts.add(artifact(**changes))
    assert store.artifacts.search() == []


def test_a_deleted_run_takes_its_artifacts_along(store: Store) -> None:
    run = flow_run()
    store.create_flow_run(run)
    store.artifacts.add(artifact(flow_run_id=run.id))
    loose = store.artifacts.add(artifact())
    store.delete_flow_run(run.id)
    assert store.artifacts.search() == [loose]


# ── as users write it ────────────────────────────────────────────────────────────────────


def leave_all_kinds() -> list[UUID]:
    return [
        nbflow.create_markdown_artifact("# Hello", key="hello", description="a greeting"),
        nbflow.create_table_artifact([{"a": 1}], "rows"),
        nbflow.create_link_artifact("https://example.org/x", "there"),
        nbflow.create_link_artifact("reports/today.html"),
        nbflow.create_image_artifact(PNG),
        nbflow.create_image_artifact(image_url="https://example.org/x.png"),
        nbflow.create_progress_artifact(12.5),
        nbflow.log_metric("loss", 0.25, step=3),
        *nbflow.log_metrics({"accuracy": 1, "nan": float("nan")}),
        nbflow.log_param("optimizer", "adam"),
        nbflow.log_params({"layers": [1, 2], "rate": 0.1}),
    ]


DATA = [
    ("markdown", "hello", "# Hello"),
    ("table", "rows", {"columns": ["a"], "rows": [[1]], "total": 1}),
    ("link", None, {"url": "https://example.org/x", "text": "there"}),
    ("link", None, {"url": "reports/today.html", "text": "reports/today.html"}),
    ("image", None, {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}),
    ("image", None, {"url": "https://example.org/x.png"}),
    ("progress", None, 12.5),
    ("metric", "loss", {"value": 0.25, "step": 3}),
    ("metric", "accuracy", {"value": 1, "step": None}),
    ("metric", "nan", {"value": "NaN", "step": None}),
    ("table", "parameters", {"columns": ["name", "value"], "rows": [["optimizer", "adam"]], "total": 1}),
    ("table", "parameters", {"columns": ["name", "value"], "rows": [["layers", "[1, 2]"], ["rate", 0.1]], "total": 2}),
]  # fmt: skip


def test_artifacts_outside_of_runs_are_kept_without_one() -> None:
    ids = leave_all_kinds()
    found = [open_store().artifacts.get(each) for each in ids]
    assert [(str(each.kind), each.key, each.data) for each in found] == DATA
    assert found[0].description == "a greeting"
    assert {(each.flow_run_id, each.task_run_id) for each in found} == {(None, None)}


def test_artifacts_belong_to_the_flow_and_the_task_that_made_them() -> None:
    @task
    def step() -> UUID:
        return nbflow.log_metric("in-task", 1)

    @flow
    def work() -> list[UUID]:
        return [nbflow.log_metric("in-flow", 1), step(), step.submit().result()]

    found = [open_store().artifacts.get(each) for each in work()]
    run = open_store().find_flow_run("latest")
    assert {each.flow_run_id for each in found} == {run.id}
    tasks = [each.id for each in open_store().task_runs(run.id)]
    assert [each.task_run_id for each in found] == [None, *tasks]


@task
def far_away() -> UUID:
    return nbflow.create_markdown_artifact("from another process")


def test_artifacts_of_a_task_in_another_process_reach_the_run() -> None:
    @flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
    def work() -> UUID:
        return far_away.submit().result()

    work()
    (found,) = open_store().artifacts.search()
    run = open_store().find_flow_run("latest")
    assert found.flow_run_id == run.id
    assert found.task_run_id == open_store().task_runs(run.id)[0].id


def test_artifacts_of_cells_reach_the_run_of_their_notebook(tmp_path: Path) -> None:
    cells = [
        "import nbflow\nnbflow.log_metric('loss', 0.5)",
        "%load_ext nbflow",
        "%%task step\nnbflow.create_markdown_artifact('# From a task cell')",
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = new_notebook(cells=[new_code_cell(c) for c in cells], metadata={"kernelspec": kernel})
    nbformat.write(made, tmp_path / "work.ipynb")
    notebook(tmp_path / "work.ipynb")()
    run = open_store().find_flow_run("latest")
    names = {each.id: each.name for each in open_store().task_runs(run.id)}
    found = open_store().artifacts.search()
    assert {each.flow_run_id for each in found} == {run.id}
    kinds = {str(each.kind): names[each.task_run_id] for each in found if each.task_run_id}
    assert kinds.keys() == {"metric", "markdown"} and kinds["markdown"] == "step"


def test_progress_is_updated_in_place() -> None:
    made = nbflow.create_progress_artifact(0, key="loading", description="files")
    assert nbflow.update_progress_artifact(made, 30) == made
    assert nbflow.update_progress_artifact(str(made), 100.0, description="done") == made
    (found,) = open_store().artifacts.search()
    assert (found.id, found.data, found.key, found.description) == (made, 100.0, "loading", "done")
    with pytest.raises(UsageError, match="no progress but a markdown"):
        nbflow.update_progress_artifact(nbflow.create_markdown_artifact("x"), 1)
    with pytest.raises(ObjectNotFound):
        nbflow.update_progress_artifact(new_id(), 1)
    for wrong in (-1, 101, float("nan"), "half", None, True):
        with pytest.raises(UsageError, match="from 0 to 100"):
            nbflow.update_progress_artifact(made, wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("link", ["javascript:alert(1)", " JavaScript:x", "data:text/html,x"])
def test_links_that_pages_would_execute_are_refused(link: str) -> None:
    with pytest.raises(UsageError, match="would execute it"):
        nbflow.create_link_artifact(link)


@pytest.mark.parametrize("value", ["0.5", None, True, [1, 2]], ids=repr)
def test_what_is_no_number_is_no_metric(value: Any) -> None:
    with pytest.raises(UsageError, match="which is no number"):
        nbflow.log_metric("loss", value)


def test_a_run_that_is_committed_a_moment_later_is_waited_for(
    nbflow_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, run = open_store(), flow_run()
    wait = store.events.wait

    def made_meanwhile(after: int, timeout: float) -> int:
        store.create_flow_run(run)
        return wait(after, timeout)

    monkeypatch.setattr(store.events, "wait", made_meanwhile)
    _add(store, artifact(flow_run_id=run.id))
    assert [each.flow_run_id for each in store.artifacts.search()] == [run.id]
    monkeypatch.setattr("nbflow.artifacts._PATIENCE_SECONDS", 0.0)
    with pytest.raises(ObjectNotFound, match="no flow run"):
        _add(store, artifact(flow_run_id=new_id()))
