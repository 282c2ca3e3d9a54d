"""Notebooks in a real Chromium, on real servers of JupyterLab and Notebook 7.

    def test_it_is_live(open_notebook):
        notebook = open_notebook(["%load_ext nbflow", "%%flow\\n..."], theme="dark")
        notebook.run(0)                     # cells count from 0; returns at once
        notebook.wait_idle()                # every cell that was run has ended
        notebook.run(1)
        expect(notebook.output(1)).to_contain_text("Running")      # while it runs
        notebook.wait_idle()
        notebook.screenshot("a-run-dark")   # kept as out/screenshots/a-run-dark.png
        notebook.reload()
        expect(notebook.output(1)).to_contain_text("Completed")
        assert not notebook.errors          # of the console; Jupyter's own are not in it

`open_notebook(cells, host="lab"|"notebook", theme="light"|"dark")` gives a `NotebookPage`;
its `page` is Playwright's, `save()` returns what then stands in the file, `output(i)` and
`cell(i)` are locators (they look into shadow roots). Use Playwright's `expect`, which waits, and
never sleep. `lab` and `notebook7` are the servers (one of each per test process, made when first
asked for); `lab.home` is the `NBFLOW_HOME` of the kernels, the same for all tests of a process.
A test that fails leaves a picture in out/playwright; `--headed --slowmo 300` shows what happens.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser, BrowserType, Playwright, expect, sync_playwright

from tests.browser.jupyter_server import JupyterServer
from tests.browser.notebook_page import DEADLINE_MS, NotebookPage, write

ROOT = Path(__file__).resolve().parents[2]

#: Headless, without anything of Chromium's own that would ask somebody outside; nor can a page.
ARGUMENTS = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",  # a container's is small
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

WINDOW: Any = {"width": 1280, "height": 900}

_numbers = itertools.count(1)


class OpenNotebook(Protocol):
    """Opens a notebook made of cells; a text is a code cell's source."""

    def __call__(
        self, cells: Sequence[str | NotebookNode], host: str = "lab", theme: str = "light"
    ) -> NotebookPage: ...


# Playwright's synchronous calls keep an event loop running in the thread that started it, so that
# `asyncio.run` fails there. It ends with this folder's tests (package scope) instead of with the
# session, because the same process runs others' afterwards; what the plugin makes of it follows.


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright, for the tests of this folder."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser_type(playwright: Playwright, browser_name: str) -> BrowserType:
    """The kind of browser."""
    kind: BrowserType = getattr(playwright, browser_name)
    return kind


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium; `NBFLOW_CHROMIUM` names another."""
    found = subprocess.run([ROOT / "tools/chromium"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return {**browser_type_launch_args, "executable_path": found.stdout.strip(), "args": ARGUMENTS}


@pytest.fixture(scope="package")
def browser(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> Iterator[Browser]:
    """One browser for the tests of this folder."""
    browser = browser_type.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    """A window of the same size for all, as pictures should be."""
    return {"viewport": WINDOW}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server of JupyterLab."""
    yield from _server("lab", tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def notebook7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A server of Notebook 7."""
    yield from _server("notebook", tmp_path_factory.mktemp("notebook"))


def _server(app: str, folder: Path) -> Iterator[JupyterServer]:
    server = JupyterServer(app, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def open_notebook(
    new_context: Callable[..., Any], request: pytest.FixtureRequest
) -> Iterator[OpenNotebook]:
    """Opens notebooks, each in a window of its own; their kernels end with the test."""
    expect.set_options(timeout=DEADLINE_MS)
    used: list[JupyterServer] = []

    def opened(
        cells: Sequence[str | NotebookNode], host: str = "lab", theme: str = "light"
    ) -> NotebookPage:
        server = request.getfixturevalue({"lab": "lab", "notebook": "notebook7"}[host])
        used.append(server)
        path = server.root / f"{request.node.originalname}-{next(_numbers)}.ipynb"
        write(path, cells)
        page = new_context(color_scheme=theme).new_page()
        notebook = NotebookPage(page, server, path, theme)
        notebook.open()
        return notebook

    yield opened
    for server in used:
        server.end_kernels()
