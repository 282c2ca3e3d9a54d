"""Talk to a kernel: send requests, receive replies and output, lose nothing.

This module decides how messages travel. It must not know what they mean beyond the
handshake. The output socket has no high-water mark: libzmq's own thread takes messages off
the wire whatever this process does, so a flood waits here instead of being dropped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import zmq
from jupyter_client.manager import KernelManager

Message: TypeAlias = dict[str, Any]

#: Seconds after which an unanswered kernel_info request is repeated.
_ASK_AGAIN: Final = 1.0
#: Most messages handled before timers get their turn.
_BATCH: Final = 500
_RECONNECT_MS: Final = 10
#: Seconds of waiting at a time.
_POLL: Final = 0.1


class Channels:
    """The sockets to one kernel; to be used from one thread."""

    def __init__(self, manager: KernelManager) -> None:
        info = manager.get_connection_info(session=True)
        self.session: Any = info["session"]
        self._url = _url_maker(info)
        self._context: zmq.Context[Any] = zmq.Context()
        self._shell = self._connect(zmq.DEALER, "shell")
        self._control = self._connect(zmq.DEALER, "control")
        self._iopub = self._connect(zmq.SUB, "iopub")
        self._poller = zmq.Poller()
        self._poller.register(self._shell, zmq.POLLIN)
        self._poller.register(self._iopub, zmq.POLLIN)
        self._asked_at = 0.0
        self._heard = False
        self._reply: Message | None = None

    def _connect(self, kind: int, channel: str) -> zmq.Socket[Any]:
        socket: zmq.Socket[Any] = self._context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = 0
        socket.sndhwm = 0
        socket.reconnect_ivl = _RECONNECT_MS  # the kernel binds while we wait already
        if kind == zmq.SUB:
            socket.subscribe(b"")
        else:
            socket.identity = self.session.bsession
        socket.connect(self._url(channel))
        return socket

    # ── handshake ────────────────────────────────────────────────────────────────────────
    def handshake(self, timeout: float) -> Message | None:
        """Ask who is there; the kernel_info content once shell and output both work.

        Call again until it answers. Both must be heard: a subscription that has not yet
        arrived would lose the first output.
        """
        if time.monotonic() - self._asked_at > _ASK_AGAIN:
            self.request("kernel_info_request", {})
            self._asked_at = time.monotonic()
        for channel, message in self.receive(timeout):
            if channel == "iopub":
                self._heard = True
            elif message["msg_type"] == "kernel_info_reply":
                self._reply = message["content"]
        if self._reply is not None and not self._heard:
            self._asked_at = 0.0  # its busy and idle will tell that output arrives
        return self._reply if self._heard else None

    # ── messages ─────────────────────────────────────────────────────────────────────────
    def request(
        self, kind: str, content: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> str:
        """Send a request on the shell channel and return its id."""
        message = self.session.msg(kind, content=dict(content), metadata=metadata)
        self.session.send(self._shell, message)
        return str(message["header"]["msg_id"])

    def execute(
        self,
        code: str,
        *,
        silent: bool = False,
        stop_on_error: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Send code to run, and return the request's id."""
        return self.request(
            "execute_request",
            {
                "code": code,
                "silent": silent,
                "store_history": not silent,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": stop_on_error,
            },
            metadata,
        )

    def send(self, message: Message) -> None:
        """Send a ready message on the shell channel (a comm message, for widgets)."""
        self.session.send(self._shell, message)

    def request_shutdown(self) -> None:
        """Ask the kernel to end."""
        message = self.session.msg("shutdown_request", content={"restart": False})
        self.session.send(self._control, message)

    def receive(self, timeout: float) -> Iterator[tuple[str, Message]]:
        """Messages as (`shell` | `iopub`, message), waiting up to `timeout` for the first."""
        ready = dict(self._poller.poll(max(0, round(timeout * 1000))))
        # Replies first: an output that follows its own reply is routed by parent all the same.
        if self._shell in ready:
            yield from self._take("shell", self._shell)
        if self._iopub in ready:
            yield from self._take("iopub", self._iopub)

    def reply_to(self, asked: str, timeout: float) -> Message | None:
        """The content of the reply to a request; None when it does not come in time.

        To be asked between cells only: messages that arrive meanwhile are lost.
        """
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            for channel, message in self.receive(min(left, _POLL)):
                if channel == "shell" and message["parent_header"].get("msg_id") == asked:
                    return dict(message["content"])
        return None

    def execution_count(self, timeout: float) -> int | None:
        """How many cells the kernel has run, by its own count; None without an answer in time.

        To be asked between cells only: messages that arrive meanwhile are lost.
        """
        reply = self.reply_to(self.execute("", silent=True), timeout)
        return None if reply is None else int(reply.get("execution_count") or 0)

    def _take(self, channel: str, socket: zmq.Socket[Any]) -> Iterator[tuple[str, Message]]:
        for _ in range(_BATCH):
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                _, parts = self.session.feed_identities(frames)
                yield channel, self.session.deserialize(parts)
            except (ValueError, TypeError):  # unsigned or malformed: not from our kernel
                continue

    def close(self) -> None:
        """Close the sockets."""
        self._context.destroy(linger=0)


def _url_maker(info: Mapping[str, Any]) -> Any:
    separator = "-" if info["transport"] == "ipc" else ":"

    def url(channel: str) -> str:
        return f"{info['transport']}://{info['ip']}{separator}{info[f'{channel}_port']}"

    return url
