"""What a live view is to those who use keys, want no motion, or treat their notebook roughly."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from nbflow.widgets.static import front_end
from tests.browser.conftest import OpenNotebook
from tests.browser.jupyter_server import JupyterServer
from tests.browser.notebook_page import DEADLINE_MS, NotebookPage
from tests.browser.test_run_view import chip, shown

pytestmark = pytest.mark.skipif(front_end() is None, reason="the front end is not built")

TASKS = """
import os, time
from nbflow import flow, task

@task(log_prints=True)
def load(count):
    for line in range(count):
        print("line", line)
    return [count]

@task
def train(rows, gate):
    while not os.path.exists(gate):
        time.sleep(0.02)
    return len(rows)
"""

#: What the page does on behalf of the test; `view` is the element in whose shadow a view stands.
PULSING = """view => view.shadowRoot.getAnimations({subtree: true})
    .filter(each => each.playState === "running").length"""
#: Buttons, fields and the like that readers of screens would tell nothing about.
NAMELESS = """view => [...view.shadowRoot.querySelectorAll(
        "button, a, input, select, textarea, [role=button], [role=tab], [role=separator], [role=log]"
    )].filter(each => !(each.getAttribute("aria-label") || each.textContent.trim()
        || each.title || each.labels?.length)).map(each => each.outerHTML)"""
#: Collects what is read out without being asked for, also by views that come later.
LISTEN = """() => {
    window.spoken = [];
    const heard = records => { for (const { target } of records) {
        const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
        const region = element?.closest?.("[role=status], [aria-live=polite]");
        if (region?.textContent) spoken.push(region.textContent);
    } };
    const listen = root => {
        new MutationObserver(heard).observe(root,
            {childList: true, characterData: true, subtree: true});
        return root;
    };
    for (const view of document.querySelectorAll("nbflow-view")) listen(view.shadowRoot);
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function (init) { return listen(attach.call(this, init)); };
}"""
#: The name of what has the focus inside of a view; null where it is elsewhere.
FOCUSED = """() => {
    if (document.activeElement?.localName !== "nbflow-view") return null;
    const has = document.activeElement.shadowRoot.activeElement;
    return has.getAttribute("aria-label") || has.textContent;
}"""


def flow_cell(gate: Path) -> str:
    return f"%%flow nightly\ntrain(load(200), {str(gate)!r})"


def view_of(notebook: NotebookPage, cell: int) -> Locator:
    return notebook.output(cell).locator("nbflow-view")


def start(notebook: NotebookPage, cell: int) -> Locator:
    """Run the cell and find its view, live."""
    notebook.run(cell)
    return shown(notebook, cell)


def test_a_flow_cell_shows_itself_and_is_worked_by_keys(
    open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    notebook = open_notebook(["%load_ext nbflow\n" + TASKS, flow_cell(tmp_path / "gate")])
    notebook.run(0)
    notebook.wait_idle()
    view = start(notebook, 1)
    expect(chip(view)).to_have_text("running")
    expect(view.get_by_role("button", name=re.compile("^train, running"))).to_be_visible()
    element = view_of(notebook, 1).element_handle()
    assert element is not None
    # What runs breathes, unless the reader wants no motion.
    notebook.page.wait_for_function(f"view => ({PULSING})(view) > 0", arg=element)
    notebook.page.emulate_media(reduced_motion="reduce")
    notebook.page.wait_for_function(f"view => ({PULSING})(view) === 0", arg=element)
    for name in ("Timeline", "Logs", "Results", "Graph"):
        view.get_by_role("tab", name=name).click()
        expect(view.get_by_role("tabpanel", name=name)).to_be_visible()
        assert element.evaluate(NAMELESS) == []
        assert element.evaluate(PULSING) == 0
    notebook.page.evaluate(LISTEN)
    _walk(notebook, view)
    expect(chip(view)).to_have_text("cancelled")
    notebook.wait_idle()
    # The end is told once, and little else.
    notebook.page.wait_for_function("spoken.some(words => words.endsWith('is cancelled'))")
    spoken = notebook.page.evaluate("spoken")
    assert spoken.count("nightly is cancelled") == 1, spoken
    assert len(spoken) < 10, spoken
    assert not notebook.errors


def _walk(notebook: NotebookPage, view: Locator) -> None:
    """Through the parts of the view, and to the button that cancels."""
    press = notebook.page.keyboard.press
    focus_header = "view => view.querySelector('.nbf-rv-buttons button').focus()"
    view.evaluate(focus_header)
    _tab_to(notebook, "Graph")
    _tab_to(notebook, "train, ")  # what runs is where the keys come in
    press("ArrowUp")
    assert notebook.page.evaluate(FOCUSED).startswith("load, ")
    press("Enter")
    expect(view.get_by_role("button", name=re.compile("^load, "), pressed=True)).to_be_visible()
    _tab_to(notebook, "Graph", back=True)
    press("ArrowRight")
    press("ArrowRight")
    expect(view.get_by_role("tab", name="Logs")).to_be_focused()
    expect(view.get_by_text("only load")).to_be_visible()
    expect(view.get_by_text("line 199", exact=True)).to_be_visible()
    _tab_to(notebook, "Cancel", back=True)
    press("Enter")


def _tab_to(notebook: NotebookPage, name: str, *, back: bool = False) -> None:
    """Press Tab until what has the focus is called so."""
    passed: list[Any] = []
    while not (passed and str(passed[-1]).startswith(name)):
        notebook.page.keyboard.press("Shift+Tab" if back else "Tab")
        passed.append(notebook.page.evaluate(FOCUSED))
        assert passed[-1] is not None, f"left the view before {name}: {passed}"
        assert len(passed) < 40, passed


# ── a worker's run ───────────────────────────────────────────────────────────────────────────

DEPLOYED = TASKS + "\n@flow\ndef nightly(gate: str):\n    return train(load(3), gate)\n"


@contextmanager
def working(lab: JupyterServer) -> Iterator[None]:
    """A worker of its own process, which serves the store of the notebook's kernel."""
    command = [sys.executable, "-m", "nbflow", "worker", "start", "--no-warm"]
    worker = subprocess.Popen(
        command,
        env={**os.environ, "NBFLOW_HOME": str(lab.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def test_a_run_of_a_worker_is_watched(
    open_notebook: OpenNotebook, lab: JupyterServer, tmp_path: Path
) -> None:
    """Its cards change while it goes on elsewhere; and it is drawn in rings."""
    (lab.root / "watched_flow.py").write_text(DEPLOYED)
    gate = tmp_path / "gate"
    notebook = open_notebook(
        [
            "%load_ext nbflow\n%nbflow deploy watched_flow.py:nightly --name watched",
            f"%nbflow deployment run nightly/watched -p gate {gate}",
            "%nbflow show latest",
        ]
    )
    notebook.run_all()
    view = shown(notebook, 2)
    expect(chip(view)).to_have_text("scheduled")
    with working(lab):
        card = view.get_by_role("button", name=re.compile("^train, running"))
        expect(card).to_be_visible()
        expect(chip(view)).to_have_text("running")
        expect(view.get_by_role("button", name=re.compile("^load, completed"))).to_be_visible()
        gate.touch()
        expect(view.get_by_role("button", name=re.compile("^train, completed"))).to_be_visible()
        expect(chip(view)).to_have_text("completed")
    view.get_by_role("button", name="From the middle outwards").click()
    expect(view.locator(".nbf-g-circle").first).to_be_visible()
    for name in ("load", "train"):
        card = view.get_by_role("button", name=re.compile(f"^{name}, completed"))
        expect(card).to_be_in_viewport(ratio=1)
    notebook.screenshot("run-radial")
    assert not notebook.errors


# ── rough treatment ──────────────────────────────────────────────────────────────────────────

SHOW = "import nbflow\nfrom nbflow.widgets import RunView\nRunView('latest')"
#: A flow that goes on between the cells that ask it for its next step.
STEPS = """
@flow
def rounds():
    for count in (1, 2):
        yield load(count)

steps = rounds()
next(steps)
"""


def scale_of(view: Locator) -> float:
    return float(
        view.locator(".nbf-g-scene").evaluate("each => new DOMMatrix(each.style.transform).a")
    )


def test_views_outlast_what_is_done_to_their_notebook(
    open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    """Two of one run; hidden and back, beside themselves, without their kernel, reopened."""
    gate = tmp_path / "gate"
    gate.touch()
    notebook = open_notebook(
        ["%load_ext nbflow\n" + TASKS, flow_cell(gate), SHOW, STEPS, "list(steps)"]
    )
    for cell in range(3):
        notebook.run(cell)
        notebook.wait_idle()
    for cell in (2, 1):
        expect(chip(shown(notebook, cell))).to_have_text("completed")
    _zooms(notebook, shown(notebook, 1))
    _stays_where_it_was_read(notebook)
    _in_two_panels(notebook)
    _without_its_kernel(notebook)
    _closed_and_opened(notebook)
    _cleared_while_it_runs(notebook, gate)
    _between_two_steps(notebook)
    assert not notebook.errors


def _zooms(notebook: NotebookPage, view: Locator) -> None:
    """With Ctrl and the wheel, as touchpads tell of pinching; and with two fingers."""
    area = view.locator(".nbf-g-area")
    box = area.bounding_box()
    assert box is not None
    x, y = box["x"] + 100, box["y"] + 100
    before = scale_of(view)
    notebook.page.mouse.move(x, y)
    notebook.page.keyboard.down("Control")
    notebook.page.mouse.wheel(0, -100)
    notebook.page.keyboard.up("Control")
    _wait(notebook, lambda: scale_of(view) > before)
    before = scale_of(view)
    touch = notebook.page.context.new_cdp_session(notebook.page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 120)):
        points = [{"x": x - apart / 2, "y": y, "id": 0}, {"x": x + apart / 2, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    _wait(notebook, lambda: scale_of(view) > 1.5 * before)


def _wait(notebook: NotebookPage, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_MS / 1000
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        notebook.page.wait_for_timeout(20)  # the page goes on meanwhile


def _do(notebook: NotebookPage, command: str, cell: int = 1) -> None:
    select = "index => { const { content } = notebook.panel(); content.deselectAll();"
    notebook.page.evaluate(f"{select} content.activeCellIndex = index; }}", cell)
    notebook.page.evaluate("name => window.jupyterapp.commands.execute(name)", command)


def _stays_where_it_was_read(notebook: NotebookPage) -> None:
    """Lines in the middle of a log are found again when the view was off the page."""
    view = shown(notebook, 1)
    view.get_by_role("tab", name="Logs").click()
    expect(view.get_by_text("line 199", exact=True)).to_be_visible()
    view.get_by_role("log").evaluate("each => { each.scrollTop = 2000; }")
    expect(view.get_by_text("line 100", exact=True)).to_be_visible()
    _do(notebook, "notebook:hide-cell-outputs")
    expect(view).to_have_count(0)
    _do(notebook, "notebook:show-cell-outputs")
    expect(shown(notebook, 1).get_by_text("line 100", exact=True)).to_be_visible()
    expect(view.get_by_text("line 199", exact=True)).to_have_count(0)
    expect(view.get_by_role("button", name="To the end")).to_be_visible()


def _in_two_panels(notebook: NotebookPage) -> None:
    """New View for Notebook, and its end."""
    before = notebook.page.locator("nbflow-view").count()
    _do(notebook, "docmanager:clone")
    expect(notebook.page.locator("nbflow-view section.nbf-rv")).to_have_count(2 * before)
    notebook.page.evaluate("jupyterapp.shell.currentWidget.close()")
    expect(notebook.page.locator("nbflow-view section.nbf-rv")).to_have_count(before)


def _without_its_kernel(notebook: NotebookPage) -> None:
    """It says so, and what is known stays; with a new kernel it is live again."""
    notebook.page.evaluate("notebook.panel().sessionContext.session.kernel.restart()")
    view = shown(notebook, 1)
    expect(view.get_by_text("shown as it ended")).to_be_visible()
    expect(chip(view)).to_have_text("completed")
    notebook.wait_idle()
    notebook.run(2)
    notebook.wait_idle()
    expect(view.get_by_text("shown as it ended")).to_have_count(0)
    expect(chip(shown(notebook, 2))).to_have_text("completed")


def _closed_and_opened(notebook: NotebookPage) -> None:
    """The view of a run that is in the file is live when its notebook is opened again."""
    notebook.save()
    path = notebook.page.evaluate("notebook.panel().context.path")
    notebook.page.evaluate("notebook.panel().close()")
    expect(notebook.page.locator("nbflow-view")).to_have_count(0)
    open_it = "path => void jupyterapp.commands.execute('docmanager:open', {path})"
    notebook.page.evaluate(open_it, path)
    expect(chip(shown(notebook, 2))).to_have_text("completed")


def _cleared_while_it_runs(notebook: NotebookPage, gate: Path) -> None:
    """The run goes on, and another view of it tells of its end."""
    gate.unlink()
    notebook.run(0)
    notebook.wait_idle()
    expect(chip(start(notebook, 1))).to_have_text("running")
    _do(notebook, "notebook:clear-cell-output")
    expect(view_of(notebook, 1)).to_have_count(0)
    gate.touch()
    notebook.wait_idle()
    notebook.run(2)
    expect(chip(shown(notebook, 2))).to_have_text("completed")


def _between_two_steps(notebook: NotebookPage) -> None:
    """A generator's view goes on from cell to cell."""
    view = start(notebook, 3)
    notebook.wait_idle()
    expect(chip(view)).to_have_text("running")
    expect(view.get_by_role("button", name=re.compile("^load, completed"))).to_have_count(1)
    notebook.run(4)
    expect(chip(view)).to_have_text("completed")
    expect(view.get_by_role("button", name=re.compile("^load(-2)?, completed"))).to_have_count(2)
    notebook.wait_idle()
