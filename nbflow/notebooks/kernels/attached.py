"""Kernels that another process started, and that wait to be used on.

This module decides how such a kernel is taken, asked, watched and ended: it is no child of this
process. It must not know why it was kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

from jupyter_client.manager import AsyncKernelManager

from nbflow.notebooks.kernels.channels import Channels
from nbflow.notebooks.kernels.ending import KernelExit
from nbflow.notebooks.kernels.guard import start_guard
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.notebooks.kernels.parked import ParkedKernel
from nbflow.notebooks.kernels.parking import ANSWER_SECONDS, claim, confirm
from nbflow.notebooks.kernels.processes import kill_group
from nbflow.owner import is_alive

#: Seconds until a killed process is surely gone.
_KILL_PATIENCE: Final = 5.0


class AttachedKernel(Kernel):
    """A parked kernel that this process has taken: it runs already, and is no child of ours."""

    def __init__(self, parked: ParkedKernel) -> None:
        super().__init__(parked.kernel_name, cwd=parked.cwd, folder=Path(parked.folder))
        self._parked = parked
        self._manager.load_connection_file(parked.connection_file)
        self._manager.connection_file = parked.connection_file
        # Before the keeper leaves: the kernel is guarded at every moment.
        self._guard = start_guard(parked.pid, self._folder)

    def launch(self) -> None:
        """Connect; there is nothing to start."""
        self.channels = Channels(self._manager)

    @property
    def pid(self) -> int | None:
        """The kernel's process."""
        return self._parked.pid

    def is_alive(self) -> bool:
        """Whether the process runs."""
        if self._exit is None and is_alive(self._parked.process) is False:
            self._exit = KernelExit(None)
        return self._exit is None

    def interrupt(self) -> None:
        """Ask the running cell to stop, as Ctrl-C or the stop button does."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._parked.pid, signal.SIGINT)

    def _end_process(self) -> None:
        kill_group(self._parked.pid)
        deadline = time.monotonic() + _KILL_PATIENCE
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.01)


def cells_run_in(parked: ParkedKernel) -> int | None:
    """How many cells a parked kernel has run by now; None when it does not answer, or is busy."""
    manager = AsyncKernelManager(kernel_name=parked.kernel_name)
    manager.load_connection_file(parked.connection_file)
    channels = Channels(manager)
    try:
        return channels.execution_count(ANSWER_SECONDS)
    finally:
        channels.close()


def take_kernel(run_id: str) -> AttachedKernel | None:
    """The kernel that was kept for a run, connected and guarded by this process.

    None when it is gone, or somebody else took it.
    """
    parked = claim(run_id)
    if parked is None:
        return None
    kernel = AttachedKernel(parked)
    kernel.launch()
    confirm(parked)
    return kernel
