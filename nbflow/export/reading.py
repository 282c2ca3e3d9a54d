"""A notebook as the cells that an export is made of.

This module decides which cells count, what kind each is and what it is called. It must not know
where their code goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from nbformat import NotebookNode

from nbflow.cells.lines import read_flow_line, read_task_line
from nbflow.cells.records import FlowCellOptions, TaskCellOptions
from nbflow.dataflow import analyse_cell
from nbflow.dataflow.lines import CELL_MAGIC
from nbflow.exceptions import NotebookError, UsageError
from nbflow.export.magics import Ours, convert
from nbflow.export.pieces import Cut, Piece, cut, parsed
from nbflow.export.rewriting import with_namespace, without_main_guard
from nbflow.notebooks.cell_tags import header, is_tagged_task, read_tags
from nbflow.notebooks.document import code_cells, read_notebook, remove_error_markers
from nbflow.notebooks.events import CellInfo

_SKIP: Final = "skip-execution"
_MAY_RAISE: Final = "raises-exception"


class Role(Enum):
    """What becomes of a cell."""

    PLAIN = "plain"  # statements of the flow
    TASK = "task"  # a task, and its call
    FLOW = "flow"  # a flow of its own, and its call
    PARAMETERS = "parameters"  # the signature of the flow
    INJECTED = "injected"  # other defaults for the signature


@dataclass(eq=False)
class Cell:
    """One code cell."""

    #: Its place among the cells that count.
    number: int
    #: What people call it; unique.
    label: str
    role: Role
    #: Its code as Python, without magics.
    python: str
    pieces: list[Piece]
    #: Comments after the last statement.
    below: str = ""
    #: The markdown above it.
    notes: list[str] = field(default_factory=list)
    options: TaskCellOptions | FlowCellOptions | None = None
    #: Whether the notebook goes on when it raises.
    may_raise: bool = False
    #: Statements that show nothing, though they are expressions.
    quiet: frozenset[str] = frozenset()
    #: The name that the line or tag of the cell gives it.
    given: str | None = None

    def take(self, parts: Cut) -> None:
        """Have these statements."""
        self.pieces, self.below = parts.pieces, parts.below
        for piece in parts.pieces:
            piece.quiet = piece.quiet or piece.text in self.quiet

    @property
    def is_called(self) -> bool:
        """Whether it is a task or a flow of its own."""
        return self.role in {Role.TASK, Role.FLOW}


@dataclass(frozen=True, slots=True)
class Source:
    """A notebook to be exported."""

    name: str
    #: The file's name.
    file: str
    cells: list[Cell]
    #: Markdown above the first cell, and below the last one.
    opening: list[str]
    closing: list[str]
    ours: Ours


def read_source(path: str | Path) -> Source:
    """Read a notebook for export.

    Raises `NotebookError` when there is none, when it is in another language than Python, or
    when a cell's code means nothing in a module; the cell and the line are named.
    """
    nb = remove_error_markers(read_notebook(path))
    _check_language(nb, str(path))
    infos = [info for info in code_cells(nb) if _SKIP not in info.tags]
    meanings = _meanings(infos)
    known = frozenset(meanings)
    source = Source(Path(path).stem, Path(path).name, [], [], [], Ours(meanings))
    by_index = {info.index: info for info in infos}
    notes: list[str] = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            notes.append(cell.source)
        elif index in by_index:
            if not source.cells:
                source.opening.extend(_opening(notes))
            source.cells.append(
                _cell(by_index[index], len(source.cells), notes, known, source.ours)
            )
            notes = []
    source.closing.extend(notes)
    return source


def _meanings(infos: list[CellInfo]) -> dict[str, str]:
    """What each name that the notebook binds stands for; "" for data, and for several things."""
    found: dict[str, str] = {}
    for info in infos:
        analysis = analyse_cell(info.source)
        for name in analysis.defs:
            origin = analysis.imports.get(name, "")
            found[name] = origin if found.get(name, origin) == origin else ""
    return found


def _opening(notes: list[str]) -> Iterator[str]:
    """The notebook's title and what is said below it: the first markdown, cut off the notes."""
    if notes and re.match(r"\s*# ", notes[0]):
        whole = notes.pop(0)
        match = re.search(r"^##+ .*", whole, re.MULTILINE)
        if match:
            notes.insert(0, whole[match.start() :])
        yield whole[: match.start()] if match else whole


def _check_language(nb: NotebookNode, path: str) -> None:
    spec, info = nb.metadata.get("kernelspec", {}), nb.metadata.get("language_info", {})
    language = str(info.get("name") or spec.get("language") or "python")
    if language.lower() not in {"python", "ipython", "python3"}:
        raise NotebookError(
            f"{path} is written in {language}; only Python notebooks can be exported to Python. "
            f"Run it as it is: nbflow run {path}."
        )


def _cell(info: CellInfo, number: int, notes: list[str], known: frozenset[str], ours: Ours) -> Cell:
    role, options, body, line = _role(info)
    converted = convert(body, known=known, ours=ours, cell=info.name)
    try:
        python = without_main_guard(converted.python, parsed(converted.python))
        python = with_namespace(python, parsed(python))
        parts = cut(python)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotebookError(_not_python(info, error, line)) from None
    cell = Cell(
        number=number,
        label=info.name,
        role=role,
        python=python,
        pieces=[],
        notes=notes,
        options=options,
        may_raise=_MAY_RAISE in info.tags,
        quiet=converted.quiet,
        given=options.name if options else None,
    )
    cell.take(parts)
    return cell


def _not_python(info: CellInfo, error: Exception, above: int) -> str:
    at = f", line {(error.lineno or 1) + above}" if isinstance(error, SyntaxError) else ""
    reason = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
    return (
        f"Cell {info.name!r}{at}: this is not Python ({reason}). "
        "Correct it, or tag the cell skip-execution to leave it out."
    )


_Role = tuple[Role, TaskCellOptions | FlowCellOptions | None, str, int]


def _role(info: CellInfo) -> _Role:
    """What a cell is, what it is told, its body, and how many lines stand above the body."""
    match = CELL_MAGIC.match(info.source)
    if match is not None and match["name"] in _READERS:
        role, read = _READERS[match["name"]]
        body = info.source[match.end() :]
        return (
            role,
            _options(info, read, match["rest"]),
            body,
            info.source.count("\n", 0, match.end()),
        )
    if "injected-parameters" in info.tags:
        return Role.INJECTED, None, info.source, 0
    if "parameters" in info.tags:
        return Role.PARAMETERS, None, info.source, 0
    tags = read_tags(info)
    if is_tagged_task(info, tags):
        line = header(info, tags).removeprefix("%%task")
        return Role.TASK, _options(info, read_task_line, line), info.source, 0
    return Role.PLAIN, None, info.source, 0


_READERS: Final[Mapping[str, tuple[Role, object]]] = {
    "task": (Role.TASK, read_task_line),
    "flow": (Role.FLOW, read_flow_line),
}


def _options(info: CellInfo, read: object, line: str) -> TaskCellOptions | FlowCellOptions:
    try:
        options: TaskCellOptions | FlowCellOptions = read(line)  # type: ignore[operator]
    except UsageError as error:
        raise NotebookError(f"Cell {info.name!r}: {error}") from error
    return options
