"""What a deploy form says without a store: schedules, zones, and its static form."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow import flow
from nbflow.deployments.deploying import SPEC_OPTIONS
from nbflow.exceptions import NotebookError, ScheduleError, UsageError
from nbflow.widgets import deploy

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)  # a Friday; Europe's clocks go forward on Sunday
ETL = '''
from nbflow import flow

open("executed", "w").close()

@flow
def etl(day: str, rows: int = 3, *, where: str | None = None):
    """Loads <b>rows</b>.

    Args:
        rows: how many & why
    """
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "etl.py").write_text(ETL)
    cell = new_code_cell(
        "rows: int = 3  # how many\nlabel = '<script>alert(1)</script>'",
        metadata={"tags": ["parameters"]},
    )
    document = new_notebook(cells=[cell, new_code_cell("open('executed', 'w')")])
    nbformat.write(document, tmp_path / "train me.ipynb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("cron", "zone", "words", "first"),
    [
        ("0 6 * * 1-5", "Europe/Paris", "every weekday at 06:00, Europe/Paris", "2026-03-30T04"),
        ("0 6 * * *", "Europe/Paris", "every day at 06:00, Europe/Paris", "2026-03-28T05"),
        ("30 2 * * 0", "Europe/Paris", "every Sunday at 02:30, Europe/Paris", "2026-03-29T01:00"),
        ("@hourly", None, "every hour", "2026-03-27T13:00:00+00:00"),
    ],
)
def test_a_schedule_is_told_in_words_and_as_its_next_instants(cron, zone, words, first):
    told = deploy.preview(cron, zone, now=NOON)
    assert told["words"] == words
    assert told["next"][0].startswith(first)
    assert len(told["next"]) == 5
    assert told["next"] == sorted(told["next"])
    assert all(each.endswith("+00:00") for each in told["next"])


def test_a_schedule_that_comes_to_its_end_has_fewer_instants():
    late = datetime(9999, 12, 30, tzinfo=UTC)
    assert deploy.preview("0 0 * * *", "UTC", now=late)["next"] == ["9999-12-31T00:00:00+00:00"]


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("0 6 * *", "UTC", "has 4 fields"),
        ("61 * * * *", "UTC", "minute 61 is not in 0–59"),
        ("0 0 30 2 *", "UTC", "never fires"),
        ("0 6 * * *", "Europe/Pariss", "did you mean Europe/Paris"),
        ("", "UTC", "has 0 fields"),
        ("<b>", "UTC", "has 1 field"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_in_a_sentence(cron, zone, said):
    with pytest.raises(ScheduleError, match=re.compile(said, re.IGNORECASE)):
        deploy.preview(cron, zone)


@pytest.mark.parametrize(
    ("told", "linked", "first"),
    [
        ("Asia/Tokyo", "", "Asia/Tokyo"),
        (":Asia/Tokyo", "", "Asia/Tokyo"),
        ("", "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        ("CET-1CEST", "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        ("", "/usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ("", "/somewhere/else", "UTC"),
    ],
)
def test_the_first_zone_is_this_machines(monkeypatch, told, linked, first):
    monkeypatch.setenv("TZ", told)
    monkeypatch.setattr(deploy.os.path, "realpath", lambda _: linked)
    found = deploy.zones()
    assert found[0] == first
    assert "UTC" in found
    assert "America/New_York" in found
    assert len(found) == len(set(found))
    assert set(found) <= available_timezones()


def test_every_part_of_a_spec_is_stated_by_the_form_or_kept():
    assert set(SPEC_OPTIONS) >= deploy._STATED


def test_a_file_is_described_as_it_is_typed(folder):
    html, text = deploy.static_html("etl.py:etl"), deploy.static_text("etl.py:etl")
    for word in ("etl", "flow to deploy · 3 parameters", "required", "how many"):
        assert word in html
        assert word in text
    assert "nbflow deploy etl.py:etl --name etl" in html
    assert text.endswith("  nbflow deploy etl.py:etl --name etl")
    assert "how many &amp; why" in html
    assert "how many & why" in text
    assert "Args" not in html  # the table says it
    assert not (folder / "executed").exists()


def test_a_notebook_is_described_with_quotes_where_a_shell_needs_them(folder):
    text = deploy.static_text(folder / "train me.ipynb")
    assert "nbflow deploy 'train me.ipynb' --name 'train me'" in text
    assert "2 parameters" in text
    assert "how many" in text
    assert not (folder / "executed").exists()


def test_no_word_of_a_target_is_html(folder):
    for target in ("etl.py:etl", "train me.ipynb"):
        html = deploy.static_html(target)
        own = html.split("</style>")[-1]
        assert not re.findall(r"<(?!/?(?:div|span|table|thead|tbody|tr|th|td|pre)[ >])", own)
        assert "<script" not in html
    assert "&lt;script&gt;" in deploy.static_html("train me.ipynb")
    assert "Loads &lt;b&gt;rows" in deploy.static_html("etl.py:etl")


def test_a_flow_object_is_described_from_its_own_file():
    text = deploy.static_text(described_here)
    assert text.startswith("described-here  flow to deploy · 1 parameter\n")
    assert text.splitlines()[1].split() == ["rows", "int", "3"]
    assert "test_deploy.py:described_here" in text


def test_a_flow_without_parameters_says_so(folder):
    (folder / "bare.py").write_text("from nbflow import flow\n@flow\ndef bare(): ...\n")
    assert "no parameters" in deploy.static_text("bare.py")
    assert "<table" not in deploy.static_html("bare.py")


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("nowhere.ipynb", NotebookError),
        ("etl.py:elt", UsageError),
        ("nothing.txt", UsageError),
        (3, UsageError),
    ],
)
def test_what_cannot_be_deployed_is_said(folder, target, error):
    for describe in (deploy.static_html, deploy.static_text, deploy.describe):
        with pytest.raises(error):
            describe(target)


@flow
def described_here(rows: int = 3) -> int:
    return rows
