"""Go on with a flow run that failed: the same run, its next attempt.

This module decides whether a run can be resumed, with which flow and parameters, and in which
kernel. Whether its kept kernel is sound to go on with is `resume_plan`'s judgement. It must not
know the command line.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from nbformat import NotebookNode

from nbflow.context import tags
from nbflow.engine import run_flow
from nbflow.engine.notebook_flow import NotebookFlow
from nbflow.engine.resume_calls import Call, call_of
from nbflow.engine.resume_plan import Continuation, Unsound, continuation
from nbflow.exceptions import NotebookError, ResumeError
from nbflow.flows import Flow
from nbflow.models import FlowKind, FlowRun, LogRecord, RunKind, StateChange
from nbflow.notebooks.document import (
    INJECTED_TAG,
    inject_parameters,
    is_remote,
    read_notebook,
    remove_error_markers,
)
from nbflow.notebooks.kernels.attached import cells_run_in, take_kernel
from nbflow.notebooks.kernels.parked import ParkedKernel
from nbflow.notebooks.kernels.parking import free_run, parked_kernel
from nbflow.owner import this_owner
from nbflow.states import State, now
from nbflow.store.base import Store, why_not_resumable

#: Finds the flow that a file of Python code defines under a name.
Loader = Callable[[Path, str], Flow[Any, Any]]


class KernelWish(str, Enum):
    """In which kernel a notebook run is to go on."""

    AUTO = "auto"  # the kept one, if that is sound
    KEPT = "kept"  # the kept one, or not at all
    NEW = "new"  # from the top in a new one

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a run is to go on."""

    run: FlowRun
    flow: Flow[Any, Any]
    parameters: Mapping[str, Any]
    #: Where the kept kernel goes on; None: from the top, in a new one where there are kernels.
    continuation: Continuation | None = None
    #: What a person should know of this, in sentences.
    notes: tuple[str, ...] = ()
    wish: KernelWish = KernelWish.AUTO


# ── planning ─────────────────────────────────────────────────────────────────────────────


def plan(
    run: FlowRun,
    *,
    wish: KernelWish = KernelWish.AUTO,
    changes: Mapping[str, Any] | None = None,
    load: Loader,
) -> Plan:
    """How a run can go on; nothing is changed yet.

    Args:
        run: The run, as it is recorded.
        wish: In which kernel.
        changes: Options of `NotebookFlow` that differ from those of the run.
        load: Finds flows of Python files.

    Raises:
        ResumeError: The run cannot go on, or not as wished; the message says why.
    """
    if (reason := why_not_resumable(run)) is not None:
        raise ResumeError(reason)
    if run.parent_id is not None:
        raise ResumeError(
            f"{run.name} is a subflow: resume the run that called it, nbflow resume "
            f"{_short(run.parent_id)}"
        )
    call = call_of(run)
    if run.kind is FlowKind.NOTEBOOK:
        return _plan_of_notebook(run, call, wish, changes or {})
    if wish is KernelWish.KEPT:
        raise ResumeError(f"{run.name} is a Python flow: it has no kernel. Leave --kernel out.")
    return Plan(run=run, flow=_python_flow(run, load), parameters=call.parameters)


def _short(run_id: UUID) -> str:
    return str(run_id)[-8:]


def _python_flow(run: FlowRun, load: Loader) -> Flow[Any, Any]:
    source = Path(run.source or "")
    if source.suffix != ".py":
        raise ResumeError(
            f"{run.name} was called in an interactive session: nothing outside of it knows the "
            f"flow {run.flow_name!r}. Call it again there."
        )
    if not source.is_file():
        raise ResumeError(
            f"The file {source} of {run.name} is not there any more. Put it back, or run the flow "
            "where it is now: nbflow run file.py:flow"
        )
    return load(source, run.flow_name)


def _plan_of_notebook(
    run: FlowRun, call: Call, wish: KernelWish, changes: Mapping[str, Any]
) -> Plan:
    flow = _notebook_flow(run, {**call.options, **changes})
    parameters = flow.bind((), call.parameters)
    made = Plan(run=run, flow=flow, parameters=parameters, wish=wish)
    if wish is KernelWish.NEW:
        return made
    try:
        found, notes = _continuation(run, flow, parameters)
    except Unsound as reason:
        return _without_kernel(made, str(reason))
    return replace(made, continuation=found, notes=notes)


def _without_kernel(made: Plan, reason: str) -> Plan:
    """The plan for a new kernel; raises `ResumeError` when only the kept one would do."""
    if made.wish is KernelWish.KEPT:
        raise ResumeError(
            f"{made.run.name} cannot go on in its kept kernel: {reason}. From the top, in a new "
            f"one: nbflow resume {_short(made.run.id)} --kernel new"
        )
    note = f"Resumed from the top, in a new kernel: {reason}."
    return replace(made, continuation=None, notes=(note,))


