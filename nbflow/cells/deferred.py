"""Output of background cells for clients that stop listening when a cell has replied.

nbclient, and so papermill and nbconvert, drop what comes for a cell after its reply. But they
follow updates of what a cell has displayed, as long as some cell is running. So a background
cell shows an empty display at once, and this module decides what fills it later. It must not
know tasks.
"""

from __future__ import annotations

import base64
import html
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from nbflow.cells.records import Output
from nbflow.wording import without_escapes


class Mailbox:
    """What background cells have to show, until some cell can carry it."""

    def __init__(self, publish: Any) -> None:
        self._publish = publish
        self._waiting: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def place(self) -> str:
        """An empty display under the running cell; returns its id."""
        name = f"nbflow-{uuid4().hex}"
        self._publish(data={"text/plain": ""}, metadata={}, transient={"display_id": name})
        return name

    def put(self, place: str, outputs: Sequence[Output]) -> None:
        """Fill a display, as soon as a cell runs."""
        if outputs:
            with self._lock:
                self._waiting[place] = bundle_of(outputs)

    def deliver(self) -> None:
        """Fill the displays that are waiting; called while a cell is running."""
        with self._lock:
            ready, self._waiting = self._waiting, {}
        for place, data in ready.items():
            self._publish(data=data, metadata={}, transient={"display_id": place}, update=True)


def bundle_of(outputs: Sequence[Output]) -> dict[str, str]:
    """Several outputs as one: as text, and as HTML when any of them is more than text."""
    data = {"text/plain": "\n".join(map(_as_text, outputs)).rstrip("\n")}
    if any(_is_rich(output) for output in outputs):
        data["text/html"] = "\n".join(map(_as_html, outputs))
    return data


def _is_rich(output: Output) -> bool:
    return any(kind != "text/plain" for kind in output.get("data", ()))


def _as_text(output: Output) -> str:
    match output["output_type"]:
        case "stream":
            return str(output["text"]).removesuffix("\n")
        case "error":
            return without_escapes("\n".join(output["traceback"]))
    return str(output["data"].get("text/plain", ""))


def _as_html(output: Output) -> str:
    data: Mapping[str, Any] = output.get("data", {})
    if "text/html" in data:
        return str(data["text/html"])
    for kind in ("image/svg+xml", "image/png", "image/jpeg"):
        if kind in data:
            return f'<img alt="" src="data:{kind};base64,{_encoded(kind, data[kind])}">'
    return f"<pre>{html.escape(_as_text(output))}</pre>"


def _encoded(kind: str, image: Any) -> str:
    if isinstance(image, bytes) or kind == "image/svg+xml":
        raw = image if isinstance(image, bytes) else str(image).encode()
        return base64.b64encode(raw).decode("ascii")
    return str(image).strip()  # a message carries it encoded already
