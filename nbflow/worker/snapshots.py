"""The source of deployments on this machine, unpacked once and shared by its runs.

This module decides where snapshots lie, that each is there whole or not at all, and that no
file of one leaves its folder. It must not know deployments or stores.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from nbflow.exceptions import NotebookError

#: Days after which a snapshot that no run used is removed.
_UNUSED_DAYS: Final = 30.0
_DAY: Final = 86_400.0
_HASH: Final = re.compile(r"[0-9A-Za-z_-]{8,128}")
_UNFINISHED: Final = ".unfinished-"


def unpacked(home: Path, name: str, fetch: Callable[[], bytes]) -> Path:
    """The folder of a snapshot, unpacked now if it is not there yet.

    Args:
        home: The nbflow home.
        name: The snapshot's hash.
        fetch: Gives the zip archive; called only when it is needed.

    Raises `NotebookError` for an archive that is damaged, or whose files would lie elsewhere.
    """
    if not _HASH.fullmatch(name):
        raise NotebookError(f"{name!r} is no snapshot's name. Deploy the flow again.")
    folder = home / "snapshots" / name
    if not folder.is_dir():
        _unpack(fetch(), folder)
    os.utime(folder)  # it is in use: `clean` looks here
    return folder


def _unpack(archive: bytes, folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    try:
        _extract(archive, made)
        made.rename(folder)
    except OSError:
        if not folder.is_dir():  # or another run of it was faster
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _extract(archive: bytes, folder: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            members = zipped.infolist()
            for member in members:
                _refuse_to_leave(member)
            for member in members:
                zipped.extract(member, folder)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise NotebookError(
            f"The deployment's snapshot is damaged ({error}). Deploy the flow again."
        ) from error


def _refuse_to_leave(member: zipfile.ZipInfo) -> None:
    name = member.filename
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    leaves = posix.is_absolute() or bool(windows.anchor) or ".." in {*posix.parts, *windows.parts}
    if leaves or stat.S_ISLNK(member.external_attr >> 16):
        raise NotebookError(
            f"The deployment's snapshot holds {name!r}, which is not a file inside of it. "
            "Deploy the flow again."
        )


def clean(home: Path, *, unused_days: float = _UNUSED_DAYS) -> list[Path]:
    """Remove snapshots that no run used for so long, and what a killed process left half done."""
    removed = []
    for folder in _folders(home / "snapshots"):
        unfinished = folder.name.startswith(_UNFINISHED)
        if _age_days(folder) > (1.0 if unfinished else unused_days):
            gone = folder if unfinished else _renamed(folder)
            shutil.rmtree(gone, ignore_errors=True)
            removed.append(folder)
    return removed


def _folders(parent: Path) -> list[Path]:
    try:
        return [path for path in parent.iterdir() if path.is_dir()]
    except OSError:
        return []


def _renamed(folder: Path) -> Path:
    """The folder under a name that no run looks for: it disappears at once, not file by file."""
    gone = folder.with_name(f"{_UNFINISHED}{folder.name}")
    folder.rename(gone)
    return gone


def _age_days(folder: Path) -> float:
    try:
        return (time.time() - folder.stat().st_mtime) / _DAY
    except OSError:  # somebody else removed it
        return 0.0
