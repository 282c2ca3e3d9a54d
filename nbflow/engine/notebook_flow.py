"""Notebooks as flows: `notebook("train.ipynb")` is called like any other flow.

This module decides how a notebook becomes a flow whose function executes its cells, and how
what happens to a cell is recorded as a task run. It must not know kernels or papermill:
`nbflow.notebooks` tells it what happened.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from nbformat import NotebookNode

from nbflow import parameters as params
from nbflow.dataflow import analyse_cells
from nbflow.engine.cell_records import CellRecorder
from nbflow.engine.session import FlowSession, current_session
from nbflow.engine.storage import forget_cells
from nbflow.engine.suspension import Suspension
from nbflow.exceptions import (
    MissingContextError,
    NbflowError,
    NotebookError,
    OutputPathError,
    ParameterBindError,
    PausedRun,
)
from nbflow.flows import Flow
from nbflow.logging import run_logger
from nbflow.models import FlowKind, RunGraph
from nbflow.notebooks.cell_tags import order_edges, tags_of
from nbflow.notebooks.document import (
    code_cells,
    inject_parameters,
    is_remote,
    output_name,
    parameters_cell,
    read_notebook,
)
from nbflow.notebooks.events import CellInfo, CellOutcome, CellRecord, NotebookOutcome
from nbflow.notebooks.execute import run_notebook
from nbflow.notebooks.kernels.kernel import Kernel
from nbflow.notebooks.kernels.parking import park
from nbflow.notebooks.run_options import Keep
from nbflow.paths import expanded
from nbflow.run_graph import graph_of_cells
from nbflow.settings import get_settings
from nbflow.states import now
from nbflow.tasks import positive

#: Options of a notebook's execution, beside those of every flow.
_OWN: Final = (
    "kernel_name",
    "cwd",
    "output",
    "cell_timeout_seconds",
    "timeout_seconds",
    "keep_kernel_seconds",
)


class NotebookFlow(Flow[..., NotebookOutcome]):
    """A notebook that runs as a flow; its cells are the task runs.

    Parameters are those of the cell tagged `parameters`; calling the flow returns a
    `NotebookOutcome` with the path of the executed notebook.
    """

    kind_of_flow = FlowKind.NOTEBOOK

    def __init__(
        self,
        path: str | Path,
        *,
        kernel_name: str | None = None,
        cwd: str | Path | None = None,
        output: str | Path | None = None,
        cell_timeout_seconds: float | None = None,
        timeout_seconds: float | None = None,
        keep_kernel_seconds: float | None = None,
        name: str | None = None,
        **options: Any,
    ) -> None:
        """Take a notebook as a flow.

        Args:
            path: The notebook: a file, or any address that papermill reads.
            kernel_name: The kernel to use; default: the notebook's own.
            cwd: The kernel's working directory; default: the notebook's folder, as in Jupyter.
            output: Where the executed notebook goes, a file or a folder; default: a new
                file in the notebooks folder of the nbflow home.
            cell_timeout_seconds: Most time a single cell may take.
            timeout_seconds: Most time the whole notebook may take.
            keep_kernel_seconds: How long the kernel is kept when the run fails, to be opened
                with `nbflow debug` and gone on with; default: the setting.
            name: The flow's name; default: the file's.
            **options: Options of `flow`, such as retries or hooks.

        Raises `NotebookError` when the file is not a readable notebook.
        """
        self.path = path if is_remote(str(path)) else str(expanded(path).absolute())
        self.kernel_name = kernel_name
        self.cwd = cwd
        self.output = output
        self.cell_timeout_seconds = positive("cell_timeout_seconds", cell_timeout_seconds)
        self.keep_kernel_seconds = keep_kernel_seconds
        #: The kept kernel of an earlier attempt, where it goes on, and what stands above.
        self._kept: tuple[Kernel, int, Mapping[str, NotebookNode]] | None = None
        self._read: tuple[object, Any] = (None, None)
        document = self._document()
        stem = Path(str(path)).stem if str(path) != "-" else "stdin"
        super().__init__(self._execute, name=name or stem, **options)
        own = {key: value for key, value in locals().items() if key in _OWN}
        self._options |= own
        #: Enforced by the execution, which can save the notebook first.
        self.limit_seconds = positive("timeout_seconds", timeout_seconds)
        self.version = options.get("version") or _version(document)
        self.description = options.get("description")

    @property
    def source(self) -> str | None:
        """The notebook's path."""
        return str(self.path)

    @property
    def call_options(self) -> Mapping[str, Any]:
        """What a later process needs to know, beside the file and parameters, to resume a run."""
        places = {"cwd": self.cwd, "output": self.output}
        absolute = {
            name: None if place is None else _absolute(place) for name, place in places.items()
        }
        return {
            "kernel_name": self.kernel_name,
            "cell_timeout_seconds": self.cell_timeout_seconds,
            "timeout_seconds": self.limit_seconds,
            "keep_kernel_seconds": self.keep_kernel_seconds,
            **absolute,
        }

    def continued(
        self, kernel: Kernel, start: int, known: Mapping[str, NotebookNode]
    ) -> NotebookFlow:
        """The same flow, going on in a kernel that was kept.

        Args:
            kernel: The kernel, in which the cells above have run.
            start: The index of the cell to start at.
            known: What the cells above left, by their ids.
        """
        made = copy.copy(self)
        made._kept = (kernel, start, known)  # noqa: SLF001 - our own
        made.fn = made._execute  # noqa: SLF001 - the function is bound to its flow
        return made

    def _document(self) -> Any:
        """The notebook as it is now; a local file is read again only when it has changed."""
        stamp = _stamp(self.path)
        if stamp is None or self._read[0] != stamp:
            self._read = (stamp, read_notebook(self.path))
        return self._read[1]

    # ── parameters ───────────────────────────────────────────────────────────────────────

    @property
    def parameters(self) -> tuple[params.Parameter, ...]:
        """What the notebook's `parameters` cell declares, read anew each time."""
        document = self._document()
        cell = parameters_cell(document)
        if cell is None or not _is_python(document):
            return ()
        return params.from_cell(cell.source, cell=f"the parameters cell of {self._shown}")

    @property
    def _shown(self) -> str:
        return f"notebook {Path(str(self.path)).name!r}"

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Check the parameters before anything is recorded; they are given by name only."""
        if args:
            raise ParameterBindError(
                f"Pass the parameters of {self._shown} by name: {self.name}(name=value)."
            )
        document = self._document()
        if any(cell.metadata.get("tags") for cell in document.cells):  # naming cells takes time
            tags_of(code_cells(document))  # what cannot be understood is told at once
        return self.validate_parameters(kwargs)

    def validate_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check parameters and convert them to the types of the `parameters` cell."""
        if not self.should_validate_parameters or not _is_python(self._document()):
            return dict(values)
        try:
            declared = self.parameters
        except NotebookError:
            if values:
                raise
            return {}  # nothing to check: the cell will say itself what is wrong with it
        if values and not declared:
            raise ParameterBindError(
                f"The {self._shown} declares no parameters. Tag the cell that holds their "
                "defaults with 'parameters', or leave them out."
            )
        return params.validate(declared, values, owner=self._shown)

    def arguments(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Every parameter by its name."""
        return (), dict(values)

    # ── running ──────────────────────────────────────────────────────────────────────────

    def _execute(self, **values: Any) -> NotebookOutcome:
        """The function of this flow: run the cells, recording each as a task run."""
        session = current_session()
        if session is None:
            raise MissingContextError(f"Call {self.name}(...) to run the {self._shown}.")
        target = self._target(session)
        session.store.set_output(session.flow_run.id, str(target))
        kernel, start, known = self._kept or (None, 0, {})
        recorder = CellRecorder(session, self._cells(values), frozenset(known))
        outcome = _run(
            self.path,
            output=target,
            parameters=values,
            kernel_name=self.kernel_name,
            cwd=self.cwd or self._folder(),
            cell_timeout=self.cell_timeout_seconds,
            timeout=self.limit_seconds,
            on_event=recorder.receive,
            identify=recorder.identify,
            kernel=kernel,
            start_at=start,
            known=known,
            keep=self._keeping(session),
        )
        forget_cells(session.flow_run.id)  # what has completed is never resumed
        return outcome

    def _keeping(self, session: FlowSession) -> Keep | None:
        """What keeps the kernel of a run that failed; None when nobody wants that."""
        seconds = self.keep_kernel_seconds
        seconds = get_settings().keep_kernel_seconds if seconds is None else seconds
        if not seconds:
            return None

        def keep(kernel: Kernel, culprit: CellRecord | None, outcome: NotebookOutcome) -> bool:
            run = session.flow_run
            if outcome.outcome is not CellOutcome.CANCELLED and run.attempt <= self.retries:
                return False  # it is tried again, in a kernel of its own
            last = culprit or _last_begun(outcome)
            try:
                park(
                    kernel,
                    seconds=seconds,
                    run_id=str(run.id),
                    run_name=run.name,
                    notebook=str(self.path),
                    output=outcome.output,
                    cell_id=last.cell.cell_id if last else None,
                    cell_name=last.cell.name if last else None,
                    cwd=None if self.cwd is None else str(self.cwd),
                )
            except (NbflowError, OSError) as error:
                run_logger(session).warning("%s", error)
                return False
            return True

        return keep

    def _cells(self, values: Mapping[str, Any]) -> tuple[CellInfo, ...]:
        document = self._document()
        if values:
            document = copy.copy(document)
            document.cells = list(document.cells)
            document.metadata = copy.deepcopy(document.metadata)
            text = params.to_python_source(values) if _is_python(document) else ""
            inject_parameters(document, text or "parameters", values)
        return code_cells(document)

    def _folder(self) -> Path | None:
        return None if is_remote(str(self.path)) else Path(str(self.path)).parent

    def _target(self, session: FlowSession) -> Path | str:
        name = output_name(self.path, now(), session.flow_run.id)
        if self.output is None:
            folder = get_settings().notebooks_folder()
            _make_folder(folder)
            return folder / name
        if is_remote(str(self.output)):
            return str(self.output)
        target = expanded(self.output)
        is_folder = target.is_dir() or str(self.output).endswith(("/", "\\"))
        return (target / name if is_folder else target).absolute()

    # ── pictures ─────────────────────────────────────────────────────────────────────────

    def graph(self, *args: Any, **kwargs: Any) -> RunGraph:
        """The notebook's cells and what passes between them, without running them."""
        del args, kwargs
        cells = code_cells(self._document())
        edges = analyse_cells([(c.source, c.may_raise) for c in cells]).display_edges()
        ids = [cell.cell_id for cell in cells]
        flows = [(ids[e.source], ids[e.target], ", ".join(e.names), e.certain) for e in edges]
        stated = [(a.cell_id, b.cell_id, "", True) for a, b in order_edges(cells)]
        return graph_of_cells(
            [(cell.cell_id, cell.name, cell.index) for cell in cells],
            [*flows, *stated],
            title=self.name,
        )

    def _remake(self, options: dict[str, Any]) -> NotebookFlow:
        return NotebookFlow(self.path, **options)

    def __repr__(self) -> str:
        return f"<NotebookFlow {self.name!r} of {str(self.path)!r}>"


def notebook(path: str | Path, **options: Any) -> NotebookFlow:
    """A notebook as a flow: callable, usable inside flows, deployable.

    `notebook("train.ipynb")(day="2026-01-31")` runs it from top to bottom on a kernel of its
    own and returns a `NotebookOutcome`. Options are those of `NotebookFlow`.
    """
    return NotebookFlow(path, **options)


notebook.__signature__ = inspect.signature(NotebookFlow)  # type: ignore[attr-defined]


def _run(path: str | Path, **options: Any) -> NotebookOutcome:
    try:
        return run_notebook(path, **options)
    except PausedRun as suspended:  # a cell has left for good
        raise Suspension(str(suspended)) from None


def _stamp(path: str | Path) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def _last_begun(outcome: NotebookOutcome) -> CellRecord | None:
    """The cell that was running when its run was stopped."""
    begun = [cell for cell in outcome.cells if cell.started and not cell.outcome.is_good]
    return begun[-1] if begun else None


def _absolute(place: str | Path) -> str:
    text = str(place)
    if is_remote(text):
        return text
    end = os.sep if text.endswith(("/", os.sep)) else ""
    return f"{expanded(text).absolute()}{end}"


def _is_python(document: Any) -> bool:
    info = document.metadata.get("kernelspec", {})
    language = info.get("language") or document.metadata.get("language_info", {}).get("name")
    return language in {None, "", "python", "ipython"}


def _version(document: Any) -> str:
    """A hash of the cells' sources: outputs and metadata do not make another version."""
    content = "\0".join(f"{cell.cell_type}:{cell.source}" for cell in document.cells)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _make_folder(folder: Path) -> None:
    try:
        get_settings().ensure_home()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputPathError(
            f"The notebooks folder {folder} cannot be created ({error.strerror or error}). "
            "Choose another with -o, or set NBFLOW_NOTEBOOKS."
        ) from error
