"""The wire between this kernel and the pages that show its notebook.

This module decides how messages leave and reach the kernel: as custom messages of a widget that
is never displayed, whose JavaScript a page runs as soon as it hears of it. They belong to no
cell, so that nothing of them stands in outputs or in saved notebooks, and they are handled while
a cell runs. It must not know what the messages say.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import anywidget
import traitlets
from comm.base_comm import BaseComm

from nbflow.exceptions import NbflowError
from nbflow.interactive import kernel_here

#: What handles a message of a page.
Receiver = Callable[[Any], None]

#: Version of the widgets' protocol that ipywidgets 8 and all its front ends speak.
_PROTOCOL: Final = "2.1.0"
#: What a page may want of the widget: to say something, or to hear what it is. A page that could
#: change it would change what every other page runs.
_TAKEN: Final = frozenset({"custom", "request_state"})
#: The session numbers its messages, and threads must not get one number twice.
_sending: Final = threading.Lock()


class Channel:
    """Sends to all pages, and hears from each."""

    def __init__(self, bootstrap: str, receive: Receiver) -> None:
        """Open the channel; every page that shows the notebook runs `bootstrap` then."""
        self._model = _Model(_esm=bootstrap)
        self._model.on_msg(lambda _model, content, _buffers: receive(content))

    @property
    def id(self) -> str:
        """The id of the widget and its comm."""
        return str(self._model.model_id)

    @property
    def is_open(self) -> bool:
        """Whether pages can be reached: `Widget.close_all()`, and a page, can close any comm."""
        comm = self._model.comm
        return comm is not None and comm.is_open

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message to every page, from any thread; lost when nobody listens any more."""
        # A kernel on its way out does not concern who sends.
        with contextlib.suppress(Exception):
            self._model.send(message)

    def close(self) -> None:
        """Let pages know that nothing comes any more; calling it twice is fine."""
        with contextlib.suppress(Exception):  # as above
            self._model.close()


class _Model(anywidget.AnyWidget):
    """The widget without a view."""

    _esm = traitlets.Unicode().tag(sync=True)
    #: Not a widget of its own: nothing is laid out.
    layout = traitlets.Any(None)
    comm: Any

    def open(self) -> None:
        """Open the comm, as the base does, but our own kind."""
        if self.comm is None:
            self.comm = _Comm(
                target_name="jupyter.widget",
                data={"state": self.get_state(), "buffer_paths": []},
                metadata={"version": _PROTOCOL},
            )


class _Comm(BaseComm):
    """A comm whose messages belong to no cell, and disturb none."""

    #: Whether a page has closed it.
    _is_left = False

    def __init__(self, *args: Any, **options: Any) -> None:
        #: By thread: the message of a page that is being answered.
        self._asked = threading.local()
        super().__init__(*args, **options)

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed it."""
        return not (self._closed or self._is_left)

    def handle_close(self, msg: Any) -> None:
        """Remember that a page has closed it."""
        self._is_left = True
        super().handle_close(msg)

    def publish_msg(
        self,
        msg_type: str,
        data: Any = None,
        metadata: Any = None,
        buffers: Any = None,
        **keys: Any,
    ) -> None:
        """Send without a parent: a cell's outputs, and clients that execute cells, miss it.

        What a page asked for is the exception: it knows its answer by the parent, and waits for
        it before it shows any widget.
        """
        kernel = reachable_kernel()
        if kernel is None:
            raise NbflowError("There is no kernel to send this: call it in a notebook's cell.")
        content = packed({"data": data or {}, "comm_id": self.comm_id, **keys})
        with _sending:
            kernel.session.send(
                kernel.iopub_socket,
                msg_type,
                content,
                metadata=metadata or {},
                parent=getattr(self._asked, "message", None),
                ident=self.topic,
                buffers=buffers,
            )

    def handle_msg(self, msg: Any) -> None:
        """Pass on what a page may say, and nothing else.

        The base tells IPython that a cell began and ended, at which matplotlib shows and closes
        what the running cell has not finished drawing.
        """
        data = msg["content"].get("data")
        method = data.get("method") if isinstance(data, dict) else None
        if self._msg_callback is None or str(method) not in _TAKEN:
            return
        self._asked.message = msg if method == "request_state" else None
        try:
            self._msg_callback(msg)
        finally:
            self._asked.message = None


def reachable_kernel() -> Any:
    """The kernel that this process is, when it can speak to pages; else None."""
    kernel = kernel_here()
    return kernel if hasattr(kernel, "iopub_socket") and hasattr(kernel, "session") else None


def packed(content: Mapping[str, Any]) -> bytes:
    """JSON that every browser reads, which Python's own with its NaN is not."""
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        return json.dumps(_finite(content), allow_nan=False, separators=(",", ":")).encode()


def _finite(value: Any) -> Any:
    """The value with text in place of what JSON has no number for."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
