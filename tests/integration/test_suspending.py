"""Runs that wait for a person: in notebooks, and left by one process to be taken up by another."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow import list_runs, notebook, resume_flow_run, tags
from nbflow.deployments.running import new_run
from nbflow.exceptions import UsageError
from nbflow.models import FlowKind, RunKind, new_id
from nbflow.models.deployments import Deployment, DeploymentSpec, Worker
from nbflow.owner import this_owner
from nbflow.runs import Run, get_run
from nbflow.states import now
from nbflow.store import close_stores, open_store
from tests.waiting import until

FLOWS = """
from pathlib import Path

from nbflow import flow, pause_flow_run, suspend_flow_run, task
from nbflow.runtime import deployment, flow_run


@task(persist_result=True)
def costly(n: int) -> int:
    with Path("ran").open("a") as file:
        file.write("x")
    return n


@flow
def approve(n: int = 2) -> int:
    first = costly(n)
    later = costly.submit(n + 1)
    try:
        answer = suspend_flow_run(int)
    except Exception:
        answer = -1
    facts = (deployment.name, deployment.version, dict(deployment.parameters), flow_run.run_count)
    Path("answer").write_text(repr((first, later.result(), answer, facts)))
    return answer


@flow
def wait(n: int = 2) -> int:
    answer = pause_flow_run(int)
    Path("answer").write_text(repr(answer))
    return answer


@flow
def outer(n: int = 2) -> int:
    return approve(n)
