"""The notebook that the running code is in, where its front end tells.

This module decides where JupyterLab, Notebook and VS Code leave the notebook's path. It must
not know what the path is for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Set for the process of a deployed run, and for the kernel of a deployed notebook's run.
RUN_VARIABLE = "NBFLOW_FLOW_RUN_ID"


def this_notebook() -> Path | None:
    """The file of the notebook whose kernel this process is; None when nobody tells."""
    for told in _told():
        if (path := _file(told)) is not None:
            return path
    return None


def own_run_id() -> str | None:
    """The deployed run that this process executes, if it does."""
    return os.environ.get(RUN_VARIABLE) or None


def _told() -> Iterator[str]:
    names = _namespace()
    for name in ("__vsc_ipynb_file__", "__session__"):
        if isinstance(told := names.get(name), str):
            yield told
    if told := os.environ.get("JPY_SESSION_NAME", ""):
        yield told


def _namespace() -> dict[str, Any]:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    names: dict[str, Any] = shell.user_ns if shell is not None else {}
    return names


def _file(told: str) -> Path | None:
    """The file that is meant; kernels start in the folder of their notebook."""
    plain = Path(told.removeprefix("RTC:"))  # documents that are edited together
    for path in (plain, Path.cwd() / plain, Path.cwd() / plain.name):
        if path.suffix == ".ipynb" and path.is_file():
            return path.absolute()
    return None
