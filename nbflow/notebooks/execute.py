"""Run a notebook on a kernel, through papermill, and tell honestly what happened.

This module decides how a run is put together and how papermill and nbflow meet. It must
not know run records, stores or flows: whoever calls it gets events.

`NbflowEngine` is papermill's entry point (`papermill --engine nbflow`); `run_notebook` goes
the same way with typed parameters and events. papermill and nbclient are imported only
once the kernel's process has been started, because they load while it boots.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from nbformat import NotebookNode

from nbflow.exceptions import CellFailed, TerminationSignal
from nbflow.notebooks.document import (
    inject_parameters,
    is_remote,
    read_notebook,
    remove_error_markers,
)
from nbflow.notebooks.events import (
    CellInfo,
    CellPrinted,
    NotebookEvent,
    NotebookOutcome,
)
from nbflow.notebooks.kernels.choice import choose_kernel
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.notebooks.protocol import CellIdentity
from nbflow.notebooks.run_options import CellLimit, Keep, RunOptions, unidentified
from nbflow.notebooks.running import NotebookRun
from nbflow.notebooks.save import check_output
from nbflow.parameters import to_source
from nbflow.settings import as_environment, get_settings

ENGINE: Final = "nbflow"


def _ignore(event: NotebookEvent) -> None:
    del event


def run_notebook(
    source: str | Path,
    *,
    output: str | Path | None,
    parameters: Mapping[str, Any] | None = None,
    parameter_source: str | None = None,
    kernel_name: str | None = None,
    cwd: str | Path | None = None,
    cell_timeout: CellLimit = None,
    timeout: float | None = None,
    on_event: Callable[[NotebookEvent], None] = _ignore,
    stop: threading.Event | None = None,
    allow_errors: bool = False,
    strict_shell: bool = False,
    report_mode: bool = False,
    raise_on_failure: bool = True,
    identify: Callable[[CellInfo], CellIdentity | None] = unidentified,
    kernel: Kernel | None = None,
    start_at: int = 0,
    known: Mapping[str, NotebookNode] = MappingProxyType({}),
    keep: Keep | None = None,
) -> NotebookOutcome:
    """Run a notebook from top to bottom and keep the executed copy, failed ones too.

    Args:
        source: A path, `-`, or any address that papermill reads (`s3://…`).
        output: Where the executed notebook goes; None keeps nothing.
        parameters: Values for the notebook's metadata; injected when not empty.
        parameter_source: The code of the injected cell; default: typed assignments.
        kernel_name: The kernel; default: the notebook's own, else one of its language.
        cwd: The kernel's working directory; default: this process's. Never changes that one.
        cell_timeout: Seconds per cell, or a function of the cell; None: the setting.
        timeout: Seconds for the whole notebook, the kernel's start included.
        on_event: Called in this thread with every event, in order.
        stop: Set it, from any thread, to cancel the run.
        allow_errors: Go on after a cell that raised.
        strict_shell: Fail a cell whose `!command` ends with another code than 0.
        report_mode: Hide the code in the executed notebook.
        raise_on_failure: False: return the outcome whatever it is.
        identify: Which recorded run a started cell belongs to.
        kernel: A running kernel to use instead of a new one; it is ended like a new one.
        start_at: The index of the first cell that is sent to it.
        known: What the cells above left there, by cell id.
        keep: Asked for the kernel of a run that failed; see `RunOptions`.

    Raises:
        NotebookError, OutputPathError: Before anything ran.
        CellFailed, CellTimeout, FlowRunTimeout, KernelDied: After the notebook was saved.
        CancelledRun, KeyboardInterrupt, TerminationSignal: Stopped by `stop`, Ctrl-C, SIGTERM.
    """
    nb = remove_error_markers(read_notebook(source))
    choice = choose_kernel(nb, kernel_name)
    if parameters or parameter_source:
        values = parameters or {}
        text = parameter_source or to_source(values, choice.language, kernel=choice.name)
        inject_parameters(nb, text, values, report_mode=report_mode)
    target = None if output is None else str(output)
    if target is not None:
        check_output(target)
    settings = get_settings()
    options = RunOptions(
        cwd=None if cwd is None else str(cwd),
        cell_timeout=cell_timeout or settings.cell_timeout_seconds or None,
        timeout=timeout,
        start_timeout=settings.kernel_start_timeout_seconds,
        allow_errors=allow_errors,
        strict_shell=strict_shell,
        output_limit=settings.cell_output_limit,
        on_event=on_event,
        stop=stop or threading.Event(),
        environment=kernel_environment(),
        identify=identify,
        kernel=kernel,
        start_at=start_at,
        known=known,
        keep=keep,
    )
    run = NotebookRun(nb, choice, target, options)
    try:
        run.launch()
        outcome = _through_papermill(run, str(source), report_mode)
    finally:
        run.close()
    if outcome.error is not None and raise_on_failure:
        raise outcome.error
    return outcome


def kernel_environment() -> dict[str, str]:
    """This process's settings for a kernel, so that what cells record goes to the same place."""
    variables = as_environment(get_settings())
    del variables["NBFLOW_LOGGING_TO_CONSOLE"]  # this process's terminal is not the kernel's
    return variables


