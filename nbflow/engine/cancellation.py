"""How a run that another process executes is told to end.

This module decides which process that is, what it is sent, the gentler first, and when a run
counts as ended. A run of a deployment is its worker's to end, wherever that is; one that was
called is told here, on its own machine. It must not know who wants the end, nor what is said
of it.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from nbflow.exceptions import UsageError
from nbflow.models import FlowRun
from nbflow.owner import is_alive, place_of, this_owner
from nbflow.store import Store
from nbflow.wording import state_word

_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Step:
    """One way to tell a process that it shall end."""

    signal: int
    #: What was done to the process then, in words.
    did: str


#: The gentler first; the last one ends a process that has nothing to say about it.
STEPS: Final = (
    (Step(signal.SIGINT, "interrupted"), Step(signal.SIGTERM, "told to end"))
    if os.name == "posix"
    else (Step(signal.SIGTERM, "ended"),)
)


def cancel_run(store: Store, run_id: UUID, *, step: Step, wait: float) -> FlowRun:
    """Tell a run to end, and return it as it is then: as soon as it has settled, or after `wait`.

    Raises `UsageError` for one that has ended, or that cannot be told from here, and
    `ObjectNotFound` for one that is gone.
    """
    abandoned = store.close_abandoned(datetime.now(UTC))
    run = store.flow_run(run_id)
    if run_id in abandoned:
        return run
    refuse_ended(run)
    if store.dispatch.queued(run_id) is not None:
        store.dispatch.cancel(run_id)
        return wait_for_end(store, run_id, wait)
    owner = process_of(store, run)
    tell(owner, step)
    return wait_for_end(store, run_id, wait, owner)


def refuse_ended(run: FlowRun) -> None:
    """Raise `UsageError` for a run that needs no end any more."""
    if run.state.is_settled():
        was = "was " if run.state.is_cancelled() else ""
        raise UsageError(
            f"The run {run.name} has ended already: it {was}{state_word(run.state.name)}. "
            "There is nothing to cancel."
        )


def process_of(store: Store, run: FlowRun) -> str:
    """The process that executes a called run; raises `UsageError` when it cannot be told."""
    if run.parent_id is not None:
        parent = store.flow_run(run.parent_id)
        raise UsageError(
            f"{run.name} is a subflow of {parent.name}, and ends with it: "
            f"nbflow cancel {str(parent.id)[-8:]}"
        )
    owner = run.owner
    if owner is None:
        raise UsageError(f"No process is known to execute {run.name}. Look again: nbflow runs ls")
    if owner == this_owner():
        raise UsageError(f"{run.name} runs in this very process: interrupt it here instead.")
    if is_alive(owner) is None:
        host, pid = place_of(owner)
        raise UsageError(
            f"{run.name} runs on the machine {host} (process {pid}). Type this there: "
            f"nbflow cancel {str(run.id)[-8:]}"
        )
    return owner


def tell(owner: str, step: Step) -> bool:
    """Send a process a signal; False when it is known to ignore that one.

    Raises `UsageError` for another user's process.
    """
    pid = place_of(owner)[1]
    if _ignores(pid, step.signal):  # as what a script starts in the background ignores Ctrl-C
        return False
    try:
        os.kill(pid, step.signal)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise UsageError(
            f"The process {pid} is another user's. Ask that user to end the run."
        ) from None
    return True


def _ignores(pid: int, number: int) -> bool:
    """Whether a process is known to ignore a signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    masks = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")]
    return bool(masks) and bool(int(masks[0], 16) >> (number - 1) & 1)


def wait_for_end(store: Store, run_id: UUID, seconds: float, owner: str = "") -> FlowRun:
    """The run once it has settled, or after so long.

    A process, `owner`, that leaves without a word has crashed.
    """
    deadline = time.monotonic() + seconds
    while True:
        gone = bool(owner) and is_alive(owner) is False
        if gone:
            store.close_abandoned(datetime.now(UTC))
        run = store.flow_run(run_id)
        left = deadline - time.monotonic()
        if run.state.is_settled() or gone or left <= 0:
            return run
        for _ in store.watch(run_id, timeout=min(left, _LOOK_SECONDS)):
            pass  # each batch is only a reason to look again
