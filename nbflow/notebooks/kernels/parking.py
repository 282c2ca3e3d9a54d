"""Kernels that outlive their run, so that a failure can be opened and a run resumed.

This module decides where a kernel waits, who ends it, and who may take it. Each parked kernel
has a record in the nbflow home and a keeper (`keeper.py`), a process of its own: so it does
not matter what becomes of the process that ran the notebook. Parking needs process groups and
signals; `CAN_PARK` is the one place that knows where they are. It must not know runs, stores
or commands.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import nbflow
from nbflow.exceptions import UsageError
from nbflow.notebooks.kernels.keeper import ENDING, GIVEN, READY, TAKEN, free
from nbflow.notebooks.kernels.parked import ParkedKernel, read_parked, rewrite_parked, write_parked
from nbflow.notebooks.kernels.processes import remember_children
from nbflow.owner import is_alive, owner_of
from nbflow.settings import get_settings
from nbflow.states import now

if TYPE_CHECKING:
    from nbflow.notebooks.kernels.kernel import Kernel

#: Whether kernels can outlive their run here.
CAN_PARK: Final = os.name == "posix"
#: Seconds a kernel gets to answer before it is parked.
ANSWER_SECONDS: Final = 3.0
#: Seconds a keeper gets to let go.
_PATIENCE: Final = 5.0
_SUFFIX: Final = ".json"
_KEEPER: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from nbflow.notebooks.kernels.keeper import main; main(sys.argv[2])"
)


class NotParked(UsageError):
    """The kernel cannot be kept; its message says why."""


# ── parking ──────────────────────────────────────────────────────────────────────────────


def park(
    kernel: Kernel,
    *,
    seconds: float,
    run_id: str,
    run_name: str,
    notebook: str,
    output: str | None = None,
    cell_id: str | None = None,
    cell_name: str | None = None,
    cwd: str | None = None,
) -> ParkedKernel:
    """Keep a kernel for some time under a keeper of its own; this process lets go of it.

    Raises `NotParked` when the kernel does not answer or cannot be kept here; it is then
    still the caller's to end.
    """
    if not CAN_PARK or kernel.pid is None or kernel.guard is None:
        raise NotParked("Kernels cannot be kept on this system: it has no process groups.")
    count = kernel.execution_count(ANSWER_SECONDS)
    if count is None:
        raise NotParked("The kernel is not kept: it does not answer any more.")
    moment = now()
    parked = ParkedKernel(
        run_id=run_id,
        run_name=run_name,
        notebook=notebook,
        output=output,
        cell_id=cell_id,
        cell_name=cell_name,
        kernel_name=kernel.name,
        language=kernel.language,
        cwd=cwd,
        connection_file=str(kernel.connection_file()),
        folder=str(kernel.folder),
        process=owner_of(kernel.pid),
        parked_at=moment,
        expires=moment + timedelta(seconds=seconds),
        execution_count=count,
    )
    free_run(run_id)  # an earlier attempt's
    kept = _start_keeper(_record_of(run_id), parked, kernel)
    kernel.let_go()
    return kept


def _start_keeper(record: Path, parked: ParkedKernel, kernel: Kernel) -> ParkedKernel:
    assert kernel.guard is not None
    get_settings().ensure_home()
    record.parent.mkdir(mode=0o700, exist_ok=True)
    write_parked(record, parked)
    try:
        keeper = subprocess.Popen(  # noqa: S603 - this interpreter, fixed text
            [sys.executable, "-I", "-c", _KEEPER, str(Path(nbflow.__file__).parents[1]), record],
            stdin=kernel.guard.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        record.unlink(missing_ok=True)
        raise NotParked(
            f"The kernel is not kept: its keeper cannot be started ({error})."
        ) from None
    assert keeper.stdout is not None
    with keeper.stdout as heard:
        answer = heard.readline()
    remember_children(keeper)
    signed = read_parked(record)
    if answer.strip() != READY.encode() or signed is None:
        record.unlink(missing_ok=True)
        raise NotParked("The kernel is not kept: its keeper did not begin.")
    return signed


# ── finding ──────────────────────────────────────────────────────────────────────────────


def parked_kernels() -> list[ParkedKernel]:
    """All kernels that wait now, the newest first; what is left of others is swept."""
    sweep()
    found = [parked for _, parked in _records()]
    return sorted(found, key=lambda parked: parked.parked_at, reverse=True)


def parked_kernel(run_id: str) -> ParkedKernel | None:
    """The kernel that was kept for a run, while it waits."""
    sweep()
    return read_parked(_record_of(run_id))


def _folder() -> Path:
    return get_settings().home / "parked"


def _record_of(run_id: str) -> Path:
    return _folder() / f"{run_id}{_SUFFIX}"


def _records(suffix: str = _SUFFIX) -> Iterator[tuple[Path, ParkedKernel]]:
    for path in sorted(_folder().glob(f"*{suffix}")):
        parked = read_parked(path)
        if parked is not None:
            yield path, parked


# ── ending ───────────────────────────────────────────────────────────────────────────────


def free_run(run_id: str) -> ParkedKernel | None:
    """End the kernel that was kept for a run; gives what it was, None when there is none."""
    record = _record_of(run_id)
    ending = record.with_suffix(ENDING)
    try:
        record.rename(ending)  # whoever renames it ends it
    except FileNotFoundError:
        return None
    parked = read_parked(ending)
    if parked is not None:
        free(parked, ending)
        _wait_for_keeper(parked)
    return parked


def extend(run_id: str, seconds: float) -> ParkedKernel | None:
    """Let a parked kernel wait `seconds` from now; None when there is none."""
    record = _record_of(run_id)
    parked = parked_kernel(run_id)
    if parked is None:
        return None
    longer = replace(parked, expires=now() + timedelta(seconds=seconds))
    try:
        rewrite_parked(record, longer)
    except FileNotFoundError:  # taken or ended just now
        return None
    return longer


def sweep() -> None:
    """End what nobody keeps any more, and forget kernels that have ended."""
    for suffix in (_SUFFIX, ENDING, TAKEN, GIVEN):
        for path, parked in _records(suffix):
            if not parked.keeper and (now() - parked.parked_at).total_seconds() < _PATIENCE:
                continue  # its keeper is only just starting
            if is_alive(parked.process) is False or is_alive(parked.keeper) is False:
                free(parked, path)


# ── taking ───────────────────────────────────────────────────────────────────────────────


def claim(run_id: str) -> ParkedKernel | None:
    """Have the kernel of a run to oneself; None when it is gone. Of two who try, one gets it.

    Its keeper holds it until `confirm`, and ends it when that does not come soon.
    """
    parked = parked_kernel(run_id)
    record = _record_of(run_id)
    try:
        record.rename(record.with_suffix(TAKEN))
    except FileNotFoundError:
        return None
    return parked


def confirm(parked: ParkedKernel) -> None:
    """Let the keeper go: the kernel that was claimed is guarded by this process now."""
    record = _record_of(parked.run_id)
    with suppress(FileNotFoundError):  # it took too long, and the keeper has ended the kernel
        record.with_suffix(TAKEN).rename(record.with_suffix(GIVEN))
    _wait_for_keeper(parked)


def _wait_for_keeper(parked: ParkedKernel) -> None:
    deadline = time.monotonic() + _PATIENCE
    while is_alive(parked.keeper) and time.monotonic() < deadline:
        time.sleep(0.01)
    remember_children()
