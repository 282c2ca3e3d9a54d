"""Paths as people write them.

This module decides what `~` stands for, and how a path is spelt for a reader. It must not know
what lies at a path.
"""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` and `~user` filled in; an unknown user's `~name` stays, as in a shell.

    `Path.expanduser` raises an error there, which would look like one of ours.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 - see above


def short_path(path: str | Path) -> str:
    """The shortest spelling a shell understands: relative to here, or from the home with `~`."""
    text = str(path)
    for folder, prefix in ((os.getcwd(), ""), (str(Path.home()), f"~{os.sep}")):  # noqa: PTH109 - compares text, resolves nothing
        start = folder.rstrip(os.sep) + os.sep
        if text.startswith(start) and len(text) > len(start):
            return prefix + text[len(start) :]
    return text
