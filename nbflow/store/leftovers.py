"""The files of runs that are not recorded any more.

This module decides which files belong to a run alone, and removes them. It must not know
databases. It touches local files only (buckets have rules of their own for what is old), and
of executed notebooks only those inside the notebooks folder: others are where their user put
them. What cannot be removed stays, without a word.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from nbflow.settings import Settings

#: The whole text of a cell that printed too much, beside its notebook.
_FULL_TEXT: Final = re.compile(r"(.+)\.cell-\d+\.txt")


def result_files(
    flow_runs: Iterable[UUID],
    task_runs: Iterable[UUID],
    results: Iterable[tuple[str, str]],
    settings: Settings,
) -> Iterator[Path]:
    """What these runs may have left in result storages."""
    root = settings.results_root()
    if "://" not in root:
        for run_id in flow_runs:
            yield Path(root, "cells", "runs", str(run_id))
        for run_id in task_runs:
            yield Path(root, "failed", str(run_id))
    for storage, key in results:
        if "://" not in storage:
            yield Path(storage, key)


def notebook_files(outputs: Iterable[str], settings: Settings) -> Iterator[Path]:
    """Those of these executed notebooks that are ours, with what lies beside them."""
    folder = settings.notebooks_folder().resolve()
    beside: dict[Path, dict[str, list[Path]]] = {}
    for output in outputs:
        if "://" in output:
            continue
        path = Path(output)
        if not path.resolve().is_relative_to(folder):
            continue
        if path.parent not in beside:
            beside[path.parent] = _full_texts(path.parent)
        yield path
        yield from beside[path.parent].get(path.stem, ())


def _full_texts(folder: Path) -> dict[str, list[Path]]:
    """By the stem of their notebook; read once, however many notebooks there are."""
    found: dict[str, list[Path]] = {}
    with suppress(OSError):
        for path in folder.iterdir():
            if match := _FULL_TEXT.fullmatch(path.name):
                found.setdefault(match[1], []).append(path)
    return found


def present(paths: Iterable[Path]) -> list[str]:
    """Those that are there."""
    return [str(path) for path in dict.fromkeys(paths) if path.exists()]


def remove(paths: Iterable[Path]) -> list[str]:
    """Remove files and folders; those that are gone now."""
    return [str(path) for path in dict.fromkeys(paths) if _remove(path)]


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError:  # a folder: macOS says it is not permitted
        if not path.is_dir() or path.is_symlink():
            return False
        shutil.rmtree(path, ignore_errors=True)
    return not path.exists()


__all__ = ["notebook_files", "present", "remove", "result_files"]
