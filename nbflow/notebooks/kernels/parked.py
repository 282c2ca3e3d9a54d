"""The record of a parked kernel: one small file, readable by its owner alone.

This module decides what is remembered of a kernel that outlives its run, and how the file is
written and read. It must not know where records lie, nor who parks, opens or ends kernels. It
needs the standard library alone, because the keeper of a parked kernel uses it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from nbflow.owner import place_of

_TIMES: Final = ("parked_at", "expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedKernel:
    """A kernel that was kept when its run failed."""

    run_id: str
    #: The run's name, for people.
    run_name: str
    #: The notebook that ran.
    notebook: str
    #: The executed notebook.
    output: str | None
    #: Id and name of the cell that did not complete; None when none had begun.
    cell_id: str | None
    cell_name: str | None
    kernel_name: str
    language: str
    cwd: str | None
    connection_file: str
    #: The private folder with all files of the kernel.
    folder: str
    #: The kernel's process as `owner` writes it: HOST:PID:STARTTIME.
    process: str
    #: The process that ends the kernel in time; empty until it has begun.
    keeper: str = ""
    parked_at: datetime
    expires: datetime
    #: Cells that the kernel had run when it was parked, by its own count.
    execution_count: int | None

    @property
    def pid(self) -> int:
        """The kernel's process id, which is its process group's as well."""
        return place_of(self.process)[1]

    @property
    def host(self) -> str:
        """The machine that the kernel runs on."""
        return place_of(self.process)[0]


def write_parked(path: Path, parked: ParkedKernel) -> None:
    """Write the record whole or not at all, for nobody else to read."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_text(parked))
    aside.replace(path)


def rewrite_parked(path: Path, parked: ParkedKernel) -> None:
    """Change a record that is there; raises `FileNotFoundError` when it is not any more.

    In place, because who renames a record has its kernel: it must not come back.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(_text(parked))


def _text(parked: ParkedKernel) -> str:
    times = {key: getattr(parked, key).isoformat() for key in _TIMES}
    return json.dumps(asdict(parked) | times, indent=1)


def read_parked(path: Path) -> ParkedKernel | None:
    """The record in a file; None when there is none, or nobody can read it."""
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        times = {key: datetime.fromisoformat(data[key]).astimezone(UTC) for key in _TIMES}
        return ParkedKernel(**{**data, **times})
    except (OSError, ValueError, TypeError, KeyError):
        return None
