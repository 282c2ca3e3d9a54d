"""What is done about each message of a page.

This module decides how watches and questions of pages come to those who answer them. It brings
most of nbflow with it, so it is loaded with the first page. It must not know how messages travel,
nor what views show.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

from nbflow.widgets.asks import Desk
from nbflow.widgets.channel import Channel, Receiver, reachable_kernel
from nbflow.widgets.followers import follow
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
from nbflow.widgets.open_pages import Pages
from nbflow.widgets.pump import Pump
from nbflow.widgets.static import FrontEnd


class Line(Protocol):
    """What carries messages to all pages."""

    @property
    def is_open(self) -> bool:
        """Whether pages can still be reached."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message to every page."""

    def close(self) -> None:
        """Send nothing more."""


class Bridge:
    """Lets pages watch what this kernel can tell."""

    def __init__(self, front: FrontEnd, connect: Callable[[str, Receiver], Line]) -> None:
        self._front = front
        self._pages = Pages()
        self._line = connect(front.bootstrap, self.receive)
        self._pump = Pump(self._pages, self._line.send, follow)
        self._desk = Desk(self._line.send)

    @property
    def is_open(self) -> bool:
        """Whether pages can still be reached by it."""
        return self._line.is_open

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


def open_bridge(front: FrontEnd) -> Bridge | None:
    """A bridge of this kernel to its pages; None where there is no kernel."""
    return Bridge(front, Channel) if reachable_kernel() is not None else None
