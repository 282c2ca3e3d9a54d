"""Notebooks in plain IPython shells, each in a process of its own, without a kernel.

`python -m tests.equivalence.shell` reads jobs from standard input and answers one line of
JSON per job. Its processes are forked from one that has loaded the heavy libraries, so
that a notebook costs a tenth of a second instead of a kernel's start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a notebook may take; what waits for ever is told as an error of its cell.
PATIENCE = 60


class Recorder:
    """The outputs of each cell, as a notebook file would hold them."""

    def __init__(self) -> None:
        self.cells: list[list[dict[str, Any]]] = []
        self._clear = False
        self._lock = threading.RLock()

    def add(self, output: dict[str, Any]) -> None:
        """One output of the cell that runs now."""
        with self._lock:
            outputs = self.cells[-1]
            if self._clear:
                self._clear = False
                outputs.clear()
            if output["output_type"] == "stream" and outputs:
                last = outputs[-1]
                if last["output_type"] == "stream" and last["name"] == output["name"]:
                    last["text"] += output["text"]
                    return
            outputs.append(output)

    def update(self, display_id: str, data: dict[str, Any]) -> None:
        """Show something else wherever this display is shown."""
        for output in (output for cell in self.cells for output in cell):
            if output.get("display_id") == display_id:
                output["data"] = data

    def clear(self, wait: bool) -> None:
        """Forget the cell's output, now or before the next."""
        if not wait:
            self.cells[-1].clear()
        self._clear = wait


class Stream:
    """Stands for stdout or stderr."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, name: str, recorder: Recorder) -> None:
        self.name = name
        self._recorder = recorder

    def write(self, text: str) -> int:
        """Record it under the running cell."""
        if text:
            self._recorder.add({"output_type": "stream", "name": self.name, "text": text})
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        """All of them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        """A recorder is no terminal."""
        return False


def make_shell(recorder: Recorder) -> Any:
    """A plain IPython shell that records what it shows."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type
    from traitlets.config import Config

    class Hook(DisplayHook):
        def write_output_prompt(self) -> None:
            pass

        def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
            recorder.add({"output_type": "execute_result", "data": dict(format_dict)})

        def finish_displayhook(self) -> None:
            pass

    class Publisher(DisplayPublisher):
        def publish(self, data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any) -> None:  # fmt: skip
            display_id = (transient or {}).get("display_id")
            if update:
                recorder.update(display_id, dict(data))
                return
            output = {"output_type": "display_data", "data": dict(data)}
            recorder.add({**output, "display_id": display_id} if display_id else output)

        def clear_output(self, wait: bool = False) -> None:
            recorder.clear(wait)

    class Shell(InteractiveShell):
        displayhook_class = Type(Hook)
        display_pub_class = Type(Publisher)

        def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
            told = {"ename": str(etype.__name__), "evalue": str(evalue), "traceback": list(stb)}
            recorder.add({"output_type": "error", **told})

        def enable_gui(self, gui: Any = None) -> None:
            pass

    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.autocall = 0
    return Shell.instance(config=config)


def run_cells(
    cells: Sequence[tuple[str, bool]], before: str, settle: str, after: str
) -> dict[str, Any]:
    """Run them until one fails that may not, then what is ours: settle, and the last cell."""
    recorder = Recorder()
    sys.stdout, sys.stderr = Stream("stdout", recorder), Stream("stderr", recorder)  # type: ignore[assignment]
    recorder.cells.append([])
    shell = make_shell(recorder)
    if before:
        shell.run_cell(before, store_history=False, silent=True)
    recorder.cells.clear()
    failed: list[int] = []
    for index, (source, may_fail) in enumerate(cells):
        recorder.cells.append([])
        result = shell.run_cell(source, store_history=True, cell_id=f"cell-{index}")
        if not result.success:
            failed.append(index)
            if not may_fail:
                break
    recorder.cells.append([])
    shell.run_cell(settle, store_history=False)
    *told, settled = recorder.cells
    recorder.cells.append([])
    shell.run_cell(after, store_history=False)
    return {"outputs": told, "failed": failed, "settled": settled, "last": recorder.cells[-1]}


def _give_up(number: int, frame: Any) -> None:
    raise TimeoutError(f"Nothing came of it for {PATIENCE} s.")


def work(job: dict[str, Any], answer: int) -> None:
    """Do one job in this process and write the answer."""
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE)
    try:
        os.environ.update(job["environ"])
        Path(job["folder"]).mkdir(parents=True, exist_ok=True)
        os.chdir(job["folder"])
        told = run_cells(job["cells"], job["before"], job["settle"], job["after"])
    except BaseException:  # whatever a notebook can raise is an answer
        told = {"outputs": [], "failed": [], "last": [], "broken": traceback.format_exc()}
    with os.fdopen(answer, "w") as stream:
        json.dump(told, stream, default=repr)


def serve() -> None:
    """Answer all jobs of standard input, two at a time."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    import matplotlib.pyplot as plt  # noqa: F401
    import pandas as pd  # noqa: F401
    from IPython.core import interactiveshell  # noqa: F401

    jobs = json.load(sys.stdin)
    if any(job["before"] for job in jobs):
        import nbflow.magics
        import nbflow.store  # noqa: F401
    running: list[tuple[int, int]] = []
    for number, job in enumerate(jobs):
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(read)
            work(job, write)
            os._exit(0)  # threads that a notebook left behind shall not keep us
        os.close(write)
        running.append((pid, read))
        if len(running) == 2 or number == len(jobs) - 1:
            for child, pipe in running:
                with os.fdopen(pipe) as stream:
                    text = stream.read()
                _, status = os.waitpid(child, 0)
                sys.__stdout__.write((text or json.dumps({"broken": f"status {status}"})) + "\n")
            running.clear()


def run_jobs(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers to all jobs, in their order."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.equivalence.shell"],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env=environ,
        timeout=1000,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(jobs):
        raise RuntimeError(f"{len(answers)} answers to {len(jobs)} jobs:\n{done.stderr[-3000:]}")
    return answers


if __name__ == "__main__":
    serve()
