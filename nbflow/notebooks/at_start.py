"""What a process takes as it is when it starts, and never looks at again.

This module decides which environment variables and which modules those are: where they
differ, a process that was started ahead cannot take the place of a new one. It must not know
kernels, and is cheap to load.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Beginnings of names that a process, its loader or its kernel reads when it starts.
_READ_AT_START: Final = (
    "DYLD_",
    "GLIBC_",
    "IPYTHON",
    "JPY_",
    "JUPYTER",
    "LANG",
    "LC_",
    "LD_",
    "MALLOC_",
    "PYDEVD",
    "PYTHON",
    "XDG_",
)
_READ_AT_START_WHOLE: Final = frozenset({"HOME", "TMPDIR", "TZ", "USERPROFILE"})
_MODULES: Final = frozenset({".py", ".pyc", ".pyd", ".so"})


def is_read_at_start(variable: str) -> bool:
    """Whether a process takes an environment variable as it is at its start, and only then."""
    return variable in _READ_AT_START_WHOLE or variable.startswith(_READ_AT_START)


def modules_in(folder: Path) -> set[str]:
    """The names under which something in a folder could be imported."""
    try:
        files = list(folder.iterdir())
    except OSError:
        return set()
    return {p.name.partition(".")[0] for p in files if p.suffix in _MODULES or p.is_dir()}
