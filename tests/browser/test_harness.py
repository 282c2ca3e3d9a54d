"""A plain cell runs in a browser, in both hosts and themes, and what goes wrong there is heard."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook
from tests.browser.notebook_page import NotebookPage


@pytest.mark.parametrize(("host", "theme"), [("lab", "light"), ("notebook", "dark")])
def test_a_plain_cell_runs(open_notebook: OpenNotebook, host: str, theme: str) -> None:
    """It prints, is saved, and stands there after a reload; Jupyter alone causes no error."""
    notebook = open_notebook(["1 + 1", "print('x' * 3)"], host, theme)
    notebook.run_all()
    expect(notebook.output(1)).to_have_text("xxx")
    assert notebook.save().cells[1].outputs[0].text == "xxx\n"
    notebook.reload()
    expect(notebook.output(1)).to_have_text("xxx")
    notebook.wait_idle()
    assert (notebook.page.evaluate("document.body.dataset.jpThemeLight") == "true") is (
        theme == "light"
    )
    assert notebook.screenshot(f"harness-{host}").stat().st_size > 10_000
    assert notebook.errors == []


def test_what_goes_wrong_is_heard(open_notebook: OpenNotebook) -> None:
    """Errors of the console, uncaught ones, and calls for anything outside."""
    notebook = open_notebook([])
    notebook.page.evaluate(
        """() => {
            console.error("ours");
            setTimeout(() => { throw new Error("thrown"); });
            fetch("https://example.org/cdn.js").catch(() => undefined);
        }"""
    )
    for part in ("ours", "uncaught Error: thrown", "asked example.org for /cdn.js"):
        _wait_for_error(notebook, part)


def test_a_running_cell_is_not_waited_for(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    """`run` returns while the cell runs, and `wait_idle` when it has ended."""
    go = tmp_path / "go"
    wait = f"import os, time\nprint('begun', flush=True)\nwhile not os.path.exists({str(go)!r}):"
    notebook = open_notebook([f"{wait}\n    time.sleep(0.01)\nprint('ended')"])
    notebook.run(0)
    expect(notebook.output(0)).to_have_text("begun")
    go.touch()
    notebook.wait_idle()
    assert notebook.output(0).inner_text().split() == ["begun", "ended"]


def _wait_for_error(notebook: NotebookPage, part: str) -> None:
    deadline = time.monotonic() + 60
    while not any(part in error for error in notebook.errors):
        assert time.monotonic() < deadline, f"{part} is not among {notebook.errors}"
        notebook.page.wait_for_timeout(20)  # events of the page are heard meanwhile
