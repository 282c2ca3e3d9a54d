"""How a person names a notebook, or a flow of a Python file: `train.ipynb`, `flows.py:train`.

This module decides how that is spelled, and what is said when there is no such file. It must
not know what is done with the file.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from nbflow.paths import expanded


def split_target(text: str) -> tuple[Path, str]:
    """`file.py:flow` in its two parts; a Windows drive's colon is none."""
    head, colon, name = text.rpartition(":")
    if colon and head.endswith(".py"):
        return expanded(head), name
    return expanded(text), ""


def why_no_file(path: Path) -> str:
    """What is wrong with a path that is no file, with the names that may be meant."""
    if path.is_dir():
        return f"{path} is a folder. Name a notebook or a Python file in it."
    suffixes = {path.suffix} if path.suffix else {".ipynb", ".py"}
    here = sorted(p.name for p in path.parent.glob("*") if p.suffix in suffixes)
    near = difflib.get_close_matches(path.name, here, n=3, cutoff=0.5)
    near = near or [name for name in here if path.stem and name.startswith(path.stem)][:3]
    if near:
        return f"There is no file {path}. Did you mean {' or '.join(near)}?"
    if here:
        return f"There is no file {path}. The folder has {', '.join(here[:5])}."
    return f"There is no file {path}. Pass a notebook, or a flow as file.py:flow."
