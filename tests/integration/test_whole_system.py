"""A team's day: one server, two workers on two queues, two deployments of one notebook.

Everything is a process of its own and is started anew in between; one worker uses the database,
the other only the server's address. What is asked is asked over HTTP.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits" / "digits.ipynb"
PATIENCE = 90.0

#: A flow that waits until its file is there, and a notebook that fails until it is.
SLOW = """
import time
from pathlib import Path

from nbflow import flow


@flow
def slow(seconds: float = 60.0):
    time.sleep(seconds)
"""


def reserved_port() -> socket.socket:
    """Has a port, which nobody else is given while the server that is to have it is away."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


@dataclass
class Team:
    """The processes, and somebody who asks the server."""

    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "NBFLOW_HOME": str(self.home), "NBFLOW_LEASE_SECONDS": "6"}

    def nbflow(self, *words: str) -> str:
        """Type a command; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "nbflow", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str, *words: str, remote: bool = False) -> None:
        """Start something that goes on."""
        environment = self.environment
        if remote:
            environment["NBFLOW_HOME"] = str(self.folder / name)
            environment["NBFLOW_API_URL"] = f"http://127.0.0.1:{self.port}"
            environment["NBFLOW_API_TOKEN"] = self.token
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "nbflow", *words],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def start_all(self) -> None:
        """The server, a worker beside it, and one that knows only its address."""
        self.start("server", "server", "start", "--port", str(self.port), "--no-worker")
        self.wait_for(lambda: self.get("/api/health/ready"))
        self.start("near", "worker", "start", "-q", "near", "--name", "near", "--no-warm")
        far = ("worker", "start", "-q", "far", "--name", "far", "--no-warm")
        self.start("far", *far, remote=True)
        self.wait_for(lambda: {w["name"] for w in self.get("/api/workers")} == {"near", "far"})

    def stop_all(self) -> None:
        """Ask all of them to end, workers first."""
        for name in ("near", "far", "server"):
            process = self.processes.pop(name, None)
            if process is not None:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)

    def kill_all(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    # ── over HTTP ────────────────────────────────────────────────────────────────────────

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        return httpx.request(
            method,
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Authorization": f"Bearer {self.token}", **given.pop("headers", {})},
            timeout=30,
            **given,
        )

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.ask("GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found["items"] if isinstance(found, dict) and "items" in found else found

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.ask("POST", path, json=body, headers=headers)
        assert answer.status_code in {200, 201, 202}, answer.text
        return answer.json()

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Ask until the answer is true."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                found = condition()
            except (httpx.TransportError, FileNotFoundError):
                found = None
            if found:
                return found
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.1)

    def state_of(self, run: dict[str, Any]) -> str:
        return str(self.get(f"/api/flow_runs/{run['id']}")["state"]["name"])

    def wait_until(self, run: dict[str, Any], *names: str) -> dict[str, Any]:
        self.wait_for(lambda: self.state_of(run) in names)
        found: dict[str, Any] = self.get(f"/api/flow_runs/{run['id']}")
        return found

    def logs(self) -> str:
        return "\n".join(f"== {f.name}\n{f.read_text()}" for f in self.folder.glob("*.log"))


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with closing(reserved_port()) as holder:
        team = Team(tmp_path, int(holder.getsockname()[1]))
        if sys.platform != "linux":  # elsewhere only one socket may have a port
            holder.close()
        team.home.mkdir(mode=0o700)
        try:
            yield team
        finally:
            team.kill_all()


def deploy_examples(team: Team) -> None:
    (team.folder / "slow.py").write_text(SLOW)
    twice = ["deploy", str(EXAMPLE), "--cron", "0 6 * * *"]
    team.nbflow(*twice, "--name", "careful", "-p", "folds", "3", "--queue", "near", "-t", "team")
    team.nbflow(
        *twice, "--name", "quick", "-p", "folds", "2", "--queue", "far", "--tz", "Asia/Tokyo"
    )
    team.nbflow("deploy", "slow.py:slow", "--name", "patient", "--queue", "far")


@pytest.mark.timeout(400)
def test_a_team_at_work(team: Team) -> None:
    team.start_all()
    deploy_examples(team)

    # Both deployments run where they should, once for each key.
    runs = {
        name: team.post(f"/api/deployments/digits%2F{name}/runs", {}, **{"Idempotency-Key": name})
        for name in ("careful", "quick")
    }
    again = team.post("/api/deployments/digits%2Fquick/runs", {}, **{"Idempotency-Key": "quick"})
    assert again["id"] == runs["quick"]["id"]
    patient = team.post("/api/deployments/slow%2Fpatient/runs", {"parameters": {"seconds": 300}})
    for name, folds in (("careful", 3), ("quick", 2)):
        ended = team.wait_until(runs[name], "Completed", "Failed", "Crashed")
        assert ended["state"]["name"] == "Completed", team.logs()
        assert ended["parameters"]["folds"] == folds
        notebook = nbformat.read(ended["output"], as_version=4)
        assert any("folds" in cell.source for cell in notebook.cells)

    # Cancelled from elsewhere, and retried.
    team.wait_until(patient, "Running")
    team.post(f"/api/flow_runs/{patient['id']}/cancel")
    team.wait_until(patient, "Cancelled")
    assert team.ask("POST", f"/api/flow_runs/{patient['id']}/cancel").status_code == 409
    team.post(f"/api/flow_runs/{patient['id']}/retry")
    team.wait_until(patient, "Retrying")

    # Everything ends and starts again; what is known is still known, what waits still runs.
    team.post(f"/api/flow_runs/{patient['id']}/cancel")
    team.wait_until(patient, "Cancelled")
    before = [_short(team, path) for path in PAGES]
    team.stop_all()
    team.start_all()
    assert [_short(team, path) for path in PAGES] == before
    short = team.post("/api/deployments/slow%2Fpatient/runs", {"parameters": {"seconds": 0}})
    team.wait_until(short, "Completed")

    _filters(team, runs)
    events = [line["kind"] for line in team.get("/api/events/list", limit=1000)]
    assert {"deployment.created", "worker.started", "flow-run.Cancelled"} <= set(events)


PAGES = ("/api/deployments", "/api/flow_runs?state_name=Completed", "/api/flows")


def _short(team: Team, path: str) -> list[str]:
    return sorted(json.dumps([each.get("id"), each.get("name")]) for each in team.get(path))


def _filters(team: Team, runs: dict[str, Any]) -> None:
    """Both runs are found by what they are, and by nothing else."""
    careful, quick = runs["careful"]["id"], runs["quick"]["id"]
    ended = {"state": "COMPLETED"}
    for asked, found in (
        ({"tag": "team", **ended}, {careful}),
        ({"deployment": "digits/quick", **ended}, {quick}),
        ({"queue": "near", **ended}, {careful}),
        ({"parameter": "folds:2", **ended}, {quick}),
        ({"flow": "digits", **ended}, {careful, quick}),
        ({"flow": "digits", "created_before": "2020-01-01T00:00:00Z"}, set()),
    ):
        assert {each["id"] for each in team.get("/api/flow_runs", **asked)} == found, asked