def _notebook_flow(run: FlowRun, options: Mapping[str, Any]) -> NotebookFlow:
    path = run.source or ""
    if not is_remote(path) and not Path(path).is_file():
        raise ResumeError(
            f"The notebook {path} of {run.name} is not there any more. Put it back, or run it "
            "where it is now: nbflow run NOTEBOOK"
        )
    return NotebookFlow(path, name=run.flow_name, **options)


def _continuation(
    run: FlowRun, flow: NotebookFlow, parameters: Mapping[str, Any]
) -> tuple[Continuation, tuple[str, ...]]:
    parked = parked_kernel(str(run.id))
    if parked is None:
        raise Unsound("no kernel of it waits")
    if parked.language != "python":
        raise Unsound(f"what cells of {parked.language} change cannot be told from their code")
    executed = _executed(run)
    found = continuation(executed, _present(flow, executed, parameters))
    return found, _notes_on(parked)


def _executed(run: FlowRun) -> NotebookNode:
    try:
        return remove_error_markers(read_notebook(run.output or ""))
    except NotebookError:
        raise Unsound(f"its executed notebook {run.output} cannot be read any more") from None


def _present(
    flow: NotebookFlow, executed: NotebookNode, parameters: Mapping[str, Any]
) -> NotebookNode:
    """The notebook as it is now, with the parameters as they were injected."""
    present = remove_error_markers(read_notebook(flow.path))
    tagged = (c for c in executed.cells if INJECTED_TAG in c.metadata.get("tags", ()))
    injected = next(tagged, None)
    if injected is not None and parameters:
        inject_parameters(present, injected.source, parameters)
    return present


def _notes_on(parked: ParkedKernel) -> tuple[str, ...]:
    count = cells_run_in(parked)
    if count is None:
        raise Unsound("its kernel does not answer: something still runs in it")
    if parked.execution_count is None or count == parked.execution_count:
        return ()
    more = count - parked.execution_count
    cells = "a cell" if more == 1 else f"{more} cells"
    return (f"Somebody ran {cells} in the kept kernel since the failure; what they did stays.",)


def continued(
    run: FlowRun, flow: NotebookFlow, parameters: Mapping[str, Any]
) -> tuple[Flow[Any, Any], tuple[str, ...]]:
    """The flow of a run that this process has taken over, going on in its kept kernel if sound.

    Gives also what a person should know of it, in sentences.
    """
    made = Plan(run=run, flow=flow, parameters=parameters)
    try:
        found, notes = _continuation(run, flow, parameters)
    except Unsound as reason:
        made = _without_kernel(made, str(reason))
        return made.flow, made.notes
    return _equipped(replace(made, continuation=found, notes=notes))


# ── carrying out ─────────────────────────────────────────────────────────────────────────


def resume(made: Plan, store: Store) -> State[Any]:
    """Carry out a plan, and return the run's final state, whatever it is.

    Raises `ResumeError` when the run was resumed by somebody else meanwhile, or when its kept
    kernel, and no other would do, has gone.
    """
    taken = store.take_over(made.run.id, this_owner(), now())
    try:
        flow, notes = _equipped(made)
    except BaseException:
        _give_back(store, made.run)
        raise
    store.add_logs([_log(made.run, note) for note in notes])
    with tags(*made.run.tags):
        state = run_flow(flow, dict(made.parameters), again=taken)
    if state.is_completed():
        free_run(str(made.run.id))  # whoever resumed in a new kernel needs the kept one no more
    return state


def _equipped(made: Plan) -> tuple[Flow[Any, Any], tuple[str, ...]]:
    """The flow, with its kept kernel in hand where it goes on in that, and what to tell."""
    if made.continuation is None or not isinstance(made.flow, NotebookFlow):
        return made.flow, made.notes
    kernel = take_kernel(str(made.run.id))
    if kernel is None:
        other = _without_kernel(made, "its kernel has ended just now")
        return other.flow, other.notes
    start, known = made.continuation.start, made.continuation.known
    note = f"Resumed in its kept kernel, at the cell {start.name!r}."
    return made.flow.continued(kernel, start.index, known), (note, *made.notes)


def _give_back(store: Store, run: FlowRun) -> None:
    state = replace(run.state, timestamp=now())
    store.set_state(StateChange(RunKind.FLOW, run.id, state, run.attempt, None, run.id))
    store.flush()


def _log(run: FlowRun, message: str) -> LogRecord:
    return LogRecord(run.id, None, logging.INFO, "nbflow.flow_runs", message, now())
