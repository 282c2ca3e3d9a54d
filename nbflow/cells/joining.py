"""Cells of a recorded notebook run, seen from inside their kernel.

This module decides how code in a cell belongs to the run that another process records: what
a cell's tasks and flows write goes to the store with the run as their flow run and the cell
as their parent, while the states of the cell itself, and of the run, are told to the runner,
which alone writes them. It must not know what cells do.

Outside of such a run nothing here does anything.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

from nbflow import states
from nbflow.context import FlowRunContext, TaskRunContext, leave_runs, settle_in
from nbflow.engine.lineage import Lineage
from nbflow.engine.naming import NameCounter
from nbflow.engine.resume_calls import call_of
from nbflow.engine.runners import runner_outside_flows
from nbflow.engine.session import FlowSession, Outstanding
from nbflow.engine.threads import let_threads_inherit
from nbflow.exceptions import ResumeError
from nbflow.interactive import kernel_here
from nbflow.logging import TASK_RUNS
from nbflow.models import (
    Dependency,
    FlowKind,
    FlowRun,
    LogRecord,
    StateChange,
    TaskKind,
    TaskRun,
)
from nbflow.notebooks.protocol import (
    KEY,
    MESSAGE_TYPE,
    VERSION,
    CellError,
    CellNews,
    Event,
    news_content,
)
from nbflow.settings import get_settings
from nbflow.states import State
from nbflow.store import Store, open_store

_sending: Final = threading.Lock()
#: Seconds between looks at what the runner has recorded, and how long it is waited for.
_LOOK: Final = 0.01
_RECORDING_PATIENCE: Final = 5.0


@dataclass(slots=True, eq=False)
class _Adopted:
    """What the cells of one run share in this kernel."""

    lineage: Lineage = field(default_factory=Lineage)
    names: NameCounter = field(default_factory=NameCounter)
    outstanding: Outstanding = field(default_factory=Outstanding)


_adopted: Final[dict[UUID, _Adopted]] = {}


@dataclass(eq=False)
class JoinedCell:
    """One execution of a cell, as a part of a recorded run."""

    #: The request that executes the cell.
    request: Mapping[str, Any] = field(repr=False)
    #: The cell's name in the run.
    name: str
    #: None when nobody records the run: there is only somebody to tell.
    flow_run_id: UUID | None = None
    flow_name: str = ""
    flow_run_name: str = ""
    task_run_id: UUID | None = None
    #: How often the cell was started, this time included.
    attempt: int = 1
    #: Whether the run goes on after a failure: what was kept may be restored.
    resuming: bool = False
    #: Lines in front of the cell that the notebook does not have.
    header_lines: int = 0

    @property
    def is_recorded(self) -> bool:
        """Whether it belongs to a recorded flow run."""
        return self.flow_run_id is not None and self.task_run_id is not None

    def tell(
        self,
        event: str,
        *,
        state: State[Any] | None = None,
        attempt: int | None = None,
        error: CellError | Mapping[str, Any] | None = None,
    ) -> None:
        """Tell the runner of this cell; from any thread, and harmless outside of kernels.

        Args:
            event: `submitted`, `state` or `ended`.
            state: The state it is in now.
            attempt: Counted like the cell's own `attempt`; default: that one.
            error: What it raised, with `ename`, `evalue` and `traceback`.
        """
        if isinstance(error, Mapping):
            lines = tuple(map(str, error.get("traceback") or ()))
            error = CellError(str(error["ename"]), str(error["evalue"]), lines)
        news = CellNews(Event(event), state, attempt or self.attempt, error)
        if news.event is Event.ENDED:
            _flush_output()
        _send(self.request, news_content(news))

    @contextlib.contextmanager
    def waiting(self, message: str | None = None) -> Iterator[None]:
        """Tell that the cell waits for others inside the block, which is not its own time."""
        self.tell("state", state=states.Pending(message=message))
        try:
            yield
        finally:
            self.tell("state", state=states.Running())

    def session(self) -> FlowSession:
        """The run as the engine's context; its store leaves the runner's states to the runner.

        Only for a cell of a recorded run.
        """
        assert self.flow_run_id is not None
        shared = _adopted.setdefault(self.flow_run_id, _Adopted())
        store = cast("Store", JoinedStore(self))
        return JoinedSession(
            {},
            store.add_logs,
            get_settings().log_prints,
            flow=SimpleNamespace(name=self.flow_name, persist_result=None),
            flow_run=self._flow_run(),
            store=store,
            runner=runner_outside_flows(),
            lineage=shared.lineage,
            names=shared.names,
            outstanding=shared.outstanding,
            place=f"{self.request.get('metadata', {}).get('cellId', '')}/",
        )

    def _flow_run(self) -> FlowRun:
        assert self.flow_run_id is not None
        state: State[Any] = states.Running()
        return FlowRun(
            id=self.flow_run_id,
            name=self.flow_run_name,
            flow_name=self.flow_name,
            state=state,
            kind=FlowKind.NOTEBOOK,
            attempt=1,
            created=state.timestamp,
            start_time=state.timestamp,
        )

    def task_run(self) -> TaskRun:
        """The cell's own task run, which the runner has created."""
        assert self.task_run_id is not None
        state: State[Any] = states.Running()
        return TaskRun(
            id=self.task_run_id,
            name=self.name,
            task_name=self.name,
            state=state,
            kind=TaskKind.CELL,
            flow_run_id=self.flow_run_id,
            task_key=str(self.request.get("metadata", {}).get("cellId", "")),
            attempt=self.attempt,
            created=state.timestamp,
            start_time=state.timestamp,
        )


