"""What can be known to be wrong before a notebook runs.

This module decides which mistakes are the command's and not the run's: they are told at once,
and leave no failed run behind. It must not know how notebooks run.
"""

from __future__ import annotations

import os
from pathlib import Path

from nbflow.cli.options import RunOptions
from nbflow.exceptions import UsageError
from nbflow.notebooks.document import is_remote, read_notebook
from nbflow.notebooks.kernels import choose_kernel
from nbflow.notebooks.save import check_output
from nbflow.settings import get_settings


def check_notebook(path: str, options: RunOptions) -> None:
    """Raise `UsageError` when the kernel, the folder or the output cannot be used."""
    if path != "-":  # standard input is read once, by the run
        choose_kernel(read_notebook(path), options.kernel)
    if options.cwd is not None and not Path(options.cwd).expanduser().is_dir():
        raise UsageError(f"There is no folder {options.cwd} to run in. Correct --cwd.")
    _check_output(options.output)


def _check_output(output: str | None) -> None:
    if output is None:
        get_settings().ensure_home()
        _check_folder(get_settings().notebooks_folder())
    elif not is_remote(output):
        target = Path(output).expanduser()
        if target.is_dir() or output.endswith(("/", os.sep)):
            _check_folder(target)
        else:
            check_output(str(target))


def _check_folder(folder: Path) -> None:
    check_output(str(folder / f".nbflow-{os.getpid()}"))
