"""The source of a deployment as an archive: the same source gives the same bytes, everywhere.

This module decides what goes into a snapshot and how it is written. Nothing is compressed,
because compressors differ between machines; outputs of notebooks stay behind, because running
a notebook does not change its source. It must not know what is done with an archive.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from nbflow.deployments.imports import needed_files
from nbflow.deployments.source import Source
from nbflow.exceptions import UsageError
from nbflow.notebooks.document import is_remote, read_notebook
from nbflow.wording import counted

#: Bytes of one file, and of all files together: a snapshot is source, not data.
FILE_LIMIT: Final = 10_000_000
TOTAL_LIMIT: Final = 50_000_000
_MOST_FILES: Final = 2_000
#: Folders that are made by tools, and never are source.
_NEVER: Final = frozenset(
    {"__pycache__", "node_modules", "site-packages", "venv", "__pypackages__"}
)
#: What notebook programs write when a notebook runs, or when another version opens it.
_VOLATILE_OF_CELLS: Final = ("execution", "ExecuteTime", "papermill", "collapsed", "scrolled")
_VOLATILE: Final = ("papermill", "widgets", "signature")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644 << 16
_UNIX: Final = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a deployment by their place in the archive."""

    files: Mapping[str, bytes]

    @property
    def archive(self) -> bytes:
        """The zip archive."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as zipped:
            for name in sorted(self.files):
                member = zipfile.ZipInfo(name, _EPOCH)
                member.external_attr, member.create_system = _READABLE, _UNIX
                zipped.writestr(member, self.files[name])
        return buffer.getvalue()

    @property
    def content_hash(self) -> str:
        """SHA-256 of the archive, in hexadecimal."""
        return hashlib.sha256(self.archive).hexdigest()


def take_snapshot(source: Source, include: Sequence[str] = ()) -> Snapshot:
    """The file, the local modules it imports, and the files that the patterns match.

    Patterns are as in a shell, relative to the file's folder; `**` stands for any folders.
    Raises `UsageError` for a pattern that matches nothing or leaves the folder, and for files
    that are too large.
    """
    if is_remote(source.address):
        return Snapshot(_checked({source.file_name: portable_notebook(source.address)}))
    root = source.path.parent
    paths = needed_files(source.path, root)
    for pattern in include:
        paths |= set(_matching(root, pattern))
    _check_sizes(paths, root)
    return Snapshot(_checked({p.relative_to(root).as_posix(): _content(p) for p in paths}))


def content_hash(source: Source) -> str:
    """SHA-256 of the file alone, for a deployment that follows it."""
    return hashlib.sha256(_content_of(source)).hexdigest()


def _content_of(source: Source) -> bytes:
    return portable_notebook(source.address) if source.is_notebook else _content(source.path)


def _content(path: Path) -> bytes:
    if path.suffix == ".ipynb":
        return portable_notebook(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}. Check its permissions."
        ) from error


def portable_notebook(address: str | Path) -> bytes:
    """A notebook without what running or opening it leaves in the file."""
    document = read_notebook(address)
    data: dict[str, Any] = copy.deepcopy(dict(document))
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        for key in _VOLATILE_OF_CELLS:
            cell["metadata"].pop(key, None)
    for key in _VOLATILE:
        data["metadata"].pop(key, None)
    data["metadata"].get("language_info", {}).pop("version", None)
    return f"{json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)}\n".encode()


# ── limits ───────────────────────────────────────────────────────────────────────────────


def _check_sizes(paths: set[Path], root: Path) -> None:
    """Refuse large files before they are read; outputs of notebooks do not count."""
    for path in sorted(paths):
        if path.suffix != ".ipynb" and (size := path.stat().st_size) > FILE_LIMIT:
            raise UsageError(_too_large(path.relative_to(root).as_posix(), size))


def _checked(files: dict[str, bytes]) -> dict[str, bytes]:
    for name, content in files.items():
        if len(content) > FILE_LIMIT:
            raise UsageError(_too_large(name, len(content)))
    total = sum(map(len, files.values()))
    if total > TOTAL_LIMIT or len(files) > _MOST_FILES:
        raise UsageError(
            f"The snapshot would hold {counted(len(files), 'file')} of {_megabytes(total)} "
            f"together; the most are {_MOST_FILES} files of {_megabytes(TOTAL_LIMIT)}. Include "
            "less, or deploy with --follow, which takes no snapshot."
        )
    return files


def _too_large(name: str, size: int) -> str:
    return (
        f"{name} has {_megabytes(size)}; a file of a snapshot has at most "
        f"{_megabytes(FILE_LIMIT)}. Leave it out and read it by its path, or deploy with --follow."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


# ── patterns ─────────────────────────────────────────────────────────────────────────────


def _matching(root: Path, pattern: str) -> list[Path]:
    plain = PurePosixPath(pattern.replace(os.sep, "/"))
    if plain.is_absolute() or ".." in plain.parts:
        raise UsageError(
            f"--include {pattern} leaves the folder of the deployed file, {root}. Snapshots hold "
            "what lies in it; name a file or pattern below it."
        )
    if (root / plain).is_dir():
        plain = plain / "**"
    wanted = _regex(plain)
    found = [path for name, path in _walk(root) if wanted.fullmatch(name)]
    if not found:
        raise UsageError(f"--include {pattern} matches no file in {root}. Correct the pattern.")
    return found


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder by their relative names, without environments and caches."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if _is_source(here / name))
        for name in sorted(files):
            yield (here / name).relative_to(root).as_posix(), here / name


def _is_source(folder: Path) -> bool:
    name = folder.name
    return not (name in _NEVER or name.startswith(".") or (folder / "pyvenv.cfg").exists())


def _regex(pattern: PurePosixPath) -> re.Pattern[str]:
    """A shell pattern; hidden files are matched only by patterns that begin with a dot."""
    *folders, last = pattern.parts
    lead = "".join("(?:[^/]+/)*" if part == "**" else f"{_part(part)}/" for part in folders)
    end = r"(?:[^/]+/)*(?!\.)[^/]+" if last == "**" else _part(last)
    return re.compile(lead + end)


def _part(part: str) -> str:
    translated = re.escape(part)
    for shell, regex in ((r"\*", "[^/]*"), (r"\?", "[^/]")):
        translated = translated.replace(shell, regex)
    translated = re.sub(r"\\\[(!?)([^/]*?)\\\]", _letters, translated)
    return translated if part.startswith(".") else rf"(?!\.){translated}"


def _letters(match: re.Match[str]) -> str:
    """`[abc]`, `[!abc]`."""
    return f"[{'^' if match[1] else ''}{match[2]}]"
