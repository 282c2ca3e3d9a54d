"""A notebook that the command line is to run: where it is read from, and what is checked first.

This module decides which mistakes are the command's and not the run's: they are told at once,
and leave no failed run behind. It is imported for notebooks only, because the notebook
libraries take half a second that Python flows need not wait for. It must not know how
notebooks run.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from nbflow.cli.options import RunOptions
from nbflow.engine.notebook_flow import NotebookFlow, notebook
from nbflow.exceptions import UsageError
from nbflow.models import RunGraph
from nbflow.notebooks.document import is_remote, read_notebook
from nbflow.notebooks.kernels.choice import choose_kernel
from nbflow.notebooks.save import check_folder, check_output
from nbflow.paths import expanded
from nbflow.settings import get_settings

STANDARD_INPUT = "-"


def notebook_flow(address: str, options: RunOptions) -> NotebookFlow:
    """The notebook as a flow, with the options of `nbflow run`.

    Raises `UsageError` when it cannot be read, or when the kernel, the folder or the output
    cannot be used.
    """
    from_input = address == STANDARD_INPUT
    path = str(_spooled()) if from_input else address
    if not options.help_parameters:
        _check(path, options)
    return notebook(
        path,
        kernel_name=options.kernel,
        cwd=Path.cwd() if from_input and options.cwd is None else options.cwd,
        output=options.output,
        cell_timeout_seconds=options.cell_timeout,
        timeout_seconds=options.timeout,
        keep_kernel_seconds=options.keep_kernel,
    )


def graph_of_notebook(path: str) -> RunGraph:
    """The cells of a notebook that has not run, and what passes between them."""
    return notebook(path).graph()


def _spooled() -> Path:
    """Standard input as a file: it can be read once only, a notebook is read several times."""
    folder = Path(tempfile.mkdtemp(prefix="nbflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "stdin.ipynb"
    path.write_text(sys.stdin.read(), encoding="utf-8")
    return path


def _check(path: str, options: RunOptions) -> None:
    choose_kernel(read_notebook(path), options.kernel)
    if options.cwd is not None and not expanded(options.cwd).is_dir():
        raise UsageError(f"There is no folder {options.cwd} to run in. Correct --cwd.")
    _check_output(options.output)


def _check_output(output: str | None) -> None:
    if output is None:
        get_settings().ensure_home()
        check_folder(get_settings().notebooks_folder())
    elif not is_remote(output):
        target = expanded(output)
        if target.is_dir() or output.endswith(("/", os.sep)):
            check_folder(target)
        else:
            check_output(str(target))
