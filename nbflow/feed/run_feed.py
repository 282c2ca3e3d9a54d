"""Tells one reader of one run: everything at first, then what is new.

This module decides what an update holds, and in which order things are learned. It must not
know how places are found, how stores are asked, nor how updates travel.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from nbflow.exceptions import ObjectNotFound
from nbflow.failure import explain
from nbflow.feed import records
from nbflow.feed.allowance import Allowance, Clock
from nbflow.feed.artifacts import ArtifactReader
from nbflow.feed.histories import Histories
from nbflow.feed.live_graph import LiveGraph
from nbflow.feed.look import Look
from nbflow.feed.plain import at, text
from nbflow.models import FlowRun, LogFilter, LogRecord, TaskRun
from nbflow.run_reader import Batch, RunReader, SubflowGone
from nbflow.runs import first_failed
from nbflow.states import now
from nbflow.store.base import Store
from nbflow.story import is_bookkeeping
from nbflow.tally import Counting

Json = dict[str, Any]
Actions = Callable[[FlowRun], list[Json]]

#: Log lines of a run's past that are sent at first: the newest.
FIRST_LOGS: Final = 5_000
#: Error lines among which a traceback is looked for.
_ERROR_LINES: Final = 200
_ERROR_LEVEL: Final = 40
#: At this level, a line that tells of a state says more: why an attempt failed before the next.
_WARNING: Final = 30
#: The part of the time for artifacts: they may be large, and nobody says when there are new ones.
_ARTIFACT_SHARE: Final = 0.002


def _no_actions(_: FlowRun) -> list[Json]:
    return []


class RunFeed:
    """What one reader is told of a run and its subflows. One caller at a time."""

    def __init__(
        self,
        store: Store,
        run_id: UUID,
        actions: Actions = _no_actions,
        *,
        clock: Clock = time.monotonic,
    ) -> None:
        """Follow a run; `actions` gives the buttons that apply to it just now."""
        self._store = store
        self._run_id = run_id
        self._actions = actions
        self._clock = clock
        self._paced = 0.0
        #: The run's name, once it was read.
        self._name: str | None = None
        self._gone: str | None = None
        self._begin()

    def _begin(self) -> None:
        """Forget all that was read and sent."""
        self._reader = RunReader(self._store, self._run_id)
        self._tasks: dict[UUID, TaskRun] = {}
        self._graph = LiveGraph(self._run_id, self._clock)
        self._counting = Counting()
        self._histories = Histories(self._store)
        self._artifacts = ArtifactReader(self._store)
        self._artifact_looks = Allowance(_ARTIFACT_SHARE, self._clock)
        self._artifacts_due = True
        #: Lines of the past, until all of it was read; then None.
        self._past: deque[LogRecord] | None = deque(maxlen=FIRST_LOGS)
        self._past_lines = 0
        #: What was told last, by its name in updates.
        self._told: Json = {}
        self._results: dict[UUID, Json] = {}
        self._is_new = True

    @property
    def settled(self) -> bool:
        """Whether nothing more happens by itself: the run has ended and all of it was told."""
        run = self._reader.run
        ended = run is not None and run.state.is_settled()
        return self._gone is not None or (ended and not self.is_behind)

    @property
    def is_behind(self) -> bool:
        """Whether the next update tells more even if nothing happens: call again soon."""
        return self._gone is None and (
            self._is_new
            or self._reader.behind
            or self._graph.is_behind
            or self._histories.is_behind
            or self._artifacts_due
        )

    @property
    def paced_seconds(self) -> float:
        """Seconds of work so far that whoever paces updates by their cost need not count.

        Layouts and such keep to a small part of the time by themselves, and once a run has ended
        there is nothing that reading it could slow down.
        """
        return self._paced + self._graph.spent + self._artifact_looks.spent

    def update(self, look: Look) -> Json | None:
        """What is new for the reader, as a `RunUpdate`; None when nothing is.

        The first update says `reset`; that of a large run is followed by more at once. Raises
        `ObjectNotFound` for a run that never was.
        """
        if self._gone is not None:
            return None
        before = time.thread_time() - self.paced_seconds
        try:
            return self._update(look)
        except ObjectNotFound as error:
            return self._end(error)
        except SubflowGone:
            self._paced = self.paced_seconds
            self._begin()
            return self.update(look)
        finally:
            if self._has_ended():
                self._paced += time.thread_time() - self.paced_seconds - before

    def _update(self, look: Look) -> Json | None:
        batch = self._reader.read()
        self._name = self._reader.run.name if self._reader.run else None
        news = self._news(batch or Batch(), look, happened=batch is not None)
        if not news:
            return None
        reset = {"reset": True} if self._is_new else {}
        self._is_new = False
        return {**reset, "now": at(now()), **news}

    def _end(self, error: ObjectNotFound) -> Json:
        if self._name is None:
            raise error
        self._gone = f"The run {text(self._name)} was deleted: nothing of it is left to be shown."
        return {"now": at(now()), "gone": self._gone}

    def _news(self, batch: Batch, look: Look, *, happened: bool) -> Json:
        changed = self._learn(batch)
        changed |= dict.fromkeys(self._histories.read())
        news: Json = {}
        if happened:
            news |= self._news_of_run(batch)
        news |= self._news_of_logs(batch.logs)
        news |= self._news_of_tasks(changed)
        news |= self._news_of_artifacts(happened=happened)
        return news | self._news_of_graph(look)

    def _learn(self, batch: Batch) -> dict[UUID, None]:
        """Take in a batch; the ids of the tasks whose rows are to be told."""
        moved: list[UUID] = []
        for run in batch.runs:
            moved += self._graph.put(run)
        for task in batch.tasks:
            self._tasks[task.id] = task
            self._counting.put(task)
            self._histories.put(task)
            moved += self._graph.put(task)
        own = dict.fromkeys(task.id for task in batch.tasks)
        return own | dict.fromkeys(each for each in moved if each in self._tasks)

    # ── the run as a whole ───────────────────────────────────────────────────────────────

    def _news_of_run(self, batch: Batch) -> Json:
        run = self._reader.run
        assert run is not None  # it was read, or an error was raised
        news: Json = {}
        own = [each for each in batch.runs if each.id == self._run_id]
        if own:
            news["run"] = records.flow_run_json(run)
        if len(own) < len(batch.runs):
            others = {each.id: each for each in batch.runs if each.id != self._run_id}
            news["subflows"] = [records.flow_run_json(each) for each in others.values()]
        news |= self._fresh("progress", records.progress_json(self._counting.tally()))
        news |= self._fresh("actions", self._actions(run))
        news |= self._fresh("question", self._question(run))
        if not self._reader.behind:
            news |= self._fresh("failure", self._failure(run))
        return news | self._news_of_results(batch)

    def _fresh(self, name: str, value: Any) -> Json:
        """A part of the update, if it is not what was told last."""
        if name in self._told and self._told[name] == value:
            return {}
        self._told[name] = value
        return {name: value}

    def _question(self, run: FlowRun) -> Json | None:
        if not run.state.is_paused():
            return None
        asked = [each for each in self._store.dispatch.inputs(run.id) if each.answered is None]
        return records.question_json(asked[-1]) if asked else None

    def _failure(self, run: FlowRun) -> Json | None:
        if run.state.is_completed() or not run.state.is_settled():
            return None
        tasks = list(self._tasks.values())
        culprit = first_failed(tasks)
        owner = culprit.flow_run_id if culprit and culprit.flow_run_id else run.id
        where = LogFilter(flow_run_id=owner, min_level=_ERROR_LEVEL)
        lines = self._store.logs(where, limit=_ERROR_LINES, newest=True)
        failure = explain(run, tasks, logs=lines)
        node = self._graph.card(culprit.id) if culprit else None
        return records.failure_json(failure, culprit, node) if failure else None

    def _news_of_results(self, batch: Batch) -> Json:
        found = []
        owners: list[FlowRun | TaskRun] = [*batch.runs, *batch.tasks]
        for owner in owners:
            if owner.result is None:
                continue
            told = records.result_json(owner, owner.result)
            if self._results.get(owner.id) != told:
                self._results[owner.id] = told
                found.append(told)
        return {"results": found} if found else {}

    # ── its parts ────────────────────────────────────────────────────────────────────────

    def _news_of_logs(self, lines: Iterable[LogRecord]) -> Json:
        told = [line for line in lines if line.level == _WARNING or not is_bookkeeping(line)]
        if self._past is None:
            return {"logs": _logs_json(told)} if told else {}
        self._past_lines += len(told)
        self._past.extend(sorted(told, key=_sequence))
        if self._reader.behind:
            return {}
        past, self._past = self._past, None
        return {"logs": _logs_json(past), "logs_left_out": self._past_lines - len(past)}

    def _news_of_tasks(self, changed: Iterable[UUID]) -> Json:
        rows = [self._row(self._tasks[task_id]) for task_id in changed]
        return {"tasks": rows} if rows else {}

    def _row(self, task: TaskRun) -> Json:
        node = self._graph.card(task.id) or str(task.id)
        return records.task_json(task, node, self._histories.of(task.id))

    def _news_of_artifacts(self, *, happened: bool) -> Json:
        self._artifacts_due = self._artifacts_due or happened
        wait = self._reader.behind or not (self._has_ended() or self._artifact_looks.permits)
        if wait or not self._artifacts_due:
            return {}
        self._artifacts_due = False
        with self._artifact_looks.spending():
            found = self._artifacts.read(self._reader.family())
        return {"artifacts": found} if found else {}

    def _news_of_graph(self, look: Look) -> Json:
        if self._past is not None:  # the graph of a run that is half read would jump
            return {}
        return self._graph.update(look, final=self._has_ended())

    def _has_ended(self) -> bool:
        return self._reader.run is not None and self._reader.run.state.is_settled()


def _sequence(line: LogRecord) -> int:
    return line.sequence or 0


def _logs_json(lines: Iterable[LogRecord]) -> list[Json]:
    """Lines in order, without those that a later one of the same writer overwrites."""
    kept: dict[object, LogRecord] = {}
    for line in sorted(lines, key=_sequence):
        writer = (line.flow_run_id, line.task_run_id)
        kept.pop(writer, None)  # it ended with a carriage return
        kept[writer if line.message.endswith("\r") else line.sequence] = line
    return records.logs_json(list(kept.values()))
