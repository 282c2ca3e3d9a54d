"""The process that waits for the next run, so that it begins at once.

This module decides when a process is started ahead and when it may be used. It serves one
run; the next is started once the machine has time for it. It must not know what the process
does while it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from nbflow.models.deployments import Claim
from nbflow.notebooks.at_start import is_read_at_start
from nbflow.worker.held import Runner
from nbflow.worker.orders import READY, Order, command_ahead
from nbflow.worker.processes import memory_of_tree
from nbflow.worker.waking import Tell

#: Seconds after a run's start until the next process is started: its first cells go first.
_HOLD_OFF: Final = 3.0
_MEGABYTE: Final = 1_000_000


class Bench:
    """At most one runner that has started ahead."""

    def __init__(self, environment: Mapping[str, str], folder: Path, tell: Tell) -> None:
        """Make an empty one.

        Args:
            environment: What a process finds whose deployment adds nothing.
            folder: Where what processes print is kept.
            tell: Hears what happens.
        """
        self._environment = environment
        self._folder = folder
        self._tell = tell
        self._lock = threading.Lock()
        self._waiting: Runner | None = None
        self._timer: threading.Timer | None = None
        #: The one that was asked for last; None: the common one.
        self._kernel: str | None = None
        self._closed = False

    def fill(self) -> None:
        """Start a process, unless one waits."""
        with self._lock:
            self._stop_timer()
            if self._closed or (self._waiting is not None and self._waiting.is_alive()):
                return
            _clear_away(self._waiting)
            with suppress(OSError):  # then each run starts its own
                command = command_ahead(self._kernel)
                self._waiting = Runner(command, self._environment, self._folder, ahead=True)
                reader = threading.Thread(
                    target=self._await_ready,
                    args=(self._waiting,),
                    name="nbflow-bench",
                    daemon=True,
                )
                reader.start()

    def fill_later(self) -> None:
        """Start a process when the run that starts now needs the machine less."""
        with self._lock:
            self._stop_timer()
            self._timer = threading.Timer(_HOLD_OFF, self.fill)
            self._timer.daemon = True
            self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _await_ready(self, runner: Runner) -> None:
        if runner.wait_ready(READY):
            size = memory_of_tree(runner.pid) // _MEGABYTE
            self._tell(f"ready: process {runner.pid} waits for a run, with a kernel ({size} MB)")

    def take(self, claim: Claim, order: Order) -> Runner | None:
        """The process that waits, with its order; None when there is none that fits."""
        if claim.version is not None and claim.version.spec.kernel_name:
            self._kernel = claim.version.spec.kernel_name
        if any(map(is_read_at_start, self._changed(order.environment))):
            return None
        with self._lock:
            runner, self._waiting = self._waiting, None
        if runner is None:
            return None
        with suppress(OSError):  # it has ended just now
            if runner.is_alive():
                runner.order(order.line())
                return runner
        _clear_away(runner)
        return None

    def _changed(self, environment: Mapping[str, str]) -> set[str]:
        both = {*environment, *self._environment}
        return {name for name in both if environment.get(name) != self._environment.get(name)}

    def close(self) -> None:
        """End the process that waits."""
        with self._lock:
            self._closed = True
            self._stop_timer()
            runner, self._waiting = self._waiting, None
        _clear_away(runner)


def _clear_away(runner: Runner | None) -> None:
    """End a process that nobody needs, and give back what it holds."""
    if runner is not None:
        runner.kill()
        runner.wait()
        runner.printed()
