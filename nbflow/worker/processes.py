"""Ending the processes of a run: all of them, and none that is not its own.

This module decides which processes belong to a runner process, and how they are ended. It
must not know runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import Final

from nbflow.notebooks.kernels.processes import kill_group

#: What ends a kernel when its runner is gone, and removes its files: it is to survive that.
_GUARD: Final = "nbflow-guard"


def end_tree(pid: int) -> None:
    """Kill a process, its group, and all that they started, kernels included."""
    family = _descendants(pid)
    kill_group(pid)
    for each in family:
        with suppress(OSError):
            os.kill(each, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)


def _descendants(pid: int) -> list[int]:
    import psutil  # noqa: PLC0415 - needed once per kill, if at all

    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return [child.pid for child in children if not _is_guard(child)]


def _is_guard(process: object) -> bool:
    import psutil  # noqa: PLC0415 - as above

    assert isinstance(process, psutil.Process)
    with suppress(psutil.Error):
        return _GUARD in process.cmdline()
    return False


def memory_of_tree(pid: int) -> int:
    """Bytes that a process and all that it started hold."""
    import psutil  # noqa: PLC0415 - as above

    total = 0
    for each in [pid, *_descendants(pid)]:
        with suppress(psutil.Error):
            total += psutil.Process(each).memory_info().rss
    return total


def wait_for(process: subprocess.Popen[bytes]) -> int:
    """Wait until a process has ended, end what is left of its group, and return its exit code.

    The group is ended before the process is reaped: until then its number is surely its own.
    """
    if hasattr(os, "waitid"):
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        kill_group(process.pid)
    return process.wait()
