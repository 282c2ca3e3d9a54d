"""Start, watch, interrupt and end a kernel.

This module guarantees that no process of a kernel stays behind: not after a clean end, nor when
the kernel or this process is killed. What is kept on purpose is another process's to end
(`parking.py`). It must not know cells or notebooks' outputs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from jupyter_client.manager import AsyncKernelManager, KernelManager

from nbflow.exceptions import KernelDied, NotebookError
from nbflow.notebooks.kernels.channels import Channels
from nbflow.notebooks.kernels.ending import KernelExit, exit_code, oom_kills
from nbflow.notebooks.kernels.guard import start_guard, stop_guard
from nbflow.notebooks.kernels.processes import kill_group, remember_children

#: Longest path of a unix socket that every platform takes (macOS: 104 bytes), less `-5`.
_LONGEST_SOCKET_PATH: Final = 100
_POLL: Final = 0.1
_KILL: Final = 9
_STDERR_TAIL: Final = 4_000
#: Kills the kernel's process group as soon as the pipe from this process closes.
_GUARD: Final = 'read -r word; [ "$word" = done ] || { kill -s KILL -- "-$1"; rm -rf -- "$2"; }'


class Kernel:
    """One kernel process, its process group and the channels to it."""

    def __init__(
        self,
        name: str,
        *,
        cwd: str | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Describe a kernel that is to be started.

        Args:
            name: Of the installed kernel.
            cwd: The folder it works in; default: this process's.
            environment: Variables beside this process's own.
            folder: What it has on disk already; default: a new private folder.
        """
        self.name = name
        self.language = ""
        self.info: dict[str, Any] = {}
        #: What the process was started with; empty until then.
        self.started_with: dict[str, str] = {}
        self._cwd = cwd
        self._environment = dict(environment or {})
        self._manager = AsyncKernelManager(kernel_name=name)
        self._folder = folder or _private_folder()
        self._guard: subprocess.Popen[bytes] | None = None
        self._exit: KernelExit | None = None
        self._oom_before = 0
        self._closed = False
        self.channels: Channels | None = None

    # ── start ────────────────────────────────────────────────────────────────────────────
    def launch(self) -> None:
        """Start the process and return at once.

        Raises `NotebookError` when its program cannot be run.
        """
        if self._cwd is not None and not Path(self._cwd).is_dir():
            self.close()
            raise NotebookError(
                f"There is no folder {self._cwd} for the kernel to work in. "
                "Create it, or name another working directory."
            )
        self._oom_before = oom_kills()
        try:
            self._address()
            with self._log_path.open("wb") as log:
                _finished(
                    self._manager.start_kernel(
                        cwd=self._cwd,
                        stdout=log,
                        stderr=log,
                        extra_arguments=self._arguments(),
                        **self._dependence(),
                    )
                )
        except OSError as error:
            self.close()
            raise NotebookError(
                f"The kernel {self.name!r} cannot be started: {error}. "
                "Reinstall it, or choose another kernel."
            ) from error
        self._guard = start_guard(self.pid, self._folder)
        self.channels = Channels(self._manager)

    def _address(self) -> None:
        # Sockets in a private folder: no ports to race for, and nobody else can connect.
        self._manager.connection_file = str(self._folder / "kernel.json")
        if _speaks_ipc(self._manager) and len(bytes(self._folder)) < _LONGEST_SOCKET_PATH - 4:
            self._manager.transport = "ipc"
            self._manager.ip = str(self._folder / "k")

    def _arguments(self) -> list[str]:
        # As nbclient does: parallel runs must not share one history database.
        return ["--HistoryManager.hist_file=:memory:"] if _is_ipykernel(self._manager) else []

    def _dependence(self) -> dict[str, Any]:
        """Whether the kernel ends by itself with this process.

        It must not where it may be kept beyond: the guard ends it, with all its children.
        """
        self.started_with = environment = {**os.environ, **self._environment}
        if sys.platform == "win32":
            return {"env": environment}
        return {"env": {**environment, "JPY_PARENT_PID": "1"}, "independent": True}

    def wait_ready(self, timeout: float, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """Wait until the kernel answers; False when `interrupted` said stop.

        Raises `KernelDied` when it died at the start or did not answer within `timeout` seconds.
        """
        assert self.channels is not None
        deadline = time.monotonic() + timeout
        while not self.info:
            self.info = self.channels.handshake(_POLL) or {}
            if self.info:
                self.language = str(self.info.get("language_info", {}).get("name", "")).lower()
                break
            if interrupted():
                return False
            if not self.is_alive():
                raise KernelDied(self._at_start(f"ended before it was ready: {self.exit}"))
            if time.monotonic() > deadline:
                raise KernelDied(
                    self._at_start(f"did not answer within {timeout:g} s")
                    + " Set NBFLOW_KERNEL_START_TIMEOUT_SECONDS to wait longer."
                )
        return True

    def _at_start(self, what: str) -> str:
        tail = self.log_tail()
        return f"The kernel {self.name!r} {what}." + (f" Its last words:\n{tail}" if tail else "")

    def obeys(self, code: str, timeout: float) -> bool:
        """Whether code runs without an error, and in time; it leaves no trace in the history.

        To be asked between cells only: messages that arrive meanwhile are lost.
        """
        if self.channels is None or not self.is_alive():
            return False
        reply = self.channels.reply_to(self.channels.execute(code, silent=True), timeout)
        return reply is not None and reply["status"] == "ok"

    # ── watch ────────────────────────────────────────────────────────────────────────────
    @property
    def pid(self) -> int | None:
        """The kernel's process, when it runs on this machine."""
        return getattr(self._manager.provisioner, "pid", None)

    @property
    def exit(self) -> KernelExit | None:
        """How the process ended; None while it runs."""
        return self._exit

    def is_alive(self) -> bool:
        """Whether the process runs. Never reaps it, so that its group id stays ours."""
        if self._exit is not None:
            return False
        process = getattr(self._manager.provisioner, "process", None)
        if process is None:
            return bool(_finished(self._manager.is_alive()))
        code = exit_code(process)
        if code is None:
            return True
        oom = code == -_KILL and oom_kills() > self._oom_before
        self._exit = KernelExit(code, oom)
        return False

    def execution_count(self, timeout: float) -> int | None:
        """How many cells the kernel has run, by its own count; None without an answer in time.

        To be asked between cells only: messages that arrive meanwhile are lost.
        """
        if self.channels is None or not self.is_alive():
            return None
        return self.channels.execution_count(timeout)

    def log_tail(self) -> str:
        """The last lines that the process itself wrote to its stderr."""
        try:
            data = self._log_path.read_bytes()[-_STDERR_TAIL:]
        except OSError:
            return ""
        lines = data.decode("utf-8", "replace").splitlines()
        return "\n".join(line for line in lines[-15:] if "without encryption" not in line).strip()

    @property
    def _log_path(self) -> Path:
        return self._folder / "kernel.log"

    # ── end ──────────────────────────────────────────────────────────────────────────────
    def interrupt(self) -> None:
        """Ask the running cell to stop, as Ctrl-C or the stop button does."""
        with contextlib.suppress(RuntimeError, OSError):
            _finished(self._manager.interrupt_kernel())

    def kill(self) -> None:
        """End the process and all of its group at once."""
        if self.pid is None:
            with contextlib.suppress(RuntimeError, OSError):
                _finished(self._manager.shutdown_kernel(now=True))
            return
        kill_group(self.pid)

    def shutdown(self, patience: float, drain: Callable[[float], object]) -> bool:
        """End the kernel: ask it first, so that its exit handlers run, then kill what is left.

        `drain` is called with seconds to receive the last output meanwhile. False when the
        kernel had to be killed.
        """
        if self.is_alive() and self.channels is not None:
            self.channels.request_shutdown()
            deadline = time.monotonic() + patience
            while self.is_alive() and time.monotonic() < deadline:
                drain(0.01)
        drain(0)
        willing = not self.is_alive()
        self.close()
        return willing

    def close(self) -> None:
        """Kill the process group, and remove everything that the kernel left here."""
        if self._closed:
            return
        self._closed = True
        self._end_process()
        if self.channels is not None:
            self.channels.close()
        stop_guard(self._guard)
        _finished(self._manager.cleanup_resources())
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end_process(self) -> None:
        process = getattr(self._manager.provisioner, "process", None)
        if process is not None:
            kill_group(process.pid)
            process.wait()
        elif self._manager.has_kernel:
            _finished(self._manager.shutdown_kernel(now=True))

    # ── parting ──────────────────────────────────────────────────────────────────────────
    @property
    def folder(self) -> Path:
        """The private folder of the kernel's files."""
        return self._folder

    @property
    def guard(self) -> subprocess.Popen[bytes] | None:
        """The process that ends the kernel as soon as nobody holds its input any more."""
        return self._guard

    def connection_file(self) -> Path:
        """A description of how to connect that stays when this process lets go of the kernel."""
        kept = self._folder / "parked.json"
        own = Path(self._manager.connection_file)
        if own != kept:  # jupyter_client removes the one that it wrote itself
            shutil.copy(own, kept)
        return kept

    def let_go(self) -> None:
        """Leave the kernel to whoever holds its guard; `close` does nothing from now on."""
        self._closed = True
        if self.channels is not None:
            self.channels.close()
        self._manager.transport = "tcp"  # or the kernel's sockets are removed, not only ours
        _finished(self._manager.cleanup_resources())
        process = getattr(self._manager.provisioner, "process", None)
        left = [each for each in (process, self._guard) if each is not None]
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
        remember_children(*left)


def _finished(work: Awaitable[Any]) -> Any:
    """Run jupyter_client's coroutine to its end, also inside a running event loop.

    Its own synchronous form leaves an open event loop behind in every thread.
    """

    async def main() -> Any:
        return await work

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _in_new_loop(main())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_in_new_loop, main()).result()


def _in_new_loop(work: Coroutine[Any, Any, Any]) -> Any:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def _private_folder() -> Path:
    """A folder for this user only, with as short a path as there is."""
    return Path(tempfile.mkdtemp(prefix="nbflow-", dir=_short_tmp())).resolve()


def _short_tmp() -> str | None:
    default = tempfile.gettempdir()
    if len(os.fsencode(default)) < _LONGEST_SOCKET_PATH // 2 or not os.access("/tmp", os.W_OK):  # noqa: S108
        return None
    return "/tmp"  # noqa: S108 - a fresh 0700 folder is made in it


def _is_ipykernel(manager: KernelManager) -> bool:
    argv = manager.kernel_spec.argv if manager.kernel_spec else []
    return any(arg.startswith("ipykernel") for arg in argv)


def _speaks_ipc(manager: KernelManager) -> bool:
    """Only a Python kernel on this machine surely does: others, and containers, get TCP."""
    if sys.platform == "win32" or not _is_ipykernel(manager):
        return False
    assert manager.kernel_spec is not None
    return Path(manager.kernel_spec.argv[0]).name.startswith("python")
