"""`%nbflow debug RUN`: a cell that does again what failed, on the inputs that it failed with.

This module decides what is written into that cell. Front ends insert one cell for each that
runs, so there is one: its first line loads the inputs anew each time, what stands below is the
code that failed. It must not know how inputs are kept.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from nbflow.cells.words import quoted
from nbflow.cli.debug import console_command
from nbflow.cli.debug import debug as debug_in_terminal
from nbflow.cli.options import DebugOptions
from nbflow.engine.failed_inputs import FailedInputs, load_failed
from nbflow.exceptions import MissingResult, UsageError
from nbflow.failure import short_id
from nbflow.models import TaskRun
from nbflow.notebooks.kernels.parked import ParkedKernel
from nbflow.notebooks.kernels.parking import parked_kernel
from nbflow.replay import debug_cells, source_of, stepwise
from nbflow.runs import Run, find_task, first_failed, get_run
from nbflow.states import now
from nbflow.wording import duration, last_line, state_word

HELP: Final = """Look into a run that failed.

While its kernel is kept, this tells how to attach to it. Otherwise a cell is inserted that
loads what the failed task was given, and does again what it did: change it, run it, step
through it with %debug. Without RUN, the kernels that wait are listed.
"""

OPTIONS: Final = (
    click.Option(["--task"], metavar="NAME", help="This task; default: the first that failed."),
    click.Option(["--load"], is_flag=True, help="Only load the inputs into the notebook."),
)


def debug(
    options: DebugOptions,
    task: str | None,
    *,
    load: bool,
    names: dict[str, Any],
    insert: Callable[[str], None],
) -> int:
    """Open what is left of a failed run.

    Args:
        options: Those of `nbflow debug`.
        task: The task or cell that is meant; None: the first that failed.
        load: Give the inputs to the notebook, and insert nothing.
        names: The notebook's names.
        insert: Puts a cell below the running one.
    """
    if options.run is None or options.free or options.extend is not None:
        return debug_in_terminal(options)
    run = get_run(options.run)
    parked = parked_kernel(str(run.id)) if task is None and not load else None
    if parked is not None:
        if options.json:
            return debug_in_terminal(options)
        click.echo(_how_to_attach(run, parked))
        return 0
    culprit = _culprit(run, task)
    try:
        failed = load_failed(culprit.id)
    except MissingResult:
        if load:
            raise
        insert(_in_one_cell(debug_cells(run, culprit.name)))
        click.echo(f"The cell below does again what {culprit.name!r} needs, and then itself.")
        return 0
    if load:
        names.update(failed.inputs)
    else:
        insert(cell_for(run, culprit, failed))
    click.echo(_told(culprit, failed, loaded=load))
    return 0


def _how_to_attach(run: Run, parked: ParkedKernel) -> str:
    short = short_id(run.record)
    left = duration(max(0.0, (parked.expires - now()).total_seconds()))
    task = quoted(parked.cell_name or "NAME")
    return "\n".join(
        [
            f"The kernel of {run.name} waits {left} more, as the failed cell left it.",
            "Attach to it from a terminal:",
            f"  nbflow debug {short}",
            f"  {shlex.join(console_command(parked, short=True))}",
            "Go on with the run, or have what failed in this notebook instead:",
            f"  %nbflow resume {short}",
            f"  %nbflow debug {short} --task {task}",
        ]
    )


def _culprit(run: Run, task: str | None) -> TaskRun:
    tasks = run.all_task_runs
    if task is not None:
        return find_task(tasks, task)
    found = first_failed(tasks)
    if found is None:
        raise UsageError(f"No task of {run.name} failed: {_why_none(run)}")
    return found


def _why_none(run: Run) -> str:
    if run.state.is_failed():
        return (
            "it failed before or between its tasks. See its traceback: "
            f"%nbflow runs show {short_id(run.record)}"
        )
    return (
        f"the run is {state_word(run.state.name)}. "
        "Name a run that failed, or see them all: %nbflow runs ls --state failed"
    )


def cell_for(run: Run, culprit: TaskRun, failed: FailedInputs) -> str:
    """The cell: where it comes from, a line that loads the inputs, and the code."""
    reason = last_line(culprit.state.message or culprit.state.name)
    task = quoted(culprit.name)
    code = stepwise(source_of(run, culprit, failed))
    return "\n".join(
        [
            f"# {culprit.name} failed in run {run.name}: {reason}",
            f"%nbflow debug {short_id(run.record)} --task {task} --load",
            "",
            code or f"# The code of {culprit.name} was not found.",
        ]
    )


def _in_one_cell(sources: Sequence[str]) -> str:
    return "\n\n".join(map(_without_magic, sources))


def _without_magic(source: str) -> str:
    """The cell as a part of another: a cell magic has to stand at the top of its own."""
    head, _, body = source.lstrip("\n").partition("\n")
    if not head.startswith("%%"):
        return source
    name, _, line = head[2:].partition(" ")
    if name in {"task", "flow"}:
        return body
    return f"get_ipython().run_cell_magic({name!r}, {line!r}, {body!r})"


def _told(culprit: TaskRun, failed: FailedInputs, *, loaded: bool) -> str:
    names = ", ".join(failed.inputs) or "nothing"
    done = "Loaded" if loaded else "The cell below loads"
    lines = [f"{done} what {culprit.name!r} was given: {names}."]
    lines += [f"Not kept: {name}, because {why}." for name, why in failed.left_out.items()]
    return "\n".join(lines)
