"""`nbflow resume` and `nbflow runs` for runs that wait: for a person, for their time, for a worker."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel, Field

from nbflow import flow, pause_flow_run
from nbflow.cli.main import main
from nbflow.deployments.running import new_run
from nbflow.exceptions import ObjectNotFound
from nbflow.models import FlowKind
from nbflow.models.deployments import DeploymentSpec
from nbflow.runs import Run, get_run, list_runs
from nbflow.store import close_stores, open_store
from tests.waiting import until


class Approval(BaseModel):
    """Ship it?"""

    name: str = Field(description="Who says so")
    ok: bool
    limit: int = 3


@pytest.fixture(autouse=True)
def _stores(nbflow_home: Path) -> Iterator[None]:
    yield
    close_stores()


@contextmanager
def paused(wanted: Any) -> Iterator[list[Any]]:
    """A flow that waits in another thread; the list gets what it was given."""
    got: list[Any] = []

    @flow
    def ask() -> None:
        got.append(pause_flow_run(wanted))

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: list_runs() and _waits(list_runs()[0]), "a run that waits")
    yield got
    thread.join(60)
    assert not thread.is_alive()


def _waits(run: Run) -> bool:
    return run.state.is_paused() and bool(run.store.dispatch.inputs(run.id))


@pytest.mark.parametrize(
    ("wanted", "options", "got"),
    [
        (None, [], None),
        (int, ["--input", "5"], 5),
        (str, ["-p", "value", "5"], "5"),
        (Approval, ["-p", "name", "Ada", "-p", "ok", "yes"], Approval(name="Ada", ok=True)),
        (
            Approval,
            ["--input", '{"name": "Ada", "ok": false, "limit": 1}'],
            Approval(name="Ada", ok=False, limit=1),
        ),
    ],
)
def test_a_paused_run_is_answered(
    wanted: Any, options: list[str], got: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with paused(wanted) as given:
        assert main(["resume", *options]) == 0
    assert given == [got]
    assert "goes on" in capsys.readouterr().out
    assert get_run().state.name == "Completed"


def test_without_an_answer_it_says_what_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with paused(Approval):
        assert main(["resume"]) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert "“Ship it?” name (string), ok (boolean), limit (integer, optional)" in told
        assert "-p name VALUE" in told
        assert main(["resume", "-p", "name", "Ada", "-p", "ok", "perhaps"]) == 2
        assert "ok: 'perhaps' is not of type 'boolean'" in capsys.readouterr().err
        assert main(["resume", "--key", "other", "--input", "{}"]) == 2
        assert "asks for pause-1" in capsys.readouterr().err
        assert get_run().state.name == "Paused"
        assert main(["resume", "--key", "pause-1", "-p", "name", "Ada", "-p", "ok", "y"]) == 0


def test_on_a_terminal_each_field_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts: list[str] = []
    answers = iter(["Ada", "perhaps", "3", "Ada", "yes", "5"])

    def prompt(text: str, **_: Any) -> str:
        prompts.append(text)
        return next(answers)

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with paused(Approval) as given:
        assert main(["resume"]) == 0
    assert given == [Approval(name="Ada", ok=True, limit=5)]
    assert prompts == ["name (string)", "ok (boolean)", "limit (integer)"] * 2
    out = capsys.readouterr().out
    assert "Ship it?" in out
    assert "Who says so" in out
    assert "is not of type 'boolean'" in out


def test_a_run_that_does_not_wait_takes_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    @flow
    def done() -> None:
        pass

    done()
    assert main(["resume", "--input", "5"]) == 2
    assert "waits for no answer" in capsys.readouterr().err


# ── runs of deployments ──────────────────────────────────────────────────────────────────


@pytest.fixture
def runs() -> dict[str, Run]:
    """Waiting runs of two deployments: of one due now and tomorrow, of the other in an hour."""
    store, made = open_store(), {}
    at = datetime.now(UTC)
    for name, queue in (("prod", "default"), ("test", "slow")):
        spec = DeploymentSpec(
            entrypoint="flows.py:etl", kind=FlowKind.FUNCTION, queue=queue, parameters={"n": 1}
        )
        deployment = store.deployments.save("etl", name, spec, content_hash="1")
        hours = {"prod": [0, 24], "test": [1]}[name]
        for hour in hours:
            due = at + timedelta(hours=hour)
            run = store.dispatch.submit(
                *new_run(deployment, {"n": hour}, due=due, name=f"{name}-{hour}", tags=[name])
            )
            made[run.name] = Run(run, store)
    return made


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], {"prod-0", "prod-24", "test-1"}),
        (["--deployment", "etl/prod"], {"prod-0", "prod-24"}),
        (["-d", "test"], {"test-1"}),
        (["--queue", "slow"], {"test-1"}),
        (["--tag", "prod", "-p", "n=24"], {"prod-24"}),
        (["-p", "n=7"], set()),
        (["-d", "prod", "--until", "2999-01-01"], {"prod-0", "prod-24"}),
        (["-d", "prod", "--since", "2999-01-01"], set()),
        (["--state", "scheduled", "--until", "today"], set()),
    ],
)
def test_runs_are_filtered(
    options: list[str], names: set[str], runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "ls", "--json", *options]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {run["name"] for run in listed} == names
    assert all(run["deployment"] in {"etl/prod", "etl/test"} for run in listed)
    assert all(run["scheduled_time"] for run in listed)


def test_waiting_runs_show_their_deployment_and_time(
    runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "ls"]) == 0
    out = capsys.readouterr().out
    assert "etl/prod" in out
    assert "in 23 h 59 m" in out or "in 24 h" in out or "in 1 d" in out
    assert main(["runs", "show", "test-1"]) == 0
    out = capsys.readouterr().out
    assert "etl/test" in out
    assert "due" in out


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["-d", "prd"], "prod"),
        (["-p", "n"], "NAME=VALUE"),
        (["--until", "whenever"], "no time"),
    ],
)
def test_wrong_filters_are_told(
    wrong: list[str], says: str, runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "ls", *wrong]) == 2
    assert says in capsys.readouterr().err


def test_runs_are_cancelled_retried_and_deleted(
    runs: dict[str, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs["prod-24"]
    assert run.deployment is not None
    assert run.deployment.full_name == "etl/prod"
    assert run.scheduled_time is not None
    assert main(["runs", "retry", run.name]) == 2  # it has not ended
    assert main(["runs", "delete", run.name, "--yes"]) == 2
    assert "nbflow cancel" in capsys.readouterr().err
    assert run.cancel().state.name == "Cancelled"
    assert main(["runs", "retry", run.name]) == 0
    assert "waits for a worker" in capsys.readouterr().out
    assert run.refresh().state.is_scheduled()
    run.cancel()
    assert main(["resume", run.name]) == 0
    assert run.refresh().state.is_scheduled()
    run.cancel()
    assert main(["runs", "delete", run.name]) == 2  # nobody is there to agree
    assert "--yes" in capsys.readouterr().err
    assert main(["runs", "delete", run.name, run.name, "--yes"]) == 0
    assert "Deleted 1 run" in capsys.readouterr().out
    with pytest.raises(ObjectNotFound):
        run.refresh()
