"""What happens to the cells of a running notebook, as records of task runs.

This module decides how cell events become task runs, states, edges and logs. It must not
know kernels.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from nbflow import states
from nbflow.dataflow import analyse_cells
from nbflow.engine.outcomes import describe
from nbflow.engine.session import FlowSession
from nbflow.exceptions import CellFailed
from nbflow.logging import run_logger
from nbflow.models import (
    Dependency,
    LogRecord,
    RunKind,
    StateChange,
    TaskKind,
    TaskRun,
    new_id,
)
from nbflow.notebooks.cell_tags import order_edges
from nbflow.notebooks.events import (
    CellEnded,
    CellInfo,
    CellMoved,
    CellOutcome,
    CellPrinted,
    CellStarted,
    KernelEnded,
    KernelReady,
    KernelStarting,
    Note,
    NotebookEvent,
)
from nbflow.notebooks.protocol import CellIdentity
from nbflow.settings import get_settings
from nbflow.states import State, StateType, now
from nbflow.wording import without_escapes

_TYPES: Final[dict[CellOutcome, tuple[StateType, str]]] = {
    CellOutcome.COMPLETED: (StateType.COMPLETED, "Completed"),
    CellOutcome.CACHED: (StateType.COMPLETED, "Cached"),
    CellOutcome.FAILED: (StateType.FAILED, "Failed"),
    CellOutcome.TIMED_OUT: (StateType.FAILED, "TimedOut"),
    CellOutcome.CRASHED: (StateType.CRASHED, "Crashed"),
    CellOutcome.CANCELLED: (StateType.CANCELLED, "Cancelled"),
    CellOutcome.SKIPPED: (StateType.COMPLETED, "Skipped"),
    CellOutcome.STOPPED_EARLY: (StateType.COMPLETED, "Completed"),
    CellOutcome.SUSPENDED: (StateType.PAUSED, "Suspended"),
    CellOutcome.NOT_RUN: (StateType.PENDING, "NotRun"),
}

#: A line of `nbflow.logging`'s console handler.
_LOGGED: Final = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \| [A-Z]+ +\| (?:Task|Flow) run ")


class CellRecorder:
    """Records the cells of one attempt at a notebook run."""

    def __init__(
        self,
        session: FlowSession,
        cells: Sequence[CellInfo],
        kept: AbstractSet[str] = frozenset(),
    ) -> None:
        """Make the records that are not there; `kept` cells, by id, stay as an attempt left them.

        Raises `NotebookError` when a tag of a cell cannot be understood.
        """
        self._session = session
        self._kept = kept
        self._log_limit = get_settings().cell_log_limit
        self._lines: dict[str, int] = {}
        self._ids: dict[str, UUID] = {}
        #: Records of an earlier attempt, by cell id.
        self._earlier: dict[str, TaskRun] = {}
        #: How often each cell was started.
        self._starts: dict[str, int] = {}
        #: The cells that wait for a person.
        self._paused: set[str] = set()
        if session.flow_run.attempt > 1:  # the same cells once more: they keep their records
            self._take_over(cells)
        self._create(cells)

    def _take_over(self, cells: Sequence[CellInfo]) -> None:
        """Go on with the records of an earlier attempt; what has no cell any more is not run."""
        known = self._session.store.task_runs(self._session.flow_run.id)
        earlier = {run.task_key: run for run in known if run.kind is TaskKind.CELL}
        for cell in cells:
            run = earlier.pop(cell.cell_id, None)
            if run is not None:
                self._ids[cell.cell_id] = run.id
                self._starts[cell.cell_id] = run.attempt
                self._earlier[cell.cell_id] = run
        for run in earlier.values():
            message = "The notebook has this cell no more."
            self._change(run.id, states.NotRun(message=message), run.attempt)

    def _create(self, cells: Sequence[CellInfo]) -> None:
        fresh = [cell for cell in cells if cell.cell_id not in self._ids]
        self._ids |= {cell.cell_id: new_id() for cell in fresh}
        needs = self._dependencies(cells)
        for cell in fresh:
            self._session.store.create_task_run(self._task_run(cell, needs[cell.cell_id]))
        for cell in cells:
            if cell.cell_id in self._earlier:
                self._revise(self._earlier[cell.cell_id], cell, needs[cell.cell_id])
                if cell.cell_id not in self._kept:
                    self._set_state(cell, states.Pending())

    def _revise(self, run: TaskRun, cell: CellInfo, needs: tuple[Dependency, ...]) -> None:
        """Bring a record up to date with the cell as it is now."""
        store = self._session.store
        if run.name != cell.name:
            store.rename_task_run(run.id, cell.name)
        known = {(need.upstream, need.name) for need in run.dependencies}
        new = [(n.upstream, n.name, n.certain) for n in needs if (n.upstream, n.name) not in known]
        if new:
            store.add_dependencies(run.id, run.flow_run_id, new)

    def identify(self, cell: CellInfo) -> CellIdentity:
        """Which run a started cell belongs to, for its kernel."""
        run = self._session.flow_run
        return CellIdentity(
            flow_run_id=str(run.id),
            flow_name=run.flow_name,
            flow_run_name=run.name,
            task_run_id=str(self._ids[cell.cell_id]),
            attempt=self._starts.get(cell.cell_id, 1),
            resuming=run.attempt > 1,
        )

    def _dependencies(self, cells: Sequence[CellInfo]) -> dict[str, tuple[Dependency, ...]]:
        found: dict[str, list[Dependency]] = {cell.cell_id: [] for cell in cells}
        for earlier, later in order_edges(cells):
            found[later.cell_id].append(Dependency(self._ids[earlier.cell_id]))
        sources = [(cell.source, cell.may_raise) for cell in cells]
        for edge in analyse_cells(sources).display_edges():
            upstream = self._ids[cells[edge.source].cell_id]
            dependency = Dependency(upstream, ", ".join(edge.names), edge.certain)
            found[cells[edge.target].cell_id].append(dependency)
        return {cell_id: tuple(needs) for cell_id, needs in found.items()}

    def _task_run(self, cell: CellInfo, dependencies: tuple[Dependency, ...]) -> TaskRun:
        state: State[Any] = states.Pending()
        return TaskRun(
            id=self._ids[cell.cell_id],
            name=cell.name,
            task_name=cell.name,
            state=state,
            kind=TaskKind.CELL,
            flow_run_id=self._session.flow_run.id,
            task_key=cell.cell_id,
            cell_index=cell.index,
            tags=cell.tags,
            dependencies=dependencies,
            created=state.timestamp,
        )

    def _close_children(self) -> None:
        """Close what cells began and their kernel, which has ended, cannot end any more."""
        store, flow_run_id = self._session.store, self._session.flow_run.id
        store.close_abandoned(now())
        for run in store.task_runs(flow_run_id):
            if run.kind is TaskKind.CELL or run.state.is_settled():
                continue
            started = run.start_time is not None
            end = states.Crashed if started else states.NotRun
            self._change(run.id, end(message="The kernel ended before it did."), run.attempt)

    # ── events ───────────────────────────────────────────────────────────────────────────

    def receive(self, event: NotebookEvent) -> None:
        """Take in one event of the running notebook."""
        match event:
            case CellStarted(at=at, cell=cell):
                starts = self._starts[cell.cell_id] = self._starts.get(cell.cell_id, 0) + 1
                name = "Retrying" if starts > 1 else "Running"
                self._set_state(cell, State(StateType.RUNNING, name, timestamp=at))
            case CellMoved(cell=cell, state=state, attempt=attempt):
                self._starts[cell.cell_id] = attempt
                self._set_state(cell, state)
                self._pause_run(cell, state)
            case CellPrinted(at=at, cell=cell, stream=stream, text=text):
                self._record_text(cell, stream, text, at)
            case CellEnded():
                self._end(event)
            case KernelStarting():
                self._kernel_starts(event)
            case KernelEnded():
                self._close_children()
            case KernelReady(kernel_name=kernel_name):
                run_logger(self._session).debug("Kernel %r is ready.", kernel_name)
            case Note(message=message, warning=warning):
                level = logging.WARNING if warning else logging.INFO
                run_logger(self._session).log(level, "%s", message)

    def _pause_run(self, cell: CellInfo, state: State[Any]) -> None:
        """The run is paused while one of its cells waits for a person."""
        paused = bool(self._paused)
        if state.name == "Paused":
            self._paused.add(cell.cell_id)
        else:
            self._paused.discard(cell.cell_id)
        if state.name == "Suspended":
            self._session.move(state)
        elif paused != bool(self._paused):
            self._session.move(state if self._paused else states.Running())

    def _kernel_starts(self, event: KernelStarting) -> None:
        logger = run_logger(self._session)
        logger.debug("Kernel %r is started: %s.", event.kernel_name, event.reason)
        if event.missing is not None:
            logger.warning(
                "The notebook's own kernel %r is not installed; it runs on %r, chosen %s.",
                event.missing,
                event.kernel_name,
                event.reason,
            )

    def _end(self, event: CellEnded) -> None:
        type_, name = _TYPES[event.outcome]
        message = None if event.error is None else _reason(event.error)
        if event.outcome is CellOutcome.STOPPED_EARLY:
            message = "Ended the notebook early with sys.exit(0)."
        state: State[Any] = State(type_, name, message, timestamp=event.at)
        if isinstance(event.error, CellFailed) and event.error.traceback:
            story = without_escapes("\n".join(event.error.traceback))
            self._log(event.cell, logging.ERROR, "nbflow.task_runs", [story], event.at)
        self._set_state(event.cell, state)

    def _set_state(self, cell: CellInfo, state: State[Any]) -> None:
        self._change(self._ids[cell.cell_id], state, self._starts.get(cell.cell_id, 0))

    def _change(self, run_id: UUID, state: State[Any], attempt: int) -> None:
        flow_run_id = self._session.flow_run.id
        change = StateChange(RunKind.TASK, run_id, state, attempt, None, flow_run_id)
        self._session.store.set_state(change)

    def _record_text(self, cell: CellInfo, stream: str, text: str, at: datetime) -> None:
        lines = text.removesuffix("\n").split("\n")
        # What tasks log is recorded by the kernel; this is the console's copy of it.
        lines = [line for line in lines if not _LOGGED.match(line)]
        if not lines:
            return
        before = self._lines.get(cell.cell_id, 0)
        self._lines[cell.cell_id] = before + len(lines)
        room = self._log_limit - before
        if room <= 0:
            return
        if len(lines) > room:
            note = f"… more than {self._log_limit:,} lines: the rest is in the executed notebook."
            lines = [*lines[:room], note]
        self._log(cell, logging.INFO, f"nbflow.{stream}", lines, at)

    def _log(
        self, cell: CellInfo, level: int, logger: str, lines: Sequence[str], at: datetime
    ) -> None:
        ids = (self._session.flow_run.id, self._ids[cell.cell_id])
        records = [LogRecord(*ids, level, logger, line, at) for line in lines]
        self._session.sink(records)


def _reason(error: BaseException) -> str:
    if isinstance(error, CellFailed):
        return f"{error.ename}: {error.evalue}".rstrip(": ")
    return describe(error)
