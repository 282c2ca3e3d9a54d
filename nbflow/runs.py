"""Recorded runs as objects: look at one, wait for it, draw it.

This module decides what a user can ask of a run, and ask for it, from any process. It reads the
store, and lets workers do what is to be done: it must not execute anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from nbflow.drawing import mimebundle
from nbflow.exceptions import ObjectNotFound, RunTimeout
from nbflow.models import FlowRun, FlowRunFilter, LogFilter, LogRecord, RunGraph, TaskRun
from nbflow.run_graph import graph_of_run
from nbflow.states import FINAL_TYPES, State, StateType
from nbflow.store import open_store
from nbflow.store.base import Store
from nbflow.surfaces import shown_run
from nbflow.terminal_text import plain_line
from nbflow.wording import ago, duration, state_word

if TYPE_CHECKING:  # most runs are of no deployment
    from nbflow.models.deployments import Deployment

#: Deeper subflows are not drawn; nobody nests this deep on purpose.
_DEEPEST: Final = 20
_WATCH_SECONDS: Final = 5.0
_BAD: Final = FINAL_TYPES - {StateType.COMPLETED}


def get_run(reference: str | UUID = "latest", *, store: Store | None = None) -> Run:
    """The run that an id, the start or end of one, a name, or `latest` means.

    Raises `ObjectNotFound`, naming near matches.
    """
    store = store or open_store()
    if isinstance(reference, UUID):
        return Run(store.flow_run(reference), store)
    return Run(store.find_flow_run(reference), store)


def list_runs(
    where: FlowRunFilter | None = None, *, limit: int = 20, store: Store | None = None
) -> list[Run]:
    """Recorded runs, newest first; subflows are left out unless `where` asks for them."""
    store = store or open_store()
    where = where or FlowRunFilter(top_level=True)
    return [Run(record, store) for record in store.flow_runs(where, limit=limit)]


def deployment_names(runs: Iterable[Run], store: Store) -> dict[UUID, str]:
    """The names of the deployments that these runs are of, where they still are."""
    found: dict[UUID, str] = {}
    for run in runs:
        deployment_id = run.record.deployment_id
        if deployment_id is not None and deployment_id not in found:
            with suppress(ObjectNotFound):
                found[deployment_id] = store.deployments.get(deployment_id).full_name
    return found


class Run:
    """One recorded flow run.

    Attributes show the run as it was last read: made, `refresh`ed or `wait`ed for.
    """

    def __init__(self, record: FlowRun, store: Store) -> None:
        self.record = record
        self.store = store

    @property
    def id(self) -> UUID:
        """The run's id."""
        return self.record.id

    @property
    def name(self) -> str:
        """The run's name."""
        return self.record.name

    @property
    def flow_name(self) -> str:
        """The name of the flow that ran."""
        return self.record.flow_name

    @property
    def state(self) -> State[Any]:
        """What happened to the run last."""
        return self.record.state

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What the run was given, as JSON."""
        return self.record.parameters

    @property
    def tags(self) -> frozenset[str]:
        """The run's tags."""
        return self.record.tags

    @property
    def output(self) -> Path | None:
        """The executed notebook; None for a Python flow."""
        return Path(self.record.output) if self.record.output else None

    @property
    def duration(self) -> float | None:
        """Seconds from start to end, or to now; None before the start."""
        if self.record.start_time is None:
            return None
        end = self.record.end_time or datetime.now(UTC)
        return (end - self.record.start_time).total_seconds()

    @property
    def deployment(self) -> Deployment | None:
        """The deployment it is a run of; None for a run that was called, or when it is gone."""
        if self.record.deployment_id is None:
            return None
        try:
            return self.store.deployments.get(self.record.deployment_id)
        except ObjectNotFound:
            return None

    @property
    def scheduled_time(self) -> datetime | None:
        """When the run is, or was, due; None for a run that was simply called."""
        if self.record.deployment_id is None or self.state.is_scheduled():
            return self.state.scheduled_time
        queued = self.store.dispatch.queued(self.id)
        return (queued.nominal or queued.due) if queued else None

    @property
    def task_runs(self) -> list[TaskRun]:
        """The run's tasks or cells as they are now, in order of creation."""
        return self.store.task_runs(self.id)

    @property
    def all_task_runs(self) -> list[TaskRun]:
        """The task runs of the run and of all its subflows."""
        return [task for run in (self, *self.all_subflows) for task in run.task_runs]

    @property
    def subflows(self) -> list[Run]:
        """The flow runs that this one started, oldest first."""
        children = self.store.flow_runs(FlowRunFilter(parent_id=self.id), limit=10_000)
        return [Run(child, self.store) for child in reversed(children)]

    @property
    def all_subflows(self) -> list[Run]:
        """The flow runs that this one started, and those that they started."""
        return list(_descendants(self))

    def logs(
        self, *, task: TaskRun | str | None = None, level: int = 0, limit: int = 1000
    ) -> list[LogRecord]:
        """The last `limit` lines that the run, or one task of it, logged and printed.

        Args:
            task: A task run, or the name of one.
            level: Least level, as `logging` counts.
            limit: Most lines.
        """
        wanted = self.find_task(task).id if isinstance(task, str) else task.id if task else None
        where = LogFilter(flow_run_id=self.id, task_run_id=wanted, min_level=level)
        return self.store.logs(where, limit=limit, newest=True)

    def find_task(self, reference: str) -> TaskRun:
        """The task or cell of this name, or whose id begins or ends so.

        Of several with one name, the last. Raises `ObjectNotFound`.
        """
        return find_task(self.task_runs, reference)

    @property
    def graph(self) -> RunGraph:
        """Tasks, cells and subflows, and what led to what."""
        return self.graph_at(None)

    def graph_at(self, now: datetime | None) -> RunGraph:
        """The graph with the durations that what still runs has at that moment."""
        family = [self, *self.all_subflows]
        tasks = [task for run in family for task in run.task_runs]
        return graph_of_run(self.record, tasks, [run.record for run in family[1:]], now)

    def refresh(self) -> Run:
        """Read the run again, and return it."""
        self.record = self.store.flow_run(self.id)
        return self

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until the run has ended, and return it; raises `RunTimeout` after `timeout`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.refresh().state.is_settled():
            left = _WATCH_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise RunTimeout(
                    f"Run {self.name!r} is still {state_word(self.state.name)} "
                    f"after {duration(timeout)}."
                )
            for _ in self.store.watch(self.id, timeout=min(left, _WATCH_SECONDS)):
                pass  # each batch is only a reason to look again
        return self

    # ── what workers do about it ─────────────────────────────────────────────────────────

    def cancel(self) -> Run:
        """Ask for the run's end, and return it: at once where it waits, soon where it runs.

        Raises `UsageError` for a run that has ended, or that no worker executes.
        """
        self.record = self.store.dispatch.cancel(self.id)
        return self

    def retry(self) -> Run:
        """Let the ended run of a deployment start anew, and return it.

        Raises `ResumeError` where that cannot be.
        """
        self.record = self.store.dispatch.retry(self.id)
        return self

    def resume(self, run_input: Any = None) -> Run:
        """Let the run go on, and return it: a paused one with an answer, an ended one as it is.

        Raises `ParameterError` for an answer that does not fit what it asks for, `ResumeError`
        or `UsageError` where it cannot go on.
        """
        from nbflow.engine.questions import as_answer  # noqa: PLC0415 - looking needs no engine

        if self.refresh().state.is_paused():
            self.record = self.store.dispatch.answer(self.id, as_answer(run_input))
        else:
            self.record = self.store.dispatch.retry(self.id, resume=True)
        return self

    def __repr__(self) -> str:
        when = ago(self.record.created, datetime.now(UTC))
        took = f" in {duration(self.duration)}" if self.record.end_time else ""
        flow = plain_line(self.flow_name)
        return f"<Run {self.name!r} of {flow}: {self.state.name}{took}, {when}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        forms = shown_run(self)
        return mimebundle(self.graph) if forms is None else dict(forms)


