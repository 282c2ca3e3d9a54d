"""`nbflow resume`: goes on with a run that failed, or that waits for a person.

This module decides what going on means for a run: an answer, another attempt of a worker's, or
a plan that is carried out here. Whether and where a failed run can go on is `engine.resume`'s
decision.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from nbflow.cli.answering import answer
from nbflow.cli.console import make_console, say, state_label
from nbflow.cli.options import ResumeOptions, resume_options
from nbflow.cli.reports import json_run, write_json
from nbflow.cli.run import events_alone, reporter_for, told
from nbflow.cli.targets import FlowTarget, load_flow
from nbflow.engine import resume as engine
from nbflow.exceptions import UsageError
from nbflow.flows import Flow
from nbflow.models import FlowRun
from nbflow.store import open_store
from nbflow.store.base import Store


@click.command()
@resume_options
def command(**given: Any) -> int:
    """Go on with a run that failed or was stopped, or that waits for a person.

    A paused run is answered: with --input or -p, or field by field on a terminal. A failed run of
    a deployment waits for a worker again. Any other failed run goes on here:

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
    if run.state.is_paused():
        return answer(run, store, options)
    if options.input is not None or options.parameters or options.key:
        raise UsageError(f"{run.name} is {run.state.name}: it waits for no answer.")
    if run.deployment_id is not None:
        return _let_a_worker(run, store, options)
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


def _let_a_worker(run: FlowRun, store: Store, options: ResumeOptions) -> int:
    """Let a run of a deployment wait for its next attempt, where its workers are."""
    anew = engine.KernelWish(options.kernel) is engine.KernelWish.NEW
    waiting = store.dispatch.retry(run.id, resume=not anew)
    console = make_console(colour=options.colour)
    if options.json:
        write_json(console, json_run(waiting))
    elif not options.quiet:
        line = f"  {waiting.name} waits for a worker, and goes on then."
        say(console, Text.assemble(state_label(waiting.state), line), wrap=False)
    return 0


def _changes(options: ResumeOptions) -> dict[str, Any]:
    given = {"output": options.output, "keep_kernel_seconds": options.keep_kernel}
    return {name: value for name, value in given.items() if value is not None}


def _load(path: Path, name: str) -> Flow[Any, Any]:
    return load_flow(FlowTarget(path, name))
