"""A folder with a notebook and flows, which write a file when they are executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbflow.store import Store, close_stores, open_store

FLOWS = '''
from pathlib import Path
from nbflow import flow, task
import steps

Path("executed").write_text("by importing")

@task
def double(x):
    return 2 * x

@flow(log_prints=True)
def etl(rows: int = 3, day: str = "today"):
    """Doubles rows."""
    print("rows", rows)
    if rows > 99:
        raise ValueError("too many rows")
    return double(rows)

@flow
def other(n: int):
    return n
'''
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write_notebook(path: Path, *sources: str) -> Path:
    cells = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, which is the current one."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "flows.py").write_text(FLOWS)
    (work / "steps.py").write_text("from pathlib import Path\nPath('executed').touch()\n")
    write_notebook(
        work / "train.ipynb",
        "import datetime\nrows: int = 3\nday: datetime.date = datetime.date(2026, 1, 1)",
        "open('executed', 'w').close()",
        "print(rows, day)",
    )
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def store() -> Iterator[Store]:
    """The store of the test's home."""
    yield open_store()
    close_stores()
