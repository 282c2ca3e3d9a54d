"""Joins this kernel to the pages that show its notebook, so that views in them are live.

This module decides when there is such a bridge, and what is done about each message of a page.
There is at most one in a kernel, made for its first view; programs that run notebooks with
nobody looking get none, nor does anything that is not a kernel. It must not know how messages
travel, nor what views show.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from nbflow.notebooks.protocol import KEY
from nbflow.surfaces import in_kernel
from nbflow.widgets.messages import (
    Asking,
    Beat,
    Hello,
    Leaving,
    Looking,
    Message,
    Seeing,
    Watching,
    read,
)
from nbflow.widgets.pages import Pages
from nbflow.widgets.static import FrontEnd, front_end

if TYPE_CHECKING:  # asking for a bridge must stay cheap where there is none
    from nbflow.widgets.channel import Receiver


class Line(Protocol):
    """What carries messages to all pages."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message to every page."""

    def close(self) -> None:
        """Send nothing more."""


class Bridge:
    """Lets pages watch what this kernel can tell."""

    def __init__(self, front: FrontEnd, connect: Callable[[str, Receiver], Line]) -> None:
        from nbflow.widgets.asks import Desk  # noqa: PLC0415 - most of nbflow, for who needs it
        from nbflow.widgets.followers import follow  # noqa: PLC0415 - as above
        from nbflow.widgets.pump import Pump  # noqa: PLC0415 - as above

        self._front = front
        self._pages = Pages()
        self._line = connect(front.bootstrap, self.receive)
        self._pump = Pump(self._pages, self._line.send, follow)
        self._desk = Desk(self._line.send)

    def is_watched(self, run_id: UUID) -> bool:
        """Whether a page that is there shows the run by itself."""
        return self._pages.is_watched(run_id, time.monotonic())

    def close(self) -> None:
        """Say no more; calling it twice is fine."""
        self._pump.stop()
        self._line.close()

    def cell_runs(self, *, running: bool) -> None:
        """A cell begins or has ended: while one runs, pages may be silent."""
        if threading.current_thread() is threading.main_thread():
            self._pages.cell_runs(time.monotonic(), running=running)

    # ── what pages say ───────────────────────────────────────────────────────────────────

    def receive(self, content: Any) -> None:
        """Take in a message of a page: from any thread, soon done, never failing."""
        # It is called inside of ipykernel, which would show the error below the running cell.
        with contextlib.suppress(Exception):
            message = read(content)
            if message is not None:
                held_back = threading.current_thread() is threading.main_thread()
                self._pages.hear(message.page, time.monotonic(), is_held_back=held_back)
                self._handle(message)

    def _handle(self, message: Message) -> None:
        match message:
            case Hello():
                self._greet(message)
            case Beat():
                self._line.send({"type": "alive", "page": message.page})
            case Watching():
                self._pages.watch(message)
            case Looking():
                self._pages.look(message)
            case Seeing():
                self._pages.see(message)
            case Leaving():
                self._pages.unwatch(message)
            case Asking():
                self._desk.take(message, lambda: self._after(message))
        self._pump.wake()

    def _greet(self, hello: Hello) -> None:
        """Send the front end, unless the page has it or is about to get it."""
        code = None
        if hello.have != self._front.hash:
            if not self._pages.needs_code(hello.page, time.monotonic()):
                return
            code = self._front.code
        told = {"type": "bundle", "page": hello.page, "hash": self._front.hash, "code": code}
        self._line.send(told)

    def _after(self, asking: Asking) -> None:
        """Show at once what a button did to its run."""
        if asking.method != "run.act":
            return
        with contextlib.suppress(ValueError):  # no id: that was the answer
            self._pages.ask_for(UUID(str(asking.params.get("run"))))
            self._pump.wake()


# ── this kernel's bridge ─────────────────────────────────────────────────────────────────

_lock = threading.Lock()
_bridge: Bridge | None = None
#: A forked process is no kernel, though it looks like one.
_is_forked = False


def bridge() -> Bridge | None:
    """The bridge of this kernel, made when it is first asked for; None where views are static.

    That is outside of kernels, in notebooks that are run with nobody looking, and where the
    front end was not built.
    """
    global _bridge  # noqa: PLW0603 - one per kernel, made and forgotten only here
    with _lock:
        if _bridge is None and not _is_forked and in_kernel() and _somebody_looks():
            front = front_end()
            _bridge = _made(front) if front is not None else None
        return _bridge


def _made(front: FrontEnd) -> Bridge | None:
    from nbflow.widgets.channel import Channel, kernel_here  # noqa: PLC0415 - loads ipywidgets

    if kernel_here() is None:
        return None
    made = Bridge(front, Channel)
    made.cell_runs(running=True)
    events = _shell().events
    events.register("pre_run_cell", lambda *_: made.cell_runs(running=True))
    events.register("post_run_cell", lambda *_: made.cell_runs(running=False))
    atexit.register(made.close)
    return made


def _shell() -> Any:
    from IPython import get_ipython  # noqa: PLC0415 - in a kernel it is loaded

    return get_ipython()


def _somebody_looks() -> bool:
    """Whether a person may see what the running cell shows, while it is shown.

    nbclient, papermill and nbconvert say that nobody can be asked anything; runs of nbflow
    mark their requests.
    """
    ip = _shell()
    request = ip.get_parent() if hasattr(ip, "get_parent") else {}
    asks = request.get("content", {}).get("allow_stdin", True)
    return bool(asks) and KEY not in request.get("metadata", {})


def _after_fork() -> None:
    global _bridge, _lock, _is_forked  # threads of the parent do not exist here
    _lock, _bridge, _is_forked = threading.Lock(), None, True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

__all__: Final = ["Bridge", "bridge"]
