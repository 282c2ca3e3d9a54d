"""A real kernel, and pages that speak with it as a front end's would."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

DEADLINE = 60.0
WIDGET_JS = "export const start = () => () => {};"

#: What stands for the built front end, which a checkout may not have.
SETUP = """
from pathlib import Path
from nbflow.widgets import static
static._FOLDER = Path({folder!r})
from nbflow import flow, task
from nbflow.widgets import RunView, FlowView, RunsTable, DeployForm
"""


class Kernel:
    """An IPython kernel and everything that it has published."""

    def __init__(self, folder: Path, *, setup: bool = True) -> None:
        front = folder / "static"
        front.mkdir()
        (front / "bootstrap.js").write_text("export default { initialize() {} };")
        (front / "widget.js").write_text(WIDGET_JS)
        env = {**os.environ, "NBFLOW_HOME": str(folder / "home"), "PYTHONWARNINGS": "default"}
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=env, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=DEADLINE)
        self.heard: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        if setup:
            self.run(SETUP.format(folder=str(front)))

    def _listen(self) -> None:
        while not self._ended:
            try:
                message = self.client.iopub_channel.get_msg(timeout=0.2)
            except Empty:
                continue
            with self._news:
                self.heard.append(message)
                self._news.notify_all()

    def wait_for(self, fits: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
        """Wait until something was heard; what `fits` found."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not (found := fits()):
                left = deadline - time.monotonic()
                assert left > 0, f"not heard: {what}"
                self._news.wait(left)
            return found

    # ── cells ────────────────────────────────────────────────────────────────────────────

    def start(self, code: str) -> str:
        """Run a cell; the id of its request."""
        return str(self.client.execute(code))

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell to its end, which has to be good; what it showed."""
        request = self.start(code)
        self.finish(request)
        return self.outputs(request)

    def finish(self, request: str) -> dict[str, Any]:
        """Wait for a cell's end."""
        while True:
            reply = self.client.get_shell_msg(timeout=DEADLINE)
            if reply["parent_header"].get("msg_id") == request:
                break
        assert reply["content"]["status"] == "ok", "\n".join(reply["content"].get("traceback", ()))
        self.wait_for(lambda: self.has_ended(request), "the cell's end")
        return reply["content"]

    def has_ended(self, request: str) -> bool:
        """Whether a cell's end was announced."""
        return any(
            m["msg_type"] == "status" and m["content"]["execution_state"] == "idle"
            for m in self.of(request)
        )

    def of(self, request: str) -> list[dict[str, Any]]:
        """What was published for a request."""
        return [m for m in self.heard if m["parent_header"].get("msg_id") == request]

    def outputs(self, request: str) -> list[dict[str, Any]]:
        """What a cell showed."""
        kinds = {"stream", "display_data", "execute_result", "error"}
        return [m for m in self.of(request) if m["msg_type"] in kinds]

    def is_printed(self, request: str, text: str) -> bool:
        """Whether a cell has printed a text."""
        return any(
            text in m["content"]["text"] for m in self.of(request) if m["msg_type"] == "stream"
        )

    # ── widgets ──────────────────────────────────────────────────────────────────────────

    def opened(self) -> list[dict[str, Any]]:
        """The widgets that were made, as they were announced."""
        return [m for m in self.heard if m["msg_type"] == "comm_open"]

    def bridge(self) -> str:
        """The id of the bridge's comm."""

        def find() -> str | None:
            for message in self.opened():
                if "target" not in message["content"]["data"]["state"]:
                    return str(message["content"]["comm_id"])
            return None

        return str(self.wait_for(find, "the bridge"))

    def page(self, name: str, *, subshell: bool = False) -> Page:
        """A page that shows the notebook."""
        return Page(self, self.bridge(), name, self.new_subshell() if subshell else None)

    def new_subshell(self) -> str:
        """A thread of the kernel that handles messages while cells run."""
        request = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(request)
        while True:
            reply = self.client.get_control_msg(timeout=DEADLINE)
            if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                return str(reply["content"]["subshell_id"])

    def close(self) -> None:
        """End the kernel."""
        self._ended = True
        self._thread.join()
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


class Page:
    """One load of a page."""

    def __init__(self, kernel: Kernel, bridge: str, name: str, subshell: str | None) -> None:
        self.kernel = kernel
        self.bridge = bridge
        self.name = name
        self.subshell = subshell

    def say(self, kind: str, **told: Any) -> dict[str, Any]:
        """Send a message of the page."""
        content = {"type": kind, "page": self.name, **told}
        return self.send({"method": "custom", "content": content})

    def send(self, data: Any) -> dict[str, Any]:
        """Send anything through the bridge's comm."""
        session = self.kernel.client.session
        message = session.msg("comm_msg", {"comm_id": self.bridge, "data": data})
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        self.kernel.client.shell_channel.send(message)
        return message

    def watch(self, target: dict[str, str], number: int = 1) -> None:
        """Watch a target."""
        self.say("watch", watch=number, target=target, look={"closed": None, "direction": None})

    def ask(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        """Ask something; the answer."""
        self.say("ask", ask=number, method=method, params=params)
        return self.hears(
            lambda m: m["type"] == "answer" and m["ask"] == number, f"the answer to {method}"
        )

    # ── what the page hears ──────────────────────────────────────────────────────────────

    def messages(self) -> list[dict[str, Any]]:
        """Everything that came through the bridge, to whichever page."""
        return [
            m["content"]["data"]["content"]
            for m in list(self.kernel.heard)
            if m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == self.bridge
            if m["content"]["data"].get("method") == "custom"
        ]

    def heard(self) -> list[dict[str, Any]]:
        """What was for this page, updates aside."""
        return [m for m in self.messages() if m.get("page") == self.name]

    def updates(self, number: int = 1) -> list[dict[str, Any]]:
        """The updates of a watch."""
        return [
            each["update"]
            for message in self.messages()
            if message["type"] == "updates"
            for each in message["updates"]
            if (each["page"], each["watch"]) == (self.name, number)
        ]

    def hears(self, fits: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The first message for this page that fits."""
        return self.kernel.wait_for(lambda: next(filter(fits, self.heard()), None), what)

    def sees(self, fits: Callable[[dict[str, Any]], bool], what: str, number: int = 1) -> Any:
        """The first update that fits."""
        return self.kernel.wait_for(lambda: next(filter(fits, self.updates(number)), None), what)


@contextmanager
def running_kernel(folder: Path, *, setup: bool = True) -> Iterator[Kernel]:
    """A kernel for the block."""
    kernel = Kernel(folder, setup=setup)
    try:
        yield kernel
    finally:
        kernel.close()
