"""The notebook's own surface: `%load_ext nbflow`, `%%task`, `%%flow`, `%nbflow`.

This module decides what loading the extension hooks into IPython, and what unloading removes.
"""

from __future__ import annotations

from typing import Any

from nbflow.cells import joining
from nbflow.cells.notebook import Gate, Notebook, notebook_of, plain
from nbflow.exceptions import NbflowError
from nbflow.magics.cells import task_magic
from nbflow.magics.loading import install, uninstall


def load(ip: Any) -> None:
    """Hook nbflow into a shell; nothing happens when it is hooked in already."""
    if getattr(ip, "_nbflow_hooks", None) is not None:
        return
    joining.install(ip)
    notebook = notebook_of(ip)
    hooks = ip._nbflow_hooks = _Hooks(notebook)  # noqa: SLF001 - our own mark on the shell
    notebook.shell.own_transformers.append(hooks.gate)
    ip.events.register("pre_run_cell", hooks.pre_run_cell)
    ip.events.register("post_run_cell", hooks.post_run_cell)
    ip.ast_transformers.append(hooks.gate)
    ip.register_magic_function(task_magic(notebook), "cell", "task")
    install(ip, notebook)


def unload(ip: Any) -> None:
    """Take the hooks away again; background cells are awaited first."""
    hooks = getattr(ip, "_nbflow_hooks", None)
    if hooks is None:
        return
    hooks.notebook.settle()
    hooks.notebook.close()
    ip.events.unregister("pre_run_cell", hooks.pre_run_cell)
    ip.events.unregister("post_run_cell", hooks.post_run_cell)
    ip.ast_transformers.remove(hooks.gate)
    uninstall(ip)
    ip._nbflow_hooks = None  # noqa: SLF001 - our own mark on the shell


class _Hooks:
    """What IPython calls around each cell."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.gate = Gate(notebook, _refusal)

    def pre_run_cell(self, info: Any) -> None:
        """A cell is about to be read."""
        ip = self.notebook.shell.ip
        request = ip.get_parent() if hasattr(ip, "get_parent") else {}
        self.notebook.cell_arrives(info.raw_cell, request)

    def post_run_cell(self, result: Any) -> None:
        """A cell is over."""
        if result.error_before_exec is not None:
            self.notebook.cell_did_not_run()
        failed = result.error_before_exec is not None or result.error_in_exec is not None
        self.notebook.cell_ended(failed=failed)


def _refusal(error: NbflowError) -> Exception:
    """The error as one by which an AST transformer refuses a cell."""
    from IPython.core.error import InputRejected  # noqa: PLC0415 - with a shell it is loaded

    kind = type(type(error).__name__, (type(error), InputRejected), {})
    refusal: NbflowError = kind(str(error))
    plain(refusal)
    return refusal