class JoinedSession(FlowSession):
    """The run as a cell sees it: what its request does not say is looked up when asked for."""

    def move(self, state: State[Any]) -> None:
        """Let the runner record that the cell pauses the run, or goes on; return when it has."""
        super().move(state)
        patience = time.monotonic() + _RECORDING_PATIENCE
        while self.record().state.name != state.name and time.monotonic() < patience:
            time.sleep(_LOOK)

    def record(self) -> FlowRun:
        """The flow run, as the runner has recorded it."""
        return self.store.flow_run(self.flow_run.id)

    def given(self) -> Mapping[str, Any]:
        """The parameters with their types; as JSON where they were not kept."""
        run = self.record()
        try:
            return call_of(run).parameters
        except ResumeError:
            return run.parameters


def join(parent_message: Mapping[str, Any]) -> JoinedCell | None:
    """The cell that a request executes, as part of a run; None when nobody asked for that.

    `parent_message` is the whole `execute_request`, as `get_ipython().get_parent()` gives it.
    """
    told = (parent_message.get("metadata") or {}).get(KEY)
    if not isinstance(told, Mapping) or told.get("version") != VERSION:
        return None
    cell = JoinedCell(parent_message, str(told.get("name", "")))
    cell.header_lines = int(told.get("header_lines", 0))
    if "flow_run_id" in told and "task_run_id" in told:
        cell.flow_run_id = UUID(told["flow_run_id"])
        cell.task_run_id = UUID(told["task_run_id"])
        cell.flow_name = str(told.get("flow_name", ""))
        cell.flow_run_name = str(told.get("flow_run_name", ""))
        cell.attempt = int(told.get("attempt", 1))
        cell.resuming = bool(told.get("resuming"))
    return cell


# ── the store as a joined cell sees it ───────────────────────────────────────────────────


class JoinedStore:
    """The real store, but for what is the runner's to write: its run and the cell's states.

    The real store is opened when it is first needed. Everything that is not named here goes
    straight to it.
    """

    def __init__(self, cell: JoinedCell) -> None:
        self._cell = cell

    def __getattr__(self, name: str) -> Any:
        return getattr(open_store(), name)

    def create_flow_run(self, run: FlowRun) -> None:
        """Remember a subflow; it comes after the cell that called it."""
        cell = self._cell
        if run.id == cell.flow_run_id:
            return
        if run.parent_id == cell.flow_run_id and cell.task_run_id is not None:
            called = Dependency(cell.task_run_id)
            run = replace(run, dependencies=(*run.dependencies, called))
        open_store().create_flow_run(run)

    def create_task_run(self, run: TaskRun) -> None:
        """Remember a task run; the cell's own is there already."""
        if run.id != self._cell.task_run_id:
            open_store().create_task_run(run)

    def set_state(self, change: StateChange) -> None:
        """Tell the runner how the cell does; all else goes to the store."""
        cell = self._cell
        if change.run_id == cell.task_run_id:
            attempt = cell.attempt + max(0, change.attempt - 1)
            cell.tell("state", state=change.state, attempt=attempt)
        elif change.run_id != cell.flow_run_id:
            open_store().set_state(change)
        elif not change.state.is_final():  # the cell pauses its run, or goes on with it
            cell.tell("state", state=change.state)

    def rename_task_run(self, task_run_id: UUID, name: str) -> None:
        """Rename a task run; a cell keeps its name."""
        if task_run_id != self._cell.task_run_id:
            open_store().rename_task_run(task_run_id, name)

    def add_dependencies(
        self,
        task_run_id: UUID,
        flow_run_id: UUID | None,
        dependencies: Sequence[tuple[UUID, str, bool]],
    ) -> None:
        """Add dependencies; those of the cell were found by the runner."""
        if task_run_id != self._cell.task_run_id:
            open_store().add_dependencies(task_run_id, flow_run_id, dependencies)

    def add_logs(self, records: Sequence[LogRecord]) -> None:
        """Remember log records; why the cell itself failed is the runner's to write."""
        own = self._cell.task_run_id
        kept = [r for r in records if r.task_run_id != own or not _is_story(r)]
        if kept:
            open_store().add_logs(kept)

    def set_output(self, flow_run_id: UUID, output: str) -> None:
        """Remember where the executed notebook of a subflow is."""
        if flow_run_id != self._cell.flow_run_id:
            open_store().set_output(flow_run_id, output)

    def delete_flow_run(self, flow_run_id: UUID) -> None:
        """Forget a flow run, though never the one that this cell is in the middle of."""
        if flow_run_id != self._cell.flow_run_id:
            open_store().delete_flow_run(flow_run_id)

    def close(self) -> None:
        """Nothing: the process shares one store, which it closes at its end."""


