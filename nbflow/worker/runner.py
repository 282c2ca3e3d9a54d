"""The process that executes one run, and nothing else.

This module decides how such a process begins and ends: started for a run (`RUN_ID TOKEN`), or
ahead of one (`--ahead KERNEL`), when it loads what runs need, starts a kernel, and waits for
the order as a line on its standard input. As soon as its worker is gone, and its input closes
with that, it ends with all that it started. Exit code 0 says that the run's state is
recorded. It must not know how runs are claimed, nor what executing one means.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final, NoReturn
from uuid import UUID

from nbflow.models.deployments import Fence
from nbflow.worker.orders import AHEAD, READY, Order, read_line

#: Seconds that threads of the user's own may keep a process whose run is recorded.
_LEAVING: Final = 10.0
#: Seconds a kernel that waits gets to start.
_KERNEL_START: Final = 60.0
_LINE: Final = 65_536


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the run that the arguments, or the first line of input, name."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _own_signals()
    worker = _Worker()
    if given[0] == AHEAD:
        ahead = _Ahead(given[1], worker)
        fence = ahead.wait_for_order()
    else:
        ahead, fence = None, Fence(UUID(given[0]), int(given[1]))
    worker.watch()
    # Here, and not above: a kernel that is started ahead boots meanwhile.
    from nbflow.worker.execution import execute  # noqa: PLC0415

    code = execute(fence, ahead)
    threading.Thread(target=_leave, args=(code,), name="nbflow-leave", daemon=True).start()
    return code


def _own_signals() -> None:
    """A worker in the background ignores Ctrl-C; its runs must not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def _leave(code: int) -> None:
    time.sleep(_LEAVING)
    os._exit(code)


class _Ahead:
    """What is done for a run before it is known."""

    def __init__(self, kernel: str, worker: _Worker) -> None:
        from nbflow.notebooks import ahead  # noqa: PLC0415 - runs of functions need no kernel

        ahead.start(kernel)
        from nbflow.worker.loading import load  # noqa: PLC0415 - while the kernel boots

        load()
        self._ready = ahead
        self._worker = worker

    def wait_for_order(self) -> Fence:
        """Wait until the run is known, and take over its environment."""
        self._ready.get_ready(_KERNEL_START, self._worker.says_something)
        self._worker.tell_ready()
        order = self._worker.order()
        os.environ.clear()
        os.environ.update(order.environment)
        return order.fence

    def discard(self) -> None:
        """End the kernel that waits."""
        self._ready.discard()

    def restart(self, fence: Fence) -> NoReturn:
        """Become a process that was started for the run, with nothing loaded ahead."""
        self._worker.hand_on()
        command = Order(fence, {}).command()
        os.execv(command[0], command)  # noqa: S606 - this interpreter, our own arguments


class _Worker:
    """The process that started this one, at the other end of its standard input."""

    def __init__(self) -> None:
        self._input = os.dup(0)
        self._output = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)  # the run's code has nobody to ask
        os.dup2(2, 1)  # what it prints goes where its errors go
        os.close(nothing)

    def says_something(self) -> bool:
        """Whether there is an order, or nobody any more to give one."""
        if os.name == "nt":  # pipes cannot be asked there
            return False
        return bool(select.select([self._input], [], [], 0)[0])

    def tell_ready(self) -> None:
        """Say that an order can come."""
        os.write(self._output, READY)

    def order(self) -> Order:
        """Wait for the order."""
        line = b""
        while not line.endswith(b"\n"):
            part = os.read(self._input, _LINE)
            if not part:
                _end_everything()
            line += part
        return read_line(line)

    def watch(self) -> None:
        """End this process, and all that it started, as soon as the worker is gone."""
        os.close(self._output)
        threading.Thread(target=self._watch, name="nbflow-worker-watch", daemon=True).start()

    def _watch(self) -> None:
        while os.read(self._input, _LINE):
            pass
        _end_everything()

    def hand_on(self) -> None:
        """Give the connection back to standard input, for the program that comes next."""
        os.dup2(self._input, 0)


def _end_everything() -> NoReturn:
    from nbflow.worker.processes import end_tree  # noqa: PLC0415 - mostly never needed

    end_tree(os.getpid())
    os._exit(1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # cancelled before anything of the run began
        sys.exit(128 + signal.SIGINT)
