"""The static forms of views, of runs in a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbflow import flow, get_run, task
from nbflow.exceptions import FailedRun, ObjectNotFound, UsageError, VisualizationError
from nbflow.runs import Run
from nbflow.settings import temporary_settings
from nbflow.widgets import DeployForm, FlowView, RunsTable, RunView, bridge
from nbflow.widgets.registry import shown, store_of

ODD = "<img src=x onerror=alert(1)>"


@task
def double(number: int) -> int:
    return 2 * number


@task(name=ODD)
def odd() -> None:
    raise ValueError(f"{ODD} is bad")


@flow
def etl() -> list[int]:
    return [double(number) for number in range(3)]


@flow(name=f"flow {ODD}")
def bad() -> None:
    odd()


@flow
def choosy(number: int) -> int:
    return number + double(number)


@pytest.fixture
def runs() -> Iterator[dict[str, Run]]:
    """One run that completed and one that failed."""
    with temporary_settings(logging_to_console=False):
        etl()
        good = get_run()
        with pytest.raises((FailedRun, ValueError)):
            bad()
        yield {"good": good, "bad": get_run()}


def forms(view: Any) -> dict[str, str]:
    data: dict[str, str] = view._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain"}
    assert data["text/html"].startswith("<nbflow-view ")
    assert data["text/html"].endswith("</nbflow-view>")
    assert "<script" not in data["text/html"]
    assert "<img" not in data["text/html"]
    assert "http" not in data["text/html"].replace("http://www.w3.org/", "")
    return data


def test_a_run_is_its_header_and_picture(runs: dict[str, Run]) -> None:
    run = runs["good"]
    data = forms(RunView(run))
    assert f'<nbflow-view run="{run.id}">' in data["text/html"]
    for words in ("Completed", "etl", "3 of 3", "<svg"):
        assert words in data["text/html"]
    assert data["text/plain"].splitlines()[0].startswith("✓ completed  etl  3 of 3")
    assert RunView(run).text == data["text/plain"]


def test_a_failure_is_told_as_text(runs: dict[str, Run]) -> None:
    data = forms(RunView(runs["bad"].id))
    assert "is bad" in data["text/plain"]
    assert "&lt;img" in data["text/html"]


@pytest.mark.parametrize("part", ["id", "end", "name"])
def test_a_run_is_found(runs: dict[str, Run], part: str) -> None:
    run = runs["good"]
    reference = {"id": str(run.id), "end": str(run.id)[-8:], "name": run.name}[part]
    assert RunView(reference).run.id == run.id


def test_the_last_run_is_meant(runs: dict[str, Run]) -> None:
    assert RunView().run.id == runs["bad"].id
    assert store_of(RunView().run.id) is runs["bad"].store


def test_there_has_to_be_a_run() -> None:
    with pytest.raises(ObjectNotFound):
        RunView("nobody")


def test_a_flow_is_drawn_before_it_runs() -> None:
    view = FlowView(etl)
    data = forms(view)
    assert data["text/html"].count("double") >= 1
    assert "double" in data["text/plain"]
    assert shown.get(data["text/html"].split('"')[1]) is view
    assert len(view.graph.nodes) >= 1


def test_a_notebook_is_drawn_before_it_runs(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(text) for text in ("rows = [1]", "total = sum(rows)")]
    path = tmp_path / "sums.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    for target in (path, str(path)):
        assert "total" in FlowView(target).text
    assert 'kind="deploy"' in forms(DeployForm(path))["text/html"]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(VisualizationError):
        FlowView(choosy)
    for odd_target in (3, "latest", b"bytes"):
        with pytest.raises(UsageError, match="RunView"):
            FlowView(odd_target)  # type: ignore[arg-type]


def test_runs_are_listed_newest_first(runs: dict[str, Run]) -> None:
    data = forms(RunsTable())
    names = [runs["bad"].name, runs["good"].name]
    assert [data["text/plain"].index(name) for name in names] == sorted(
        data["text/plain"].index(name) for name in names
    )
    assert data["text/html"].count("<tr>") == 3


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ({"flow": "etl"}, ["good"]),
        ({"states": ["failed"]}, ["bad"]),
        ({"states": ["FAILED", "COMPLETED"]}, ["bad", "good"]),
        ({"text": "no such"}, []),
        ({"tags": ["nightly"]}, []),
    ],
)
def test_runs_are_chosen(runs: dict[str, Run], where: dict[str, Any], fits: list[str]) -> None:
    text = RunsTable(**where).text
    assert [name for name in ("bad", "good") if runs[name].name in text] == fits
    assert ("No run fits." in text) is (not fits)


def test_a_state_has_to_be_one() -> None:
    with pytest.raises(UsageError, match="COMPLETED"):
        RunsTable(states=["happy"])


def test_outside_of_kernels_there_is_no_bridge() -> None:
    assert bridge.bridge() is None


def test_views_stand_among_widgets(
    runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from nbflow.widgets import composed
    from nbflow.widgets.static import FrontEnd

    monkeypatch.setattr(composed, "front_end", lambda: FrontEnd("small", "large", "hash"))
    widget = RunView(runs["good"]).widget()
    assert (widget.target, widget._esm) == ({"run": str(runs["good"].id)}, "small")
    assert FlowView(etl).widget().target["kind"] == "flow"
    monkeypatch.setattr(composed, "front_end", lambda: None)
    with pytest.raises(UsageError, match="front end"):
        RunView(runs["good"]).widget()


@flow(name="\x1b[31mF\u202egnp.exe\x07")
def steering() -> None:
    """Its name clears, colours and reorders where it is not text."""


def test_a_list_is_text_in_a_terminal_too(runs: dict[str, Run]) -> None:
    with temporary_settings(logging_to_console=False):
        steering()
    data = forms(RunsTable(text="gnp"))
    for form in data.values():
        assert "Fgnp.exe" in form
        assert not {"\x1b", "\x07", "\u202e"} & set(form)
