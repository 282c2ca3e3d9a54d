"""Snapshots on disk: whole or not there, and never outside of their folder."""

from __future__ import annotations

import io
import os
import stat
import threading
import time
import zipfile
from pathlib import Path

import pytest

from nbflow.exceptions import NotebookError
from nbflow.worker.snapshots import clean, unpacked

from .conftest import zipped

NAME = "ab" * 32
DAY = 86_400


def fail() -> bytes:
    raise AssertionError("it is there already")


def test_a_snapshot_is_unpacked_once(tmp_path: Path) -> None:
    folder = unpacked(tmp_path, NAME, lambda: zipped({"a/n.ipynb": "x", "m.py": "y"}))
    assert (folder / "a" / "n.ipynb").read_text() == "x"
    assert unpacked(tmp_path, NAME, fail) == folder
    assert stat.S_IMODE((tmp_path / "snapshots").stat().st_mode) == 0o700


def link() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        made = zipfile.ZipInfo("link")
        made.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(made, "/etc")
        archive.writestr("link/passwd", "x")
    return target.getvalue()


ARCHIVES = {
    "above": lambda: zipped({"good.py": "", "../evil.py": ""}),
    "deep above": lambda: zipped({"a/../../evil.py": ""}),
    "absolute": lambda: zipped({"/tmp/nbflow-evil.py": ""}),
    "of Windows": lambda: zipped({"C:\\evil.py": ""}),
    "above on Windows": lambda: zipped({"a\\..\\..\\evil.py": ""}),
    "a link": link,
    "no archive": lambda: b"PK nothing",
    "empty": lambda: b"",
    "cut off": lambda: zipped({"a.py": "x" * 9_000})[:-40],
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_an_archive_that_is_not_sound_leaves_nothing(case: str, tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="Deploy the flow again"):
        unpacked(tmp_path, NAME, ARCHIVES[case])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert not (tmp_path / "snapshots" / NAME).exists()
    assert not list(tmp_path.parent.glob("evil*"))


@pytest.mark.parametrize("name", ["", "..", "../../etc", "a/b", "a" * 300, "x"])
def test_a_name_that_is_no_hash_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotebookError):
        unpacked(tmp_path, name, fail)


def test_many_may_unpack_at_once(tmp_path: Path) -> None:
    archive = zipped({f"m{number}.py": "x" * 100 for number in range(50)})
    counts: list[int] = []

    def work() -> None:
        folder = unpacked(tmp_path, NAME, lambda: archive)
        counts.append(len(list(folder.iterdir())))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [50] * 8
    assert [path.name for path in (tmp_path / "snapshots").iterdir()] == [NAME]


def test_what_no_run_uses_goes(tmp_path: Path) -> None:
    old, new = (
        unpacked(tmp_path, each * 32, lambda: zipped({"m.py": ""})) for each in ("ab", "cd")
    )
    left = tmp_path / "snapshots" / ".unfinished-x"
    left.mkdir()
    for folder, days in ((old, 31), (left, 2)):
        os.utime(folder, (time.time() - days * DAY,) * 2)
    assert set(clean(tmp_path)) == {old, left}
    assert list((tmp_path / "snapshots").iterdir()) == [new]
    assert clean(tmp_path / "nowhere") == []


def test_use_keeps_a_snapshot(tmp_path: Path) -> None:
    folder = unpacked(tmp_path, NAME, lambda: zipped({"m.py": ""}))
    os.utime(folder, (time.time() - 31 * DAY,) * 2)
    unpacked(tmp_path, NAME, fail)
    assert clean(tmp_path) == []
