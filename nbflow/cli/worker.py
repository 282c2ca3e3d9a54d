"""`nbflow worker` (also `nbflow agent`): starts, lists and stops workers.

This module decides how a worker reads on a terminal and in JSON, and what the signals that
reach it mean. It must not know how a worker works.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table

from nbflow.cli.console import local_clock, make_console, moment_words, say
from nbflow.cli.groups import command_group
from nbflow.cli.listing import tell_list
from nbflow.cli.options import Duration, speech_options
from nbflow.exceptions import ObjectNotFound, UsageError
from nbflow.models.deployments import Worker as WorkerRecord
from nbflow.owner import is_alive, place_of
from nbflow.states import now
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.wording import counted

if TYPE_CHECKING:  # slow to load, and only `start` needs it
    from nbflow.worker.worker import Worker

_LOOK_SECONDS: Final = 0.1
#: Supervisors tell a process and its group: what comes so close is said once.
_SAME_WORD_SECONDS: Final = 0.2
_STOPPING: Final = "stopping when its runs have ended; again: at once"
_ENDING: Final = "ending its runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """What `nbflow worker start` was told."""

    queues: tuple[str, ...] = ()
    limit: int | None = None
    name: str | None = None
    warm: bool | None = None
    grace: float | None = None
    with_input: bool = False


@command_group()
def group() -> None:
    """Start, list and stop workers, which execute the runs of deployments."""


class _Alias(click.Group):
    """The same commands under another name; they are explained under the first."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """None: there would be two names for each."""
        del ctx
        return []

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of `nbflow worker`."""
        return group.get_command(ctx, cmd_name)


@command_group(_Alias)
def agent() -> None:
    """The same as nbflow worker: start, ls, stop."""


# ── start ────────────────────────────────────────────────────────────────────────────────


@group.command("start")
@click.option(
    "-q", "--queue", "queues", multiple=True, metavar="QUEUE", help="Serve it; repeatable. All."
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="Most runs at the same time. Default: the number of CPUs, at least 2.",
)
@click.option("--name", metavar="NAME", help="Its name. Default: the machine and the process.")
@click.option(
    "--warm/--no-warm",
    default=None,
    help="Keep a kernel ready for the next run. Default: the setting warm_kernels.",
)
@click.option(
    "--grace",
    type=Duration(),
    metavar="TIME",
    help="How long runs may go on after the worker is told to stop. Default: until they end.",
)
@click.option("--with-input", is_flag=True, hidden=True, help="Stop when the input closes.")
def start_command(**given: Any) -> int:
    """Execute runs of deployments until Ctrl-C or `nbflow worker stop`.

    Told to stop, it claims no more runs and ends when those it has are over. Told twice, it ends
    them at once; they count as crashed, and start again elsewhere if they have retries for that.
    """
    return start(StartOptions(**given))


def start(options: StartOptions) -> int:
    """Let a worker work in this process until it is told to stop."""
    from nbflow.worker.worker import Worker  # noqa: PLC0415 - slow to load

    console = make_console()
    worker = Worker(
        open_store(),
        queues=options.queues,
        limit=options.limit,
        name=options.name,
        warm=options.warm,
        grace=options.grace,
        tell=lambda line: _tell(console, line),
    )
    work = _Work(worker)
    _listen_to_signals(worker, console)
    if options.with_input:
        threading.Thread(target=_stop_with_input, args=(worker,), daemon=True).start()
    work.start()
    if work.wait_ready():
        queues = ", ".join(worker.queues) or "all queues"
        _tell(
            console,
            f"worker {worker.name} serves {queues}, {counted(worker.limit, 'run')} at a time",
        )
    work.join()
    _tell(console, f"worker {worker.name} has ended")
    return 0


class _Work(threading.Thread):
    """The worker in a thread of its own: signal handlers in the main one never meet its locks."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(name="nbflow-worker-main", daemon=True)
        self._worker = worker
        self._over = threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._worker.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._error = error
        self._over.set()

    def wait_ready(self) -> bool:
        """Wait until it works; False when it could not begin."""
        while not self._worker.ready.wait(_LOOK_SECONDS):
            if self._over.is_set():
                return False
        return True

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end; raises what ended it, if that was an error."""
        super().join(timeout)
        if self._error is not None:
            raise self._error


