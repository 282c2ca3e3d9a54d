"""`nbflow debug`: lists the kernels that wait after a failure, and opens one.

This module decides what is told of a kept kernel, and how a person gets into it. It must not
know how kernels are kept.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nbflow.cli.console import is_live, make_console, plain_table, say
from nbflow.cli.options import DebugOptions, debug_options
from nbflow.cli.reports import tell_failure, write_json
from nbflow.exceptions import UsageError
from nbflow.failure import Failure, explain, short_id
from nbflow.notebooks.kernels.parked import ParkedKernel
from nbflow.notebooks.kernels.parking import extend, free_run, parked_kernel, parked_kernels
from nbflow.notebooks.kernels.processes import group_memory
from nbflow.owner import is_alive
from nbflow.paths import short_path
from nbflow.runs import Run, get_run
from nbflow.terminal_text import plain_line
from nbflow.wording import ago, duration, state_word

_MEGABYTE: Final = 1_000_000


@click.command()
@debug_options
def command(**given: Any) -> int:
    """Open the kernel of a run that failed.

    Without RUN, the kernels that wait are listed. A kernel waits when its run failed under
    --keep-kernel, or under the setting keep_kernel_seconds. It is opened in a console, in the
    notebook's namespace as the failed cell left it.

    \b
    nbflow run train.ipynb --keep-kernel 15m
    nbflow debug latest
    nbflow debug latest --extend 1h
    nbflow debug latest --free
    """  # noqa: D301 - click's mark for lines that stay as they are
    return debug(DebugOptions(**given))


def debug(options: DebugOptions) -> int:
    """List the kernels that wait, or open, keep on or end one."""
    console = make_console(colour=options.colour)
    if options.run is None:
        if options.free or options.extend is not None:
            raise UsageError("Say which run's kernel is meant: nbflow debug RUN, or latest.")
        return _list(console, options)
    run = get_run(options.run)
    if options.free:
        return _free(console, run)
    parked = _found(run)
    if options.extend is not None:
        longer = extend(parked.run_id, options.extend)
        if longer is None:
            raise UsageError(_gone(run))
        parked = longer
    if options.json:
        write_json(console, json_parked(parked))
        return 0
    if options.extend is not None:
        say(console, f"The kernel of {run.name} waits {_left(parked)} from now.")
        return 0
    return _open(console, run, parked)


# ── listing ──────────────────────────────────────────────────────────────────────────────


def _list(console: Console, options: DebugOptions) -> int:
    found = parked_kernels()
    if options.json:
        write_json(console, [json_parked(parked) for parked in found])
    elif found:
        say(console, _table(found))
    else:
        say(console, "No kernel waits. To keep one: nbflow run NOTEBOOK --keep-kernel 15m")
    return 0


def _table(found: list[ParkedKernel]) -> Table:
    table = plain_table("run", "notebook", "failed cell", "parked", "time left", "memory", "id")
    for parked in found:
        table.add_row(
            plain_line(parked.run_name),
            plain_line(short_path(parked.notebook)),
            plain_line(parked.cell_name or ""),
            ago(parked.parked_at, datetime.now(UTC)),
            _left(parked),
            _memory(parked),
            Text(parked.run_id[-8:], style="dim"),
        )
    return table


def json_parked(parked: ParkedKernel) -> dict[str, Any]:
    """A kernel that waits as the stable object of `--json`."""
    return {
        "run_id": parked.run_id,
        "run": parked.run_name,
        "notebook": parked.notebook,
        "cell_id": parked.cell_id,
        "cell": parked.cell_name,
        "kernel": parked.kernel_name,
        "pid": parked.pid,
        "connection_file": parked.connection_file,
        "parked_at": parked.parked_at.isoformat(),
        "expires": parked.expires.isoformat(),
        "memory_bytes": group_memory(parked.pid),
        "command": shlex.join(console_command(parked, short=True)),
    }


def _left(parked: ParkedKernel) -> str:
    return duration(max(0.0, (parked.expires - datetime.now(UTC)).total_seconds()))


def _memory(parked: ParkedKernel) -> str:
    size = group_memory(parked.pid)
    return "?" if size is None else f"{size / _MEGABYTE:,.0f} MB"


# ── one kernel ───────────────────────────────────────────────────────────────────────────


def _free(console: Console, run: Run) -> int:
    parked = free_run(str(run.id))
    if parked is None:
        raise UsageError(_gone(run))
    say(console, f"The kernel of {run.name} has ended.")
    return 0


def _found(run: Run) -> ParkedKernel:
    parked = parked_kernel(str(run.id))
    if parked is None:
        raise UsageError(_gone(run))
    if is_alive(parked.process) is None:
        raise UsageError(
            f"The kernel of {run.name} waits on the machine {parked.host}. Type the command there."
        )
    return parked


def _gone(run: Run) -> str:
    """Why there is no kernel, and the ways that are left."""
    if not run.state.is_settled():
        return f"{run.name} has not ended: it is {state_word(run.state.name)}. Wait for it."
    if run.state.is_completed():
        return f"{run.name} has completed: no kernel of it was kept. See its notebook instead."
    short = short_id(run.record)
    return (
        f"The kernel of {run.name} is gone, or was never kept. In a notebook, `%nbflow debug "
        f"{short}` loads what the failed cell had; `nbflow resume {short}` tries again; "
        "`nbflow run --keep-kernel 15m` keeps the next one."
    )


def console_command(parked: ParkedKernel, *, short: bool = False) -> list[str]:
    """What opens a console on the kernel; `short`, as a person would type it."""
    program = ["jupyter", "console"] if short else [sys.executable, "-m", "jupyter_console"]
    return [*program, "--existing", parked.connection_file]


def _open(console: Console, run: Run, parked: ParkedKernel) -> int:
    """Open a console where there is a terminal; else say how."""
    if not (is_live(console) and sys.stdin.isatty()):
        say(console, parked.connection_file, wrap=False)
        say(console, shlex.join(console_command(parked, short=True)), wrap=False)
        return 0
    _tell_before(console, run, parked)
    done = subprocess.run(console_command(parked), check=False)  # noqa: S603 - our own arguments
    still = parked_kernel(str(run.id))
    short = short_id(run.record)
    if still is not None:
        say(
            console,
            f"The kernel waits {_left(still)} more. Go on from the failed cell: nbflow resume "
            f"{short}. End it: nbflow debug {short} --free",
        )
    return done.returncode


def _tell_before(console: Console, run: Run, parked: ParkedKernel) -> None:
    failure: Failure | None = explain(run.record, run.all_task_runs)
    if failure is not None:
        tell_failure(console, replace(failure, next_steps=()), run.record, with_traceback=True)
    short = short_id(run.record)
    for line in (
        f"You are in the kernel of {run.name}, with everything that its cells made.",
        "%debug steps into the failure; Ctrl-D leaves, and the kernel stays.",
        f"It waits {_left(parked)} more: nbflow debug {short} --extend 1h",
        f"To go on from the failed cell: nbflow resume {short}",
        f"To end the kernel: nbflow debug {short} --free",
    ):
        say(console, Text(line, style="dim"))
