"""Workers that stop, are killed, or lose what they hold; processes, as in real life."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from nbflow.exceptions import ObjectAlreadyExists
from nbflow.models import FlowRun
from nbflow.models.deployments import Fence
from nbflow.owner import place_of
from nbflow.settings import as_environment, temporary_settings
from nbflow.store import SQLStore
from nbflow.worker.worker import Worker
from tests.waiting import PATIENCE, until

from .conftest import Shop, notebook

#: Of workers that are to lose what they hold, of those that are to notice it, which they do no
#: later than that, and of all others, who lose nothing, however slow the machine is.
SHORT_LEASE, NOTICING_LEASE, LONG_LEASE = 3.0, 6.0, 60.0
#: Says that it began, in the working folder, then goes on until somebody makes a file there.
WAITS = """
import os, time, pathlib
with open("begun", "a") as file:
    file.write(f"{os.getpid()}\\n")
while not pathlib.Path("go-on").exists():
    time.sleep(0.02)
with open("ended", "a") as file:
    file.write(f"{os.getpid()}\\n")
"""
FUNCTION = "from nbflow import flow\n@flow\ndef f():\n" + "".join(
    f"    {line}\n" for line in WAITS.strip().splitlines()
)


@dataclass
class Lives(Shop):
    """Starts workers as processes."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, name: str, *arguments: str, lease: float = LONG_LEASE
    ) -> subprocess.Popen[bytes]:
        """A worker process, once it works."""
        command = [sys.executable, "-m", "nbflow", "worker", "start", "--no-warm"]
        environment = {**os.environ, **as_environment(self.settings)}
        environment["NBFLOW_LEASE_SECONDS"] = str(lease)
        process = subprocess.Popen(
            [*command, "--name", name, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.processes.append(process)
        until(lambda: name in {w.name for w in self.store.dispatch.workers()}, f"{name} at work")
        return process

    def stop_outside_of_writes(self, *pids: int) -> None:
        """Stop processes, but not while one holds the database's lock: it would keep it."""

        def is_free() -> bool:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            try:
                with closing(
                    sqlite3.connect(self.settings.home / "nbflow.db", timeout=0)
                ) as database:
                    database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
                return False
            return True

        until(is_free, "a moment at which nobody writes")

    def begun(self, folder: Path, times: int = 1) -> list[int]:
        """The processes in which the code has begun, once there are so many."""

        def look() -> list[int]:
            file = folder / "begun"
            found = [int(line) for line in file.read_text().split()] if file.exists() else []
            return found if len(found) >= times else []

        return until(look, f"begin {times}")


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    home = tmp_path_factory.mktemp("lives") / "home"
    with temporary_settings(home=home) as settings:
        settings.ensure_home()
        lives = Lives(SQLStore(settings.resolved_database_url()), settings)
    yield lives
    lives.store.close()


@pytest.fixture(autouse=True)
def no_process_stays(lives: Lives, nbflow_home: Path) -> Iterator[None]:
    yield
    for process in lives.processes:
        process.kill()
        process.communicate()
    lives.processes.clear()


def gone(*pids: int) -> bool:
    return not any(psutil.pid_exists(p) and psutil.Process(p).status() != "zombie" for p in pids)


def runner_of(lives: Lives, run: FlowRun) -> int:
    return place_of(lives.store.flow_run(run.id).owner or "")[1]


def test_another_worker_takes_over_what_a_killed_one_held(lives: Lives, tmp_path: Path) -> None:
    files = {"n.ipynb": notebook(WAITS)}
    run = lives.submit(lives.deploy("n.ipynb", files, cwd=str(tmp_path), crash_retries=1))
    first = lives.start("first", lease=SHORT_LEASE)
    [kernel] = lives.begun(tmp_path)
    runner = runner_of(lives, run)
    token = lives.store.dispatch.queued(run.id).token
    first.kill()
    until(lambda: gone(runner, kernel), "the end of runner and kernel")
    lives.start("second", lease=NOTICING_LEASE)
    _, second_kernel = lives.begun(tmp_path, 2)
    (tmp_path / "go-on").touch()
    ended = lives.ended(run)
    assert ended.state.is_completed(), lives.text(run)
    assert ended.attempt == 2
    assert (tmp_path / "ended").read_text().split() == [str(second_kernel)]
    assert lives.history(run).count("Crashed") == 1
    assert lives.store.dispatch.finish(Fence(run.id, token)) is None


def test_a_worker_that_was_away_ends_what_it_lost(lives: Lives, tmp_path: Path) -> None:
    run = lives.submit(
        lives.deploy("m.py:f", {"m.py": FUNCTION}, cwd=str(tmp_path), crash_retries=1)
    )
    first = lives.start("away", lease=SHORT_LEASE)
    lives.begun(tmp_path)
    runner = runner_of(lives, run)
    lives.stop_outside_of_writes(first.pid, runner)
    lives.start("present", lease=NOTICING_LEASE)
    lives.begun(tmp_path, 2)
    first.send_signal(signal.SIGCONT)
    until(lambda: gone(runner), "the end of the runner")
    (tmp_path / "go-on").touch()
    ended = lives.ended(run)
    assert ended.state.is_completed()
    assert len((tmp_path / "ended").read_text().split()) == 1
    first.terminate()
    said, _ = first.communicate(timeout=PATIENCE)
    assert b"lost, somebody else has it" in said


def test_a_worker_that_is_told_to_stop_lets_its_runs_end(lives: Lives, tmp_path: Path) -> None:
    deployment = lives.deploy("m.py:f", {"m.py": FUNCTION}, cwd=str(tmp_path))
    worker = lives.start("patient", "--limit", "1")
    run, later = lives.submit(deployment), lives.submit(deployment)
    lives.begun(tmp_path)
    worker.terminate()
    until(lambda: b"stopping" in worker.stdout.readline(), "its word")
    (tmp_path / "go-on").touch()
    assert lives.ended(run).state.is_completed()
    assert worker.wait(PATIENCE) == 0
    assert lives.store.flow_run(later.id).state.name == "Scheduled"
    assert "patient" not in {w.name for w in lives.store.dispatch.workers()}
    lives.store.dispatch.cancel(later.id)


def test_a_worker_that_is_told_twice_ends_its_runs(lives: Lives, tmp_path: Path) -> None:
    run = lives.submit(lives.deploy("m.py:f", {"m.py": FUNCTION}, cwd=str(tmp_path)))
    worker = lives.start("hasty")
    [process] = lives.begun(tmp_path)
    worker.send_signal(signal.SIGINT)
    until(lambda: b"stopping" in worker.stdout.readline(), "its word")
    time.sleep(0.3)  # sooner it would count as the same word
    worker.send_signal(signal.SIGINT)
    assert worker.wait(PATIENCE) == 0
    assert gone(process)
    ended = lives.ended(run)
    assert ended.state.name == "Crashed"
    assert "hasty was stopped" in (ended.state.message or "")


def test_grace_ends_the_patience(lives: Lives, tmp_path: Path) -> None:
    run = lives.submit(
        lives.deploy("m.py:f", {"m.py": FUNCTION}, cwd=str(tmp_path), crash_retries=1)
    )
    worker = lives.start("brief", "--grace", "0.2s")
    lives.begun(tmp_path)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    assert lives.store.flow_run(run.id).state.name == "AwaitingRetry"
    lives.store.dispatch.cancel(run.id)


def nbflow(lives: Lives, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """`nbflow worker` with these arguments."""
    environment = {**os.environ, **as_environment(lives.settings)}
    command = [sys.executable, "-m", "nbflow", "worker", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, check=False)


def test_the_name_of_a_living_worker_is_taken(lives: Lives) -> None:
    lives.start("only")
    with pytest.raises(ObjectAlreadyExists, match="only"):
        Worker(lives.store, name="only", warm=False).run()
    second = nbflow(lives, "start", "--name", "only", "--no-warm")
    assert second.returncode == 2
    assert b"Give this one another name: --name." in second.stderr
    listed = json.loads(nbflow(lives, "ls", "--json").stdout)
    assert [(each["name"], each["running"], each["stopped"]) for each in listed] == [
        ("only", 0, None)
    ]
    stopped = nbflow(lives, "stop", "only")
    assert (stopped.returncode, stopped.stdout) == (0, b"The worker only has ended.\n")
    assert lives.processes[0].wait(PATIENCE) == 0


def test_a_locked_database_ends_no_run(lives: Lives, tmp_path: Path) -> None:
    import sqlite3

    run = lives.submit(lives.deploy("m.py:f", {"m.py": FUNCTION}, cwd=str(tmp_path)))
    lives.start("calm")
    lives.begun(tmp_path)
    with sqlite3.connect(lives.settings.home / "nbflow.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        (tmp_path / "go-on").touch()
        until((tmp_path / "ended").exists, "its end")
        other.execute("COMMIT")
    other.close()
    assert lives.ended(run).state.is_completed()
