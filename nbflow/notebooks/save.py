"""Keep the executed notebook on disk up to date while it runs, at the price of what changed.

This module decides the bytes of the file and when they are written. It must not know
kernels or events. The file is a valid notebook at every moment, laid out exactly as
`nbformat.writes` lays it out, so that only the tail from the first changed cell has to be
written (docs/decisions/0042-incremental-saves.md).
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import nbformat
from nbformat import NotebookNode
from nbformat.v4.nbjson import BytesEncoder
from nbformat.v4.rwbase import split_lines

from nbflow.exceptions import OutputPathError
from nbflow.notebooks.document import is_remote

#: Seconds between two saves while cells run; more when saves take long.
SAVE_INTERVAL: Final = 1.0
#: Saves may take at most this share of the time.
_SHARE: Final = 0.1
_REMOTE_INTERVAL: Final = 15.0
#: Bytes that show whether a file is a notebook: JSON begins with a brace.
_LOOK: Final = 256


class NotebookWriter(Protocol):
    """Where the executed notebook goes."""

    def start(self) -> None:
        """Write the notebook for the first time."""

    def changed(self, index: int) -> None:
        """Remember that the cell at `index`, or the notebook's metadata, is not yet saved."""

    def due(self) -> bool:
        """Whether `save` has something to write and its time has come."""

    def save(self) -> None:
        """Bring the file up to date."""

    def finish(self) -> None:
        """Write the final notebook, whatever was changed."""


def writer_for(nb: NotebookNode, output: str | None) -> NotebookWriter:
    """The writer for an output path: a file here, papermill's handlers elsewhere, or none."""
    if output is None:
        return NullWriter()
    if is_remote(output):
        return RemoteWriter(nb, output)
    return FileWriter(nb, Path(output))


def check_output(output: str) -> None:
    """Make sure that the executed notebook can be written, before anything runs.

    Creates the folder. Raises `OutputPathError`.
    """
    if is_remote(output):
        return
    path = Path(output)
    if path.is_dir():
        raise OutputPathError(f"{path} is a folder. Name the file of the executed notebook.")
    _refuse_to_replace(path)
    _try_to_write(path, path)


def check_folder(folder: Path) -> None:
    """Make sure that executed notebooks can be written into a folder, and create it.

    Raises `OutputPathError`.
    """
    _try_to_write(folder / f".nbflow-{os.getpid()}", folder)


def _refuse_to_replace(path: Path) -> None:
    """Protect what a slip of the keyboard would overwrite: a script, a data file, a device."""
    if path.exists() and not path.is_file():
        raise OutputPathError(f"{path} is no file. Name the file of the executed notebook.")
    try:
        with path.open("rb") as file:
            start = file.read(_LOOK).removeprefix(codecs.BOM_UTF8).lstrip()
    except OSError:
        return  # not there, or not to be read
    if start and not start.startswith(b"{"):
        raise OutputPathError(
            f"{path} exists and is not a notebook, so it is not overwritten. "
            "Name another output, or remove it first."
        )


