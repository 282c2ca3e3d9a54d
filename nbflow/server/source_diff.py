"""What differs between two versions of a deployment, as text.

This module decides which files are compared and how what cannot be read is told. It must not
know where versions are kept beyond the store's interface.
"""

from __future__ import annotations

import difflib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from nbflow import wire
from nbflow.models.deployments import DeploymentVersion
from nbflow.store.base import Store

#: Bytes of a file that are compared.
_LARGEST: Final = 2_000_000


def diff_of(store: Store, old: DeploymentVersion, new: DeploymentVersion) -> str:
    """The differences of spec and source; empty when there are none."""
    before, after = _texts(store, old), _texts(store, new)
    names = [*before, *(name for name in after if name not in before)]
    labels = (f"version {old.number}", f"version {new.number}")
    return "".join(line for name in names for line in _changes(name, before, after, labels))


def _changes(
    name: str, before: dict[str, str], after: dict[str, str], labels: tuple[str, str]
) -> Iterator[str]:
    for line in difflib.unified_diff(
        before.get(name, "").splitlines(keepends=True),
        after.get(name, "").splitlines(keepends=True),
        f"{labels[0]}/{name}",
        f"{labels[1]}/{name}",
    ):
        yield line if line.endswith("\n") else f"{line}\n"


def _texts(store: Store, version: DeploymentVersion) -> dict[str, str]:
    spec = json.dumps(wire.dump(version.spec), indent=2, sort_keys=True)
    found = {"(spec)": f"{spec}\n"}
    if version.snapshot is not None:
        with zipfile.ZipFile(io.BytesIO(store.deployments.snapshot(version.snapshot))) as archive:
            for entry in sorted(archive.infolist(), key=lambda each: each.filename):
                found[entry.filename] = _text(archive, entry)
    return found


def _text(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    if entry.file_size > _LARGEST:
        return f"({entry.file_size} bytes, checksum {entry.CRC:08x})\n"
    try:
        text = archive.read(entry).decode()
    except (UnicodeDecodeError, zipfile.BadZipFile):
        return f"(no text: {entry.file_size} bytes, checksum {entry.CRC:08x})\n"
    return _cells(text) if entry.filename.endswith(".ipynb") else text


def _cells(text: str) -> str:
    """A notebook's cells, without outputs and the noise of its JSON."""
    try:
        notebook: Any = json.loads(text)
        cells = [
            f"## {cell['cell_type']}\n{''.join(cell['source']).rstrip()}\n\n"
            for cell in notebook["cells"]
        ]
    except (ValueError, KeyError, TypeError):
        return text
    return "".join(cells)
