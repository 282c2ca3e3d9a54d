"""A run as people see it: under its cell, while it goes on, afterwards, and after a reload."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.jupyter_server import JupyterServer
from tests.browser.notebook_page import NotebookPage

#: Retries, a map of 200 with failures, logs, results; text that would be markup wherever it could.
FLOW = """
import os
import time
from nbflow import create_markdown_artifact, create_table_artifact, flow, get_run_logger
from nbflow import log_metric, task

tries = []

@task(retries=2, retry_delay_seconds=0.3)
def load(source):
    tries.append(source)
    time.sleep(0.3)
    if len(tries) % 3:
        raise ConnectionError("the source <b>is away</b>")
    return list(range(200))

@task(log_prints=True)
def score(n):
    time.sleep(0.02)
    if n in (7, 77):
        raise ValueError(f"{n} <img src=x onerror=alert(1)>")
    if n % 20 == 0:
        print(f"scored <i>{n}</i>")
    return n

@task
def report(total):
    get_run_logger().info("made the report")
    for step in range(30):
        log_metric("loss", 1 / (step + 1), step=step)
    create_table_artifact([{"name": "<script>alert(1)</script>", "value": 2.5}], key="scores")
    create_markdown_artifact("# Report\\n\\nAll **good**. <u>raw</u>", key="report")
    return total

@flow
def everything(source="<s>here</s>", hold=0.0, gate=None):
    parts = score.map(load(source))
    for part in parts:
        part.wait()
    report(len(parts))
    get_run_logger().warning("holding")
    time.sleep(hold)
    while gate and not os.path.exists(gate):  # a test has not seen enough
        time.sleep(0.05)
    return parts
