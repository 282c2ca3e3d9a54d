"""What a cell shows, noted on its way out.

This module decides how messages and printed text become outputs of the notebook format. It
must not know IPython: messages come from hooks, printed text from a stand-in for the streams.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from nbflow.cells.records import Output
from nbflow.streams import StandIn, standing_in

_lock: Final = threading.Lock()


class Recording:
    """Takes messages on their way out and keeps them as outputs."""

    def __init__(self, *, withhold: bool = False) -> None:
        self.outputs: list[Output] = []
        #: True: noted only, not shown.
        self.withhold = withhold
        self._ids: dict[str, int] = {}

    def __call__(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Note a message and pass it on, unless it is withheld."""
        kind = message.get("msg_type") or message["header"]["msg_type"]
        content = message["content"]
        if kind in {"display_data", "execute_result"}:
            self._shown(kind, content)
        elif kind == "update_display_data":
            self._updated(content)
        elif kind == "error":
            self.outputs.append({"output_type": "error", **content})
        elif kind == "clear_output":
            self.outputs.clear()
        return None if self.withhold else message

    def printed(self, name: str, text: str) -> None:
        """Note text written to `stdout` or `stderr`."""
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream" and last.get("name") == name:
            self.outputs[-1] = {**last, "text": last["text"] + text}
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": text})

    def _shown(self, kind: str, content: Mapping[str, Any]) -> None:
        display_id = content.get("transient", {}).get("display_id")
        if display_id is not None:
            self._ids[display_id] = len(self.outputs)
        data, metadata = dict(content["data"]), dict(content.get("metadata", {}))
        self.outputs.append({"output_type": kind, "data": data, "metadata": metadata})

    def _updated(self, content: Mapping[str, Any]) -> None:
        place = self._ids.get(content.get("transient", {}).get("display_id", ""))
        if place is not None and place < len(self.outputs):
            self.outputs[place] = {**self.outputs[place], "data": dict(content["data"])}


# ── printed text ─────────────────────────────────────────────────────────────────────────

_listening: ContextVar[Recording | None] = ContextVar("nbflow_recording", default=None)


class _Ear(StandIn):
    """What is written belongs to the recording of the context."""

    def hear(self, text: str) -> int:
        recording = _listening.get()
        if recording is not None:
            with _lock:
                recording.printed(self.place, text)
            if recording.withhold:
                return len(text)
        return self.stream.write(text)


@contextlib.contextmanager
def heard(recording: Recording) -> Iterator[None]:
    """Note what is printed in this context inside the block."""
    token = _listening.set(recording)
    try:
        with standing_in(_Ear, "stdout", "stderr"):
            yield
    finally:
        _listening.reset(token)
