"""A run's view comes alive in a real page, outlasts the page, and is static without its kernel."""

from __future__ import annotations

import time
from typing import Any

import nbformat
import psutil
import pytest
from playwright.sync_api import Locator, expect

from nbflow.widgets.static import front_end
from tests.browser.conftest import OpenNotebook
from tests.browser.notebook_page import DEADLINE_MS, NotebookPage

pytestmark = pytest.mark.skipif(front_end() is None, reason="the front end is not built")

SETUP = """
import time
from nbflow import flow, get_run, task
from nbflow.settings import temporary_settings
from nbflow.widgets import RunView, RunsTable

@task
def double(number):
    return 2 * number

@flow
def etl():
    return [double(number) for number in range(3)]

with temporary_settings(inline_views=False, logging_to_console=False):
    etl()
run = get_run()
"""
VIEW = "RunView(run)"
BESIDE = "from ipywidgets import VBox\nVBox([RunView(run).widget()])"


def live(output: Locator) -> Locator:
    """What only a live view has."""
    return output.get_by_role("tab", name="Timeline")


def test_a_recorded_run_is_live_until_its_kernel_ends(open_notebook: OpenNotebook) -> None:
    """By itself and among widgets; it repaints in a new page, and is static in the end."""
    notebook = open_notebook([SETUP, VIEW, BESIDE])
    notebook.run_all()
    for cell in (1, 2):
        expect(live(notebook.output(cell))).to_be_visible()
        expect(notebook.output(cell)).to_contain_text("completed", ignore_case=True)
    assert_static(notebook.save())
    notebook.reload()
    expect(live(notebook.output(1))).to_be_visible()
    assert notebook.errors == []
    notebook.page.evaluate("notebook.panel().sessionContext.session.kernel.restart()")
    notebook.wait_idle()
    notebook.reload()
    notebook.wait_idle()
    expect(notebook.output(1).locator("nbflow-view > .nbf svg").first).to_be_visible()
    expect(notebook.output(1)).to_contain_text("completed", ignore_case=True)
    expect(live(notebook.output(1))).to_have_count(0)


def test_it_is_live_in_notebook_7(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([SETUP, VIEW], "notebook", "dark")
    notebook.run_all()
    expect(live(notebook.output(1))).to_be_visible()
    assert_static(notebook.save())
    notebook.reload()
    expect(live(notebook.output(1))).to_be_visible()
    assert notebook.errors == []


@pytest.mark.parametrize("host", ["lab", "notebook"])
def test_a_kernel_that_is_slow_to_answer_a_reload(open_notebook: OpenNotebook, host: str) -> None:
    """The page gives up to ask for all widgets at once, and asks which there are, and for each."""
    notebook = open_notebook([SETUP, VIEW, "import os\nprint(os.getpid())"], host)
    notebook.run_all()
    expect(live(notebook.output(1))).to_be_visible()
    notebook.save()
    asked_again = Sent(notebook, b'"comm_info_request"')
    kernel = psutil.Process(int(notebook.output(2).inner_text()))
    kernel.suspend()
    try:
        notebook.reload()
        asked_again.wait()
    finally:
        kernel.resume()
    expect(live(notebook.output(1))).to_be_visible()
    assert notebook.errors == []


class Sent:
    """Whether the page has sent its kernel a message that holds a text."""

    def __init__(self, notebook: NotebookPage, text: bytes) -> None:
        self._page = notebook.page
        self._is_sent = False
        self._text = text
        self._page.on("websocket", lambda wire: wire.on("framesent", self._look))

    def _look(self, frame: str | bytes) -> None:
        content = frame.encode() if isinstance(frame, str) else frame
        self._is_sent = self._is_sent or self._text in content

    def wait(self) -> None:
        """Return as soon as it has."""
        until = time.monotonic() + DEADLINE_MS / 1000
        while not self._is_sent:
            assert time.monotonic() < until
            self._page.wait_for_timeout(50)  # Playwright's events come only meanwhile


def test_a_busy_kernel_answers(open_notebook: OpenNotebook) -> None:
    """A view that is first shown while its cell goes on."""
    notebook = open_notebook([SETUP, "display(RunView(run))\ntime.sleep(300)"])
    notebook.run(0)
    notebook.run(1)
    expect(live(notebook.output(1))).to_be_visible()
    notebook.page.evaluate("notebook.panel().sessionContext.session.kernel.interrupt()")
    notebook.wait_idle()


def assert_static(document: Any) -> None:
    """The file has what every reader shows, and nothing else."""
    assert "widgets" not in document.metadata
    [output] = document.cells[1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "<script" not in output.data["text/html"]
    nbformat.validate(document)
