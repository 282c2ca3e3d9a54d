"""A server in this process, over a database with something of everything in it."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from nbflow.models import (
    Dependency,
    FlowKind,
    FlowRun,
    LogRecord,
    RunKind,
    StateChange,
    TaskKind,
    TaskRun,
    new_id,
)
from nbflow.models.deployments import (
    Artifact,
    ArtifactKind,
    ConcurrencyLimit,
    Deployment,
    DeploymentSchedule,
    DeploymentSpec,
    RunInput,
)
from nbflow.server.app import create_app
from nbflow.server.auth import hosts_of
from nbflow.server.listening import listen
from nbflow.states import Completed, Failed, Paused, Pending, Running, now
from nbflow.store import SQLStore, Store

TOKEN = "a-token-for-these-tests"
SCHEMA = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "format": "date"},
        "rows": {"type": "integer", "minimum": 1},
        "path": {"type": "string", "default": "data.csv"},
    },
    "required": ["day"],
}
SPEC = DeploymentSpec(
    entrypoint="train.ipynb",
    kind=FlowKind.NOTEBOOK,
    parameters={"day": "2026-01-31"},
    parameter_schema=SCHEMA,
    tags=frozenset({"ml"}),
)
DAILY = DeploymentSchedule(
    slug="daily", schedule={"cron": "0 6 * * *", "timezone": "Europe/Paris", "day_or": True}
)


def archive(**files: str) -> bytes:
    """A snapshot: names with `_` for the dot before the ending."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name.replace("_", ".")), text)
    return data.getvalue()


def deploy(store: Store, name: str = "nightly", flow_name: str = "train") -> Deployment:
    return store.deployments.save(
        flow_name,
        name,
        SPEC,
        schedules=[DAILY],
        content_hash="0" * 64,
        snapshot=archive(train_ipynb='{"cells": []}'),
    )


def flow_run(store: Store, name: str, flow_name: str = "etl", **given: object) -> FlowRun:
    """A run that has completed, with a failed one's look on demand."""
    run = FlowRun(id=new_id(), name=name, flow_name=flow_name, state=Pending(), created=now())
    run = replace(run, **given)
    store.create_flow_run(run)
    return run


def end(store: Store, run: FlowRun, *, well: bool = True) -> None:
    last = Completed() if well else Failed(message="ValueError: no rows")
    for state in (Running(), last):
        store.set_state(StateChange(RunKind.FLOW, run.id, state, 1))


@dataclass(frozen=True)
class Seeded:
    """What the store of these tests holds."""

    store: SQLStore
    run: FlowRun
    failed: FlowRun
    paused: FlowRun
    tasks: tuple[TaskRun, ...]
    deployment: Deployment


def seed(store: SQLStore) -> Seeded:
    run = flow_run(
        store, "golden-fox", tags=frozenset({"prod", "eu"}), parameters={"day": "2026-01-31"}
    )
    first = TaskRun(
        id=new_id(), name="load", task_name="load", state=Pending(), flow_run_id=run.id,
        created=now(), kind=TaskKind.CELL, cell_index=0,
    )  # fmt: skip
    second = replace(
        first, id=new_id(), name="fit", task_name="fit", cell_index=1,
        dependencies=(Dependency(first.id, "rows"),),
    )  # fmt: skip
    for task in (first, second):
        store.create_task_run(task)
        for state in (Running(), Completed()):
            store.set_state(StateChange(RunKind.TASK, task.id, state, 1, flow_run_id=run.id))
    levels = (("info", 20, None), ("rows: 5", 20, first.id), ("slow", 30, second.id))
    store.add_logs(
        [LogRecord(run.id, task, level, "etl", text, now()) for text, level, task in levels]
    )
    end(store, run)
    failed = flow_run(store, "silver-owl", flow_name="report", tags=frozenset({"prod"}))
    end(store, failed, well=False)
    paused = flow_run(store, "patient-bear", flow_name="review")
    store.set_state(StateChange(RunKind.FLOW, paused.id, Running(), 1))
    store.set_state(StateChange(RunKind.FLOW, paused.id, Paused(message="Go on?"), 1))
    store.flush()
    store.dispatch.ask(
        RunInput(
            flow_run_id=paused.id, key="approve", created=now(),
            schema={"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
        )
    )  # fmt: skip
    deployment = deploy(store)
    store.vault.set_variable("region", "eu-west")
    store.limits.save(ConcurrencyLimit(name="tag:db", slots=2))
    store.artifacts.add(
        Artifact(
            id=new_id(), kind=ArtifactKind.MARKDOWN, key="report", data="# Done",
            flow_run_id=run.id, created=now(),
        )
    )  # fmt: skip
    return Seeded(store, store.flow_run(run.id), failed, paused, (first, second), deployment)


@contextmanager
def serving(app: FastAPI, listener: object) -> Iterator[None]:
    """The application, answering over HTTP."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        assert server.started
        yield
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True)
class Served(Seeded):
    """A server over a seeded store."""

    url: str
    client: httpx.Client
    #: Has no token, and keeps no cookie.
    stranger: httpx.Client

    def problem(self, answer: httpx.Response, status: int) -> dict[str, object]:
        """The problem of an answer that has to be one."""
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert told["status"] == status
        return told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("server")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBFLOW_HOME", str(folder))
        store = SQLStore(f"sqlite:///{folder / 'runs.db'}")
        seeded = seed(store)
        listener = listen("127.0.0.1", 0, folder)
        port = listener.getsockname()[1]
        app = create_app(store, token=TOKEN, allowed_hosts=hosts_of("127.0.0.1", port))
        url = f"http://127.0.0.1:{port}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            serving(app, listener),
            httpx.Client(base_url=url, headers=headers, timeout=60) as client,
            httpx.Client(base_url=url, timeout=60) as stranger,
        ):
            yield Served(**vars(seeded), url=url, client=client, stranger=stranger)
        store.close()


def soon(minutes: float = 60) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


__all__ = ["Path", "Seeded", "Served"]
