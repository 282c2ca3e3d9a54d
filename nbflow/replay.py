"""What failed, as notebook cells that do it again: on the same inputs, ready to step through.

This module decides which code stands for a failure. A task is replayed on the inputs that were
kept when it failed; a plain cell, after the cells that made what it reads. It must not know
how cells come into a notebook.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from nbflow.dataflow import analyse_cells
from nbflow.engine.failed_inputs import FailedInputs, load_failed
from nbflow.exceptions import MissingResult, NotebookError, ObjectNotFound
from nbflow.models import TaskKind, TaskRun
from nbflow.notebooks.document import code_cells, read_notebook
from nbflow.notebooks.events import CellInfo
from nbflow.runs import Run, find_task, first_failed, get_run
from nbflow.wording import last_line, state_word

#: Statements that only a function can hold.
_OF_FUNCTIONS: Final = (ast.Return, ast.Yield, ast.YieldFrom, ast.Nonlocal, ast.Global)


def debug_cells(run: Run | str = "latest", task: str | None = None) -> list[str]:
    """The sources of cells that do again what failed in a run.

    Args:
        run: The run, or what names it.
        task: A task or cell of it, by name; default: the first that failed.

    Raises:
        ObjectNotFound: Nothing failed, or there is no such task.
        MissingResult: The task's inputs are not kept.
    """
    run = run if isinstance(run, Run) else get_run(run)
    culprit = find_task(run.all_task_runs, task) if task else _culprit(run)
    try:
        failed = load_failed(culprit.id)
    except MissingResult:
        if culprit.kind is not TaskKind.CELL:
            raise
        return list(_cells_before_and(run, culprit))
    return [_loading(run, culprit, failed), stepwise(source_of(run, culprit, failed))]


def source_of(run: Run, culprit: TaskRun, failed: FailedInputs) -> str:
    """The code that failed: as it was kept, or as the executed notebook has it."""
    if failed.source or culprit.kind is not TaskKind.CELL:
        return failed.source
    return next((c.source for c in _executed_cells(run) if c.cell_id == culprit.task_key), "")


def inputs_of(task_run: str | UUID) -> dict[str, Any]:
    """What a failed task was given, by name; raises `MissingResult` when it is not kept."""
    return load_failed(UUID(str(task_run))).inputs


def _culprit(run: Run) -> TaskRun:
    found = first_failed(run.all_task_runs)
    if found is None:
        raise ObjectNotFound(
            f"No task of {run.name} failed: the run is {state_word(run.state.name)}. Runs that "
            "failed: nbflow runs ls --state failed"
        )
    return found


def _heading(run: Run, culprit: TaskRun) -> str:
    reason = last_line(culprit.state.message or culprit.state.name)
    return f"# {culprit.name} failed in run {run.name}: {reason}"


# ── tasks ────────────────────────────────────────────────────────────────────────────────


def _loading(run: Run, culprit: TaskRun, failed: FailedInputs) -> str:
    lines = [
        _heading(run, culprit),
        "from nbflow.replay import inputs_of",
        "",
        f'globals().update(inputs_of("{culprit.id}"))  # {", ".join(failed.inputs) or "nothing"}',
    ]
    return "\n".join(
        lines + [f"# not kept: {n}, because {why}" for n, why in failed.left_out.items()]
    )


def stepwise(source: str) -> str:
    """Code to be run on variables: the body of a task cell, or of a function where that can be.

    A function that ends in several places is given whole, with a call.
    """
    code = textwrap.dedent(source).strip("\n")
    if code.startswith("%%"):
        return code.partition("\n")[2]
    function = _function(code)
    if function is None:
        return code
    body = _body(code, function)
    return body if body is not None else _called(code, function)


def _function(code: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    try:
        (node,) = ast.parse(code).body
    except (SyntaxError, ValueError):
        return None
    return node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _body(code: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """The function's body as statements of a cell; None when only a function can hold it."""
    *others, last = function.body
    if any(isinstance(node, _OF_FUNCTIONS) for each in others for node in ast.walk(each)):
        return None
    if not isinstance(last, ast.Return) and any(
        isinstance(node, _OF_FUNCTIONS) for node in ast.walk(last)
    ):
        return None
    lines = code.splitlines()
    first = function.body[0].lineno
    if first == function.lineno:  # all on one line
        return None
    kept = lines[first - 1 : last.lineno - 1]
    ending = lines[last.lineno - 1 : last.end_lineno]
    if isinstance(last, ast.Return):
        ending = ending if last.value else []
        ending = [ending[0].replace("return ", "", 1), *ending[1:]] if ending else []
    return textwrap.dedent("\n".join(kept + ending))


def _called(code: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args)]
    keywords = [f"{each.arg}={each.arg}" for each in given.kwonlyargs]
    waits = "await " if isinstance(function, ast.AsyncFunctionDef) else ""
    lines = code.splitlines()[function.lineno - 1 :]  # without what makes it a task
    return "\n".join([*lines, "", f"{waits}{function.name}({', '.join(names + keywords)})"])


# ── plain cells ──────────────────────────────────────────────────────────────────────────


def _cells_before_and(run: Run, culprit: TaskRun) -> Iterator[str]:
    """The cells whose values a cell needs, as they ran, and then itself."""
    cells = _executed_cells(run)
    place = next((n for n, cell in enumerate(cells) if cell.cell_id == culprit.task_key), None)
    if place is None:
        raise ObjectNotFound(f"The executed notebook of {run.name} has no cell {culprit.name!r}.")
    graph = analyse_cells([(cell.source, cell.may_raise) for cell in cells])
    needed = sorted(graph.ancestors(place))
    yield from (cells[number].source for number in needed if not cells[number].skipped)
    source = cells[place].source
    yield source if source.startswith("%%") else f"{_heading(run, culprit)}\n{source}"


def _executed_cells(run: Run) -> tuple[CellInfo, ...]:
    if run.output is None:
        raise ObjectNotFound(f"{run.name} left no executed notebook.")
    try:
        return code_cells(read_notebook(run.output))
    except NotebookError as error:
        raise ObjectNotFound(
            f"The executed notebook of {run.name} cannot be read any more: {error}"
        ) from None
