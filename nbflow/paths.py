"""Paths as people write them.

This module decides what `~` stands for. It must not know what lies at a path.
"""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` and `~user` filled in; an unknown user's `~name` stays, as in a shell.

    `Path.expanduser` raises an error there, which would look like one of ours.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 - see above
