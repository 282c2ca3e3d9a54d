"""A notebook that is open in a browser, and what a test does with it.

This module decides how a page is asked what it is doing (through the application that it shows as
`window.jupyterapp`), what counts as done, and which errors of the page are not ours. It must not
know how servers and browsers are started.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import ConsoleMessage, Dialog, Locator, Page, Request

from tests.browser.jupyter_server import JupyterServer

#: Generous: four test processes share the machine, and the page is several megabytes of script.
DEADLINE_MS = 90_000

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

#: Errors that the page reports about Jupyter, not about us; each with its reason.
NOISE = (
    # Notebook 7 hears of a changed setting before it has loaded those of its shortcuts.
    (
        r"uncaught TypeError: Cannot read properties of undefined \(reading 'schema'\)\s+"
        r"at \S+/static/notebook/notebook_core\..*"
    ),
    # JupyterLab asks a kernel's debugger for its state just when the kernel is restarted.
    r"Could not restore the debugger state: Canceled future for debug_request message .*",
    # A kernel that ends closes its comms, which a page that restarts it has forgotten by then.
    r"Comm not found for comm id .*",
)

#: Defines `notebook`, whose methods the Python below calls.
SCRIPT = """
window.notebook = {
  running: 0,
  panel() {
    const open = [...(window.jupyterapp?.shell.widgets("main") ?? [])];
    return open.find((each) => each.content?.widgets && each.sessionContext);
  },
  idle() {
    const session = this.panel()?.sessionContext;
    const kernel = session?.session?.kernel;
    return Boolean(session?.isReady && this.panel().context.isReady && this.running === 0 &&
      kernel?.connectionStatus === "connected" && kernel.status === "idle");
  },
  async restored() {
    await window.jupyterapp.restored;
    await this.panel().revealed;
  },
  run(index) {
    const { content } = this.panel();
    content.deselectAll();
    content.activeCellIndex = index;
    this.running += 1;
    const ended = () => { this.running -= 1; };
    window.jupyterapp.commands.execute("notebook:run-cell").then(ended, ended);
  },
  save() { return this.panel().context.save(); },
};
"""


class NotebookPage:
    """One open notebook; `page` is Playwright's, for everything that is not here."""

    def __init__(self, page: Page, server: JupyterServer, path: Path, theme: str) -> None:
        self.page = page
        self.path = path
        #: What went wrong in the page so far: our errors, and calls for anything outside.
        self.errors: list[str] = []
        self._server = server
        self._theme = THEMES[theme]
        self._watch()

    def open(self) -> None:
        """Go to the notebook and wait until its kernel is idle."""
        self.page.goto(self._server.page(self.path.name), wait_until="commit")
        self._settle()

    def reload(self) -> None:
        """Load the page anew, as a user does, and wait until it is connected again.

        A cell may go on running in the kernel: then wait for what should be seen instead.
        """
        self.page.reload(wait_until="commit")
        self._settle(idle=False)

    def run(self, cell: int) -> None:
        """Run a cell, counted from 0, and return at once."""
        self.page.evaluate("index => notebook.run(index)", cell)

    def wait_idle(self) -> None:
        """Wait until every cell that was run has ended, and the kernel has nothing to do."""
        self._until("notebook.idle()")

    def run_all(self) -> None:
        """Run every cell, one after the other, to the end."""
        for index in range(self.page.evaluate("notebook.panel().content.widgets.length")):
            self.run(index)
            self.wait_idle()

    def cell(self, cell: int) -> Locator:
        """A cell, counted from 0."""
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{cell}"]')

    def output(self, cell: int) -> Locator:
        """All that a cell has shown."""
        return self.cell(cell).locator(".jp-Cell-outputArea")

    def save(self) -> NotebookNode:
        """Save it; what then stands in the file."""
        self.page.evaluate("notebook.save()")
        return nbformat.read(self.path, as_version=4)

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Keep a picture of the page, or of a part, as out/screenshots/NAME.png."""
        path = Path("out/screenshots", f"{name}.png").resolve()
        (of or self.page).screenshot(path=path)
        return path

    # ── how the page is waited for ───────────────────────────────────────────────────────

    def _settle(self, *, idle: bool = True) -> None:
        self._until("window.jupyterapp && notebook.panel()?.sessionContext?.session?.kernel")
        self.page.evaluate("notebook.restored()")
        if idle:
            self.wait_idle()
        self._wear_theme()

    def _wear_theme(self) -> None:
        change = "name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
        self.page.evaluate(change, self._theme)
        self._until("name => document.body.dataset.jpThemeName === name", self._theme)

    def _until(self, condition: str, argument: Any = None) -> None:
        self.page.wait_for_function(condition, arg=argument, timeout=DEADLINE_MS)

    # ── what goes wrong in it ────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        self.page.set_default_timeout(DEADLINE_MS)
        self.page.add_init_script(SCRIPT)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._note(f"uncaught {error.stack}"))
        self.page.on("request", self._asked)
        self.page.on("dialog", _accept)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note(f"{message.text} at {message.location['url']}")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme.startswith(("http", "ws")) and address.hostname != "127.0.0.1":
            self._note(f"asked {address.hostname} for {address.path}")

    def _note(self, error: str) -> None:
        if not any(re.fullmatch(noise, error, re.DOTALL) for noise in NOISE):
            self.errors.append(error)


def _accept(dialog: Dialog) -> None:
    """Leave a page with unsaved changes when asked whether to."""
    dialog.accept()


def write(path: Path, cells: Sequence[str | NotebookNode]) -> None:
    """Write a notebook; a text is the source of a code cell."""
    v4 = nbformat.v4
    nodes = [v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=nodes, metadata={"kernelspec": kernel}), path)