def _try_to_write(path: Path, shown: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise OutputPathError(
            f"The executed notebook cannot be written to {shown}: {_reason(path, error)}. "
            "Choose another output folder, or change its permissions."
        ) from error


def _reason(path: Path, error: OSError) -> str:
    with contextlib.suppress(OSError):
        for folder in path.parents:
            if folder.is_file():
                return f"{folder} is a file, not a folder"
    return error.strerror or str(error)


# ── layout ───────────────────────────────────────────────────────────────────────────────


def dump_notebook(nb: NotebookNode) -> str:
    """The notebook's text, byte for byte as `nbformat.writes` gives it."""
    return _join([_dump_cell(cell) for cell in nb.cells], nb).decode("utf-8", "surrogatepass")


def _dump_cell(cell: NotebookNode) -> bytes:
    plain = split_lines(NotebookNode(cells=[_shallow(cell)])).cells[0]
    return _indented(plain, "  ")


def _shallow(cell: NotebookNode) -> NotebookNode:
    """A copy deep enough for `split_lines`, which works in place, not to touch the cell."""
    copy = NotebookNode(cell)
    copy["metadata"] = {k: v for k, v in cell.get("metadata", {}).items() if k != "trusted"}
    if "outputs" in cell:
        copy["outputs"] = [_shallow_output(output) for output in cell["outputs"]]
    if "attachments" in cell:
        copy["attachments"] = {k: dict(v) for k, v in cell["attachments"].items()}
    return copy


def _shallow_output(output: Mapping[str, Any]) -> NotebookNode:
    copy = NotebookNode(output)
    if "data" in output:
        copy["data"] = dict(output["data"])
    return copy


def _indented(value: Any, indent: str) -> bytes:
    text = json.dumps(
        value,
        cls=BytesEncoder,
        indent=1,
        sort_keys=True,
        separators=(",", ": "),
        ensure_ascii=False,
    )
    # JSON strings hold no raw line breaks, so every one of them is layout.
    return text.replace("\n", "\n" + indent).encode("utf-8", "surrogatepass")


def _head(nb: NotebookNode) -> bytes:
    return b'{\n "cells": [\n  ' if nb.cells else b'{\n "cells": ['


def _tail(nb: NotebookNode) -> bytes:
    rest = {key: value for key, value in nb.items() if key != "cells"}
    dropped = {"orig_nbformat", "orig_nbformat_minor", "signature"}
    rest["metadata"] = {k: v for k, v in nb.metadata.items() if k not in dropped}
    body = _indented(rest, "")[2:]  # without its opening brace and line break
    return (b"\n ],\n" if nb.cells else b"],\n") + body


def _join(cells: list[bytes], nb: NotebookNode) -> bytes:
    return _head(nb) + b",\n  ".join(cells) + _tail(nb)


# ── writers ──────────────────────────────────────────────────────────────────────────────


class NullWriter:
    """Keeps nothing."""

    def start(self) -> None:
        """Nothing to do."""

    def changed(self, index: int) -> None:
        """Nothing to do."""

    def due(self) -> bool:
        """Never."""
        return False

    def save(self) -> None:
        """Nothing to do."""

    def finish(self) -> None:
        """Nothing to do."""


class FileWriter:
    """Writes a local file, from the first changed cell on."""

    def __init__(self, nb: NotebookNode, path: Path) -> None:
        self._nb = nb
        self._path = path.resolve()
        self._cells: list[bytes] = []
        #: Byte offset of each cell in the file.
        self._offsets: list[int] = []
        self._size = 0
        self._stale: set[int] = set()
        self._next = 0.0
        self._fd: int | None = None

    def start(self) -> None:
        """Write the whole notebook for the first time."""
        self._cells = [_dump_cell(cell) for cell in self._nb.cells]
        self._stale.clear()
        self._replace()
        self._fd = os.open(self._path, os.O_RDWR | getattr(os, "O_BINARY", 0))

    def changed(self, index: int) -> None:
        """Remember that the cell at `index` is newer than the file; -1: only the metadata."""
        self._stale.add(index)

    def due(self) -> bool:
        """Whether something changed and the last save is long enough ago."""
        return bool(self._stale) and time.monotonic() >= self._next

    def save(self) -> None:
        """Write the tail from the first changed cell on, in one call."""
        if self._fd is None:
            return
        began = time.monotonic()
        first = self._refresh()
        tail = b",\n  ".join(self._cells[first:]) + _tail(self._nb)
        offset = self._offsets[first] if first < len(self._cells) else self._cells_end()
        self._place(first, offset)
        # Blanks cover what a longer version leaves behind: no reader meets a half-cut file.
        os.lseek(self._fd, offset, os.SEEK_SET)
        _write_all(self._fd, tail.ljust(self._size - offset))
        self._size = offset + len(tail)
        os.ftruncate(self._fd, self._size)
        self._next = _next_save(began, SAVE_INTERVAL)

    def finish(self) -> None:
        """Write the final notebook in one atomic step."""
        if len(self._cells) != len(self._nb.cells):  # error markers came in
            self._cells = [_dump_cell(cell) for cell in self._nb.cells]
            self._stale.clear()
        self._refresh()
        self._close()
        self._replace()

    def _refresh(self) -> int:
        """Serialize what changed, and return the first changed cell."""
        stale = sorted(index for index in self._stale if index >= 0)
        for index in stale:
            self._cells[index] = _dump_cell(self._nb.cells[index])
        self._stale.clear()
        return stale[0] if stale else len(self._cells)

    def _cells_end(self) -> int:
        return self._offsets[-1] + len(self._cells[-1]) if self._cells else len(_head(self._nb))

    def _place(self, first: int, offset: int) -> None:
        del self._offsets[first:]
        for cell in self._cells[first:]:
            self._offsets.append(offset)
            offset += len(cell) + len(b",\n  ")

    def _replace(self) -> None:
        data = _join(self._cells, self._nb)
        _write_atomically(self._path, data)
        self._size = len(data)
        self._place(0, len(_head(self._nb)))
        self._next = time.monotonic() + SAVE_INTERVAL

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        self._close()


def _next_save(began: float, interval: float) -> float:
    ended = time.monotonic()
    return ended + max(interval, (ended - began) / _SHARE)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _write_atomically(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}")
    try:
        # Not `mkstemp`: a new notebook is readable to whom the user's umask says.
        file = temporary.open("xb")
    except OSError:  # the file may be writable where its folder is not
        path.write_bytes(data)
        return
    try:
        with file:
            file.write(data)
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


class RemoteWriter:
    """Writes whole notebooks through papermill's handlers, less often the longer it takes."""

    def __init__(self, nb: NotebookNode, address: str) -> None:
        self._nb = nb
        self._address = address
        self._stale = False
        self._next = 0.0

    def start(self) -> None:
        """Write the notebook for the first time; a stream gets only the final one."""
        self.save()

    def changed(self, index: int) -> None:
        """Remember that something is not yet saved."""
        del index
        self._stale = True

    def due(self) -> bool:
        """Whether something changed and its time has come."""
        return self._stale and self._address != "-" and time.monotonic() >= self._next

    def save(self) -> None:
        """Write the whole notebook."""
        if self._address == "-":
            return
        self._write()

    def finish(self) -> None:
        """Write the whole notebook a last time."""
        self._write()

    def _write(self) -> None:
        from papermill.iorw import papermill_io  # noqa: PLC0415 - slow, only for such addresses

        began = time.monotonic()
        try:
            papermill_io.write(nbformat.writes(self._nb), self._address)
        except Exception as error:  # handlers are third parties' and raise what they like
            raise OSError(str(error) or type(error).__name__) from error
        self._stale = False
        self._next = _next_save(began, _REMOTE_INTERVAL)