"""

CALL = "everything(return_state=True).name"


def gated(folder: Path) -> str:
    """The call, which ends no sooner than there is a file named gate."""
    return CALL.replace("(", f"(gate={str(folder / 'gate')!r}, ", 1)


def chip(view: Locator) -> Locator:
    return view.locator(".nbf-rv-head .nbf-chip")


def shown(notebook: NotebookPage, cell: int) -> Locator:
    """The live view under a cell, on the screen: what nobody sees is not told what happens."""
    view = notebook.output(cell).locator("nbflow-view").locator("section.nbf-rv")
    expect(view).to_be_attached()
    view.scroll_into_view_if_needed()
    return view


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_run_is_seen_while_it_goes_on(
    open_notebook: OpenNotebook, tmp_path: Path, theme: str
) -> None:
    notebook = open_notebook([FLOW, gated(tmp_path)], theme=theme)
    notebook.run(0)
    notebook.wait_idle()
    notebook.run(1)
    view = shown(notebook, 1)
    expect(chip(view)).to_have_text("running")
    graph = view.get_by_role("tabpanel")
    # The cards come, one by one, and change while the cell is busy.
    expect(graph.get_by_role("button", name=re.compile("^load, "))).to_be_visible()
    expect(graph.get_by_text(re.compile("^try [23]$")).first).to_be_visible()
    expect(graph.get_by_text(re.compile(r"^\d+/200")).first).to_be_visible()
    notebook.screenshot(f"run-running-{theme}")
    (tmp_path / "gate").touch()
    notebook.wait_idle()
    expect(chip(view)).to_have_text("failed")
    expect(graph.get_by_text("198/200 · 2 failed").first).to_be_visible()
    expect(view.get_by_text("7 <img src=x onerror=alert(1)>").first).to_be_visible()
    expect(view.get_by_text(re.compile(r"^In\[1\], line \d+, in score"))).to_be_visible()
    notebook.screenshot(f"run-failed-{theme}")
    for name in ("Timeline", "Logs", "Results"):
        view.get_by_role("tab", name=name).click()
        if name == "Logs":
            expect(view.get_by_text("scored <i>20</i>").first).to_be_visible()
        if name == "Results":
            expect(view.get_by_text("<script>alert(1)</script>").first).to_be_attached()
        notebook.screenshot(f"run-{name.lower()}-{theme}")
    # What was text stayed text, wherever it stands.
    hostile = 'img[src=x], script, u, s, b:has-text("is away"), i:has-text("20")'
    assert view.locator(hostile).count() == 0
    assert not notebook.errors


def test_logs_stream_and_a_card_chooses_its_own(
    open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    notebook = open_notebook([FLOW, gated(tmp_path)])
    notebook.run(0)
    notebook.wait_idle()
    notebook.run(1)
    view = shown(notebook, 1)
    view.get_by_role("tab", name="Logs").click()
    expect(view.get_by_text("holding")).to_be_visible()  # while the cell still runs
    expect(chip(view)).to_have_text("running")
    (tmp_path / "gate").touch()
    notebook.wait_idle()
    view.get_by_role("tab", name="Graph").click()
    view.get_by_role("button", name=re.compile("^report")).click()
    view.get_by_role("tab", name="Logs").click()
    expect(view.get_by_text("made the report")).to_be_visible()
    expect(view.get_by_text("holding")).to_have_count(0)
    assert not notebook.errors


@pytest.mark.parametrize("host", ["lab", "notebook"])
def test_cancel_ends_a_cell_that_sleeps(open_notebook: OpenNotebook, host: str) -> None:
    notebook = open_notebook([FLOW, "everything(hold=600)"], host=host)
    notebook.run(0)
    notebook.wait_idle()
    notebook.run(1)
    view = shown(notebook, 1)
    expect(view.get_by_text("holding").first).to_be_visible()
    view.get_by_role("button", name="Cancel").click()
    expect(chip(view)).to_have_text("cancelled")
    notebook.wait_idle()
    expect(view.get_by_role("button", name="Cancel")).to_have_count(0)
    notebook.screenshot(f"run-cancelled-{host}")
    assert not notebook.errors


@pytest.mark.parametrize("host", ["lab", "notebook"])
def test_a_reload_paints_it_again(open_notebook: OpenNotebook, host: str) -> None:
    notebook = open_notebook([FLOW, CALL], host=host)
    notebook.run_all()
    expect(chip(shown(notebook, 1))).to_have_text("failed")
    saved = notebook.save()
    notebook.reload()
    view = shown(notebook, 1)
    expect(chip(view)).to_have_text("failed")
    view.get_by_role("tab", name="Timeline").click()
    expect(view.get_by_text("load").first).to_be_visible()
    assert not notebook.errors
    _is_static(saved)


def test_a_run_of_another_process_is_followed(
    open_notebook: OpenNotebook, lab: JupyterServer, tmp_path: Path
) -> None:
    script = tmp_path / "elsewhere.py"
    script.write_text(f"{FLOW}\nif __name__ == '__main__':\n    everything(hold=601)\n")
    environ = {**os.environ, "NBFLOW_HOME": str(lab.home)}
    other = subprocess.Popen([sys.executable, str(script)], env=environ, stderr=subprocess.DEVNULL)
    try:
        look = (
            "import nbflow, time\n"
            "def is_it(run): return run.state.is_running() and run.parameters.get('hold') == 601\n"
            "while not (found := list(filter(is_it, nbflow.list_runs()))):\n"
            "    time.sleep(0.1)\n"
            "found[0]"
        )
        notebook = open_notebook([look])
        notebook.run(0)
        view = shown(notebook, 0)
        expect(chip(view)).to_have_text("running")
        expect(view.get_by_text("198/200 · 2 failed").first).to_be_visible()
        view.get_by_role("button", name="Cancel").click()  # its process is told to end
        expect(chip(view)).to_have_text("cancelled")
        assert not notebook.errors
    finally:
        other.terminate()
        other.wait(60)


def test_without_widgets_the_static_form_stands(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([FLOW, CALL])
    notebook.page.route(re.compile("/extensions/anywidget/"), lambda route: route.abort())
    notebook.page.reload()
    notebook.reload()
    notebook.run_all()
    static = notebook.output(1).locator("nbflow-view")
    static.scroll_into_view_if_needed()
    expect(static.locator(".nbf-chip")).to_have_text("failed")
    expect(static.locator(".nbf-graph svg")).to_be_visible()
    notebook.screenshot("run-static")
    _is_static(notebook.save())


def _is_static(saved: nbformat.NotebookNode) -> None:
    """What stands in the file needs no script and no network."""
    assert "widgets" not in saved.metadata
    outputs = [output for cell in saved.cells for output in cell.get("outputs", ())]
    views = [
        each.data for each in outputs if "nbflow-view" in each.get("data", {}).get("text/html", "")
    ]
    assert views
    for data in views:
        assert set(data) == {"text/html", "text/plain"}
        assert "<script" not in data["text/html"]
        assert "<svg" in data["text/html"]
        assert not re.search(r"(src|href)=[\"']?(https?:)?//", data["text/html"])
        assert "198/200" in data["text/plain"]