def _is_story(record: LogRecord) -> bool:
    engines = record.logger == TASK_RUNS and record.level >= logging.ERROR
    return engines and record.message.startswith("Traceback (most recent call last):\n")


# ── the run as the context of a cell's code ──────────────────────────────────────────────


def enter(joined: JoinedCell) -> None:
    """Make the run and the cell current for what runs here now, its threads included."""
    if not joined.is_recorded:
        return
    let_threads_inherit()
    session = joined.session()
    settle_in(session)
    own = TaskRunContext(
        {},
        session.store.add_logs,  # what the cell itself prints is recorded by the runner
        task=SimpleNamespace(name=joined.name),
        task_run=joined.task_run(),
    )
    settle_in(own)


def leave() -> None:
    """Make no run current."""
    leave_runs()


def current_cell() -> JoinedCell | None:
    """The cell of a recorded run that this code belongs to, if any."""
    context = FlowRunContext.get()
    store = context.store if isinstance(context, FlowSession) else None
    return store._cell if isinstance(store, JoinedStore) else None  # noqa: SLF001 - our own


class _Watch:
    """Enters the run before each cell and leaves it afterwards; cells may run cells."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._request: object = None
        self._depth = 0

    def before_cell(self, *_: Any) -> None:
        """Enter the run that the cell belongs to."""
        parent = _request_of(self._shell)
        request = parent.get("header", {}).get("msg_id")
        self._depth = self._depth + 1 if request == self._request else 1
        self._request = request
        if self._depth == 1 and (joined := join(parent)) is not None:
            enter(joined)

    def after_cell(self, *_: Any) -> None:
        """Leave it."""
        self._depth = max(0, self._depth - 1)
        if self._depth == 0:
            leave()


_watch: _Watch | None = None


def install(shell: Any) -> None:
    """Let every cell of this shell belong to its run; once is enough, and more does no harm."""
    global _watch  # noqa: PLW0603 - one shell per process
    if _watch is None:
        _watch = _Watch(shell)
        shell.events.register("pre_run_cell", _watch.before_cell)
        shell.events.register("post_run_cell", _watch.after_cell)


def before_cell() -> None:
    """What is to be done before a cell, when `install` came too late for this one."""
    if _watch is not None:
        _watch.before_cell()


def finish() -> None:
    """Wait for what cells have submitted, as every flow does before it ends."""
    for adopted in list(_adopted.values()):
        adopted.outstanding.wait()


def _request_of(shell: Any) -> Mapping[str, Any]:
    parent: Any = getattr(shell, "get_parent", dict)()
    return parent if isinstance(parent, Mapping) else {}


# ── sending ──────────────────────────────────────────────────────────────────────────────


def _send(request: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    kernel = _kernel()
    if kernel is None:
        return
    # A runner that has gone, or a kernel on its way out, does not concern the cell.
    with _sending, contextlib.suppress(Exception):
        kernel.session.send(
            kernel.iopub_socket,
            MESSAGE_TYPE,
            dict(content),
            parent=dict(request),
            ident=MESSAGE_TYPE.encode(),
        )


def _kernel() -> Any:
    kernel = kernel_here()
    return kernel if hasattr(kernel, "iopub_socket") else None


def _flush_output() -> None:
    """What the cell printed is sent before its end is told."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # anyone's stream
            stream.flush()
