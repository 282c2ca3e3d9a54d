"""The records of a run in the form that views take.

This module decides that form, field by field. It must not know what was sent before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from nbflow import wire
from nbflow.failure import Failure
from nbflow.feed.plain import LONGEST_TEXT, at, millis, optional, plain, text
from nbflow.logging import ROOT, STDOUT
from nbflow.models import FlowRun, LogRecord, ResultRef, StateChange, TaskRun
from nbflow.models.deployments import RunInput
from nbflow.states import StateType
from nbflow.tally import Tally
from nbflow.wording import one_line

Json = dict[str, Any]

#: What processes need of a flow run and readers do not.
_NOT_SHOWN: Final = frozenset({"dependencies", "result", "owner"})
#: Characters of all parameters together; where there are more, one gets that part of them.
_LONG_PARAMETERS: Final = 50_000
_PART: Final = 50
#: Characters of a name, and of what a task ended with: there may be ten thousand.
LONGEST_NAME: Final = 500
LONGEST_MESSAGE: Final = 2_000
#: Characters of all lines that are told at once.
_LONG_LOG: Final = 2_000_000
_PRINTED: Final = frozenset({STDOUT, f"{ROOT}.stderr"})


def flow_run_json(run: FlowRun, room: int = _LONG_PARAMETERS) -> Json:
    """A flow run as the API tells it, with so many characters of parameters."""
    told = {name: plain(each) for name, each in wire.dump(run).items() if name not in _NOT_SHOWN}
    return told | {"parameters": _parameters(told["parameters"], room)}


def _parameters(values: Mapping[str, Any], room: int) -> Json:
    """All parameters; where they would fill the page, the long ones by their beginnings."""
    if len(json.dumps(values)) <= room:
        return dict(values)
    return {name: _beginning(value, room // _PART) for name, value in values.items()}


def _beginning(value: Any, limit: int) -> Any:
    words = json.dumps(value, ensure_ascii=False)
    return value if len(words) <= limit else text(words, limit)


def task_json(task: TaskRun, node: str, attempts: list[Json] | None = None) -> Json:
    """A task run or a cell; `node` is its card, `attempts` are told when there were several."""
    row: Json = {
        "id": str(task.id),
        "name": text(task.name, LONGEST_NAME),
        "task_name": text(task.task_name, LONGEST_NAME),
        "run": str(task.flow_run_id),
        "kind": task.kind.value,
        "node": text(node),
        "state_name": text(task.state.name),
        "state_type": task.state.type.value,
        "message": optional(task.state.message, LONGEST_MESSAGE),
        "attempt": task.attempt,
        "created": at(task.created),
        "started": millis(task.start_time),
        "ended": millis(task.end_time),
        "map_index": task.map_index,
    }
    return row if attempts is None else row | {"attempts": attempts}


def attempts_json(history: Iterable[StateChange]) -> list[Json]:
    """When each attempt began and ended, and how, from a task's states in order."""
    found: list[Json] = []
    for change in history:
        state = change.state
        if state.type is StateType.RUNNING:
            found.append({"started": at(state.timestamp), "ended": None} | _named(change))
        elif found and found[-1]["ended"] is None:
            found[-1] |= {"ended": at(state.timestamp)} | _named(change)
    return found


def _named(change: StateChange) -> Json:
    state = change.state
    if state.name == "AwaitingRetry":  # what it became: the attempt itself had failed
        return {"state_name": "Failed", "state_type": StateType.FAILED.value}
    return {"state_name": text(state.name), "state_type": state.type.value}


def logs_json(lines: Sequence[LogRecord]) -> list[Json]:
    """Lines of a log; where they would fill the page, the long ones by their beginnings."""
    length = sum(len(line.message) for line in lines)
    limit = LONGEST_TEXT if length <= _LONG_LOG else min(LONGEST_TEXT, _LONG_LOG // len(lines))
    return [_log_json(line, limit) for line in lines]


def _log_json(record: LogRecord, limit: int) -> Json:
    return {
        "seq": record.sequence or 0,
        "time": at(record.timestamp),
        "level": record.level,
        "task": str(record.task_run_id) if record.task_run_id else None,
        "run": str(record.flow_run_id),
        "printed": record.logger in _PRINTED,
        "text": text(record.message, limit),
    }


def result_json(owner: FlowRun | TaskRun, result: ResultRef) -> Json:
    """A kept result, without loading it."""
    return {
        "owner": str(owner.id),
        "name": text(owner.name),
        "serializer": text(result.serializer),
        "size": result.size,
        "key": text(result.key),
    }


def progress_json(tally: Tally) -> Json:
    """How far a run is."""
    return {
        "total": tally.total,
        "done": tally.done,
        "counts": {text(name): number for name, number in sorted(tally.counts.items()) if number},
        "noun": tally.noun,
    }


def failure_json(failure: Failure, task: TaskRun | None, node: str | None) -> Json:
    """Why a run did not complete; `task` failed first, `node` is its card."""
    source = failure.source
    return {
        "what": text(failure.what),
        "error": text(failure.error),
        "source": source and {"place": text(source.place), "text": text(source.text)},
        "traceback": _short_traceback([text(line) for line in failure.traceback]),
        "next": [
            {"command": text(one_line(step.command)), "purpose": text(step.purpose)}
            for step in failure.next_steps
        ],
        "task": str(task.id) if task else None,
        "node": optional(node),
    }


def _short_traceback(lines: list[str]) -> list[str]:
    """The end of a traceback that nobody would read whole: the error stands there."""
    room = LONGEST_TEXT
    for number, line in enumerate(reversed(lines)):
        room -= len(line) + 1
        if room < 0 and number:
            return ["…", *lines[-number:]]
    return lines


def question_json(asked: RunInput) -> Json:
    """What a paused run asks."""
    return {
        "message": optional(asked.message),
        "schema": None if asked.schema is None else plain(asked.schema),
        "deadline": millis(asked.deadline),
    }