"""

SETTING_UP = """%load_ext nbflow
from pathlib import Path
from nbflow import suspend_flow_run
from nbflow.runtime import flow_run
n = flow_run.parameters['n']"""
CELLS = (
    SETTING_UP,
    "%%task\nopen('ran', 'a').write('x')\ndoubled = 2 * n",
    "answer = suspend_flow_run(int, key='approval')",
    "Path('answer').write_text(repr((n, doubled, answer)))",
)


@pytest.fixture(autouse=True)
def _stores(nbflow_home: Path) -> Iterator[None]:
    yield
    close_stores()


@pytest.fixture
def deploy(tmp_path: Path) -> Callable[..., Run]:
    """Deploys the flows, or the notebook, and lets one run of it wait."""

    def make(entrypoint: str, **parameters: Any) -> Run:
        store, snapshot = open_store(), io.BytesIO()
        with zipfile.ZipFile(snapshot, "w") as archive:
            archive.writestr("flows.py", FLOWS)
            archive.writestr("steps.ipynb", nbformat.writes(_notebook()))
        kind = FlowKind.NOTEBOOK if entrypoint.endswith("ipynb") else FlowKind.FUNCTION
        spec = DeploymentSpec(
            entrypoint=entrypoint, kind=kind, cwd=str(tmp_path), parameters=parameters
        )
        flow_name = entrypoint.rpartition(":")[2].removesuffix(".ipynb")
        deployment = store.deployments.save(
            flow_name, "prod", spec, content_hash="1", snapshot=snapshot.getvalue()
        )
        return submit(deployment)

    return make


def _notebook() -> Any:
    cells = [new_code_cell("n = 1", metadata={"tags": ["parameters"]})]
    return new_notebook(cells=[*cells, *(new_code_cell(source) for source in CELLS)])


def submit(deployment: Deployment) -> Run:
    return Run(open_store().dispatch.submit(*new_run(deployment)), open_store())


def work(meanwhile: Callable[[subprocess.Popen[bytes]], bool] | None = None) -> int:
    """Claim what is due and execute it in a process of its own, as a worker does.

    `meanwhile` is asked again and again, until it is True.
    """
    dispatch = open_store().dispatch
    at, name = now(), f"w-{new_id()}"
    worker = dispatch.register(
        Worker(id=new_id(), name=name, owner=this_owner(), started=at, heartbeat=at)
    )
    (claim,) = dispatch.claim(worker.id, [])
    command = [sys.executable, "-m", "nbflow.worker.runner", str(claim.run.id)]
    with subprocess.Popen([*command, str(claim.fence.token)], stdin=subprocess.PIPE) as process:
        while process.poll() is None:
            if meanwhile is not None and meanwhile(process):
                meanwhile = None
            time.sleep(0.02)
    dispatch.finish(claim.fence)
    return process.returncode


def history(run: Run) -> list[str]:
    return [each.state.name for each in run.store.states(RunKind.FLOW, run.id)]


def test_a_suspended_flow_is_taken_up_by_another_process(
    deploy: Callable[..., Run], tmp_path: Path
) -> None:
    run = deploy("flows.py:approve", n=2)
    assert work() == 0
    assert run.refresh().state.name == "Suspended"
    assert run.record.owner is None
    assert open_store().close_abandoned(now()) == []  # nobody takes it for dead
    assert not (tmp_path / "answer").exists()

    resume_flow_run(run, 5)
    assert run.refresh().state.name == "Resuming"
    assert work() == 0

    assert run.refresh().state.name == "Completed"
    facts = ("prod", "1", {"n": 2}, 2)
    assert (tmp_path / "answer").read_text() == repr((2, 3, 5, facts))
    assert (tmp_path / "ran").read_text() == "xx"  # each task once
    assert history(run) == [
        "Scheduled", "Pending", "Running", "Suspended", "Resuming", "Pending", "Resuming",
        "Pending", "Retrying", "Completed",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="waits for no answer"):
        resume_flow_run(run, 6)


def test_a_suspended_notebook_starts_anew_and_keeps_its_task_cells(
    deploy: Callable[..., Run], tmp_path: Path
) -> None:
    run = deploy("steps.ipynb", n=4)
    assert work() == 0
    assert run.refresh().state.name == "Suspended"
    states = [task.state.name for task in run.task_runs]
    assert states[-3:] == ["Completed", "Suspended", "NotRun"]
    executed = nbformat.read(run.output, 4)
    assert "Suspended" in str(executed.cells[-2].outputs)

    resume_flow_run(run, 5)
    assert work() == 0

    assert run.refresh().state.name == "Completed"
    assert (tmp_path / "answer").read_text() == repr((4, 8, 5))
    assert (tmp_path / "ran").read_text() == "x"  # the task cell was restored
    assert {task.state.name for task in run.task_runs} == {"Completed", "Cached"}


def test_a_paused_run_keeps_its_process(deploy: Callable[..., Run], tmp_path: Path) -> None:
    run = deploy("flows.py:wait")

    def answer(_: object) -> bool:
        if run.refresh().state.name != "Paused" or not run.store.dispatch.inputs(run.id):
            return False
        run.resume(9)
        return True

    assert work(answer) == 0
    assert run.refresh().state.name == "Completed"
    assert (tmp_path / "answer").read_text() == "9"


def test_a_paused_run_is_cancelled_as_a_worker_does_it(deploy: Callable[..., Run]) -> None:
    run = deploy("flows.py:wait")

    def cancel(process: subprocess.Popen[bytes]) -> bool:
        if run.refresh().state.name != "Paused" or not run.store.dispatch.inputs(run.id):
            return False
        assert run.cancel().state.name == "Cancelling"
        process.send_signal(signal.SIGINT)
        return True

    assert work(cancel) == 0
    assert run.refresh().state.name == "Cancelled"


def test_a_subflow_is_not_suspended(deploy: Callable[..., Run], tmp_path: Path) -> None:
    deploy("flows.py:outer")
    assert work() == 0
    assert "-1" in (tmp_path / "answer").read_text()
    assert get_run().state.name == "Completed"


FACTS = """from nbflow import pause_flow_run
from nbflow.runtime import deployment, flow_run
print('facts', flow_run.parameters, flow_run.run_count, deployment.id, flow_run.tags)
assert flow_run.root_flow_run_id == flow_run.id and flow_run.parent_flow_run_id is None"""


def test_a_notebook_waits_in_its_kernel(tmp_path: Path) -> None:
    cells = [
        new_code_cell(
            "import datetime\nday = datetime.date.today()", metadata={"tags": ["parameters"]}
        ),
        new_code_cell(FACTS),
        new_code_cell("answers = [pause_flow_run(int), pause_flow_run(str)]\nprint(answers)"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "wait.ipynb")
    flow = notebook(tmp_path / "wait.ipynb", cell_timeout_seconds=20, timeout_seconds=30)
    seen: list[str] = []

    def answer() -> None:
        for value in (5, "yes"):
            run = _waiting()
            seen.extend(task.state.name for task in run.task_runs[-1:])
            run.resume(value)

    thread = threading.Thread(target=answer)
    thread.start()
    with tags("nightly"):
        flow(day="2026-05-03")
    thread.join()

    run = get_run()
    assert seen == ["Paused", "Paused"]
    assert history(run) == [
        "Pending", "Running", "Paused", "Running", "Paused", "Running", "Completed"
    ]  # fmt: skip
    told = "\n".join(line.message for line in run.logs())
    assert "facts {'day': datetime.date(2026, 5, 3)} 1 None ['nightly']" in told
    assert "[5, 'yes']" in told


def _waiting() -> Run:
    def waits(run: Run) -> bool:
        asked = run.store.dispatch.inputs(run.id)
        return run.state.name == "Paused" and bool(asked) and asked[-1].answered is None

    return until(lambda: next(filter(waits, list_runs()), None), "a paused run")
