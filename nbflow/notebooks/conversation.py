"""Talking with the kernel of a running notebook: one request at a time, and all that is heard.

This module decides whose message is whose, and when a request is answered. It must not know what
the messages mean for the run, nor how they travel.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

from nbflow.notebooks.kernels.channels import Channels
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.notebooks.protocol import MESSAGE_TYPE

#: Seconds of waiting at a time.
POLL: Final = 0.1
#: Seconds of silence after a cell's reply before its missing idle message is given up.
IDLE_PATIENCE: Final = 10.0
#: Seconds to receive what a dead kernel still sent.
_LAST_WORDS: Final = 0.3

#: What a kernel answers to a request; its content.
Reply = Mapping[str, Any]


class Listener(Protocol):
    """Who wants to hear what the kernel says."""

    def hear_output(self, index: int, message: dict[str, Any]) -> bool:
        """Take in a cell's output; True when it says that the cell has gone idle."""

    def hear_news(self, index: int, content: Mapping[str, Any]) -> None:
        """Take in what the kernel tells of a cell."""

    def running_cell(self) -> int | None:
        """The cell that output belongs to which names none."""

    def meanwhile(self) -> None:
        """Do what is due while something is waited for."""

    def miss_idle(self) -> None:
        """A request was answered, but the kernel did not say that it is idle again."""


class Conversation:
    """Asks, and passes on what comes back, all in one thread."""

    def __init__(self, kernel: Kernel, channels: Channels, listener: Listener) -> None:
        self._kernel = kernel
        self._channels = channels
        self._listener = listener
        #: The cells of requests.
        self._cells: dict[str, int] = {}
        #: Requests that leave no trace in the notebook.
        self._hidden: set[str] = set()
        self._waiting_for = ""
        self._reply: Reply | None = None
        self._idle = False
        self._heard_at = 0.0

    def run_cell(
        self, index: int, code: str, *, stop_on_error: bool, metadata: Mapping[str, Any]
    ) -> Reply | None:
        """Run a cell's code, and wait until it has ended; None when the kernel died."""
        parent = self._channels.execute(code, stop_on_error=stop_on_error, metadata=metadata)
        self._cells[parent] = index
        return self._wait_for(parent)

    def run_hidden(self, code: str) -> Reply | None:
        """Run code that leaves no trace in the notebook; None when the kernel died."""
        parent = self._channels.execute(code, silent=True, stop_on_error=False)
        self._hidden.add(parent)
        return self._wait_for(parent)

    def send_hidden(self, code: str) -> None:
        """The same, without waiting: what is asked next comes after it."""
        self._hidden.add(self._channels.execute(code, silent=True))

    def receive(self, timeout: float = POLL) -> bool:
        """Pass on what has arrived; False when there was nothing."""
        heard = False
        for channel, message in self._channels.receive(timeout):
            heard = True
            if channel == "shell":
                self._take_reply(message)
            else:
                self._take_output(message)
        if heard:
            self._heard_at = time.monotonic()
        return heard

    # ── waiting ──────────────────────────────────────────────────────────────────────────
    def _wait_for(self, parent: str) -> Reply | None:
        """The reply, once its output is complete too."""
        self._reply, self._idle = None, False
        self._waiting_for = parent
        self._heard_at = time.monotonic()
        while self._reply is None or not self._idle:
            if not self.receive():
                if not self._kernel.is_alive():
                    self._receive_last_words()
                    break
                if self._reply is not None and self._is_silent_too_long():
                    self._listener.miss_idle()
                    break
            self._listener.meanwhile()
        return self._reply

    def _is_silent_too_long(self) -> bool:
        return time.monotonic() - self._heard_at >= IDLE_PATIENCE

    def _receive_last_words(self) -> None:
        end = time.monotonic() + _LAST_WORDS
        while time.monotonic() < end and self.receive(0.05):
            pass

    # ── what comes ───────────────────────────────────────────────────────────────────────
    def _take_reply(self, message: Mapping[str, Any]) -> None:
        if message["parent_header"].get("msg_id") == self._waiting_for:
            self._reply = message["content"]

    def _take_output(self, message: dict[str, Any]) -> None:
        parent = message["parent_header"].get("msg_id")
        index = self._cells.get(parent, self._place_of_strays(message, parent))
        if index is None:
            self._idle = self._idle or (parent == self._waiting_for and _says_idle(message))
        elif message["msg_type"] == MESSAGE_TYPE:
            self._listener.hear_news(index, message["content"])
        elif self._listener.hear_output(index, message):
            self._idle = self._idle or parent == self._waiting_for

    def _place_of_strays(self, message: Mapping[str, Any], parent: str | None) -> int | None:
        """Output that names no cell belongs to the running one, where there is one."""
        if parent in self._hidden or message["msg_type"] not in {"stream", "display_data"}:
            return None
        return self._listener.running_cell()


def _says_idle(message: Mapping[str, Any]) -> bool:
    return bool(message["msg_type"] == "status" and message["content"]["execution_state"] == "idle")
