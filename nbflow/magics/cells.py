"""`%%task`: a cell as a task.

This module decides only how IPython's magic reaches `nbflow.cells` and how errors come back.
"""

from __future__ import annotations

from typing import Any

from nbflow.cells.notebook import Notebook, plain
from nbflow.exceptions import UpstreamCellError, UsageError


def task_magic(notebook: Notebook) -> Any:
    """The function of the magic `%%task`."""

    def task(line: str, cell: str) -> None:
        # Frames above this one are IPython's and ours: tracebacks begin below.
        __tracebackhide__ = "__ipython_bottom__"
        try:
            notebook.run_task_cell(line, cell)
        except (UsageError, UpstreamCellError) as error:
            raise plain(error) from None

    task._ipython_magic_no_var_expand = True  # type: ignore[attr-defined] # noqa: SLF001 - IPython's mark: braces and dollars are Python's here
    return task