def _listen_to_signals(worker: Worker, console: Console) -> None:
    """Once: let runs end. Twice: end them. A closed terminal is the first."""
    first = math.inf

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal first
        del number, frame
        moment = time.monotonic()
        insists = moment - first > _SAME_WORD_SECONDS
        if first == math.inf or insists:
            worker.stop(hard=insists)
            words = _ENDING if insists else _STOPPING
            threading.Thread(target=_tell, args=(console, f"worker {worker.name}: {words}")).start()
        first = min(first, moment)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)


def _stop_with_input(worker: Worker) -> None:
    while os.read(sys.stdin.fileno(), 1_024):
        pass
    worker.stop()


def _tell(console: Console, line: str) -> None:
    try:
        say(console, f"{local_clock(now())} {line}", wrap=False)
        console.file.flush()
    except OSError:  # the terminal is gone; the runs are not
        pass


# ── ls ───────────────────────────────────────────────────────────────────────────────────


@group.command("ls")
@click.option("-a", "--all", "everyone", is_flag=True, help="Also those that have ended.")
@speech_options
def ls_command(everyone: bool, json: bool, colour: bool) -> int:
    """List the workers that live."""
    return tell_list(
        open_store().dispatch.workers(alive=not everyone),
        as_json=_as_json,
        as_table=_table,
        nothing="No worker lives. Start one: nbflow worker start",
        json=json,
        colour=colour,
    )


def _as_json(worker: WorkerRecord) -> dict[str, Any]:
    return {
        "id": str(worker.id),
        "name": worker.name,
        "owner": worker.owner,
        "queues": list(worker.queues),
        "limit": worker.limit,
        "running": worker.running,
        "version": worker.version,
        "started": worker.started.isoformat(),
        "heartbeat": worker.heartbeat.isoformat(),
        "stopped": worker.stopped and worker.stopped.isoformat(),
    }


def _table(workers: Sequence[WorkerRecord]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("name", "runs", "queues", "started", "heard of", "process"):
        table.add_column(title, no_wrap=title in {"name", "runs"}, overflow="fold")
    moment = now()
    for worker in workers:
        table.add_row(
            worker.name,
            f"{worker.running}/{worker.limit}",
            ", ".join(worker.queues) or "all",
            moment_words(worker.started, moment),
            "ended" if worker.stopped else moment_words(worker.heartbeat, moment),
            ":".join(map(str, place_of(worker.owner))),
        )
    return table


# ── stop ─────────────────────────────────────────────────────────────────────────────────


@group.command("stop")
@click.argument("name")
@click.option("--now", "at_once", is_flag=True, help="End its runs, too, instead of waiting.")
@click.option(
    "--wait", type=Duration(), metavar="TIME", help="Wait so long at most. Default: for its runs."
)
def stop_command(name: str, at_once: bool, wait: float | None) -> int:
    """Stop a worker of this machine; 1 when it goes on because its runs have not ended."""
    worker = _named(open_store(), name)
    if is_alive(worker.owner) is None:
        host, _ = place_of(worker.owner)
        raise UsageError(f"The worker {name} is on the machine {host}. Type the command there.")
    _signal(worker)
    if at_once:
        time.sleep(3 * _SAME_WORD_SECONDS)
        _signal(worker)
    console = make_console()
    if not _gone(worker, wait):
        say(console, f"The worker {name} stops when its runs have ended. At once: --now")
        return 1
    say(console, f"The worker {name} has ended.")
    return 0


def _named(store: Store, name: str) -> WorkerRecord:
    living = store.dispatch.workers()
    for worker in living:
        if worker.name == name:
            return worker
    there = ", ".join(worker.name for worker in living) or "none: nbflow worker start"
    raise ObjectNotFound(f"There is no living worker {name!r}. There are {there}.")


def _signal(worker: WorkerRecord) -> None:
    _, pid = place_of(worker.owner)
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise UsageError(
            f"The worker {worker.name} is another user's (process {pid}). Ask that user to stop it."
        ) from None


def _gone(worker: WorkerRecord, wait: float | None) -> bool:
    deadline = None if wait is None else time.monotonic() + wait
    while is_alive(worker.owner):
        if deadline is not None and time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
