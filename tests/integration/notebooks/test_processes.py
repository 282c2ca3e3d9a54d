"""Whoever kills whom, the notebook on disk is whole and no process stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups")

#: Its middle cell leaves a child process and its pids, then runs long.
LONG = """
import os, pathlib, subprocess, time
child = subprocess.Popen(["sleep", "600"])
pathlib.Path(PIDS).write_text(f"{os.getpid()} {child.pid}")
print("started", flush=True)
time.sleep(600)
"""
RUNNER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background
from nbflow.notebooks.execute import run_notebook
run_notebook(sys.argv[1], output=sys.argv[2])
"""
#: The same with more patience than any test has, and a word when the first signal is heard.
PATIENT = (
    """
from nbflow.notebooks import running, signals
running.RunOptions.__init__.__kwdefaults__["interrupt_grace"] = 600.0
remember = signals.RememberedSignals._remember
def say(self, number, frame):
    remember(self, number, frame)
    print("heard", flush=True)
signals.RememberedSignals._remember = say
"""
    + RUNNER
)


class Runner:
    """A process that runs a notebook whose second cell never ends."""

    def __init__(self, notebook, folder: Path, *command: str) -> None:
        self.pids_file = folder / "pids"
        self.output = folder / "out.ipynb"
        source = notebook("print('first')", LONG.replace("PIDS", repr(str(self.pids_file))), "3")
        argv = [part.format(source=source, output=self.output) for part in command]
        self.process = subprocess.Popen(
            argv or [sys.executable, "-c", RUNNER, str(source), str(self.output)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_running(self, processes) -> tuple[int, ...]:
        until(lambda: self._saved("started"), "the running cell's output")
        return tuple(map(int, self.pids_file.read_text().split()))

    def _saved(self, text: str) -> bool:
        return self.output.exists() and f'"{text}\\n"' in self.output.read_text()

    def states(self) -> list[str]:
        nb = nbformat.read(self.output, as_version=4)
        nbformat.validate(nb)
        return [c.metadata.nbflow.state for c in nb.cells if c.cell_type == "code"]

    def finish(self) -> int:
        _, self.stderr = self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def runner(notebook, tmp_path):
    started: list[Runner] = []

    def start(*command: str) -> Runner:
        started.append(Runner(notebook, tmp_path, *command))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)],
    ids=["R3: Ctrl-C", "R4: SIGTERM"],
)
def test_a_signal_to_the_runner_finalises_the_notebook(runner, processes, number, code) -> None:
    one = runner()
    pids = one.wait_until_running(processes)

    one.process.send_signal(number)

    assert one.finish() == code
    assert one.states() == ["completed", "cancelled", "not_run"]
    assert processes.gone(*pids)
    nb = nbformat.read(one.output, as_version=4)
    assert nb.metadata.nbflow.outcome == "cancelled"
    assert [c.metadata.papermill.status for c in nb.cells] == ["completed", "failed", "pending"]


def test_r4_killing_the_runner_takes_kernel_and_children_along(runner, processes) -> None:
    one = runner()
    pids = one.wait_until_running(processes)
    arguments = subprocess.check_output(["ps", "-ww", "-o", "args=", "-p", str(pids[0])], text=True)
    (connection,) = (part for part in arguments.split() if part.endswith("kernel.json"))

    one.process.kill()
    one.finish()

    assert processes.gone(*pids)
    assert one.states() == ["completed", "running", "not_run"]
    until(lambda: not Path(connection).parent.exists(), "the end of its folder")


def test_a_second_ctrl_c_waits_for_nothing(runner, notebook, tmp_path, processes) -> None:
    one = runner(sys.executable, "-c", PATIENT, "{source}", "{output}")
    pids = one.wait_until_running(processes)
    os.kill(pids[0], signal.SIGSTOP)  # the kernel cannot answer any more

    one.process.send_signal(signal.SIGINT)
    assert one.process.stdout.readline() == "heard\n"
    one.process.send_signal(signal.SIGINT)

    assert one.finish() == -signal.SIGINT, "its patience is longer than the test's"
    assert processes.gone(*pids)


@pytest.mark.parametrize(
    "end",
    ["'done'", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "1/0"],
    ids=["clean end", "kernel killed", "cell failed"],
)
def test_r17_children_of_a_cell_end_with_the_run(run, tmp_path, processes, end) -> None:
    start = "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\nprint(child.pid, flush=True)"

    ran = run(start, end)

    assert processes.gone(int(ran.text(0)))


def test_a_run_leaves_no_folder_and_no_guard(run, tmp_path, monkeypatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    run("1")

    assert [
        p.name
        for p in tmp_path.iterdir()
        if p.name.startswith("nbflow-") and p.name != "nbflow-home"
    ] == []


def test_exit_handlers_of_the_kernel_run_and_their_output_is_kept(run, tmp_path) -> None:
    mark = tmp_path / "left"
    ran = run(f"import atexit, pathlib\n_ = atexit.register(pathlib.Path({str(mark)!r}).touch)")

    assert ran.outcome.succeeded
    assert mark.exists()


def test_papermill_itself_can_run_with_the_engine(runner, processes) -> None:
    one = runner(sys.executable, "-m", "papermill", "--engine", "nbflow", "{source}", "{output}")
    pids = one.wait_until_running(processes)

    one.process.send_signal(signal.SIGTERM)

    assert one.finish() == 143
    assert one.states() == ["completed", "cancelled", "not_run"]
    assert processes.gone(*pids)
