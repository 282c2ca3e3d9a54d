"""Flows before they run, lists of runs and the form that deploys, as people use them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook

FLOW = """
from nbflow import flow, task
from nbflow.widgets import DeployForm, FlowView, RunsTable, RunView

@task
def double(n):
    return 2 * n

@flow
def doubled(n: int = 3):
    return double(double(n))
"""


def test_a_flow_is_seen_before_it_runs(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([FLOW, "FlowView(doubled)"])
    notebook.run_all()
    view = notebook.output(1).locator("nbflow-view")
    expect(view.get_by_text("2 steps")).to_be_visible()
    expect(view.get_by_role("button", name=re.compile("^double"))).to_have_count(2)
    assert not notebook.errors


def test_a_list_of_runs_opens_one(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([FLOW, "doubled()\ndoubled(4)", "RunsTable(flow='doubled')"])
    notebook.run_all()
    view = notebook.output(2).locator("nbflow-view")
    view.scroll_into_view_if_needed()
    rows = view.get_by_role("row").filter(has_text="doubled")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button", expanded=False).first.click()
    run = view.locator("section.nbf-rv")
    expect(run.locator(".nbf-rv-head .nbf-chip")).to_have_text("completed")
    expect(run.get_by_text("2 of 2")).to_be_visible()
    run.scroll_into_view_if_needed()
    notebook.screenshot("runs-table")
    assert not notebook.errors


def test_the_form_deploys(open_notebook: OpenNotebook) -> None:
    cells = [
        FLOW,
        "DeployForm(doubled)",
        "import nbflow.cli.main\n%load_ext nbflow",
        "%nbflow deployment ls",
    ]
    notebook = open_notebook(cells)
    notebook.save()  # what is deployed is the notebook
    notebook.run(0)
    notebook.wait_idle()
    notebook.run(1)
    notebook.wait_idle()
    view = notebook.output(1).locator("nbflow-view")
    view.scroll_into_view_if_needed()
    view.get_by_label("Name").fill("nightly")
    view.get_by_role("radio", name="Every day").check()
    expect(view.get_by_text(re.compile("every day at", re.IGNORECASE)).first).to_be_visible()
    notebook.screenshot("deploy-form")
    view.get_by_role("button", name="Deploy").click()
    expect(view.get_by_text(re.compile("/nightly")).last).to_be_visible()
    for cell in (2, 3):
        notebook.run(cell)
        notebook.wait_idle()
    expect(notebook.output(3).get_by_text("nightly")).to_be_visible()
    assert not notebook.errors


def test_views_stand_in_layouts_of_widgets(open_notebook: OpenNotebook) -> None:
    layout = "from ipywidgets import VBox\nVBox([RunView('latest').widget(), RunsTable().widget()])"
    notebook = open_notebook([FLOW, "doubled()", layout])
    notebook.run_all()
    views = notebook.output(2).locator("nbflow-view")
    expect(views).to_have_count(2)
    expect(views.first.locator(".nbf-rv-head .nbf-chip")).to_have_text("completed")
    assert not notebook.errors
