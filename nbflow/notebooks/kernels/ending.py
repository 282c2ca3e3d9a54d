"""How a process ended: with an exit code, by a signal, or because memory ran out.

This module decides how that is found out and said. It must not know what the process was for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KernelExit:
    """How a kernel process ended: its exit code, or minus the signal that killed it."""

    code: int | None
    out_of_memory: bool = False

    def __str__(self) -> str:
        if self.code is None:
            return "it is gone"
        if self.code >= 0:
            return f"exit code {self.code}"
        text = f"killed by {_signal_name(-self.code)}"
        return f"{text}, because the memory limit was reached" if self.out_of_memory else text


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def oom_kills(root: Path = Path("/")) -> int:
    """How often the system killed a process of our own control group for lack of memory.

    Reads cgroup version 2, else 1; 0 where there is neither.
    """
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    for line in groups:
        number, controllers, group = line.split(":", 2)
        if number == "0":
            file = root / "sys/fs/cgroup" / group.lstrip("/") / "memory.events"
        elif "memory" in controllers.split(","):
            file = root / "sys/fs/cgroup/memory" / group.lstrip("/") / "memory.oom_control"
        else:
            continue
        with contextlib.suppress(OSError, ValueError, KeyError):
            return int(dict(map(str.split, file.read_text().splitlines()))["oom_kill"])
    return 0


def exit_code(process: subprocess.Popen[bytes]) -> int | None:
    """How a child process ended, without reaping it; None while it runs."""
    if process.returncode is not None:
        return process.returncode
    if not hasattr(os, "waitid"):
        return process.poll()
    try:
        status = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # reaped by someone else
        return process.poll()
    if status is None:
        return None
    return status.si_status if status.si_code == os.CLD_EXITED else -status.si_status
