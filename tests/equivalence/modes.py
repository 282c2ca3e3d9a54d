"""The ways to run a notebook.

A *style* says how the cells are written (plain, every cell a `%%task` cell, the same with
`--submit`), a *place* who runs them (stock papermill, `nbflow run`, a plain IPython shell).
This module must not know how results are compared.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.equivalence.cases import Cell
from tests.equivalence.compare import Result
from tests.equivalence.outputs import VALUES_TYPE, mask, normalise
from tests.equivalence.shell import run_jobs
from tests.equivalence.values import last_cell

PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
LOAD = "%load_ext nbflow"
#: Waits for the background cells, and raises what one of them failed with.
SETTLE = "__import__('nbflow.cells.settling', fromlist=['settle']).settle()"


def can_be_a_task(cell: Cell) -> bool:
    """Whether `%%task` may stand above it, and means the same.

    A cell has one cell magic only, and one that fails leaves its bindings behind, as a
    task cell does not.
    """
    return bool(cell.source.strip()) and not re.match(r"\s*%%", cell.source) and not cell.tags


def plain(cells: Sequence[Cell]) -> list[Cell]:
    """The cells as they are."""
    return list(cells)


def tasks(cells: Sequence[Cell], options: str = "") -> list[Cell]:
    """Every cell that can be one is a `%%task` cell."""
    header = f"%%task {options}".rstrip()
    return [
        Cell(f"{header}\n{cell.source}", cell.tags) if can_be_a_task(cell) else cell
        for cell in cells
    ]


def background(cells: Sequence[Cell]) -> list[Cell]:
    """Every cell that can be one goes on in the background."""
    return tasks(cells, "--submit")


Style = Callable[[Sequence[Cell]], list[Cell]]
STYLES: dict[str, Style] = {"plain": plain, "tasks": tasks, "background": background}


# ── in plain shells ──────────────────────────────────────────────────────────────────────


def in_shells(notebooks: Iterable[Sequence[Cell]], style: str, folder: Path) -> list[Result]:
    """Each notebook in an IPython shell of its own."""
    jobs = [
        {
            "cells": [(c.source, "raises-exception" in c.tags) for c in STYLES[style](cells)],
            "before": LOAD if style != "plain" else "",
            "settle": SETTLE if style == "background" else "",
            "after": last_cell(),
            "folder": str(folder / f"{style}-{number}"),
            "environ": {"NBFLOW_HOME": str(folder / f"home-{style}-{number}")},
        }
        for number, cells in enumerate(notebooks)
    ]
    return [_result_of_shell(told, style) for told in run_jobs(jobs)]


def _result_of_shell(told: dict[str, Any], style: str) -> Result:
    if broken := told.get("broken", ""):
        return Result([], {}, broken=broken)
    values = values_of(told["last"])
    return Result(
        [normalise(cell) for cell in told["outputs"]],
        values.get("values", {}),
        values.get("surroundings", {}),
        tuple(told["failed"]),
        has_outputs=style != "background",
        broken=_failure(told["settled"])
        or ("" if values else f"The last cell told nothing: {told['last']}"),
    )


def _failure(settled: Iterable[Any]) -> str:
    """What a background cell failed with; none that is tagged to fail goes on there."""
    failures = (mask("\n".join(o["traceback"])) for o in settled if o["output_type"] == "error")
    return "\n".join(failures)


def values_of(outputs: Iterable[Any]) -> dict[str, Any]:
    """What the last cell told."""
    shown = [o["data"] for o in outputs if VALUES_TYPE in o.get("data", {})]
    return shown[0][VALUES_TYPE] if shown else {}


# ── on kernels ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Batch:
    """Notebooks that share a kernel, one after another."""

    notebooks: list[list[Cell]]

    def cells(self, style: str) -> list[Cell]:
        """All cells, with one after each notebook that tells its values and forgets them."""
        end = Cell(last_cell(clear=True))
        return [cell for cells in self.notebooks for cell in (*STYLES[style](cells), end)]

    def results(self, executed: Any) -> list[Result]:
        """What the executed notebook shows, by the notebooks it was made of."""
        nodes = [n for n in executed.cells if n.cell_type == "code" and not _is_ours(n)]
        results, start = [], 0
        for cells in self.notebooks:
            part = nodes[start : start + len(cells) + 1]
            results.append(_result_of_nodes(part))
            start += len(cells) + 1
        return results


def _is_ours(node: Any) -> bool:
    return node.source.strip() == LOAD or "papermill-error-cell-tag" in node.metadata.get(
        "tags", []
    )


def _result_of_nodes(nodes: Sequence[Any]) -> Result:
    values = values_of(nodes[-1].outputs)
    failed = [
        n for n, c in enumerate(nodes[:-1]) if any(o.output_type == "error" for o in c.outputs)
    ]
    return Result(
        [normalise(cell.outputs) for cell in nodes[:-1]],
        values.get("values", {}),
        values.get("surroundings", {}),
        tuple(failed),
        broken="" if values else f"The notebook did not come to its end: {_story(nodes)}",
    )


def _story(nodes: Sequence[Any]) -> str:
    """The first error that is not expected, with its cell."""
    for node in nodes:
        for output in node.outputs:
            if output.output_type == "error" and "raises-exception" not in node.metadata.get(
                "tags", []
            ):
                return f"{output.ename}: {output.evalue}\nin the cell\n{node.source}"
    return "no cell tells why"


def make_notebook(path: Path, cells: Sequence[Cell], *, load: bool) -> Path:
    """Write a notebook file; with `load`, its first cell loads the magics."""
    nodes = [new_code_cell(LOAD, id="load")] if load else []
    nodes += [
        new_code_cell(cell.source, id=f"cell-{n}", metadata={"tags": list(cell.tags)})
        for n, cell in enumerate(cells)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=nodes, metadata=PYTHON), path)
    return path


def by_papermill(source: Path, output: Path, cwd: Path) -> Any:
    """Stock papermill, as its own library runs it."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    with contextlib.suppress(PapermillExecutionError):  # the notebook tells
        papermill.execute_notebook(source, output, progress_bar=False, cwd=str(cwd))
    return nbformat.read(output, as_version=4)


def by_nbflow(source: Path, output: Path, cwd: Path) -> Any:
    """`nbflow run`: a recorded flow run."""
    import nbflow

    nbflow.notebook(source, output=output, cwd=cwd)(return_state=True)
    return nbformat.read(output, as_version=4)


PLACES: dict[str, Callable[[Path, Path, Path], Any]] = {
    "papermill": by_papermill,
    "nbflow": by_nbflow,
}


def on_kernels(
    notebooks: Sequence[list[Cell]], place: str, style: str, folder: Path, size: int = 15
) -> list[Result]:
    """The notebooks, so many one after another on one kernel."""
    parts = [list(notebooks[n : n + size]) for n in range(0, len(notebooks), size)]
    return [
        result
        for number, part in enumerate(parts)
        for result in on_kernel(part, place, style, folder / str(number))
    ]


def on_kernel(notebooks: list[list[Cell]], place: str, style: str, folder: Path) -> list[Result]:
    """The notebooks one after another on one kernel."""
    batch = Batch(notebooks)
    name = f"{place}-{style}"
    source = make_notebook(folder / f"{name}.ipynb", batch.cells(style), load=style != "plain")
    cwd = folder / name
    cwd.mkdir(parents=True)
    return batch.results(PLACES[place](source, folder / f"{name}-out.ipynb", cwd))
