"""Runs that wait for a person: `pause_flow_run`, `suspend_flow_run` and `resume_flow_run`.

This module decides where a run may pause, and what its code is given back. It must not know how
a run waits, nor how questions are kept.
"""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from nbflow.context import TaskRunContext
from nbflow.engine.pauses import Pause
from nbflow.engine.questions import Question, as_answer
from nbflow.engine.session import FlowSession, current_session
from nbflow.engine.suspension import Suspension
from nbflow.exceptions import MissingContextError, UsageError
from nbflow.models import FlowRun, TaskKind
from nbflow.store import open_store
from nbflow.tasks import CallKind

__all__ = ["pause_flow_run", "resume_flow_run", "suspend_flow_run"]


def pause_flow_run(
    wait_for_input: Any = None,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    key: str | None = None,
) -> Any:
    """Wait here until a person lets the flow run go on, and return what they entered.

    The run is Paused meanwhile: its process stays, without work, and its time limits stand
    still. Tasks that were submitted go on; only the code that calls this waits. In an async flow
    it is awaited: `await pause_flow_run()`.

    Args:
        wait_for_input: What to ask for: a pydantic model, or a type such as `str`, `int`, `date`.
        timeout: Seconds after which `RunTimeout` is raised; None: never.
        poll_interval: Not needed here: an answer is heard at once.
        key: The pause's name within the run: each is asked once, in whichever attempt.

    Returns:
        The answer: an instance of the model, a value of the type, or None.
    """
    del poll_interval
    session = _session("pause_flow_run")
    pause = Pause(session, Question(wait_for_input), key or _next_key(session, "pause"), timeout)
    return pause.wait_async() if _is_async(session) else pause.wait()


def suspend_flow_run(
    wait_for_input: Any = None, timeout: float | None = 3600, key: str | None = None
) -> Any:
    """Leave the flow run until a person lets it go on; return what they entered, then.

    Its process ends. Once somebody has answered, a worker starts the run anew: stored results of
    tasks, and task cells that have not changed, are not computed again, and this same call
    returns the answer. Only for runs of deployments. In an async flow it is awaited.

    Args:
        wait_for_input: What to ask for: a pydantic model, or a type such as `str`, `int`, `date`.
        timeout: Seconds after which an answer comes too late; None: never.
        key: The call's name within the run; default: its place among the calls of the run, which
            has to be the same each time.
    """
    session = _session("suspend_flow_run")
    _check_suspendable(session)
    pause = Pause(session, Question(wait_for_input), key or _next_key(session, "suspend"), timeout)
    return _suspend_async(pause) if _is_async(session) else _suspend(pause)


def resume_flow_run(flow_run: Any, run_input: Any = None, *, key: str | None = None) -> FlowRun:
    """Let a paused or suspended run go on, with what it asked for.

    Args:
        flow_run: The run, or its id or name.
        run_input: A mapping, an instance of the model that is asked for, or the value.
        key: Which of its questions is answered; default: the last.

    Raises `ParameterError` when the answer does not fit, and `UsageError` when the run waits for
    nothing.
    """
    store = open_store()
    run_id = getattr(flow_run, "id", flow_run)
    if not isinstance(run_id, UUID):
        run_id = store.find_flow_run(str(run_id)).id
    return store.dispatch.answer(run_id, as_answer(run_input), key=key)


# ── where a run may pause ────────────────────────────────────────────────────────────────


def _session(name: str) -> FlowSession:
    session, task = current_session(), TaskRunContext.get()
    if session is None:
        raise MissingContextError(
            f"No flow runs here. Call {name}() in a flow, or in a cell of a notebook that runs "
            "as one: nbflow run NOTEBOOK"
        )
    if task is not None and task.task_run.kind is not TaskKind.CELL:
        raise UsageError(f"A task cannot pause its flow. Call {name}() in the flow itself.")
    return session


def _is_async(session: FlowSession) -> bool:
    kind = getattr(session.flow, "kind", None)
    return kind in {CallKind.ASYNC, CallKind.ASYNC_GENERATOR}


def _next_key(session: FlowSession, kind: str) -> str:
    session.pauses[kind] += 1
    return f"{session.place}{kind}-{session.pauses[kind]}"


# ── suspending ───────────────────────────────────────────────────────────────────────────


def _check_suspendable(session: FlowSession) -> None:
    run = session.record()
    if run.deployment_id is None:
        raise UsageError(
            f"{run.name} is no run of a deployment, so nobody would start it again. Deploy the "
            "flow (nbflow deploy), or wait with pause_flow_run()."
        )
    if run.parent_id is not None:
        raise UsageError(
            f"{run.name} is a subflow, and its caller waits for it: use pause_flow_run()."
        )
    if (
        TaskRunContext.get() is not None
        and threading.current_thread() is not threading.main_thread()
    ):
        raise UsageError(
            "A cell in the background cannot suspend its run. Leave out --submit, or use "
            "pause_flow_run()."
        )


def _suspend(pause: Pause) -> Any:
    value, known = pause.recall()
    if known:
        return value
    pause.session.outstanding.wait()  # what was submitted is not cut off
    return _leave(pause)


async def _suspend_async(pause: Pause) -> Any:
    value, known = pause.recall()
    if known:
        return value
    await pause.session.outstanding.wait_async()
    return _leave(pause)


def _leave(pause: Pause) -> Any:
    message = pause.message
    pause.suspend()
    raise Suspension(message)
