"""What the buttons of a run's view do.

This module decides which buttons apply to a run as it is, and carries them out. Whether a run
can be cancelled, retried or resumed is its store's to say; this only offers what it would allow.
"""

from __future__ import annotations

import threading
from typing import Any, Final
from uuid import UUID

from nbflow.cli.cancel import end_run
from nbflow.engine import under_way
from nbflow.exceptions import NbflowError, UsageError
from nbflow.models import FlowRun
from nbflow.runs import Run, get_run
from nbflow.store import Store
from nbflow.wording import state_word

_CANCEL: Final = {
    "name": "cancel",
    "label": "Cancel",
    "title": "End the run; what it has done so far is kept.",
}
_RETRY: Final = {
    "name": "retry",
    "label": "Retry",
    "title": "Let the run start anew, from its beginning.",
}
_RESUME: Final = {
    "name": "resume",
    "label": "Resume",
    "title": "Let the run go on from where it failed.",
}
_ANSWER: Final = {
    "name": "answer",
    "label": "Go on",
    "title": "Answer the run, which waits for a person.",
}
#: Seconds for which a button waits for the end that it asked for, and a process gets to obey.
_PATIENCE: Final = 1.0
_GRACE: Final = 10.0


def actions_of(run: FlowRun, store: Store) -> list[dict[str, str]]:
    """The buttons of a run as it is."""
    state = run.state
    if state.is_paused():
        return [_ANSWER, *([_CANCEL] if run.parent_id is None else [])]
    if not state.is_settled():
        return [] if state.is_cancelling() else [_CANCEL]
    if state.is_completed() or store.dispatch.queued(run.id) is None:
        return []  # one that was called is called again by its caller
    return [_RESUME, _RETRY]


def act(run_id: UUID, action: str, answer: Any = None, *, store: Store | None = None) -> str:
    """Do what a button says, and tell it in a sentence; raises `NbflowError` where it cannot be."""
    run = get_run(run_id, store=store)
    match action:
        case "cancel":
            return _cancel(_root(run))
        case "retry":
            return f"{run.retry().name} will start anew."
        case "resume":
            return f"{run.resume().name} will go on."
        case "answer":
            run.resume(answer)
            return f"{run.name} goes on."
    raise UsageError(f"Nothing is known of {action!r}. Choose cancel, retry, resume or answer.")


def _root(run: Run) -> Run:
    """The run that was called; its subflows end with it."""
    while run.record.parent_id is not None:
        run = get_run(run.record.parent_id, store=run.store)
    return run


def _cancel(run: Run) -> str:
    if run.state.is_settled():
        raise UsageError(f"{run.name} has ended already: it {state_word(run.state.name)}.")
    if under_way.interrupt(run.id):
        return f"{run.name} is being interrupted."
    if run.store.dispatch.queued(run.id) is not None:
        asked = run.cancel()
        if asked.state.is_settled():
            return f"{run.name} waits for a worker no more."
        return f"The worker of {run.name} was asked to end it."
    return _end_process(run)


def _end_process(run: Run) -> str:
    """End the process that executes the run, in the background where that takes its time."""
    told: list[str] = []
    refused: list[NbflowError] = []

    def end() -> None:
        try:
            told.extend(end_run(str(run.id), _GRACE).did)
        except NbflowError as error:
            refused.append(error)

    thread = threading.Thread(target=end, name="nbflow-cancel", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if refused:
        raise refused[0]
    did = ", then ".join(told) or "its process was told to end"
    return f"{run.name}: {did}."
