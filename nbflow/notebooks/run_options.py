"""How a notebook is to be run, as whoever starts it says.

This module decides names and defaults only. It must not know what is done about them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from nbformat import NotebookNode

from nbflow.notebooks.events import CellInfo, CellRecord, NotebookEvent, NotebookOutcome
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.notebooks.protocol import CellIdentity

#: Seconds a cell may take, or a function that says so of each cell.
CellLimit: TypeAlias = float | Callable[[CellInfo], float | None] | None
#: Takes a kernel, the cell that ended its run and how that ended; True: keeps the kernel.
Keep: TypeAlias = Callable[[Kernel, CellRecord | None, NotebookOutcome], bool]

#: Seconds an interrupted cell gets to end by itself before its kernel is killed.
INTERRUPT_GRACE: Final = 5.0


def _ignore(event: NotebookEvent) -> None:
    del event


def unidentified(cell: CellInfo) -> CellIdentity | None:
    """No cell belongs to a recorded run."""
    del cell
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a notebook is to be run."""

    cwd: str | None = None
    cell_timeout: CellLimit = None
    timeout: float | None = None
    start_timeout: float = 60.0
    allow_errors: bool = False
    #: A shell command (`!command`) that ends with another code than 0 fails its cell.
    strict_shell: bool = False
    output_limit: int = 2_000_000
    interrupt_grace: float = INTERRUPT_GRACE
    on_event: Callable[[NotebookEvent], None] = _ignore
    stop: threading.Event = field(default_factory=threading.Event)
    #: Variables of the kernel's process, beside this one's.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Which recorded run a started cell belongs to; the kernel is told.
    identify: Callable[[CellInfo], CellIdentity | None] = unidentified
    #: A running kernel to use instead of a new one.
    kernel: Kernel | None = None
    #: Cells before this index are not sent: they have run in that kernel.
    start_at: int = 0
    #: What those cells left, by cell id: outputs and metadata.
    known: Mapping[str, NotebookNode] = field(default_factory=dict)
    #: Asked instead of ending the kernel of a run that failed or was stopped; gets the kernel,
    #: the cell that ended the run and how it ended. True: the kernel is no longer ours.
    keep: Keep | None = None
