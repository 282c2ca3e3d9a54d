"""The worker that a server brings along, in a process of its own.

This module decides how it is started, started again, and ended with the server. It must not
know what workers do.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nbflow.settings import Settings, as_environment

#: Seconds before one that ended by itself is started again: doubled each time.
_FIRST_PAUSE: Final = 1.0
_LAST_PAUSE: Final = 60.0
#: One that lived this long has proved that it can.
_PROVEN_SECONDS: Final = 60.0
#: Seconds after which a worker that was told to end is ended, beyond what its runs get.
_GRACE_SECONDS: Final = 20.0

_log = logging.getLogger("nbflow.server")


class LocalWorker:
    """A worker process that lives as long as the server."""

    def __init__(self, settings: Settings, arguments: Sequence[str] = ()) -> None:
        # It has the database at hand: asking the server would be a detour.
        self._environment = {**os.environ, **as_environment(replace(settings, api_url=""))}
        self._environment.pop("NBFLOW_API_URL", None)
        grace = settings.cancel_grace_seconds
        options = ["--with-input", "--grace", f"{grace:g}s", *arguments]
        self._command = [sys.executable, "-m", "nbflow", "worker", "start", *options]
        self._patience = grace + _GRACE_SECONDS
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="nbflow-worker", daemon=True)

    def start(self) -> None:
        """Start the worker, and whenever it ends by itself, another."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the worker to end, and wait until it has."""
        self._ending.set()
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(self._patience)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while not self._ending.is_set():
            started = time.monotonic()
            code = self._run()
            if self._ending.is_set():
                return
            if time.monotonic() - started > _PROVEN_SECONDS:
                pause = _FIRST_PAUSE
            _log.warning("The local worker ended (exit code %s); it starts again.", code)
            self._ending.wait(pause)
            pause = min(2 * pause, _LAST_PAUSE)

    def _run(self) -> int:
        """Run the worker until it ends."""
        # The pipe tells it of our own end, even of a sudden one.
        with subprocess.Popen(  # noqa: S603 - our own program
            self._command, env=self._environment, stdin=subprocess.PIPE, start_new_session=True
        ) as process:
            self._process = process
            if self._ending.is_set():  # told to end in this very moment
                process.terminate()
            return process.wait()
