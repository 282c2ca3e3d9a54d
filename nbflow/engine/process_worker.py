"""The other side of `processes`: makes calls that arrive over a connection.

This module decides how a call runs in a worker process. Run as
`python -m nbflow.engine.process_worker ADDRESS`, with the connection's key on stdin.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection
from typing import Any

import cloudpickle

from nbflow.context import FlowRunContext, TaskRunContext, enter_flow, enter_task, tags
from nbflow.logging import captured_prints
from nbflow.models import FlowRun, LogRecord, TaskRun
from nbflow.settings import Settings, temporary_settings


@dataclass(frozen=True, slots=True)
class Payload:
    """What crosses to the worker, pickled by value."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    parameters: dict[str, Any]
    task_run: TaskRun
    flow_run: FlowRun | None
    flow_parameters: dict[str, Any]
    tags: frozenset[str]
    log_prints: bool
    settings: Settings


@dataclass(frozen=True, slots=True)
class Named:
    """Stands for a task or flow in a context, where the object itself stayed behind."""

    name: str


def main(address: str) -> None:
    """Serve calls until the other side closes the connection."""
    key = sys.stdin.buffer.read()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    with Client(_parse(address), authkey=key) as connection:
        lock = threading.Lock()
        while True:
            try:
                blob = connection.recv_bytes()
            except EOFError:
                return
            outcome = serve(blob, connection, lock)
            with lock:
                connection.send(("outcome", outcome))


def serve(blob: bytes, connection: Connection[Any, Any], lock: threading.Lock) -> bytes:
    """Make one call; returns the pickled (returned, value or exception)."""

    def sink(records: Sequence[LogRecord]) -> None:
        with lock:
            connection.send(("logs", list(records)))

    try:
        payload: Payload = cloudpickle.loads(blob)
        outcome = (True, _call(payload, sink))
    except BaseException as error:  # noqa: BLE001 - the user's code; raised again over there
        outcome = (False, error)
    return pack(outcome)


def pack(outcome: tuple[bool, Any]) -> bytes:
    """Pickle an outcome; what cannot be pickled becomes an exception that says so."""
    try:
        return bytes(cloudpickle.dumps(outcome))
    except Exception as error:  # noqa: BLE001 - reducing objects is the user's code
        returned, value = outcome
        what = "value" if returned else "exception"
        story = TypeError(
            f"The task's {what} of type {type(value).__name__} cannot be sent back from its "
            f"process ({error}). Return something picklable, or use ThreadPoolTaskRunner."
        )
        return bytes(cloudpickle.dumps((False, story)))


def _call(payload: Payload, sink: Callable[[Sequence[LogRecord]], None]) -> Any:
    context = TaskRunContext(
        payload.parameters,
        sink,
        payload.log_prints,
        task=Named(payload.task_run.task_name),
        task_run=payload.task_run,
    )
    with temporary_settings(**_fields(payload.settings)), tags(*payload.tags):
        if payload.flow_run is None:
            return _call_task(payload, context)
        flow = FlowRunContext(
            payload.flow_parameters,
            sink,
            payload.log_prints,
            flow=Named(payload.flow_run.flow_name),
            flow_run=payload.flow_run,
        )
        with enter_flow(flow):
            return _call_task(payload, context)


def _call_task(payload: Payload, context: TaskRunContext) -> Any:
    with enter_task(context), captured_prints(context):
        return complete(payload.fn(*payload.args, **payload.kwargs))


def complete(value: Any) -> Any:
    """Await or collect what a function of any kind gave back."""
    if asyncio.iscoroutine(value):
        return asyncio.run(value)
    if hasattr(value, "__anext__"):
        return asyncio.run(_collect(value))
    if hasattr(value, "__next__") and hasattr(value, "send"):
        return list(value)
    return value


async def _collect(values: Any) -> list[Any]:
    return [value async for value in values]


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Settings.__slots__}


def _parse(address: str) -> Any:
    host, colon, port = address.rpartition(":")
    is_tcp = colon and port.isdigit() and os.sep not in host and not host.startswith("\\")
    return (host, int(port)) if is_tcp else address


if __name__ == "__main__":
    main(sys.argv[1])
