"""The deploy form on a real store: what it is told of a target, and what its button makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow import deploy as deploy_it
from nbflow import flow, notebook
from nbflow.exceptions import (
    InvalidNameError,
    NbflowError,
    NotebookError,
    ParameterBindError,
    ParameterTypeError,
    ScheduleError,
    UnknownParameterError,
    UsageError,
)
from nbflow.models import FlowKind, FlowRun, new_id
from nbflow.models.deployments import Collision, Worker
from nbflow.owner import this_owner
from nbflow.states import Running, now
from nbflow.store import Store, close_stores, open_store
from nbflow.widgets import deploy

FLOWS = '''
import datetime
from nbflow import flow

open("executed", "w").close()

@flow
def etl(rows: int, day: datetime.date = datetime.date(2026, 1, 1), label: str = "</script>"):
    """Loads rows."""
    return rows
'''
CELL_FLOW = "from nbflow import flow\n@flow\ndef clean(rows: int = 3):\n    return rows"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with a notebook and a flow, which is the current one."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "flows.py").write_text(FLOWS)
    write_notebook(work / "train.ipynb", "rows: int = 3", "open('executed', 'w').close()")
    monkeypatch.chdir(work)
    return work


def write_notebook(path: Path, *sources: str) -> Path:
    cells = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture
def store() -> Iterator[Store]:
    yield open_store()
    close_stores()


def filled(**changes: Any) -> dict[str, Any]:
    """What the page sends; `view` is for whoever finds the target."""
    request = {
        "view": "v",
        "name": "nightly",
        "parameters": {"rows": 5},
        "cron": "0 6 * * 1-5",
        "timezone": "Europe/Paris",
        "queue": "default",
        "tags": ["a"],
    }
    return {**request, **changes}


def test_a_form_knows_its_flow_and_what_is_deployed_of_it(folder: Path, store: Store) -> None:
    deploy_it("flows.py:etl", "hourly", cron="@hourly", parameters={"rows": 1}, queue="loads")
    deploy_it("train.ipynb", "other")
    told = deploy.describe("flows.py:etl")
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert {name: told[name] for name in ("flow_name", "target", "kind", "description")} == {
        "flow_name": "etl",
        "target": "flows.py:etl",
        "kind": "function",
        "description": "Loads rows.",
    }
    assert told["schema"]["properties"]["day"]["format"] == "date"
    assert told["schema"]["required"] == ["rows"]
    assert told["taken"] == ["hourly"]
    assert told["existing"] == [
        {
            "name": "hourly",
            "version": 1,
            "parameters": {"rows": 1},
            "schedules": ["every hour"],
            "cron": "@hourly",
            "timezone": "UTC",
            "queue": "loads",
            "tags": [],
        }
    ]
    assert told["queues"][0] == "default"
    assert "loads" in told["queues"]
    assert "Europe/Paris" in told["zones"]
    assert not (folder / "executed").exists()


@pytest.mark.parametrize("target", ["flows.py:etl", "train.ipynb", Path("train.ipynb")])
def test_the_button_makes_what_the_command_makes(folder: Path, store: Store, target: Any) -> None:
    made = deploy.create(target, filled())
    found = store.deployments.find(made["full_name"])
    again = deploy_it(
        target,
        "nightly",
        cron="0 6 * * 1-5",
        timezone="Europe/Paris",
        parameters={"rows": 5},
        queue="default",
        tags=["a"],
    )
    assert found == again
    assert (made["version"], made["outcome"]) == (1, "create")
    assert found.spec.parameters == {"rows": 5}
    assert found.schedules[0].next_fire is not None
    assert not (folder / "executed").exists()


def test_the_same_twice_changes_nothing_and_a_change_makes_a_version(
    folder: Path, store: Store
) -> None:
    more, off = {"parameters": {"rows": 6}}, {"cron": None, "timezone": None}
    outcomes = [
        deploy.create("flows.py:etl", filled(**changes))
        for changes in ({}, {}, more, {**more, **off})
    ]
    assert [(each["outcome"], each["version"]) for each in outcomes] == [
        ("create", 1),
        ("keep", 1),
        ("change", 2),
        ("change", 2),  # schedules are no source
    ]
    assert store.deployments.find("etl/nightly").schedules == ()


def test_what_the_form_does_not_show_stays(folder: Path, store: Store) -> None:
    deploy_it(
        "train.ipynb",
        "nightly",
        schedules=[{"cron": "0 6 * * *"}, {"interval": "2h"}],
        retries=2,
        concurrency_limit=1,
        collision="skip",
        env={"A": "1"},
        cell_timeout_seconds=9,
        paused=True,
    )
    deploy.create("train.ipynb", filled(cron=None, timezone=None, keep_schedules=True))
    found = store.deployments.find("train/nightly")
    assert len(found.schedules) == 2
    assert found.paused
    spec = found.spec
    assert (spec.retries, spec.concurrency_limit, spec.collision) == (2, 1, Collision.SKIP)
    assert (spec.env, spec.cell_timeout_seconds) == ({"A": "1"}, 9)
    assert (spec.parameters, spec.tags) == ({"rows": 5}, frozenset({"a"}))


def test_a_followed_file_is_still_followed(folder: Path, store: Store) -> None:
    deploy_it("flows.py:etl", "live", follow=True)
    deploy.create("flows.py:etl", filled(name="live"))
    assert store.deployments.find("etl/live").spec.follow


def test_an_empty_name_and_queue_are_the_usual_ones(folder: Path, store: Store) -> None:
    made = deploy.create("flows.py:etl", filled(name=" ", queue=""))
    assert made["full_name"] == "etl/etl"
    assert store.deployments.find("etl/etl").spec.queue == "default"


def test_without_a_schedule_a_parameter_may_be_given_later(folder: Path, store: Store) -> None:
    made = deploy.create("flows.py:etl", filled(cron=None, timezone=None, parameters={}))
    assert made["outcome"] == "create"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"parameters": {"rows": "many"}}, ParameterTypeError, "Parameter 'rows' of"),
        ({"parameters": {"rows": 1, "day": "soon"}}, ParameterTypeError, "Parameter 'day' of"),
        ({"parameters": {}}, ParameterBindError, "needs the parameter 'rows'"),
        ({"parameters": {"rows": 1, "roows": 1}}, UnknownParameterError, "no parameter 'roows'"),
        ({"name": "a/b"}, InvalidNameError, "cannot be the name of a deployment"),
        ({"cron": "soon"}, ScheduleError, "has 1 field"),
        ({"timezone": "Paris"}, ScheduleError, "Europe/Paris"),
        ({"tags": [""]}, UsageError, "is no text"),
        ({"name": 3}, UsageError, "Reload the page"),
        ({"parameters": None}, UsageError, "Reload the page"),
    ],
)
def test_mistakes_are_sentences_and_make_nothing(
    folder: Path, store: Store, changes: dict[str, Any], error: type[NbflowError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        deploy.create("flows.py:etl", filled(**changes))
    assert "\n" not in str(caught.value)
    assert store.deployments.search() == []


@pytest.mark.parametrize("word", ["<script>alert(1)</script>", "'; DROP TABLE x; --", "a\nb🙂"])
def test_names_and_values_are_only_text(folder: Path, store: Store, word: str) -> None:
    safe = word.replace("/", "|")
    request = filled(name=safe, parameters={"rows": 1, "label": word}, tags=[word], queue=safe)
    deploy.create("flows.py:etl", request)
    (told,) = deploy.describe("flows.py:etl")["existing"]
    assert (told["name"], told["queue"], told["tags"]) == (safe, safe, [word])
    assert told["parameters"]["label"] == word


# ── what comes next ──────────────────────────────────────────────────────────────────────


def test_what_comes_next_is_a_worker_then_the_first_run(folder: Path, store: Store) -> None:
    unserved = deploy.create("flows.py:etl", filled(queue="loads"))
    assert unserved["next"].endswith("Start one: nbflow worker start -q loads")
    at, owner = now(), this_owner()
    store.dispatch.register(
        Worker(id=new_id(), name="w", owner=owner, queues=("loads",), started=at, heartbeat=at)
    )
    scheduled = deploy.create("flows.py:etl", filled(queue="loads"))
    assert scheduled["next"].startswith("It runs every weekday at 06:00, Europe/Paris: next ")
    by_hand = deploy.create("flows.py:etl", filled(queue="loads", cron=None, timezone=None))
    assert by_hand["next"] == "Start a run: nbflow deployment run etl/nightly --watch"


def test_a_run_of_the_deployment_does_not_deploy_it_anew(folder: Path, store: Store) -> None:
    own = deploy_it("train.ipynb", "nightly")
    run = FlowRun(
        id=new_id(),
        name="one",
        flow_name="train",
        state=Running(),
        created=now(),
        owner=this_owner(),
        deployment_id=own.id,
    )
    store.create_flow_run(run)
    made = deploy.create("train.ipynb", filled(name="another"))
    assert (made["full_name"], made["outcome"]) == ("train/nightly", "keep")
    assert "is not deployed anew" in made["next"]
    assert [each.name for each in store.deployments.search()] == ["nightly"]


# ── in a notebook ────────────────────────────────────────────────────────────────────────


def test_a_flow_of_a_cell_deploys_its_notebook(
    folder: Path, store: Store, terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_notebook(folder / "lab.ipynb", "rows: int = 3", CELL_FLOW)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    terminal.well(CELL_FLOW)
    clean = terminal.names["clean"]
    told = deploy.describe(clean)
    assert (told["flow_name"], told["target"], told["kind"]) == ("lab", "lab.ipynb", "notebook")
    assert "nbflow deploy lab.ipynb" in deploy.static_text(clean)
    assert deploy.create(clean, filled())["full_name"] == "lab/nightly"
    terminal.well(CELL_FLOW.replace("clean", "unsaved"))
    with pytest.raises(NotebookError, match="Save the notebook"):
        deploy.describe(terminal.names["unsaved"])


def test_a_notebook_flow_keeps_what_it_states(folder: Path, store: Store) -> None:
    told = notebook("train.ipynb", name="training", retries=2)
    assert deploy.describe(told)["flow_name"] == "training"
    deploy.create(told, filled())
    assert store.deployments.find("training/nightly").spec.retries == 2


def test_a_flow_of_a_file_can_be_handed_over(store: Store) -> None:
    made = deploy.create(here, filled(parameters={}))
    found = store.deployments.find(made["full_name"])
    assert found.spec.kind is FlowKind.FUNCTION
    assert found.spec.entrypoint == "test_deploy_form.py:here"


@flow
def here(rows: int = 1) -> int:
    return rows
