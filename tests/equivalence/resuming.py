"""Runs that fail at some cell, are corrected, and go on by `nbflow resume`.

The end must be that of a run in which nothing failed. What a cell does outside of Python, to
files say, is done again by a cell that is run again; cases about that are left out.
"""

from __future__ import annotations

import contextlib
import io
import random
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tests.equivalence.cases import Cell
from tests.equivalence.compare import Result
from tests.equivalence.modes import Batch, can_be_a_task, make_notebook

INJECTED = "raise RuntimeError('injected')"
OUTSIDE = {"environment, folder and contexts of a process", "history variables"}


@dataclass(frozen=True)
class Failure:
    """Where a run is made to fail: before or after a cell's own statements."""

    index: int
    first: bool

    def inject(self, cells: list[Cell]) -> list[Cell]:
        """The cells, one of them broken."""
        cell = cells[self.index]
        lines = [INJECTED, cell.source] if self.first else [cell.source, INJECTED]
        return [
            Cell("\n".join(lines), cell.tags) if n == self.index else each
            for n, each in enumerate(cells)
        ]


def random_failure(cells: list[Cell], chance: random.Random) -> Failure:
    """Some place where a line can be put in without a change of what the cell is."""
    fits = [n for n, c in enumerate(cells) if can_be_a_task(c) and c.source[0] not in " !%"]
    return Failure(chance.choice(fits), chance.random() < 0.5)


def resumed(
    cells: list[Cell], style: str, failure: Failure, kernel: str, folder: Path
) -> tuple[Result, str]:
    """What a run that failed and was resumed ends with, and what it said.

    `kernel` is "new", or "auto" for a run whose kernel was kept.
    """
    folder.mkdir(parents=True)
    source, output = folder / "notebook.ipynb", folder / "out.ipynb"
    load = style != "plain"
    make_notebook(source, Batch([failure.inject(cells)]).cells(style), load=load)
    keep = ["--keep-kernel", "2m"] if kernel == "auto" else []
    code, said = _nbflow("run", source, "-o", output, "--cwd", folder, "--name", folder.name, *keep)
    if code != 1:
        return Result([], {}, broken=f"The first run ended with {code}: {said}"), said
    make_notebook(source, Batch([cells]).cells(style), load=load)
    code, more = _nbflow("resume", folder.name, "--kernel", kernel, "-o", output)
    if code != 0:
        return Result([], {}, broken=f"The resumed run ended with {code}: {more}"), more
    return Batch([cells]).results(nbformat.read(output, as_version=4))[0], said + more


def _nbflow(*arguments: object) -> tuple[int, str]:
    from nbflow.cli.main import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main([str(part) for part in arguments])
    return code, said.getvalue()
