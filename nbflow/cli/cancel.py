"""`nbflow cancel`: ends a run that another process executes.

This module decides how firmly a run is told to end, and what is said of it: a run of a
deployment is its worker's to end, wherever that is; one that was called is told here. It must
not know how runs end themselves.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from nbflow.cli.console import make_console, say, state_label
from nbflow.cli.options import CancelOptions, cancel_options
from nbflow.cli.reports import json_run, write_json
from nbflow.exceptions import UsageError
from nbflow.failure import short_id
from nbflow.owner import is_alive, place_of, this_owner
from nbflow.runs import Run, get_run
from nbflow.store import open_store
from nbflow.wording import state_word

_LOOK_SECONDS: Final = 0.25
#: How often a worker asks a process to end, each time more firmly.
_STEPS: Final = 3
#: What a process is sent, the gentler first, and how that is told.
_SIGNALS: Final = (
    ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "told to end"))
    if os.name == "posix"
    else ((signal.SIGTERM, "ended"),)
)


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
    owner = _owner_of(run)
    done = Cancellation(run)
    for number, words in _SIGNALS:
        pid = place_of(owner)[1]
        if _ignores(pid, number):  # as what a script starts in the background ignores Ctrl-C
            continue
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise UsageError(
                f"The process {pid} of {run.name} is another user's. Ask that user to end it."
            ) from None
        done.did.append(f"its process {pid} was {words}")
        if _ended(run, owner, wait):
            break
    return done


def _end_deployed(run: Run, wait: float) -> Cancellation:
    """Ask a worker to end its run, and wait until it has: it uses as much force as it takes."""
    asked = run.store.dispatch.cancel(run.id)
    if asked.state.is_settled():
        run.refresh()
        return Cancellation(run, ["it waits for a worker no more"])
    done = Cancellation(run, ["its worker was asked to end it"])
    deadline = time.monotonic() + _STEPS * wait
    while not run.refresh().state.is_settled() and (left := deadline - time.monotonic()) > 0:
        for _ in run.store.watch(run.id, timeout=min(left, _LOOK_SECONDS)):
            pass  # each batch is only a reason to look again
    return done


def _ignores(pid: int, number: int) -> bool:
    """Whether a process is known to ignore a signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    masks = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")]
    return bool(masks) and bool(int(masks[0], 16) >> (number - 1) & 1)


def _owner_of(run: Run) -> str:
    """The process to be told; raises `UsageError` when there is none that can be."""
    if run.state.is_settled():
        raise UsageError(
            f"The run {run.name} has ended already: it {_was(run)}. There is nothing to cancel."
        )
    if run.record.parent_id is not None:
        parent = get_run(run.record.parent_id, store=run.store)
        raise UsageError(
            f"{run.name} is a subflow of {parent.name}, and ends with it: "
            f"nbflow cancel {short_id(parent.record)}"
        )
    owner = run.record.owner
    if owner is None:
        raise UsageError(f"No process is known to execute {run.name}. Look again: nbflow runs ls")
    if owner == this_owner():
        raise UsageError(f"{run.name} runs in this very process: interrupt it here instead.")
    if is_alive(owner) is None:
        host, pid = place_of(owner)
        raise UsageError(
            f"{run.name} runs on the machine {host} (process {pid}). Type the command there."
        )
    return owner


def _was(run: Run) -> str:
    return state_word(run.state.name)


def _ended(run: Run, owner: str, wait: float) -> bool:
    """Whether the run settles in time; a process that leaves without a word has crashed."""
    deadline = time.monotonic() + wait
    while True:
        gone = is_alive(owner) is False
        if gone:
            run.store.close_abandoned(datetime.now(UTC))
        if run.refresh().state.is_settled():
            return True
        left = deadline - time.monotonic()
        if gone or left <= 0:
            return False
        for _ in run.store.watch(run.id, timeout=min(left, _LOOK_SECONDS)):
            pass  # each batch is only a reason to look again


def _what_next(run: Run) -> str:
    if run.state.is_cancelling():
        return "Its worker has not ended it yet. See whether it lives: nbflow worker ls"
    owner = run.record.owner or ""
    force = f"kill -9 {place_of(owner)[1]}" if owner else f"nbflow cancel {short_id(run.record)}"
    return f"It goes on all the same. To end it by force: {force}"
