"""One run, from its claim to its last state, in the process that is there for it.

This module decides how a claimed run becomes a call of the engine, and that whatever goes
wrong on the way is recorded as the run's failure, in one sentence, with the traceback in its
log. It must not know how its process was started, nor what a worker is.
"""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NoReturn, Protocol
from uuid import UUID

from nbflow.context import tags
from nbflow.engine import run_flow
from nbflow.engine.outcomes import describe
from nbflow.exceptions import LeaseLost, NbflowError, UsageError
from nbflow.flows import Flow
from nbflow.logging import print_what_is_not_recorded
from nbflow.models import FlowKind, FlowRun, LogRecord, RunKind, StateChange
from nbflow.models.deployments import DeploymentVersion, Fence
from nbflow.notebooks.at_start import modules_in
from nbflow.owner import this_owner
from nbflow.settings import get_settings
from nbflow.states import Failed, now
from nbflow.store import Store, open_store
from nbflow.worker.orders import LOST
from nbflow.worker.sources import Place, flow_of, place_of, settle_in

_INTERRUPTED: Final = 128 + signal.SIGINT
#: The state of a run that goes on from where it stopped, instead of starting over.
_RESUMED: Final = "Resuming"
_LOGGER: Final = "nbflow.flow_runs"


class StartedAhead(Protocol):
    """What was done for a run before it was known."""

    def discard(self) -> None:
        """End the kernel that waits."""

    def restart(self, fence: Fence) -> NoReturn:
        """Start this process again, with nothing loaded that the run could take for its own."""


def execute(fence: Fence, ahead: StartedAhead | None = None) -> int:
    """Execute a claimed run, and return this process's exit code: 0 once it is recorded."""
    print_what_is_not_recorded()  # the worker records what comes out of this process
    try:
        store = open_store(fence=fence)
        source = _Source(store, fence.run_id)
        if ahead is not None:
            _without_mistakes(source, ahead, fence)
        _run(store, source, fence)
        store.flush()
    except LeaseLost:
        return LOST
    except KeyboardInterrupt:  # before its code began
        return _INTERRUPTED
    return 0


class _Source:
    """The version that a run is of, and where its code lies here; found once."""

    def __init__(self, store: Store, run_id: UUID) -> None:
        self._store = store
        self._run_id = run_id
        self._found: tuple[DeploymentVersion, Place] | None = None

    def find(self) -> tuple[DeploymentVersion, Place]:
        """The version and its place; raises `NbflowError` when either is not there any more."""
        if self._found is None:
            version = self._version()
            fetch = self._store.deployments.snapshot
            self._found = version, place_of(version, get_settings().home, fetch)
        return self._found

    def _version(self) -> DeploymentVersion:
        queued = self._store.dispatch.queued(self._run_id)
        if queued is None or queued.deployment_id is None or queued.version is None:
            raise UsageError("The deployment of this run was deleted. Deploy the flow again.")
        return self._store.deployments.version(queued.deployment_id, queued.version)


def _without_mistakes(source: _Source, ahead: StartedAhead, fence: Fence) -> None:
    """See to it that a function imports its own modules, not namesakes that are loaded."""
    try:
        version, place = source.find()
    except (NbflowError, OSError):  # told when the run begins
        return
    if version.spec.kind is FlowKind.NOTEBOOK:
        return
    ahead.discard()
    own = {name for folder in place.path for name in modules_in(folder)}
    if any(name.partition(".")[0] in own for name in sys.modules):
        ahead.restart(fence)


def _run(store: Store, source: _Source, fence: Fence) -> None:
    run = store.dispatch.start(fence, this_owner())
    try:
        with tags(*run.tags):
            flow, parameters = _prepared(store, source, run)
            state = run_flow(flow, parameters, again=run)
    except LeaseLost:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - finding the flow runs the user's file
        _fail(store, run, error)
        return
    if state.is_completed() and run.attempt:
        _free_kept_kernel(run)


def _prepared(store: Store, source: _Source, run: FlowRun) -> tuple[Flow[Any, Any], dict[str, Any]]:
    version, place = source.find()
    settle_in(place, version.spec.kind)
    flow, parameters = flow_of(place, version, run.flow_name), dict(run.parameters)
    if version.spec.kind is FlowKind.NOTEBOOK and run.state.name == _RESUMED:
        return _going_on(store, run, flow, parameters), parameters
    return flow, parameters


# ── going on ─────────────────────────────────────────────────────────────────────────────


def _going_on(
    store: Store, run: FlowRun, flow: Flow[Any, Any], parameters: Mapping[str, Any]
) -> Flow[Any, Any]:
    from nbflow.engine.notebook_flow import NotebookFlow  # noqa: PLC0415 - not for functions
    from nbflow.engine.resume import continued  # noqa: PLC0415 - first attempts need it not

    assert isinstance(flow, NotebookFlow)
    going_on, notes = continued(run, flow, flow.bind((), dict(parameters)))
    store.add_logs([_log(run, logging.INFO, note) for note in notes])
    return going_on


def _free_kept_kernel(run: FlowRun) -> None:
    from nbflow.notebooks.kernels.parking import free_run  # noqa: PLC0415 - as above

    with suppress(OSError):
        free_run(str(run.id))


# ── failing before the flow began ────────────────────────────────────────────────────────


def _fail(store: Store, run: FlowRun, error: BaseException) -> None:
    """Record why the run did not get as far as its flow."""
    if store.flow_run(run.id).state.is_settled():  # its own end is recorded
        raise error
    failed = replace(Failed(message=describe(error)), timestamp=now())
    store.add_logs([_log(run, logging.ERROR, "".join(traceback.format_exception(error)))])
    store.set_state(StateChange(RunKind.FLOW, run.id, failed, run.attempt, None, run.id))


def _log(run: FlowRun, level: int, message: str) -> LogRecord:
    return LogRecord(run.id, None, level, _LOGGER, message, now())
