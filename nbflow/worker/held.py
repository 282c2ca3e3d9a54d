"""A run that a worker holds, and the process that executes it.

This module decides how that process is started, asked to end, and spoken of when it is gone.
It must not know the store: what is recorded is the worker's decision.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from nbflow.models.deployments import Claim
from nbflow.notebooks.kernels.ending import KernelExit, oom_kills
from nbflow.worker.processes import end_tree, wait_for

#: Bytes of what a process printed that are kept.
_KEPT: Final = 64_000
_LAST_LINES: Final = 15
_KILL: Final = 9


class Runner:
    """A process that executes one run, or waits to."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, *, ahead: bool
    ) -> None:
        """Start it, in a session of its own; raises `OSError` where that cannot be.

        Args:
            command: What is started.
            environment: All of its environment.
            folder: Where what it prints is kept while it runs.
            ahead: Whether it will say when it is ready for an order.
        """
        self._printed: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115 - as long as the process
            dir=folder, prefix="run-"
        )
        self._oom_before = oom_kills()
        self._ended = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own arguments
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if ahead else self._printed,
            stderr=self._printed,
            env=dict(environment),
            start_new_session=True,
        )
        self._exit = KernelExit(None)
        threading.Thread(target=self._watch, name="nbflow-runner-watch", daemon=True).start()

    def _watch(self) -> None:
        code = wait_for(self._process)
        self._exit = KernelExit(code, code == -_KILL and oom_kills() > self._oom_before)
        self._ended.set()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.is_set()

    def wait_ready(self, word: bytes) -> bool:
        """Wait for the word that it is ready; False when it ends before."""
        assert self._process.stdout is not None
        with self._process.stdout as said:
            return said.readline() == word

    def order(self, line: bytes) -> None:
        """Tell it what to do; raises `OSError` when it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    # ── its end ──────────────────────────────────────────────────────────────────────────
    def wait(self) -> KernelExit:
        """Wait until it has ended, and everything of its group with it."""
        self._ended.wait()
        self.dismiss()
        return self._exit

    def dismiss(self) -> None:
        """Let go of it: it ends by itself, if it has not."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def end_gently(self, grace: float) -> None:
        """Interrupt it; when that does not end it in time, tell it to end, then kill it."""
        for word in (signal.SIGINT, signal.SIGTERM):
            if os.name == "posix":
                self._send(word)
            if self._ended.wait(grace):
                return
        self.kill()

    def kill(self) -> None:
        """End it, and all that it started, at once."""
        if not self._ended.is_set():
            end_tree(self.pid)

    def _send(self, number: int) -> None:
        with suppress(OSError):
            self._process.send_signal(number)

    def printed(self) -> str:
        """The end of what it printed outside of any log; may be read once."""
        with self._printed as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _KEPT))
            return file.read().decode("utf-8", "replace")


class HeldRun:
    """A claim, and the process that executes it."""

    def __init__(self, claim: Claim, runner: Runner, was_waiting: bool) -> None:
        self.claim = claim
        self.runner = runner
        self.started = time.monotonic()
        #: How it got its process, for people.
        self.process_words = f"{'in waiting' if was_waiting else 'in new'} process {runner.pid}"
        #: Whether somebody else has the run now: nothing more is said of it.
        self.lost = False
        #: Whether its process has ended and its state is being recorded; set when that is done.
        self.settling = False
        self.settled = threading.Event()
        #: What is to be said when it took longer than it may; None while it has not.
        self.overdue: str | None = None
        #: Why the worker itself ended it; None while it did not.
        self.stopped: str | None = None
        self._cancelling = False

    @property
    def name(self) -> str:
        """The run, for people."""
        return f"{self.claim.run.flow_name} / {self.claim.run.name}"

    def cancel(self, grace: float) -> bool:
        """Begin to end it, as somebody asked for; False when that was begun before."""
        if self._cancelling:
            return False
        self._cancelling = True
        ending = threading.Thread(
            target=self.runner.end_gently, args=(grace,), name="nbflow-cancel", daemon=True
        )
        ending.start()
        return True

    def lose(self) -> None:
        """End it without a word: it is another worker's."""
        self.lost = True
        self.runner.kill()

    def stop(self, reason: str) -> None:
        """End it at once, because the worker ends."""
        self.stopped = reason
        self.runner.kill()


def last_words(printed: str) -> str:
    """The last lines of what a process printed, to stand in a message."""
    lines = [line for line in printed.splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])
