"""What happened in a run, one event at a time, from the batches that it is read in.

This module decides what counts as an event and in which order events are told. It is pure:
records in, events out. It must not know terminals, formats or stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from nbflow.logging import FLOW_RUNS, STATES, TASK_RUNS
from nbflow.models import FlowRun, LogRecord, TaskRun
from nbflow.states import StateType
from nbflow.tally import Counting, Tally


@dataclass(frozen=True, slots=True)
class RunMoved:
    """The flow run came to a new state."""

    run: FlowRun

    @property
    def time(self) -> datetime:
        """When it happened."""
        return self.run.state.timestamp


@dataclass(frozen=True, slots=True)
class TaskMoved:
    """A task or cell came to a new state."""

    task: TaskRun

    @property
    def time(self) -> datetime:
        """When it happened."""
        return self.task.state.timestamp


@dataclass(frozen=True, slots=True)
class Logged:
    """A line was logged or printed; `task` is None for the flow's own lines."""

    record: LogRecord
    task: TaskRun | None

    @property
    def time(self) -> datetime:
        """When it happened."""
        return self.record.timestamp


Event = RunMoved | TaskMoved | Logged


class News(Protocol):
    """A batch of what is new of a run and its subflows, as records."""

    @property
    def runs(self) -> Sequence[FlowRun]:
        """The flow runs that changed."""

    @property
    def tasks(self) -> Sequence[TaskRun]:
        """The task runs that changed."""

    @property
    def logs(self) -> Sequence[LogRecord]:
        """The lines that came."""


class Story:
    """What is known of a run, and of its subflows, so far."""

    def __init__(self, run_id: UUID) -> None:
        """Begin the story of a run, with nothing known of it."""
        self.run_id = run_id
        self.runs: dict[UUID, FlowRun] = {}
        self.tasks: dict[UUID, TaskRun] = {}
        self._counting = Counting()
        #: What executes just now below the run itself.
        self._running: dict[UUID, TaskRun | FlowRun] = {}

    @property
    def run(self) -> FlowRun | None:
        """The run that the story is about."""
        return self.runs.get(self.run_id)

    def events(self, news: News) -> list[Event]:
        """Take in a batch; return what is new in it, in order of time.

        A state that lasted shorter than a batch is not told: records carry the present state.
        """
        moved = list(self._moves(news))
        logged = (
            Logged(record, self._task_of(record))
            for record in news.logs
            if not is_bookkeeping(record)
        )
        return sorted([*logged, *moved], key=_order)

    def _moves(self, news: News) -> Iterator[Event]:
        for task in news.tasks:
            if _has_moved(self.tasks.get(task.id), task):
                yield TaskMoved(task)
            self.tasks[task.id] = task
            self._counting.put(task)
            self._note_running(task)
        for run in news.runs:
            if _has_moved(self.runs.get(run.id), run):
                yield RunMoved(run)
            self.runs[run.id] = run
            self._note_running(run)

    def _note_running(self, run: TaskRun | FlowRun) -> None:
        if run.state.type is StateType.RUNNING and run.id != self.run_id:
            self._running[run.id] = run
        else:
            self._running.pop(run.id, None)

    def _task_of(self, record: LogRecord) -> TaskRun | None:
        return self.tasks.get(record.task_run_id) if record.task_run_id else None

    def running(self) -> list[TaskRun | FlowRun]:
        """What executes just now below the run itself, longest first."""
        known = list(self._running.values())  # at once: another thread may be taking in news
        return sorted(known, key=lambda each: each.start_time or each.created)

    def siblings(self, task: TaskRun) -> list[TaskRun]:
        """All runs of the `.map` call that a task run belongs to."""
        return [each for each in self.tasks.values() if each.map_id == task.map_id]

    def tally(self) -> Tally:
        """How far the run is."""
        return self._counting.tally()


#: Loggers of the engine's own lines; those of `get_run_logger` go to the first two, too.
ENGINE_LOGGERS: Final = frozenset({TASK_RUNS, FLOW_RUNS, STATES})


def is_bookkeeping(record: LogRecord) -> bool:
    """Whether a log line only repeats the state of its run."""
    return record.logger == STATES


@dataclass(slots=True)
class Overwrites:
    """Holds back printed lines that the next one overwrites: progress bars.

    `tqdm` writes a bar and a carriage return, hundreds of times. On a page of lines only the
    last of them makes sense.
    """

    held: dict[UUID | None, Logged] = field(default_factory=dict)

    def settle(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events without what was overwritten."""
        for event in events:
            if isinstance(event, Logged):
                self.held.pop(event.record.task_run_id, None)  # overwritten just now
                if event.record.message.endswith("\r"):
                    self.held[event.record.task_run_id] = event
                    continue
            elif isinstance(event, TaskMoved):
                yield from self._release(event.task.id)
            elif event.run.state.is_settled():
                yield from self._release(None)
            yield event

    def _release(self, task_run_id: UUID | None) -> Iterator[Event]:
        held = self.held.pop(task_run_id, None)
        if held is not None:
            yield held


def _has_moved(before: FlowRun | TaskRun | None, after: FlowRun | TaskRun) -> bool:
    return before is None or (before.state, before.attempt) != (after.state, after.attempt)


def _order(event: Event) -> tuple[datetime, int]:
    """By time; what was printed comes before the end of what printed it."""
    if isinstance(event, Logged):
        return event.time, 1
    state = event.run.state if isinstance(event, RunMoved) else event.task.state
    last = 4 if isinstance(event, RunMoved) else 2
    return event.time, last if state.is_settled() else 0
