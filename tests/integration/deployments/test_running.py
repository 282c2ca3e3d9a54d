"""Deployments that run: on a real worker, in processes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nbflow import deploy, flow, run_deployment, serve, task
from nbflow.deployments import arun_deployment, draft
from nbflow.exceptions import ObjectNotFound, UnknownParameterError, UsageError
from nbflow.models import FlowRunFilter
from nbflow.runs import Run
from nbflow.store import Store, open_store
from nbflow.worker.serving import ServeHandle

from .conftest import write_notebook

pytestmark = pytest.mark.timeout(240)

FLOWS = """
from nbflow import flow, task
import nbflow

@flow(log_prints=True)
def etl(rows: int = 3):
    print("rows", rows)
    if rows > 99:
        raise ValueError("too many rows")
    return rows

# Deploys itself whenever the file is imported: in a run, that must not happen.
etl.deploy("served", tags=["by-import"])
"""
SELFISH = """
import nbflow
made = nbflow.deploy("selfish.ipynb", "own", tags=["changed"])
print(made.full_name, made.version)
"""


@pytest.fixture
def served(folder: Path, store: Store) -> Iterator[ServeHandle]:
    """A flow and a notebook that are served, as a notebook's author does."""
    (folder / "flows.py").write_text(FLOWS)
    write_notebook(folder / "selfish.ipynb", "rows = 1", SELFISH)
    drafts = [
        draft("flows.py:etl", "served", cron="0 6 * * *"),
        draft("selfish.ipynb", "own", queue="selfish"),
    ]
    with serve(*drafts, block=False, limit=4) as handle:
        yield handle


def test_deployments_run(served: ServeHandle, folder: Path, store: Store) -> None:
    """One server for all of it: starting processes is what takes the time."""
    assert served.running
    assert "Serving etl/served: next " in repr(served)
    assert served.deployment.spec.queue == "serve-etl-served"
    _runs_and_is_waited_for(store)
    _is_a_subflow_of_the_flow_that_calls(store)
    _is_awaited()
    _does_not_deploy_itself_anew(store)
    served.stop()
    assert not served.running
    assert store.deployments.find("etl/served").paused
    assert not served.stop()  # once more is fine


def _runs_and_is_waited_for(store: Store) -> None:
    options = {"tags": ["mine"], "flow_run_name": "n-{rows}", "idempotency_key": "k"}
    run = run_deployment("etl/served", {"rows": 5}, **options)
    assert isinstance(run, Run)
    assert (run.name, run.state.name, run.parameters) == ("n-5", "Completed", {"rows": 5})
    assert run.tags == {"mine"}
    assert any(line.message == "rows 5" for line in run.logs())
    assert run_deployment("served", idempotency_key="k").id == run.id
    later = datetime.now(UTC) + timedelta(hours=1)
    waiting = run_deployment("served", scheduled_time=later, timeout=0.2)
    assert (waiting.state.name, waiting.state.scheduled_time) == ("Scheduled", later)
    store.dispatch.cancel(waiting.id)


def _is_a_subflow_of_the_flow_that_calls(store: Store) -> None:
    @task
    def count() -> int:
        return 7

    @flow
    def parent() -> list[str]:
        inside = run_deployment("served", {"rows": count.submit()})
        beside = run_deployment("served", {"rows": 100}, as_subflow=False)
        assert beside.state.is_failed()
        assert "too many rows" in (beside.state.message or "")
        return [str(inside.id), str(beside.id)]

    inside, beside = (store.find_flow_run(each) for each in parent())
    (caller,) = store.flow_runs(FlowRunFilter(flow_names=frozenset({"parent"})))
    assert (inside.parent_id, beside.parent_id) == (caller.id, None)
    assert inside.parameters == {"rows": 7}
    (counted,) = store.task_runs(caller.id)
    assert [(d.upstream, d.name) for d in inside.dependencies] == [(counted.id, "rows")]


def _is_awaited() -> None:
    @flow
    async def parent() -> list[int]:
        beat = 0

        async def count() -> None:
            nonlocal beat
            while True:
                beat += 1
                await asyncio.sleep(0.01)

        counting = asyncio.create_task(count())
        (first,) = [run_deployment("served", {"rows": n}) for n in range(1)]
        assert not first.state.is_final()  # it runs, and nobody has awaited it yet
        second = asyncio.create_task(arun_deployment("served", {"rows": 1}))
        runs = await asyncio.gather(first, second)
        counting.cancel()
        assert beat > 5  # the loop was never held up
        assert all(run.state.is_completed() for run in runs)
        return [run.parameters["rows"] for run in runs]

    assert asyncio.run(parent()) == [0, 1]


def _does_not_deploy_itself_anew(store: Store) -> None:
    run = run_deployment("selfish/own")
    assert run.state.is_completed(), run.state.message
    assert any("selfish/own 1" in line.message for line in run.logs())
    for name in ("selfish/own", "etl/served"):
        assert store.deployments.find(name).version == 1
        assert store.deployments.find(name).spec.tags == frozenset()


def test_what_cannot_be_run_is_told(folder: Path, store: Store) -> None:
    deploy("train.ipynb", "nightly")
    with pytest.raises(ObjectNotFound, match="train/nightly"):
        run_deployment("train/nightli")
    with pytest.raises(UnknownParameterError, match="Did you mean 'rows'"):
        run_deployment("nightly", {"row": 1})
    with pytest.raises(UsageError, match="env="):
        run_deployment("nightly", job_variables={"env": {}})
    assert store.count_flow_runs() == 0


def test_what_cannot_be_served_is_told(folder: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="nothing to serve"):
        serve()
    with pytest.raises(UsageError, match="no option 'cron'"):
        serve("train.ipynb", cron="@daily")
    assert open_store().deployments.count() == 0


def test_a_served_flow_starts_at_once_and_may_go_on_afterwards(folder: Path, store: Store) -> None:
    deploy("train.ipynb", "own", cron="@daily", paused=True)
    handle = serve("train.ipynb", block=False, pause_on_shutdown=False, webserver=True)
    assert handle.running
    handle.stop(hard=True)
    assert not store.deployments.find("train/train").paused
    assert store.deployments.find("train/own").paused
