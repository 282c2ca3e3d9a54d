"""What is offered on the lines of `%%task` and `%%flow`."""

from __future__ import annotations

import math

import pytest

from nbflow.cells.lines import FLOW_LINE, TASK_LINE
from nbflow.magics.completion import complete_line, files

NAMES = {"price": 1, "product": 2, "_hidden": 3, "In": [], "math": math, "total": 4}

LINES = [
    ("--re", ["--retries", "--retry-delay"]),
    ("load --in p", ["price", "product"]),
    ("--in price ", ["price", "product", "total"]),
    ("--in price,t", ["price,total"]),
    ("--in=p", ["--in=price", "--in=product"]),
    ("--out t", ["total"]),
    ("--runner ", ["thread", "process", "sequential"]),
    ("--runner=p", ["--runner=process"]),
    ("--retry-delay 5s 1", ["1h", "1d"]),
    ("--cache 5", ["5m"]),
    ("--retries ", []),
    ("--retries 3 --ret", ["--retry-delay"]),
    ("--tags x --ta", ["--tags", "--tag"]),
    ("--nothing p", []),
    ("loa", []),
]


@pytest.mark.parametrize(("line", "offered"), LINES)
def test_options_and_their_values_are_offered(line, offered):
    *words, incomplete = line.split(" ")
    assert complete_line(TASK_LINE, words, incomplete, NAMES) == offered


@pytest.mark.parametrize("line", [TASK_LINE, FLOW_LINE], ids=["task", "flow"])
def test_an_empty_line_offers_every_option(line):
    assert complete_line(line, [], "", NAMES) == list(line.options())


def test_files_are_offered_with_the_folders_on_the_way(tmp_path, monkeypatch):
    for name in ("train.ipynb", "tidy.py", "notes.txt", ".secret.ipynb"):
        (tmp_path / name).touch()
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips" / "one.ipynb").touch()
    monkeypatch.chdir(tmp_path)
    assert list(files("t", {".ipynb", ".py"})) == ["tidy.py", "train.ipynb", "trips/"]
    assert list(files("trips/", {".ipynb"})) == ["trips/one.ipynb"]
    assert list(files("", folders=True)) == ["trips/"]
    assert list(files("nowhere/x")) == []
