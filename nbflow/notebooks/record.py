"""What the executed notebook says of its own run, beside the outputs.

This module decides metadata and markers: papermill's exactly as papermill writes them, ours
under `nbflow`. It must not know kernels or events.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from nbflow.notebooks.document import ERROR_MARKER_TAG
from nbflow.notebooks.events import CellOutcome


def ours(node: NotebookNode) -> dict[str, Any]:
    """Our part of a notebook's or cell's metadata."""
    part: dict[str, Any] = node.metadata.setdefault("nbflow", NotebookNode())
    return part


def forget_earlier_run(nb: NotebookNode) -> None:
    """Remove what an earlier run wrote, where a notebook is run that is itself an output."""
    nb.metadata.pop("widgets", None)
    ours(nb).pop("error", None)
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            ours(cell).pop("full_text", None)
            ours(cell)["state"] = str(CellOutcome.NOT_RUN)


def take_over(cell: NotebookNode, left: NotebookNode) -> None:
    """Give a cell what an earlier run of it left: outputs, number, and how it ended."""
    cell.outputs = left.outputs
    cell.execution_count = left.execution_count
    for key in ("papermill", "execution", "nbflow"):
        if key in left.metadata:
            cell.metadata[key] = left.metadata[key]


def stamp_outcome(nb: NotebookNode, outcome: CellOutcome, error: BaseException | None) -> None:
    """Write how the run ended."""
    ours(nb)["outcome"] = str(outcome)
    if error is not None:
        ours(nb)["error"] = str(error) or type(error).__name__


def stamp_papermill(
    nb: NotebookNode, started: datetime | None, ended: datetime, *, failed: bool
) -> None:
    """Write papermill's end of run, without calling cells completed that never ran."""
    papermill = nb.metadata["papermill"]
    papermill["end_time"] = ended.isoformat()
    if started is not None:
        papermill["duration"] = (ended - started).total_seconds()
    if failed:
        papermill["exception"] = True


def mark_error(nb: NotebookNode, index: int) -> None:
    """Put papermill's red cells at the top and before the cell that ended the run."""
    from papermill.execute import (  # noqa: PLC0415 - slow; loaded while the kernel boots
        ERROR_ANCHOR_MSG,
        ERROR_MESSAGE_TEMPLATE,
    )

    count = nb.cells[index].execution_count
    top = new_markdown_cell(ERROR_MESSAGE_TEMPLATE % count, id="papermill-error-top")
    anchor = new_markdown_cell(ERROR_ANCHOR_MSG, id="papermill-error-cell")
    for marker in (top, anchor):
        marker.metadata["tags"] = [ERROR_MARKER_TAG]
    nb.cells.insert(index, anchor)
    nb.cells.insert(0, top)
