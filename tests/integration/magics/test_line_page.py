"""docs/magics.md tells the truth: its cells run, one after another, in one notebook."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from nbflow.cells.lines import FLOW_LINE, TASK_LINE
from nbflow.cli.main import cli

PAGE = (Path(__file__).resolve().parents[3] / "docs/magics.md").read_text(encoding="utf-8")
CELL = re.compile(
    r"^```text title=\"(cell|cell that fails)\"\n(.*?)\n```$", re.MULTILINE | re.DOTALL
)


def test_the_pages_cells_run(cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CELL.findall(PAGE)
    assert len(found) == PAGE.count('title="cell')
    for kind, source in found:
        answer = cells(source)
        assert answer.ok is (kind == "cell"), f"{source}\n{answer.text}"
    assert "%%task has no option --retires; did you mean --retries?" in PAGE


@pytest.mark.parametrize("line", [TASK_LINE, FLOW_LINE], ids=["task", "flow"])
def test_the_page_names_every_option(line):
    for option in line.options().values():
        assert f"`{option.opts[0]}" in PAGE


def test_the_page_names_the_commands():
    for name in set(cli.list_commands(click.Context(cli))) - {"version"}:
        assert f"`{name}`" in PAGE
