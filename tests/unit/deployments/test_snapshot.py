"""Snapshots: the same source is the same bytes, and everything it needs is in them."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbflow.deployments import snapshot as snapshots
from nbflow.deployments.snapshot import take_snapshot
from nbflow.deployments.targets import source_of
from nbflow.exceptions import UsageError

FLOW = "from nbflow import flow\n@flow\ndef etl(): ...\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(target: str, include: tuple[str, ...] = ()) -> list[str]:
    return sorted(take_snapshot(source_of(target), include).files)


PACKAGE = {
    "lib/__init__.py": "from .a import one",
    "lib/a.py": "from . import b\nfrom .deep.c import two\none = 1",
    "lib/b.py": "from .. import steps\nfrom ..helpers import z",
    "lib/deep/__init__.py": "",
    "lib/deep/c.py": "import lib.d\ntwo = 2",
    "lib/d.py": "",
    "lib/unused.py": "",
    "steps.py": "",
    "helpers.py": "",
    "single.py": "import helpers",
    "spaces/inner.py": "",
    "broken.py": "def (",
    "data/x.csv": "1",
}
WHOLE_LIB = [
    "helpers.py",
    "lib/__init__.py",
    "lib/a.py",
    "lib/b.py",
    "lib/d.py",
    "lib/deep/__init__.py",
    "lib/deep/c.py",
    "steps.py",
]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os, numpy", []),
        ("import steps", ["steps.py"]),
        ("import steps as s, json", ["steps.py"]),
        ("from single import x", ["helpers.py", "single.py"]),
        ("def late():\n    import steps", ["steps.py"]),
        ("try:\n    import steps\nexcept ImportError:\n    pass", ["steps.py"]),
        ("import lib", WHOLE_LIB),
        ("from lib import *", WHOLE_LIB),
        ("from lib.unused import x", sorted([*WHOLE_LIB, "lib/unused.py"])),
        ("from lib import unused", sorted([*WHOLE_LIB, "lib/unused.py"])),
        ("import spaces.inner", ["spaces/inner.py"]),
        ("from spaces import inner", ["spaces/inner.py"]),
        ("import data", []),
        ("import broken", ["broken.py"]),
        ("import importlib\nimportlib.import_module('steps')", ["steps.py"]),
        ("import nbflow.missing.deep", []),
    ],
)
def test_local_modules_come_along(folder: Path, code: str, expected: list[str]) -> None:
    write(folder, {**PACKAGE, "flows.py": f"{code}\n{FLOW}", "nbflow/missing.py": ""})
    assert names("flows.py:etl") == sorted(["flows.py", *expected])


def test_modules_that_import_each_other_come_once(folder: Path) -> None:
    write(folder, {"flows.py": f"import a\n{FLOW}", "a.py": "import b", "b.py": "import a, flows"})
    assert names("flows.py:etl") == ["a.py", "b.py", "flows.py"]


def notebook(path: Path, *cells: str, **metadata: Any) -> None:
    made = [new_code_cell(source, id=f"c{i}") for i, source in enumerate(cells)]
    made.append(new_markdown_cell("# Words", id="words"))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=made, metadata={"kernelspec": kernel, **metadata}), path)


def test_cells_tell_what_a_notebook_needs(folder: Path) -> None:
    write(folder, {**PACKAGE, "script.py": "import single", "loaded.py": "", "timed.py": ""})
    notebook(folder / "other.ipynb", "import helpers")
    notebook(folder / "called.ipynb", "1")
    notebook(
        folder / "train.ipynb",
        "%matplotlib inline\nimport steps",
        "%%time\nimport timed",
        "%run -i script.py --fast",
        "%run other.ipynb",
        "%load_ext loaded",
        "this is ( not python",
        "from nbflow import notebook\nnotebook('called.ipynb')()",
        "!pip install x\nfiles = !ls",
        "%run ../outside.py",
    )
    (folder.parent / "outside.py").write_text("")
    assert names("train.ipynb") == [
        "called.ipynb",
        "helpers.py",
        "loaded.py",
        "other.ipynb",
        "script.py",
        "single.py",
        "steps.py",
        "timed.py",
        "train.ipynb",
    ]


# ── the same bytes ───────────────────────────────────────────────────────────────────────


def test_the_same_source_is_the_same_bytes(folder: Path) -> None:
    write(folder, {**PACKAGE, "flows.py": f"import lib\n{FLOW}"})
    first = take_snapshot(source_of("flows.py:etl"))
    later = time.time() + 3600
    for path in folder.rglob("*.py"):
        os.utime(path, (later, later))
        path.chmod(0o700)
    second = take_snapshot(source_of("flows.py:etl"))
    assert first.archive == second.archive
    assert first.content_hash == second.content_hash
    (folder / "lib" / "d.py").write_text("x = 1")
    assert take_snapshot(source_of("flows.py:etl")).content_hash != first.content_hash


def test_running_a_notebook_does_not_change_its_snapshot(folder: Path) -> None:
    path = folder / "train.ipynb"
    notebook(path, "print('x')", language_info={"name": "python", "version": "3.11.4"})
    first = take_snapshot(source_of("train.ipynb"))
    document = nbformat.read(path, as_version=4)
    cell = document.cells[0]
    cell.outputs = [new_output("stream", text="x" * 20_000)]
    cell.execution_count = 7
    cell.metadata["execution"] = {"iopub.execute_input": "2026-01-01"}
    document.metadata["widgets"] = {"state": {}}
    document.metadata["language_info"]["version"] = "3.13.0"
    nbformat.write(document, path)
    assert take_snapshot(source_of("train.ipynb")).archive == first.archive
    document.cells[0].source = "print('y')"
    nbformat.write(document, path)
    assert take_snapshot(source_of("train.ipynb")).content_hash != first.content_hash


def test_the_archive_is_an_ordinary_one(folder: Path) -> None:
    notebook(folder / "train.ipynb", "import steps")
    write(folder, {"steps.py": "x = 'é'"})
    archive = take_snapshot(source_of("train.ipynb")).archive
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        assert zipped.testzip() is None
        assert zipped.namelist() == ["steps.py", "train.ipynb"]
        assert zipped.read("steps.py").decode() == "x = 'é'"
        assert nbformat.validate(json.loads(zipped.read("train.ipynb"))) is None


# ── include ──────────────────────────────────────────────────────────────────────────────

TREE = {
    "flows.py": FLOW,
    "q.sql": "",
    "sql/a.sql": "",
    "sql/deep/b.sql": "",
    "sql/.hidden": "",
    ".env": "",
    "venv/pyvenv.cfg": "",
    "venv/x.sql": "",
    "own-env/pyvenv.cfg": "",
    "own-env/x.sql": "",
    ".git/x.sql": "",
    "node_modules/x.sql": "",
    "__pycache__/x.sql": "",
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.sql", ["q.sql"]),
        ("**/*.sql", ["q.sql", "sql/a.sql", "sql/deep/b.sql"]),
        ("sql", ["sql/a.sql", "sql/deep/b.sql"]),
        ("sql/", ["sql/a.sql", "sql/deep/b.sql"]),
        ("sql/*", ["sql/a.sql"]),
        ("sql/[ab].sql", ["sql/a.sql"]),
        ("sql/?.sql", ["sql/a.sql"]),
        (".env", [".env"]),
        ("**", ["q.sql", "sql/a.sql", "sql/deep/b.sql"]),
    ],
)
def test_patterns_add_files(folder: Path, pattern: str, expected: list[str]) -> None:
    write(folder, TREE)
    assert names("flows.py:etl", (pattern,)) == sorted(["flows.py", *expected])


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("*.nothing", "matches no file"),
        ("../x", "leaves the folder"),
        ("/etc/passwd", "leaves the folder"),
        ("venv/*.sql", "matches no file"),
    ],
)
def test_patterns_that_cannot_be_are_refused(folder: Path, pattern: str, words: str) -> None:
    write(folder, TREE)
    with pytest.raises(UsageError, match=words):
        take_snapshot(source_of("flows.py:etl"), (pattern,))


def test_large_files_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, {"flows.py": FLOW, "a.bin": "x" * 2000, "b.bin": "x" * 900, "c.bin": "x" * 900})
    monkeypatch.setattr(snapshots, "FILE_LIMIT", 1000)
    with pytest.raises(UsageError, match=r"a\.bin has 0\.0 MB; a file .* --follow"):
        take_snapshot(source_of("flows.py:etl"), ("a.bin",))
    monkeypatch.setattr(snapshots, "TOTAL_LIMIT", 1500)
    with pytest.raises(UsageError, match="would hold 3 files"):
        take_snapshot(source_of("flows.py:etl"), ("b.bin", "c.bin"))
