"""`nbflow resume`: goes on with a run that failed, and tells how it goes.

This module decides how the command's options become a plan and a reporter. Whether and where a
run can go on is `engine.resume`'s decision.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from nbflow.cli.console import make_console
from nbflow.cli.options import ResumeOptions, resume_options
from nbflow.cli.run import events_alone, reporter_for, told
from nbflow.cli.targets import FlowTarget, load_flow
from nbflow.engine import resume as engine
from nbflow.flows import Flow
from nbflow.store import open_store


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@resume_options
def command(**given: Any) -> int:
    """Go on with a run that failed, crashed or was cancelled.

    It is the same run, with the same parameters; of a notebook, the file as it is now. In its
    kept kernel (see nbflow debug) it goes on at the failed cell, with your fix, when that gives
    what a run from the top would. Otherwise it starts at the top of a new kernel, and task
    cells whose code and inputs are unchanged are restored instead of run.

    Exit codes are those of nbflow run; 2 when the run cannot be resumed, and why.
    """
    return resume(ResumeOptions(**given))


def resume(options: ResumeOptions) -> int:
    """Go on with the run that the options name, and return the exit code."""
    console = make_console(colour=options.colour)
    store = open_store()
    store.close_abandoned(datetime.now(UTC))
    run = store.find_flow_run(options.run)
    made = engine.plan(
        run, wish=engine.KernelWish(options.kernel), changes=_changes(options), load=_load
    )
    reporter = reporter_for(console, options)
    _, ending = told(
        lambda: engine.resume(made, store),
        run.id,
        reporter,
        again=True,
        within=events_alone(options),
    )
    return ending.exit_code


def _changes(options: ResumeOptions) -> dict[str, Any]:
    given = {"output": options.output, "keep_kernel_seconds": options.keep_kernel}
    return {name: value for name, value in given.items() if value is not None}


def _load(path: Path, name: str) -> Flow[Any, Any]:
    return load_flow(FlowTarget(path, name))
