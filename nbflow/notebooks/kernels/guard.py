"""The process that ends a kernel when the one that uses it is gone, however it went.

This module decides how that is noticed: nobody holds the guard's input any more. It must not
know who uses the kernel.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Final

#: Kills the kernel's process group as soon as the pipe from this process closes.
_GUARD: Final = 'read -r word; [ "$word" = done ] || { kill -s KILL -- "-$1"; rm -rf -- "$2"; }'


def start_guard(pid: int | None, folder: Path) -> subprocess.Popen[bytes] | None:
    """Guard a kernel and its private folder; None where processes cannot be watched like that."""
    if pid is None or sys.platform == "win32":
        return None
    return subprocess.Popen(  # noqa: S603 - fixed text, our own arguments
        ["/bin/sh", "-c", _GUARD, "nbflow-guard", str(pid), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def stop_guard(guard: subprocess.Popen[bytes] | None) -> None:
    """Let the guard go; it ends nothing."""
    if guard is None:
        return
    with contextlib.suppress(BrokenPipeError):
        guard.communicate(b"done\n")
