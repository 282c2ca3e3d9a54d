"""Which process executes a run, and whether it still lives.

This module decides the text `HOST:PID:STARTTIME` and how to ask the system about it; the
start time tells a process from a later one that was given the same number. It must not know
runs or stores.
"""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Final

_UNKNOWN: Final = "?"
_PROC: Final = Path("/proc")
#: `starttime` is field 22 of /proc/PID/stat; the name (field 2) may hold spaces.
_START_AFTER_NAME: Final = 19


def this_owner() -> str:
    """This process, as runs remember who executes them."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> str:  # by pid: a forked child is another owner
    return owner_of(pid)


def owner_of(pid: int) -> str:
    """Another process of this machine, spelled as `this_owner` spells this one."""
    return f"{_host()}:{pid}:{_start_of(pid) or _UNKNOWN}"


def place_of(owner: str) -> tuple[str, int]:
    """The host and the process id in an owner's text."""
    host, _, pid = owner.rpartition(":")[0].rpartition(":")
    return host, int(pid)


def is_same(owner: str) -> bool:
    """Whether the process's number has not been given to another process of this machine.

    As long as any process of its group lives, the system keeps the number for the group.
    """
    host, pid = place_of(owner)
    start = _start_of(pid)
    return host == _host() and (start is None or owner.rpartition(":")[2] in {_UNKNOWN, start})


def is_alive(owner: str) -> bool | None:
    """Whether the process still runs; None when that cannot be known from this machine."""
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != _host() or not rest.isdecimal():
        return None
    start = owner.rpartition(":")[2]
    pid = int(rest)
    if not _exists(pid):
        return False
    present = _start_of(pid)
    if present is None:  # ended between the two questions, or the system does not tell
        return _exists(pid)
    return start in {_UNKNOWN, present}


@cache
def _host() -> str:
    return platform.node() or "localhost"


def _exists(pid: int) -> bool:
    if os.name == "nt":
        return _windows_exists(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no such process, or no such number
        return False
    except PermissionError:  # another user's process
        return True
    return not _is_zombie(pid)


def _windows_exists(pid: int) -> bool:
    # `os.kill(pid, 0)` would end the process there.
    command = ["tasklist", "/FI", f"PID eq {pid}", "/NH", "/FO", "CSV"]
    return f'"{pid}"' in _output_of(command)


def _is_zombie(pid: int) -> bool:
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] == "Z"


def _stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the process's name; empty where there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _start_of(pid: int) -> str | None:
    """When the process started, in the system's own words without spaces or colons."""
    fields = _stat_fields(pid)
    if fields:
        return fields[_START_AFTER_NAME]
    if os.name == "nt" or _PROC.joinpath("self", "stat").exists():
        return None
    text = _output_of(["ps", "-o", "lstart=", "-p", str(pid)])
    return text.strip().replace(" ", "-").replace(":", ".") or None


def _output_of(command: list[str]) -> str:
    import subprocess  # noqa: PLC0415 - slow to import, and never needed where /proc is

    try:
        done = subprocess.run(  # noqa: S603 - fixed commands
            command, capture_output=True, text=True, timeout=5, check=False, env=_plain_locale()
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _plain_locale() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}
