"""How soon a run starts among a thousand active deployments, and what waiting for it costs.

A server with its worker is a process of its own. Each line is one measured figure.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import nbformat
import psutil

from nbflow import deploy, run_deployment, schedules
from nbflow.models import FlowKind
from nbflow.models.deployments import DeploymentSchedule, DeploymentSpec
from nbflow.settings import temporary_settings
from nbflow.states import now
from nbflow.store import close_stores, open_store

DEPLOYMENTS = 1_000
RUNS = 20
IDLE_SECONDS = 15.0
PAUSE_SECONDS = 3.0  # between runs, so that the next one waits ready


def notebook(folder: Path) -> Path:
    """One cell, which tells when it ran."""
    cell = nbformat.v4.new_code_cell("import time\nprint(time.time())")
    path = folder / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def make_deployments() -> None:
    """Active ones, whose schedules fire every few hours."""
    spec = DeploymentSpec(entrypoint="none.py:f", kind=FlowKind.FUNCTION, queue="elsewhere")
    for number in range(DEPLOYMENTS):
        every = schedules.Interval(timedelta(hours=2), anchor_date=now() - timedelta(minutes=30))
        planned = DeploymentSchedule(slug="s", schedule=schedules.to_json(every))
        open_store().deployments.save(
            "f", f"d{number}", spec, schedules=[planned], content_hash="0"
        )


def first_cell_after(name: str) -> float:
    """Seconds from asking for a run to its first cell."""
    asked = time.time()
    run = run_deployment(name, timeout=120)
    (cell,) = nbformat.read(run.record.output, as_version=4).cells
    return float(cell.outputs[0]["text"]) - asked


def cpu_of(process: psutil.Process, seconds: float) -> float:
    """The share of one CPU that a process and its children take."""
    members = [process, *process.children(recursive=True)]
    before = sum(sum(each.cpu_times()[:2]) for each in members)
    time.sleep(seconds)
    return (sum(sum(each.cpu_times()[:2]) for each in members) - before) / seconds


def measure(folder: Path) -> None:
    """Start a server, wait until it is idle, and run."""
    make_deployments()
    deploy(notebook(folder), "one", queue="here")
    environment = {**os.environ, "NBFLOW_HOME": str(folder / "home")}
    start = [sys.executable, "-m", "nbflow", "server", "start", "--port", "0"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(start, env=environment, stdout=log, stderr=log)
    try:
        first_cell_after("one/one")
        time.sleep(PAUSE_SECONDS + 2)
        share = cpu_of(psutil.Process(server.pid), IDLE_SECONDS)
        print(f"idle with {DEPLOYMENTS} active deployments: {100 * share:.2f} % of a CPU")
        taken = []
        for _ in range(RUNS):
            taken.append(first_cell_after("one/one"))
            time.sleep(PAUSE_SECONDS)
        taken.sort()
        print(
            f"first cell after {statistics.median(taken):.2f} s (median of {RUNS}), "
            f"{taken[round(0.95 * (RUNS - 1))]:.2f} s at p95, {taken[-1]:.2f} s at most"
        )
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="nbflow-bench-") as place:
        home = Path(place) / "home"
        with temporary_settings(home=home, logging_to_console=False):
            measure(Path(place))
            close_stores()
