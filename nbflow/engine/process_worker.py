"""The other side of `processes`: makes calls that arrive over a connection.

This module decides how a call runs in a worker process, which calls `main` with the
connection's address, and its key on stdin.
"""

from __future__ import annotations

import inspect
import io
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection
from typing import Any

import cloudpickle

from nbflow.context import FlowRunContext, LogSink, TaskRunContext, enter_flow, enter_task, tags
from nbflow.engine.outcomes import describe
from nbflow.engine.tracebacks import user_traceback
from nbflow.logging import captured_prints
from nbflow.models import FlowRun, LogRecord, TaskRun
from nbflow.settings import Settings, temporary_settings


@dataclass(frozen=True, slots=True)
class Payload:
    """What crosses to the worker, pickled by value."""

    fn: Any
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


class Line:
    """The connection to the parent: what is sent by several threads goes out whole."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, kind: str, body: Any) -> None:
        """Send one message; see `processes`."""
        with self._lock:
            self._connection.send((kind, body))

    def log(self, records: Sequence[LogRecord]) -> None:
        """Send log records."""
        self.send("logs", list(records))

    def receive_into(self, calls: queue.SimpleQueue[bytes]) -> None:
        """Take calls in; when the parent is gone, end at once, whatever is running."""
        try:
            while True:
                calls.put(self._connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


class _Forwarded(io.TextIOBase):
    """Stands in for stdout or stderr: what is printed appears where the parent prints."""

    def __init__(self, name: str, line: Line) -> None:
        self._name = name
        self._line = line
        self._parts: list[str] = []

    def write(self, text: str) -> int:
        self._parts.append(text)
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts:
            self._line.send("text", (self._name, "".join(parts)))

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"


def main(address: str) -> None:
    """Serve calls until the other side closes the connection."""
    key = sys.stdin.buffer.read()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    line = Line(Client(_parse(address), authkey=key))
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=line.receive_into, args=(calls,), daemon=True).start()
    sys.stdout, sys.stderr = _Forwarded("stdout", line), _Forwarded("stderr", line)
    while True:
        outcome = serve(calls.get(), line.log)
        sys.stdout.flush()
        sys.stderr.flush()
        line.send("outcome", outcome)


def serve(blob: bytes, sink: LogSink) -> bytes:
    """Make one call; returns the pickled (returned, value or exception)."""
    try:
        payload: Payload = cloudpickle.loads(blob)
        outcome = (True, _call(payload, sink))
    except BaseException as error:  # noqa: BLE001 - the user's code; raised again over there
        outcome = (False, error)
    return pack(outcome)


def pack(outcome: tuple[bool, Any]) -> bytes:
    """Pickle an outcome; what cannot be pickled becomes an exception that says so."""
    returned, value = outcome
    if isinstance(value, BaseException):
        return _pack_error(returned, value)
    try:
        return bytes(cloudpickle.dumps((returned, value, None)))
    except Exception as error:  # noqa: BLE001 - reducing objects is the user's code
        story = TypeError(
            f"The task's value of type {type(value).__name__} cannot be sent back from its "
            f"process ({error}). Return something picklable, or use ThreadPoolTaskRunner."
        )
        return bytes(cloudpickle.dumps((False, story, None)))


def _pack_error(returned: bool, error: BaseException) -> bytes:
    """Pickle an exception with its story, for which tracebacks do not travel.

    Whether an exception survives the journey shows only when it is unpickled: its class may
    take other arguments than those it passed on.
    """
    story = None if returned else user_traceback(error)
    try:
        blob = bytes(cloudpickle.dumps((returned, error, story)))
        pickle.loads(blob)  # noqa: S301 - what we packed a line above
    except Exception:  # noqa: BLE001 - reducing and making objects is the user's code
        substitute = RuntimeError(describe(error))
        return bytes(cloudpickle.dumps((returned, substitute, story)))
    return blob


def _call(payload: Payload, sink: LogSink) -> Any:
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
    if inspect.iscoroutine(value):
        return _run(value)
    if inspect.isasyncgen(value):
        return _run(_collect(value))
    if inspect.isgenerator(value):
        return list(value)
    return value


def _run(coroutine: Any) -> Any:
    import asyncio  # noqa: PLC0415 - slow to load, and only async tasks need it

    return asyncio.run(coroutine)


async def _collect(values: Any) -> list[Any]:
    return [value async for value in values]


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Settings.__slots__}


def _parse(address: str) -> Any:
    host, colon, port = address.rpartition(":")
    is_tcp = colon and port.isdigit() and os.sep not in host and not host.startswith("\\")
    return (host, int(port)) if is_tcp else address
