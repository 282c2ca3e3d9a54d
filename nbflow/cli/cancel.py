"""`nbflow cancel`: ends a run that another process executes.

This module decides how long each way of ending a run is given, and what is said of it: a run of a
deployment is its worker's to end, wherever that is; one that was called is told here. It must
not know how a process is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.text import Text

from nbflow.cli.console import make_console, say, state_label
from nbflow.cli.options import CancelOptions, cancel_options
from nbflow.cli.reports import json_run, write_json
from nbflow.engine.cancellation import STEPS, process_of, refuse_ended, tell, wait_for_end
from nbflow.failure import short_id
from nbflow.owner import place_of
from nbflow.runs import Run, get_run
from nbflow.store import open_store

#: How often a worker asks a process to end, each time more firmly.
_STEPS: Final = 3


@dataclass(slots=True)
class Cancellation:
    """What was done to end a run."""

    run: Run
    did: list[str] = field(default_factory=list)


@click.command()
@cancel_options
def command(**given: Any) -> int:
    """End a run that another process executes, or that waits for a worker.

    The process is interrupted, as by Ctrl-C; when that does not end the run in time, it is told
    to end (SIGTERM), and in a worker's hands killed after that. A run that was called directly
    is ended on its own machine; one whose process is gone is closed as crashed.
    """
    return cancel(CancelOptions(**given))


def cancel(options: CancelOptions) -> int:
    """End the run that the options name, and say how it went; 1 when it goes on."""
    console = make_console(colour=options.colour)
    done = end_run(options.run, options.wait)
    run = done.run
    if options.json:
        write_json(console, {**json_run(run.record), "did": done.did})
    else:
        line = Text.assemble(state_label(run.state), f"  {run.name}: {', then '.join(done.did)}.")
        say(console, line, wrap=False)
        if not run.state.is_settled():
            say(console, _what_next(run))
    return 0 if run.state.is_settled() else 1


def end_run(reference: str, wait: float) -> Cancellation:
    """End a run, and return what was done; raises `UsageError` where that cannot be."""
    store = open_store()
    abandoned = store.close_abandoned(datetime.now(UTC))
    run = get_run(reference, store=store)
    if not run.state.is_settled() and store.dispatch.queued(run.id) is not None:
        return _end_deployed(run, wait)
    if run.id in abandoned:
        return Cancellation(run, ["its process was gone already; the run is closed as crashed"])
    refuse_ended(run.record)
    owner = process_of(store, run.record)
    done = Cancellation(run)
    for step in STEPS:
        if not tell(owner, step):
            continue
        done.did.append(f"its process {place_of(owner)[1]} was {step.did}")
        run.record = wait_for_end(store, run.id, wait, owner)
        if run.state.is_settled():
            break
    return done


def _end_deployed(run: Run, wait: float) -> Cancellation:
    """Ask a worker to end its run, and wait until it has: it uses as much force as it takes."""
    asked = run.store.dispatch.cancel(run.id)
    if asked.state.is_settled():
        run.refresh()
        return Cancellation(run, ["it waits for a worker no more"])
    done = Cancellation(run, ["its worker was asked to end it"])
    run.record = wait_for_end(run.store, run.id, _STEPS * wait)
    return done


def _what_next(run: Run) -> str:
    if run.state.is_cancelling():
        return "Its worker has not ended it yet. See whether it lives: nbflow worker ls"
    owner = run.record.owner or ""
    force = f"kill -9 {place_of(owner)[1]}" if owner else f"nbflow cancel {short_id(run.record)}"
    return f"It goes on all the same. To end it by force: {force}"
