"""Process groups: end one, and see what it weighs.

This module decides how the system is asked about a group of processes. It must not know
kernels. It needs the standard library alone, because the keeper of a parked kernel uses it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
#: Fields of /proc/PID/stat after the process's name, which may hold spaces.
_STATE, _GROUP, _PAGES = 0, 2, 21

#: Child processes that live on after this process has let go of them.
_children: set[int] = set()


def kill_group(pid: int) -> None:
    """End a process and all of its group at once."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    else:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)


def group_members(group: int) -> list[int]:
    """The living processes of a group; those that only wait to be reaped do not count."""
    return [pid for pid, _ in _members(group)]


def group_memory(group: int) -> int | None:
    """Bytes of memory that a group's processes hold; None where the system does not tell."""
    sizes = [size for _, size in _members(group)]
    return sum(sizes) if sizes else None


def remember_children(*processes: subprocess.Popen[bytes]) -> None:
    """Leave child processes to themselves; those that have ended by now are reaped."""
    for process in processes:
        _children.add(process.pid)
        process.returncode = 0  # or it would be called forgotten when this process ends
    for pid in list(_children):
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended = pid
        if ended:
            _children.discard(pid)


def _members(group: int) -> Iterator[tuple[int, int]]:
    """Process ids of a group, with the bytes each holds in memory."""
    if (_PROC / "self" / "stat").exists():
        yield from _from_proc(group)
    elif os.name != "nt":
        yield from _from_ps(group)


def _from_proc(group: int) -> Iterator[tuple[int, int]]:
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        fields = text.rpartition(")")[2].split()
        if int(fields[_GROUP]) == group and fields[_STATE] not in "ZX":
            yield int(folder.name), int(fields[_PAGES]) * page


def _from_ps(group: int) -> Iterator[tuple[int, int]]:
    try:
        listed = subprocess.run(
            ["ps", "-axo", "pid=,pgid=,rss=,state="],  # noqa: S607 - ps is where the system has it
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return
    for line in listed.splitlines():
        pid, pgid, kilobytes, state = line.split()[:4]
        if int(pgid) == group and not state.startswith("Z"):
            yield int(pid), int(kilobytes) * 1024
