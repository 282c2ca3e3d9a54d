"""Everything that people and programs can name, said as an attack, is shown as text."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.notebook_page import NotebookPage

#: What would run, load, steer or reorder wherever it is not text: `hacked` would be defined.
FLOW = r"""
import logging
from nbflow import create_image_artifact, create_link_artifact, create_markdown_artifact
from nbflow import create_progress_artifact, create_table_artifact, flow, get_run_logger
from nbflow import log_metric, task
from nbflow.widgets import DeployForm, FlowView, RunsTable

SVG = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' onload='hacked=1'/%3E"

def evil(where, half="\ud800"):
    tags = "<img src=x onerror=hacked=1></script><script>hacked=1</script><blink>{{7*7}}</blink>"
    return f"{where}{tags}\" onmouseover=\"hacked=1' ]]>--> \x1b[2J\x1b]0;owned\x07\u202egnp\u2066{half}\x00 &lt;i&gt; end"

@task(name=evil("task-"), tags=[evil("tasktag-")], log_prints=True)
def step(value, __proto__=1):
    print(evil("printed-", half=""))
    print("[link](javascript:hacked=1) javascript:hacked=1 data:text/html,<script>hacked=1</script>")
    get_run_logger().error(evil("logged-"))
    logging.getLogger("nbflow").warning("x" * 100_000)
    create_markdown_artifact(
        evil("markdown-") + "\n\n<script>hacked=1</script><iframe srcdoc='<script>hacked=1</script>'>"
        "</iframe><svg onload=hacked=1><a href='javascript:hacked=1'>one</a><form action=x><style>*{display:none}</style>"
        "\n\n[two](javascript:hacked=1) [three](data:text/html,hacked) [four](\tjava\tscript:hacked=1)"
        "\n\n![five](http://evil.example/tracks.png) ![six](javascript:hacked=1) ![seven](" + SVG + ")",
        key="evil-markdown", description=evil("described-"),
    )
    create_table_artifact([{evil("column-"): evil("cell-"), "__proto__": "constructor"}], key="evil-table")
    create_link_artifact("java\tscript:hacked=1", evil("linktext-"), key="evil-link")
    create_image_artifact(image_url="http://evil.example/watch.png", key="evil-image")
    create_progress_artifact(33.0, key="evil-progress", description=evil("progress-"))
    log_metric("__proto__", float("nan"))
    raise ValueError(evil("error-"))

@flow(name=evil("flow-", half=""), flow_run_name=evil("run-"), description=evil("about-"))
def attack(place=evil("default-"), **others):
    step(place)

def run():
    others = {evil("parameter-"): evil("value-"), "__proto__": {"polluted": 1}, "constructor": "toString"}
    try:
        attack(**others)
    except BaseException:
        pass
run()

from pathlib import Path
Path("form.py").write_text(f'''
from nbflow import flow
@flow(name={evil("deployed-", half="")!r}, description={evil("about-", half="")!r})
def form(place: str = {evil("default-", half="")!r}, __proto__: int = 1, constructor: str = "c"):
    pass
''')
"""

VIEWS = ["RunsTable()", "FlowView(attack)", "DeployForm('form.py:form')"]
#: Elements and attributes that only what was told could bring in.
FOREIGN = (
    "script, iframe, form[action], svg[onload], blink, [onmouseover], [onerror],"
    " img:not([src^='data:image/']), [href^='javascript'], [href^='data']"
)

#: What all objects of the page have.
SHARED = "Object.getOwnPropertyNames(Object.prototype)"


def test_everything_nasty_is_text(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([FLOW, *VIEWS])
    dialogs: list[str] = []
    notebook.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    shared = notebook.page.evaluate(SHARED)
    notebook.run_all()
    view = notebook.output(0).locator("nbflow-view").locator("section.nbf-rv")
    view.scroll_into_view_if_needed()
    says(view, "flow-", "task-", "error-")
    view.get_by_role("button", name=re.compile("arameters")).first.click()
    says(view, "parameter-", "value-")
    notebook.screenshot("hostile-run")
    for tab, words in {
        "Timeline": ["task-"],
        "Logs": ["printed-", "logged-", "javascript:hacked=1"],
        "Results": ["markdown-", "column-", "cell-", "linktext-", "described-"],
    }.items():
        view.get_by_role("tab", name=tab).click()
        says(view, *words)
    for cell, words in enumerate((["flow-", "run-"], ["task-"], ["deployed-", "about-"]), 1):
        other = notebook.output(cell).locator("nbflow-view")
        other.scroll_into_view_if_needed()
        says(other, *words)
    notebook.screenshot("hostile-deploy")
    harmless(notebook, shared, dialogs)


def says(view: Locator, *words: str) -> None:
    """The words are there to be read, with the tags after them."""
    for word in words:
        found = word if ":" in word else re.compile(f"{re.escape(word)}(<img|.{{0,6}}…)")
        expect(view.get_by_text(found).first).to_be_attached()


def harmless(notebook: NotebookPage, shared: list[str], dialogs: list[str]) -> None:
    """Nothing of what was told has run, opened, loaded or changed anything."""
    assert notebook.page.evaluate("typeof hacked") == "undefined"
    assert notebook.page.evaluate(SHARED) == shared
    foreign = (
        notebook.page.locator("nbflow-view")
        .locator(FOREIGN)
        .evaluate_all("found => found.map((each) => each.outerHTML)")
    )
    assert not foreign
    assert not dialogs
    assert not notebook.errors
