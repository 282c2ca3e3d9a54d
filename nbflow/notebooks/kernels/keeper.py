"""The process that ends a parked kernel: in time, with it, or when it is told.

This module decides when a keeper acts. It runs in a small process in a session of its own,
which holds the input of the kernel's guard: when the keeper is killed, the guard ends the
kernel. It must not know runs, and needs the standard library alone.

A keeper is told by its record: gone means "end the kernel", renamed to `.taken` and then to
`.given` means "somebody else guards it now", and a changed time of expiry is taken as it is.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from nbflow.notebooks.kernels.parked import ParkedKernel, read_parked, rewrite_parked
from nbflow.notebooks.kernels.processes import kill_group
from nbflow.owner import is_alive, is_same, this_owner

#: What a keeper says once it holds the kernel.
READY: Final = "ready"
#: What a record ends in that somebody is about to take, kernel and all.
TAKEN: Final = ".taken"
#: What it ends in when the taker guards the kernel: the keeper is free to go.
GIVEN: Final = ".given"
#: What a record ends in while its kernel is being ended.
ENDING: Final = ".ending"
_LOOK_SECONDS: Final = 0.2
#: Seconds that somebody who took a kernel has to guard it.
_TAKER_SECONDS: Final = 10.0


class Keeper:
    """Holds one parked kernel until it is to end."""

    def __init__(self, record: Path, parked: ParkedKernel) -> None:
        self._record = record
        self._parked = parked
        self._told_to_end = False

    def begin(self) -> None:
        """Sign the record, and listen for the word to end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end)
        self._parked = replace(self._parked, keeper=this_owner())
        rewrite_parked(self._record, self._parked)

    def _end(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._told_to_end = True

    def keep(self) -> None:
        """Wait until the kernel is to end, or is somebody else's."""
        while not self._over():
            time.sleep(_LOOK_SECONDS)
        if self._claim():
            free(self._parked, self._record.with_suffix(ENDING))
        with suppress(OSError):  # the guard's input stands in the place of our own
            os.write(0, b"done\n")

    def _claim(self) -> bool:
        """Whether the kernel is ours to end: renaming the record decides it, once."""
        try:
            self._record.rename(self._record.with_suffix(ENDING))
        except FileNotFoundError:
            return not self._handed_over()
        return True

    def _handed_over(self) -> bool:
        """Whether somebody who took the record has the kernel in hand, and not died over it."""
        taken, given = self._record.with_suffix(TAKEN), self._record.with_suffix(GIVEN)
        deadline = time.monotonic() + _TAKER_SECONDS
        while taken.exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS / 10)
        try:
            given.unlink()
        except FileNotFoundError:
            taken.unlink(missing_ok=True)
            return False
        return True

    def _over(self) -> bool:
        found = read_parked(self._record)
        if found is None and not self._record.exists():  # told to end, or taken
            return True
        self._parked = found or self._parked  # or it is being written just now
        expired = datetime.now(UTC) >= self._parked.expires
        return expired or self._told_to_end or is_alive(self._parked.process) is False


def free(parked: ParkedKernel, *records: Path) -> None:
    """End a parked kernel and all of its group, and remove what it has on disk."""
    if is_same(parked.process):
        kill_group(parked.pid)
    shutil.rmtree(parked.folder, ignore_errors=True)
    for record in records:
        record.unlink(missing_ok=True)


def main(record: str) -> None:
    """Keep the kernel of a record; says `ready` once it is held."""
    path = Path(record)
    parked = read_parked(path)
    if parked is None:
        return
    keeper = Keeper(path, parked)
    keeper.begin()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.close()
    keeper.keep()
