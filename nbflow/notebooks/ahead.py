"""A kernel that is started before its run is known, and becomes that run's own.

This module decides when a kernel that waits may take the place of a new one: only when no
cell could tell the difference. What a process reads at its start alone (`PYTHONHASHSEED`,
the home, start-up files) cannot be changed afterwards, so where that differs a new kernel is
started. It serves one run, never a second. It must not know runs or workers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from jupyter_client.kernelspec import NoSuchKernel

from nbflow.exceptions import KernelDied, NotebookError
from nbflow.notebooks.at_start import is_read_at_start, modules_in
from nbflow.notebooks.kernel_side import take_place
from nbflow.notebooks.kernels.kernel import Kernel

#: Set anew by `take`: what comes first on the path can still be put there.
_PATH: Final = "PYTHONPATH"
#: Files in the working folder that change how a kernel starts.
_CONFIGURATION: Final = ("ipython_config", "ipython_kernel_config")
#: Modules that Python runs when it starts, wherever it finds them.
_CUSTOMISATION: Final = frozenset({"sitecustomize", "usercustomize"})
#: Seconds a kernel gets to start, and one that is up to answer.
_BOOT: Final = 60.0
_PATIENCE: Final = 5.0

_lock = threading.Lock()
_waiting: Kernel | None = None


def start(name: str) -> Kernel | None:
    """Start a kernel that is to wait here; None when it cannot be started."""
    global _waiting  # noqa: PLW0603 - one waits per process
    kernel = Kernel(name)
    try:
        kernel.launch()
    except (NotebookError, NoSuchKernel):  # told to whoever needs it
        kernel.close()
        return None
    with _lock:
        _waiting = kernel
    return kernel


def get_ready(timeout: float, interrupted: Callable[[], bool]) -> bool:
    """Wait until the kernel answers; False when it does not, or `interrupted` said stop."""
    kernel = _waiting
    try:
        return kernel is not None and kernel.wait_ready(timeout, interrupted)
    except KernelDied:
        discard()
        return False


def discard() -> None:
    """End the kernel that waits, if there is one."""
    kernel = _taken()
    if kernel is not None:
        kernel.close()


def _taken() -> Kernel | None:
    global _waiting
    with _lock:
        kernel, _waiting = _waiting, None
    return kernel


def take(name: str, cwd: str | None, environment: Mapping[str, str]) -> Kernel | None:
    """The waiting kernel, as new as one started now with these arguments; else None.

    One that does not fit is ended: nobody will ask for it again.
    """
    kernel = _taken()
    if kernel is None:
        return None
    if kernel.name == name and _takes_place(kernel, Path(cwd or "."), environment):
        return kernel
    kernel.close()
    return None


def _takes_place(kernel: Kernel, cwd: Path, environment: Mapping[str, str]) -> bool:
    place = place_for(kernel.started_with, {**os.environ, **environment}, cwd)
    if place is None or not _answers(kernel):
        return False
    return kernel.obeys(take_place(**place), _PATIENCE)


def place_for(
    before: Mapping[str, str], after: Mapping[str, str], cwd: Path
) -> dict[str, Any] | None:
    """What a kernel that was started with `before` has to change; None where that is too late.

    Gives the arguments of `take_place`.
    """
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    first = _new_on_path(before.get(_PATH, ""), after.get(_PATH, ""))
    if first is None or any(is_read_at_start(key) for key in changed - {_PATH}):
        return None
    modules = {name for folder in first for name in modules_in(Path(folder))}
    if modules & _CUSTOMISATION or not cwd.is_dir() or _configures_kernels(cwd):
        return None
    return {
        "cwd": str(cwd.absolute()),
        "path": first,
        "before": {key: before.get(key) for key in changed},
        "after": {key: after.get(key) for key in changed},
        "modules": modules,
    }


def _answers(kernel: Kernel) -> bool:
    """Whether it is up; one that is still booting will be there sooner than another."""
    try:
        return kernel.wait_ready(_BOOT)
    except KernelDied:
        return False


def _new_on_path(before: str, after: str) -> list[str] | None:
    """What a longer PYTHONPATH has in front; None when it differs in another way."""
    if before == after:
        return []
    old = before.split(os.pathsep) if before else []
    new = after.split(os.pathsep) if after else []
    if len(new) <= len(old) or new[len(new) - len(old) :] != old:
        return None
    return new[: len(new) - len(old)]


def _configures_kernels(cwd: Path) -> bool:
    return any(
        (cwd / f"{name}.{kind}").exists() for name in _CONFIGURATION for kind in ("py", "json")
    )
