"""A kept kernel outlives whoever ran it, and ends in time, whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow import notebook
from nbflow.cli.main import main
from nbflow.engine import run_flow
from nbflow.notebooks.kernels import parking
from nbflow.notebooks.kernels.attached import cells_run_in, take_kernel
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.notebooks.kernels.parked import ParkedKernel
from nbflow.notebooks.kernels.parking import (
    NotParked,
    free_run,
    park,
    parked_kernel,
    parked_kernels,
)
from nbflow.notebooks.kernels.processes import group_members, group_memory
from nbflow.owner import is_alive, place_of
from nbflow.runs import get_run
from nbflow.settings import get_settings
from nbflow.store import close_stores
from tests.waiting import until

pytestmark = pytest.mark.skipif(not parking.CAN_PARK, reason="kernels cannot be kept there")

#: Leaves a child process behind, as cells may, and fails.
FAILS = """
import subprocess
child = subprocess.Popen(["sleep", "600"])
x = 41
1 / 0
"""
#: Runs a notebook, says so, and goes on living.
RUNNER = """
import sys, time
from nbflow import notebook
notebook(sys.argv[1], keep_kernel_seconds=600)(return_state=True)
print("ran", flush=True)
time.sleep(600)
"""
TAKER = """
import sys, time
from nbflow.notebooks.kernels.attached import take_kernel
kernel = take_kernel(sys.argv[1])
print("taken", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a kernel, a keeper or a folder behind."""
    yield
    seen = parked_kernels()
    for parked in seen:
        free_run(parked.run_id)
    close_stores()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*sources: str) -> Path:
        path = tmp_path / "n.ipynb"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        cells = [new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return path

    return write


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python processes, and ends what is left of them."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *arguments]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def kept(path: Path, seconds: float = 600, **options: Any) -> ParkedKernel:
    """Run a notebook that fails; the kernel that was kept."""
    run_flow(notebook(path, keep_kernel_seconds=seconds, **options), {})
    parked = parked_kernel(str(get_run().id))
    assert parked is not None
    return parked


def is_gone(parked: ParkedKernel) -> bool:
    """Nothing of the kernel is left: no process, no file, no keeper."""
    records = list((get_settings().home / "parked").glob(f"{parked.run_id}*"))
    left = [*group_members(parked.pid), *records]
    return not left and not Path(parked.folder).exists() and not is_alive(parked.keeper)


def guard_of(parked: ParkedKernel) -> int:
    listed = subprocess.check_output(["ps", "-axww", "-o", "pid=,args="], text=True)
    (line,) = [
        line
        for line in listed.splitlines()
        if "nbflow-guard" in line and parked.folder in line and f" {parked.pid} " in line
    ]
    return int(line.split()[0])


# ── keeping ──────────────────────────────────────────────────────────────────────────────


def test_killing_the_run_loses_no_kernel(write, start) -> None:
    """The keeper is a process of its own: the kernel answers when its run is killed."""
    runner = start(RUNNER, str(write("x = 41", FAILS)))
    assert runner.stdout.readline() == "ran\n"
    runner.kill()
    runner.wait()

    parked = parked_kernel(str(get_run().id))

    assert parked is not None
    assert cells_run_in(parked) == parked.execution_count == 2
    assert len(group_members(parked.pid)) == 2, "the kernel and its child"
    assert free_run(parked.run_id) == parked
    until(lambda: is_gone(parked), "the kernel's end")


def test_the_record_says_what_a_person_wants_to_know(write) -> None:
    """Run, notebook, cell and times; for the user's own eyes."""
    path = write("x = 1", FAILS)
    parked = kept(path)
    run = get_run()

    assert (parked.run_id, parked.run_name) == (str(run.id), run.name)
    assert (parked.notebook, parked.output) == (str(path), str(run.output))
    assert (parked.cell_id, parked.cell_name, parked.execution_count) == ("c1", "child", 2)
    assert (parked.kernel_name, parked.language) == ("python3", "python")
    assert (parked.expires - parked.parked_at).total_seconds() == 600
    assert is_alive(parked.process)
    assert is_alive(parked.keeper)
    assert (group_memory(parked.pid) or 0) > 10_000_000
    folder = get_settings().home / "parked"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (record,) = folder.iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_a_kernel_that_was_interrupted_is_kept_once_it_answers(write) -> None:
    parked = kept(write("x = 1", "import time\ntime.sleep(600)"), cell_timeout_seconds=0.5)
    assert get_run().state.name == "TimedOut"
    assert cells_run_in(parked) == 2


def test_a_kernel_that_does_not_answer_is_not_kept(write, monkeypatch) -> None:
    """It ends with its run, and the run says why."""
    monkeypatch.setattr(parking, "ANSWER_SECONDS", 0.0)
    run_flow(notebook(write("1 / 0"), keep_kernel_seconds=60), {})
    run = get_run()
    assert parked_kernel(str(run.id)) is None
    assert any("does not answer" in record.message for record in run.logs())


@pytest.mark.parametrize(
    ("cell", "options"),
    [("1", {"keep_kernel_seconds": 600}), ("1 / 0", {})],
    ids=["nothing failed", "nobody asked"],
)
def test_other_kernels_end_with_their_run(write, cell, options) -> None:
    run_flow(notebook(write(cell), **options), {})
    assert parked_kernels() == []


def test_the_setting_keeps_kernels_of_all_runs(write, monkeypatch) -> None:
    monkeypatch.setattr("nbflow.settings._current", None)
    monkeypatch.setenv("NBFLOW_KEEP_KERNEL_SECONDS", "300")
    run_flow(notebook(write("1 / 0")), {})
    (parked,) = parked_kernels()
    assert (parked.expires - parked.parked_at).total_seconds() == 300


# ── ending ───────────────────────────────────────────────────────────────────────────────


def test_a_kernel_ends_when_its_time_is_over(write) -> None:
    """With all of its group, and not before; later, when it was told to wait longer."""
    first = kept(write(FAILS), seconds=600.0)
    parked = parking.extend(first.run_id, 1.0)
    assert parked is not None
    assert parked.expires < first.expires
    until(lambda: is_gone(parked), "the kernel's end")
    assert time.time() >= parked.expires.timestamp()
    assert parked_kernels() == []


@pytest.mark.parametrize("victim", ["kernel", "keeper", "record"])
def test_nothing_stays_when_something_is_taken_away(write, victim) -> None:
    """Kernel, keeper and record stand and fall together; the next command sweeps the rest."""
    parked = kept(write(FAILS))
    if victim == "kernel":
        os.kill(parked.pid, signal.SIGKILL)
    elif victim == "record":
        (get_settings().home / "parked" / f"{parked.run_id}.json").unlink()
    else:
        os.kill(place_of(parked.keeper)[1], signal.SIGKILL)
        until(lambda: not group_members(parked.pid), "the group's end")
    if victim == "keeper":
        assert main(["runs", "ls"]) == 0
    until(lambda: is_gone(parked), "the kernel's end")


def test_a_kernel_without_guard_and_keeper_is_swept(write) -> None:
    """Even when both are killed, the next command finds the kernel by its record."""
    parked = kept(write(FAILS))
    os.kill(guard_of(parked), signal.SIGKILL)
    os.kill(place_of(parked.keeper)[1], signal.SIGKILL)
    until(lambda: not is_alive(parked.keeper), "the keeper's end")
    assert len(group_members(parked.pid)) == 2

    assert main(["debug"]) == 0

    until(lambda: is_gone(parked), "the kernel's end")


# ── taking ───────────────────────────────────────────────────────────────────────────────


def test_of_two_who_take_a_kernel_one_gets_it(write) -> None:
    parked = kept(write("x = 41\n1 / 0"))
    taken: list[Kernel | None] = []
    threads = [
        threading.Thread(target=lambda: taken.append(take_kernel(parked.run_id))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (kernel,) = [each for each in taken if each is not None]

    assert kernel.wait_ready(60)
    until(lambda: not is_alive(parked.keeper), "the keeper's end")
    assert kernel.is_alive()
    again = park(kernel, seconds=600, run_id="another", run_name="r", notebook="n.ipynb")
    assert (again.process, cells_run_in(again)) == (parked.process, parked.execution_count)
    free_run("another")
    assert not kernel.is_alive()


def test_a_taken_kernel_ends_with_who_took_it(write, start) -> None:
    parked = kept(write(FAILS))
    taker = start(TAKER, parked.run_id)
    assert taker.stdout.readline() == "taken\n"
    assert len(group_members(parked.pid)) == 2
    taker.kill()
    taker.wait()
    until(lambda: is_gone(parked), "the kernel's end")


def test_parking_is_refused_where_there_are_no_groups(monkeypatch) -> None:
    monkeypatch.setattr(parking, "CAN_PARK", False)
    with pytest.raises(NotParked, match="cannot be kept on this system"):
        park(Kernel("python3"), seconds=1, run_id="r", run_name="r", notebook="n")


# ── the command ──────────────────────────────────────────────────────────────────────────


def test_debug_lists_opens_extends_and_frees(write, capsys) -> None:
    """What `nbflow debug` shows of a kept kernel, and without a terminal how to connect."""
    path = write("x = 1", "1 / 0")
    assert main(["run", str(path), "--keep-kernel", "15m", "-q"]) == 1
    short = str(get_run().id)[-8:]
    assert f"nbflow debug {short}" in capsys.readouterr().out

    assert main(["debug"]) == 0
    listed = capsys.readouterr().out
    assert get_run().name in listed
    assert "MB" in listed
    assert main(["debug", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["run_id"], told["cell_id"]) == (str(get_run().id), "c1")

    assert main(["debug", short]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == told["connection_file"]
    assert shown[1] == f"jupyter console --existing {told['connection_file']}"
    assert main(["debug", "latest", "--extend", "1h"]) == 0
    assert "waits" in capsys.readouterr().out
    assert (parked_kernels()[0].expires - parked_kernels()[0].parked_at).total_seconds() > 3600
    assert main(["debug", "latest", "--free"]) == 0
    assert main(["debug", "latest"]) == 2
    gone = capsys.readouterr().err
    assert f"%nbflow debug {short}" in gone
    assert f"nbflow resume {short}" in gone
    assert main(["debug"]) == 0
    assert "No kernel waits" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--free"], ["--extend", "1h"], ["latest", "--extend", "x"]])
def test_debug_refuses_what_it_cannot_mean(arguments, capsys) -> None:
    assert main(["debug", *arguments]) == 2
    assert capsys.readouterr().err
