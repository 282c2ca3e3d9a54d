"""The magics in a real kernel: completion, help, live views, interrupts, papermill."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import nbformat
import papermill
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook

_SECONDS = 60


@dataclass
class Reply:
    """What one request came to."""

    status: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    payload: list[dict[str, Any]] = field(default_factory=list)

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [m["content"] for m in self.messages if m["msg_type"] in kinds]

    @property
    def displays(self) -> list[dict[str, Any]]:
        return self.of("display_data", "update_display_data")

    @property
    def error(self) -> str:
        lines = [line for content in self.of("error") for line in content["traceback"]]
        return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(lines))


class Kernel:
    """A kernel and what tests ask of it."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client

    def __call__(
        self, code: str, *, when: str = "", then: Callable[[], Any] | None = None
    ) -> Reply:
        """Run a cell; once a display says `when`, do something."""
        reply = Reply("")

        def seen(message: dict[str, Any]) -> None:
            reply.messages.append(message)
            text = str(message["content"].get("data", {}).get("text/plain", ""))
            if then is not None and when in text and not done.is_set():
                done.set()
                then()

        done = threading.Event()
        answer = self.client.execute_interactive(code, timeout=_SECONDS, output_hook=seen)
        reply.status = answer["content"]["status"]
        reply.payload = answer["content"].get("payload", [])
        return reply

    def ask(self, kind: str, code: str) -> dict[str, Any]:
        wanted = getattr(self.client, kind)(code, len(code))
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            try:
                message = self.client.get_shell_msg(timeout=1)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") == wanted:
                return message["content"]
        raise TimeoutError(kind)

    def offered(self, code: str) -> list[str]:
        return self.ask("complete", code)["matches"]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("home")
    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(home), env={**_environ(), "NBFLOW_HOME": str(home / "n")}
    )
    kernel = Kernel(manager, client)
    try:
        assert kernel("%load_ext nbflow\nfrom nbflow import task\nimport time").status == "ok"
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _environ() -> dict[str, str]:
    import os

    return dict(os.environ)


# ── completion and help ──────────────────────────────────────────────────────────────────

COMPLETIONS = {
    "%%task load --in wei": ["weight", "weird"],
    "%%task load --ti": ["--timeout"],
    "%%flow etl --runner=se": ["--runner=sequential"],
    "%nbflow ru": ["run", "runs"],
    "%nbflow runs s": ["show"],
    "%nbflow run etl_of -p ": [],
    "%nbflow run etl -p ": ["amount"],
    "%nbflow run et": ["etl"],
    "%nbflow run trai": ["train.ipynb"],
    "%nbflow run train.ipynb -p ": ["days"],
    "%nbflow runs ls --state fai": ["failed"],
    "%nbflow logs lat": ["latest"],
    "%nbflow graph --the": ["--theme"],
    "%nbflow graph --theme d": ["dark"],
    "%nbflow config keep_k": ["keep_kernel_seconds"],
}


def test_tab_completes_commands_options_names_and_files(kernel):
    document = new_notebook(cells=[new_code_cell("days = 3")])
    document.cells[0].metadata["tags"] = ["parameters"]
    text = repr(nbformat.writes(document))
    kernel(f"open('train.ipynb', 'w').write({text})")
    kernel("weight, weird = 1, 2")
    kernel("%%flow etl --param amount=2\namount")
    for line, offered in COMPLETIONS.items():
        if offered:
            assert kernel.offered(line) == offered, line


def test_a_run_is_completed_by_its_name(kernel):
    kernel("%%flow named\nname = __import__('nbflow').get_run_context().flow_run.name")
    shown = kernel("print(name)").of("stream")[0]["text"].strip()
    assert kernel.offered(f"%nbflow runs show {shown[:-1]}") == [shown]


def test_python_is_completed_as_ever(kernel):
    kernel("weight = 1")
    assert "weight" in kernel.offered("weig")
    assert "weight" in kernel.offered("%%task load\nx = weig")


@pytest.mark.parametrize("magic", ["%%task", "%%flow", "%nbflow"])
def test_a_question_mark_shows_the_help(kernel, magic):
    (page,) = kernel(f"{magic}?").payload
    assert page["source"] == "page"
    text = re.sub(r"\x1b\[[\d;]*m", "", page["data"]["text/plain"])
    assert f"Usage: {magic} " in text


# ── the view ─────────────────────────────────────────────────────────────────────────────


def test_a_run_is_one_display_that_is_updated_a_few_times_a_second(kernel, tmp_path):
    kernel("from pathlib import Path")
    kernel("@task\ndef wait(file):\n    while not Path(file).exists():\n        time.sleep(0.01)")
    seen = tmp_path / "seen"
    began = time.monotonic()
    reply = kernel(f"%%flow waiting\nwait({str(seen)!r})", when="◉ wait", then=seen.touch)
    took = time.monotonic() - began
    assert len({each["transient"]["display_id"] for each in reply.displays}) == 1
    assert [m["msg_type"] for m in reply.messages].count("display_data") == 1
    assert 3 <= len(reply.displays) <= 4 * took + 4
    told = [each["data"]["text/plain"] for each in reply.displays]
    assert any("◉ running  waiting  0 of 1" in text and "◉ wait" in text for text in told)
    assert told[-1].startswith("✓ completed  waiting  1 of 1 · ")
    assert "<svg" in reply.displays[-1]["data"]["text/html"]


def test_an_interrupt_leaves_the_view_as_it_came_to_be(kernel):
    kernel("@task\ndef wait(x):\n    for _ in range(int(x * 20)):\n        time.sleep(0.05)")
    reply = kernel(
        "%%flow stopped\nleft = 1\nwait(30)", when="◉ wait", then=kernel.manager.interrupt_kernel
    )
    assert reply.status == "error"
    assert reply.error == "CancelledRun: Stopped by an interrupt."
    assert reply.displays[-1]["data"]["text/plain"].startswith("⊘ cancelled  stopped  0 of 1 · ")
    assert kernel("left").status == "error"  # nothing is published


def test_debug_inserts_one_cell(kernel):
    kernel("@task\ndef fail(x):\n    return 1 / x")
    kernel("%%flow failing\nfail(0)")
    (payload,) = kernel("%nbflow debug latest").payload
    assert payload["source"] == "set_next_input"
    assert payload["replace"] is False
    assert payload["text"].endswith(" --task fail --load\n\n1 / x")


# ── elsewhere ────────────────────────────────────────────────────────────────────────────


def test_under_papermill_the_saved_view_is_the_last_one(tmp_path):
    cells = ["%load_ext nbflow", "%%flow etl --param n=2\ntotal = n * 2", "%nbflow run etl -p n 5"]
    document = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(document, source)
    papermill.execute_notebook(source, target, kernel_name="python3", progress_bar=False)
    done = nbformat.read(target, as_version=4)
    for cell in done.cells[1:]:
        (output,) = cell.outputs
        assert output.data["text/plain"].startswith("✓ completed  etl")
        assert "completed</span>" in output.data["text/html"]


def test_under_papermill_a_failed_command_fails_the_notebook(tmp_path):
    cells = ["%load_ext nbflow", "%nbflow run nowhere.ipynb", "after = 1"]
    document = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(document, source)
    with pytest.raises(papermill.PapermillExecutionError, match=r"no notebook nowhere\.ipynb"):
        papermill.execute_notebook(source, target, kernel_name="python3", progress_bar=False)
