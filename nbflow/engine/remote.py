"""A task call as it travels to a worker process and back.

This module decides what is packed and how endings are understood. It must not decide
states.
"""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle

from nbflow.context import FlowRunContext, TaskRunContext, current_tags
from nbflow.engine.process_worker import Payload
from nbflow.engine.processes import RemoteCall
from nbflow.exceptions import ProcessDied, SerializationError, TaskRunTimeout
from nbflow.logging import show_text
from nbflow.parameters.model import to_call
from nbflow.settings import get_settings
from nbflow.tasks import Task


class RemoteTraceback(Exception):
    """The story of an exception, told by the process where it happened."""

    def __init__(self, story: str) -> None:
        super().__init__(f"in the task's process:\n{story}")


def prepare(task: Task[..., Any], run: TaskRunContext) -> RemoteCall:
    """Pack a call, inside its run's context.

    Raises `SerializationError` naming what cannot be pickled.
    """
    args, kwargs = to_call(task.signature, run.parameters)
    flow = FlowRunContext.get()
    payload = Payload(
        fn=task.fn,
        args=args,
        kwargs=kwargs,
        parameters=dict(run.parameters),
        task_run=run.task_run,
        flow_run=flow.flow_run if flow else None,
        flow_parameters=dict(flow.parameters) if flow else {},
        tags=current_tags(),
        log_prints=run.log_prints,
        settings=get_settings(),
    )
    return RemoteCall(_pack(payload, task), run.sink, show_text, task.timeout_seconds)


def _pack(payload: Payload, task: Task[..., Any]) -> bytes:
    try:
        return bytes(cloudpickle.dumps(payload))
    except Exception as error:  # reducing objects is the user's code
        culprit = next((n for n, v in payload.parameters.items() if not _picklable(v)), None)
        what = f"argument {culprit!r}" if culprit else "function"
        raise SerializationError(
            f"The {what} of task {task.name!r} cannot be sent to another process ({error}). "
            "Use ThreadPoolTaskRunner, or create it inside the task."
        ) from error


def _picklable(value: Any) -> bool:
    try:
        cloudpickle.dumps(value)
    except Exception:  # noqa: BLE001 - reducing objects is the user's code
        return False
    return True


def value_of(call: RemoteCall) -> Any:
    """The value that came back; raises what the call raised over there."""
    if call.timed_out:
        raise TaskRunTimeout(
            f"Exceeded its time limit of {call.timeout:g} seconds; its process was killed."
        )
    if call.outcome is None:
        raise ProcessDied(
            f"The task's process ended with {call.death} before the task did. "
            "It may have run out of memory, or its code ended Python."
        )
    try:
        returned, value, story = pickle.loads(call.outcome)  # noqa: S301 - from our own child
    except Exception as error:
        raise SerializationError(
            f"The task's value cannot be read back from its process ({error})."
        ) from error
    if returned:
        return value
    if story:
        value.__cause__ = value.__cause__ or RemoteTraceback(story)
    raise value