def _through_papermill(run: NotebookRun, source: str, report_mode: bool) -> NotebookOutcome:
    from papermill.engines import papermill_engines  # noqa: PLC0415 - see the module's docstring
    from papermill.execute import prepare_notebook_metadata  # noqa: PLC0415 - the same
    from papermill.version import version  # noqa: PLC0415 - the same

    metadata = run.nb.metadata.setdefault("papermill", NotebookNode())
    metadata.setdefault("default_parameters", NotebookNode())
    metadata.setdefault("environment_variables", NotebookNode())
    metadata.setdefault("parameters", NotebookNode())
    metadata["version"] = version
    prepare_notebook_metadata(run.nb, source, run.output, report_mode)
    outcomes: list[NotebookOutcome] = []
    papermill_engines.register(ENGINE, NbflowEngine)  # an uninstalled checkout has no entry point
    papermill_engines.execute_notebook_with_engine(
        ENGINE,
        run.nb,
        run.choice.name,
        output_path=run.output,
        progress_bar=False,
        prepared=run,
        on_outcome=outcomes.append,
    )
    return outcomes[0]


class NbflowEngine:
    """papermill's engine `nbflow`: honest cell states, nothing lost, nothing left behind.

    It offers what papermill calls on an engine without inheriting papermill's base class,
    whose module imports this one.
    """

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        prepared: NotebookRun | None = None,
        on_outcome: Callable[[NotebookOutcome], None] | None = None,
        **others: Any,
    ) -> NotebookNode:
        """Run a notebook that papermill has prepared."""
        from papermill.engines import NotebookExecutionManager  # noqa: PLC0415 - imports this module

        run = prepared or cls._prepare(
            nb, kernel_name, output_path, start_timeout, execution_timeout, log_output, others
        )
        # Without an output path it keeps papermill's metadata and leaves the saving to us.
        manager = NotebookExecutionManager(
            run.nb, output_path=None, progress_bar=progress_bar, log_output=log_output
        )
        outcome = run.execute(manager)
        if on_outcome is not None:
            on_outcome(outcome)
        elif outcome.error is not None:
            cls._raise_as_papermill(outcome.error)
        return run.nb

    @classmethod
    def _prepare(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None,
        start_timeout: float,
        execution_timeout: float | None,
        log_output: bool,
        others: Mapping[str, Any],
    ) -> NotebookRun:
        choice = choose_kernel(nb, kernel_name)
        options = RunOptions(
            start_timeout=start_timeout,
            cell_timeout=execution_timeout or others.get("timeout"),
            output_limit=get_settings().cell_output_limit,
            allow_errors=bool(others.get("allow_errors")),
            on_event=_Echo(log_output, others.get("stdout_file"), others.get("stderr_file")),
            environment=kernel_environment(),
        )
        output = cls._where_papermill_writes(output_path)
        run = NotebookRun(nb, choice, output, options, mark_errors=False)
        run.launch()
        return run

    @staticmethod
    def _where_papermill_writes(output: str | None) -> str | None:
        """With `--cwd` papermill is elsewhere by now, but means paths from where it began."""
        if output is None or is_remote(output):
            return output
        from papermill.iorw import papermill_io  # noqa: PLC0415 - imports this module

        began_in = getattr(papermill_io.get_handler(output), "_cwd", None)
        return str(Path(began_in or "", output))

    @staticmethod
    def _raise_as_papermill(error: BaseException) -> None:
        if isinstance(error, CellFailed):
            return  # papermill finds it in the notebook, marks it and raises its own error
        if isinstance(error, TerminationSignal):
            raise SystemExit(143) from None
        raise error

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """The kernel papermill is to use."""
        return choose_kernel(nb, name).name

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """The language papermill writes parameters in."""
        metadata = nb.metadata
        named = metadata.get("language_info", {}).get("name")
        return language or named or metadata.get("kernelspec", {}).get("language") or "python"


class _Echo:
    """papermill's `--log-output`, `--stdout-file` and `--stderr-file`."""

    def __init__(self, log: bool, stdout: Any, stderr: Any) -> None:
        self._log = log
        self._files = {"stdout": stdout, "stderr": stderr}

    def __call__(self, event: NotebookEvent) -> None:
        if not isinstance(event, CellPrinted):
            return
        if self._log:
            from papermill.log import logger  # noqa: PLC0415 - papermill imports this module

            logger.info(event.text.rstrip("\n"))
        if (file := self._files[event.stream]) is not None:
            file.write(event.text)
            file.flush()
