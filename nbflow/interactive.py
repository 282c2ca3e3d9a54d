"""The IPython shell and the kernel that this process is, if it is any.

This module decides how that is found out: from what is loaded already, for who has not loaded
IPython does not run in it. It must not load anything, nor know what the answer is for.
"""

from __future__ import annotations

import sys
from typing import Any


def shell_here() -> Any:
    """The IPython shell of this process; None outside of IPython."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython() if get_ipython is not None else None


def kernel_here() -> Any:
    """The kernel that this process is; None where it is none, as in a terminal."""
    return getattr(shell_here(), "kernel", None)


def in_kernel() -> bool:
    """Whether this process is a notebook's kernel: what it shows goes to a front end."""
    return kernel_here() is not None