def _descendants(run: Run, depth: int = 0) -> Iterator[Run]:
    for child in run.subflows if depth < _DEEPEST else ():
        yield child
        yield from _descendants(child, depth + 1)


def find_task(tasks: list[TaskRun], reference: str) -> TaskRun:
    """The task run that a name, or the start or end of an id, means; of several, the last."""
    by_name = [task for task in tasks if reference in {task.name, task.task_name}]
    by_id = [
        task
        for task in tasks
        if str(task.id).startswith(reference) or str(task.id).endswith(reference)
    ]
    found = by_name or by_id or [t for t in tasks if reference.casefold() in t.name.casefold()]
    if not found:
        names = ", ".join(dict.fromkeys(task.name for task in tasks[:12])) or "none"
        raise ObjectNotFound(f"The run has no task {reference!r}. Its tasks are: {names}.")
    return found[-1]


def first_failed(tasks: Iterable[TaskRun]) -> TaskRun | None:
    """The task that failed first: what came after it may only have followed."""
    bad = [task for task in tasks if task.state.type in _BAD]
    # A cancelled task is a failure's victim when anything else went wrong.
    worse = [task for task in bad if task.state.type is not StateType.CANCELLED]
    return min(worse or bad, key=lambda task: task.end_time or task.created, default=None)
