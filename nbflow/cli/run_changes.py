"""`nbflow runs retry` and `nbflow runs delete`: what is done about recorded runs.

This module decides which runs may be changed so, and what is said. It must not know how runs are
stored, nor how workers come by them.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click
from rich.text import Text

from nbflow.cli.console import make_console, say, state_label
from nbflow.cli.options import DeleteOptions, RetryOptions
from nbflow.cli.reports import json_run, write_json
from nbflow.exceptions import UsageError
from nbflow.failure import short_id
from nbflow.runs import Run, get_run
from nbflow.store import open_store
from nbflow.wording import counted


def retry(options: RetryOptions) -> int:
    """Let a run of a deployment wait for its next attempt."""
    console, store = make_console(colour=options.colour), open_store()
    store.close_abandoned(datetime.now(UTC))
    run = get_run(options.run, store=store)
    waiting = run.resume() if options.resume else run.retry()
    if options.json:
        write_json(console, json_run(waiting.record))
    else:
        line = f"  {run.name} waits for a worker."
        say(console, Text.assemble(state_label(waiting.state), line), wrap=False)
    return 0


def delete(options: DeleteOptions) -> int:
    """Forget runs, once somebody has agreed to it."""
    console, store = make_console(colour=options.colour), open_store()
    store.close_abandoned(datetime.now(UTC))
    runs = list(
        {run.id: run for run in (get_run(each, store=store) for each in options.runs)}.values()
    )
    for run in runs:
        _check_deletable(run)
    if not (options.yes or options.json) and not _agreed(runs):
        say(console, "Nothing was deleted.")
        return 1
    for run in runs:
        store.delete_flow_run(run.id)
    store.flush()
    if options.json:
        write_json(console, [json_run(run.record) for run in runs])
    else:
        say(
            console, f"Deleted {counted(len(runs), 'run')}. Executed notebooks stay where they are."
        )
    return 0


def _check_deletable(run: Run) -> None:
    if not run.state.is_settled():
        raise UsageError(
            f"{run.name} is {run.state.name}: end it first, nbflow cancel {short_id(run.record)}"
        )


def _agreed(runs: list[Run]) -> bool:
    names = ", ".join(run.name for run in runs[:5]) + (", …" if len(runs) > 5 else "")  # noqa: PLR2004 - a line's worth
    if not sys.stdin.isatty():
        raise UsageError(
            f"To delete {counted(len(runs), 'run')} ({names}) without a question: --yes"
        )
    return click.confirm(f"Delete {names} with all tasks and logs?")
