"""Places in the code of cells, as a notebook calls them.

This module decides that a line of a cell is named by the cell's number, not by the file that
stands for the cell in tracebacks. It must not know where such places are shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def place_in_notebook(compiler: Any, place: str) -> str:
    """`In[2], line 3` for a line of a cell that this IPython compiled; others stay as they are."""
    file, comma, rest = place.partition(", ")
    # A list first: this is no thread of the kernel's, which may compile the next cell meanwhile.
    for name, number in list(getattr(compiler, "_filename_map", {}).items()):
        if Path(name).name == Path(file).name:
            return f"In[{number}]{comma}{rest}"
    return place
