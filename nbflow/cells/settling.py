"""The end of a notebook run, as the process that drives the kernel asks for it."""

from __future__ import annotations

from nbflow.cells.notebook import notebook_of
from nbflow.interactive import shell_here


def settle(*, cancel: bool = False) -> None:
    """Return when no cell of this kernel is under way in the background any more.

    With `cancel`, those that have not started never will, and those that run are interrupted.
    """
    ip = shell_here()
    if ip is not None:
        notebook_of(ip).settle(cancel=cancel)
