"""Worker processes for tasks: started on demand, reused, killed when their time is over.

This module decides how a call reaches another process and what comes back. It must not
decide states. The worker is a fresh Python that runs `process_worker`; it never imports the
user's script again, so scripts need no `if __name__ == "__main__"` guard.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any, Final

from nbflow.models import LogRecord

#: Seconds a worker process may take to come up.
_START_LIMIT: Final = 60.0
#: Seconds between looks at a silent worker.
_POLL: Final = 0.2

#: `-P`: the working directory is on the path only if it is on the parent's.
_PYTHON: Final = (
    sys.executable,
    "-P",
    "-c",
    "import sys; from nbflow.engine.process_worker import main; main(sys.argv[1])",
)

_Sink = Callable[[Sequence[LogRecord]], None]


@dataclass(slots=True)
class RemoteCall:
    """One call for another process, and what became of it."""

    #: What `process_worker` unpickles: see there.
    payload: bytes
    sink: _Sink
    #: Takes ("stdout" or "stderr", text): what the call printed.
    show: Callable[[str, str], None]
    timeout: float | None = None

    #: The pickled (returned, value or exception), once it came back.
    outcome: bytes | None = None
    timed_out: bool = False
    #: Why there is no outcome: the process died.
    death: str | None = None


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]

    def kill(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()


@dataclass(slots=True)
class ProcessPool:
    """Idle worker processes; a call borrows one, or starts one."""

    _idle: list[_Worker] = field(default_factory=list)
    _busy: list[_Worker] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def run(self, call: RemoteCall) -> None:
        """Make the call and fill in what became of it; blocks until then."""
        worker = self._borrow()
        try:
            _exchange(worker, call)
        except (EOFError, OSError):
            call.death = _cause_of_death(worker)
        finally:
            self._give_back(worker, usable=call.outcome is not None)

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            workers, self._idle = self._idle + self._busy, []
        for worker in workers:
            worker.kill()

    def _borrow(self) -> _Worker:
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or start_worker()
        with self._lock:
            self._busy.append(worker)
        return worker

    def _give_back(self, worker: _Worker, *, usable: bool) -> None:
        with self._lock:
            self._busy.remove(worker)
            if usable and not self._closed:
                self._idle.append(worker)
                return
        worker.kill()


def start_worker() -> _Worker:
    """Start a process and wait until it has connected."""
    key = os.urandom(32)
    with Listener(authkey=key) as listener:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*_PYTHON, _address_text(listener)],
            stdin=subprocess.PIPE,
            env=_environment(),
        )
        assert process.stdin is not None
        process.stdin.write(key)
        process.stdin.close()
        connection = _accept(listener, process)
    return _Worker(process, connection)


def _accept(listener: Listener, process: subprocess.Popen[bytes]) -> Connection[Any, Any]:
    accepted: list[Connection[Any, Any]] = []
    failure: list[BaseException] = []

    def accept() -> None:
        try:
            accepted.append(listener.accept())
        except (OSError, EOFError) as error:
            failure.append(error)

    thread = threading.Thread(target=accept, name="nbflow-accept", daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_LIMIT
    while thread.is_alive() and process.poll() is None and time.monotonic() < deadline:
        thread.join(_POLL)
    if accepted:
        return accepted[0]
    process.kill()
    process.wait()
    raise ChildProcessError(
        f"A worker process could not be started (exit code {process.returncode}). "
        f"Try `{Path(sys.executable).name} -c 'import nbflow'` in the same environment."
    )


def _address_text(listener: Listener) -> str:
    address = listener.address
    return address if isinstance(address, str) else f"{address[0]}:{address[1]}"


def _environment() -> dict[str, str]:
    # The child finds what the parent finds, notebooks' `sys.path` changes included.
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path)}


def _exchange(worker: _Worker, call: RemoteCall) -> None:
    deadline = None if call.timeout is None else time.monotonic() + call.timeout
    worker.connection.send_bytes(call.payload)
    while True:
        left = _POLL if deadline is None else min(_POLL, deadline - time.monotonic())
        if left <= 0:
            call.timed_out = True
            return
        if not worker.connection.poll(left):
            continue
        kind, body = worker.connection.recv()
        if kind == "outcome":
            call.outcome = body
            return
        if kind == "logs":
            call.sink(body)
        else:
            call.show(*body)


def _cause_of_death(worker: _Worker) -> str:
    try:
        code = worker.process.wait(timeout=_POLL)
    except subprocess.TimeoutExpired:  # its code closed the connection under us
        return "a closed connection"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
