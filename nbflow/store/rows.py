"""How records become rows, and rows records.

This module decides the stored form of times, ids and nested data, and the order of columns.
It must not know connections or SQL beyond column names.

A run row starts with the columns that a state changes (`STATE_COLUMNS`), so that a new row
and a pending update of an old one are moved to a state by the same code, `advance`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from nbflow.models import (
    Dependency,
    FlowKind,
    FlowRun,
    LogRecord,
    ResultRef,
    RunKind,
    StateChange,
    TaskKind,
    TaskRun,
)
from nbflow.states import FINAL_TYPES, Resuming, State, StateType

#: A row on its way into the database: only None, int, str and bytes.
Row = list[Any]

STATE_COLUMNS: Final = (
    "changed",
    "state_type",
    "state_name",
    "state_message",
    "state_timestamp",
    "scheduled_time",
    "attempt",
    "start_time",
    "end_time",
    "result",
)
FLOW_RUN_COLUMNS: Final = (
    *STATE_COLUMNS,
    "owner",
    "seq",
    "id",
    "name",
    "flow_name",
    "kind",
    "flow_version",
    "parameters",
    "tags",
    "parent_id",
    "dependencies",
    "created",
    "source",
    "output",
    "deployment_id",
)
TASK_RUN_COLUMNS: Final = (
    *STATE_COLUMNS,
    "seq",
    "id",
    "name",
    "task_name",
    "kind",
    "flow_run_id",
    "parent_id",
    "task_key",
    "map_id",
    "map_index",
    "cell_index",
    "tags",
    "dependencies",
    "cache_key",
    "created",
)
HISTORY_COLUMNS: Final = (
    "seq",
    "run_id",
    "type",
    "name",
    "message",
    "timestamp",
    "scheduled_time",
    "attempt",
    "result",
)
LOG_COLUMNS: Final = (
    "seq",
    "flow_run_id",
    "task_run_id",
    "level",
    "logger",
    "message",
    "timestamp",
)

OWNER: Final = FLOW_RUN_COLUMNS.index("owner")
FLOW_SEQ: Final = FLOW_RUN_COLUMNS.index("seq")
FLOW_CREATED: Final = FLOW_RUN_COLUMNS.index("created")
FLOW_OUTPUT: Final = FLOW_RUN_COLUMNS.index("output")
TASK_SEQ: Final = TASK_RUN_COLUMNS.index("seq")
TASK_NAME: Final = TASK_RUN_COLUMNS.index("name", TASK_RUN_COLUMNS.index("id"))
TASK_DEPENDENCIES: Final = TASK_RUN_COLUMNS.index("dependencies")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: By value: looking them up is ten times faster than calling the enumeration.
_TYPES: Final = {each.value: each for each in StateType}
_KINDS: Final = {each.value: each for each in TaskKind}
_REPR_LENGTH: Final = 200


# ── single values ────────────────────────────────────────────────────────────────────────


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly; the moment must be aware."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def to_micros_or_none(moment: datetime | None) -> int | None:
    """As `to_micros`, with None for None."""
    return None if moment is None else to_micros(moment)


def from_micros(value: int) -> datetime:
    """The aware UTC moment of `to_micros`."""
    return _EPOCH + timedelta(0, 0, value)


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_micros(value)


def _bytes(identifier: UUID | None) -> bytes | None:
    return None if identifier is None else identifier.bytes


@functools.lru_cache(maxsize=1024)  # ten thousand tasks name the same flow run, and the same map
def _uuid(value: bytes | None) -> UUID | None:
    return None if value is None else UUID(bytes=value)


def to_json(value: Mapping[str, Any]) -> str:
    """JSON text of parameters; what JSON cannot say appears as a short `repr`."""
    try:
        return json.dumps(value, default=_short_repr)
    except (TypeError, ValueError, RecursionError):  # odd keys, or a value that contains itself
        return json.dumps({str(key): _short_repr(item) for key, item in value.items()})


def _short_repr(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - the user's `__repr__` may raise anything
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= _REPR_LENGTH else text[: _REPR_LENGTH - 1] + "…"


def _tags_to_text(tags: frozenset[str]) -> str | None:
    return json.dumps(sorted(tags)) if tags else None


def _tags_from_text(text: str | None) -> frozenset[str]:
    return frozenset(json.loads(text)) if text else frozenset()


def dependencies_to_text(dependencies: Iterable[Dependency]) -> str | None:
    """Dependencies as compact JSON, or None when there are none."""
    items = [[d.upstream.hex, d.name, int(d.certain)] for d in dependencies]
    return json.dumps(items) if items else None


def dependencies_from_text(text: str | None) -> tuple[Dependency, ...]:
    """The inverse of `dependencies_to_text`."""
    if not text:
        return ()
    return tuple(Dependency(UUID(u), name, bool(certain)) for u, name, certain in json.loads(text))


def merge_dependencies(text: str | None, more: Sequence[tuple[UUID, str, bool]]) -> str | None:
    """Stored dependencies with others added; one that is there already is not repeated."""
    merged = dict.fromkeys(dependencies_from_text(text))
    merged.update(dict.fromkeys(Dependency(*item) for item in more))
    return dependencies_to_text(merged)


def _result_to_text(result: ResultRef | None) -> str | None:
    if result is None:
        return None
    expires = to_micros_or_none(result.expires)
    return json.dumps([result.key, result.storage, result.serializer, result.size, expires])


def _result_from_text(text: str | None) -> ResultRef | None:
    if text is None:
        return None
    key, storage, serializer, size, expires = json.loads(text)
    return ResultRef(key, storage, serializer, size, _moment(expires))


# ── records to rows ──────────────────────────────────────────────────────────────────────


def _state_part(run: FlowRun | TaskRun, seq: int) -> Row:
    state = run.state
    at = to_micros(state.timestamp)
    start, end = to_micros_or_none(run.start_time), to_micros_or_none(run.end_time)
    if start is None and state.type is StateType.RUNNING:
        start = at
    if end is None and state.type in FINAL_TYPES:
        end = at
    return [
        seq,
        state.type._value_,
        state.name,
        state.message,
        at,
        to_micros_or_none(state.scheduled_time),
        run.attempt,
        start,
        end,
        _result_to_text(run.result),
    ]


def flow_run_row(run: FlowRun, parameters: str, seq: int) -> Row:
    """The row of a new flow run; `parameters` is its JSON."""
    row = _state_part(run, seq)
    row += (
        None if run.state.type in FINAL_TYPES else run.owner,
        seq,
        run.id.bytes,
        run.name,
        run.flow_name,
        run.kind._value_,
        run.flow_version,
        parameters,
        _tags_to_text(run.tags),
        _bytes(run.parent_id),
        dependencies_to_text(run.dependencies),
        to_micros(run.created),
        run.source,
        run.output,
        _bytes(run.deployment_id),
    )
    return row


def task_run_row(run: TaskRun, seq: int) -> Row:
    """The row of a new task run."""
    row = _state_part(run, seq)
    row += (
        seq,
        run.id.bytes,
        run.name,
        run.task_name,
        run.kind._value_,
        _bytes(run.flow_run_id),
        _bytes(run.parent_id),
        run.task_key,
        _bytes(run.map_id),
        run.map_index,
        run.cell_index,
        _tags_to_text(run.tags),
        dependencies_to_text(run.dependencies),
        run.cache_key,
        to_micros(run.created),
    )
    return row


def first_state_row(row: Row, identifier: bytes) -> Row:
    """The history's first row, taken from the run row just made."""
    seq, type_, name, message, at, scheduled, attempt, _start, _end, result = row[:10]
    return [seq, identifier, type_, name, message, at, scheduled, attempt, result]


def state_row(change: StateChange, identifier: bytes, seq: int) -> Row:
    """A row of the history."""
    state = change.state
    scheduled = state.scheduled_time
    return [
        seq,
        identifier,
        state.type._value_,
        state.name,
        state.message,
        to_micros(state.timestamp),
        None if scheduled is None else to_micros(scheduled),
        change.attempt,
        None if change.result is None else _result_to_text(change.result),
    ]


#: In the place of a start time: forget it, if the run had ended.
START_ANEW: Final = -1
_RESUMING: Final = Resuming().name


def pending_update() -> Row:
    """An empty update of a stored run, for `advance`; None means: leave as it is."""
    return [None] * len(STATE_COLUMNS)


def advance(row: Row, history: Row, type_: StateType, *, stored: bool = False) -> bool:
    """Move a run row, new or pending update (`stored`), to the state of a history row.

    Returns whether the state is final.
    """
    seq, _, row[1], row[2], row[3], at, row[5], attempt, result = history
    anew = type_ is StateType.PENDING or row[2] == _RESUMING
    if anew and (row[8] is not None or (stored and row[7] is None)):
        row[7] = START_ANEW if stored else None  # had it ended, its time is over, too
    row[0], row[4] = seq, at
    if attempt:
        row[6] = attempt
    if result is not None:
        row[9] = result
    if type_ is StateType.RUNNING and row[7] in {None, START_ANEW}:
        row[7] = at
    final = type_ in FINAL_TYPES
    row[8] = at if final else None
    return final


def log_row(record: LogRecord, seq: int) -> Row:
    """The row of a log record."""
    flow_run_id, task_run_id = record.flow_run_id, record.task_run_id
    return [
        seq,
        None if flow_run_id is None else flow_run_id.bytes,
        None if task_run_id is None else task_run_id.bytes,
        record.level,
        record.logger,
        record.message,
        to_micros(record.timestamp),
    ]


# ── rows to records ──────────────────────────────────────────────────────────────────────


def _state(row: Sequence[Any]) -> State[Any]:
    return State(_TYPES[row[1]], row[2], row[3], from_micros(row[4]), _moment(row[5]))


def flow_run_from(row: Sequence[Any]) -> FlowRun:
    """The record of a row of `FLOW_RUN_COLUMNS`."""
    (
        owner,
        _seq,
        identifier,
        name,
        flow_name,
        kind,
        flow_version,
        parameters,
        tags,
        parent_id,
        dependencies,
        created,
        source,
        output,
        deployment_id,
    ) = row[len(STATE_COLUMNS) :]
    return FlowRun(
        id=UUID(bytes=identifier),
        name=name,
        flow_name=flow_name,
        state=_state(row),
        kind=FlowKind(kind),
        flow_version=flow_version,
        parameters=json.loads(parameters) if parameters else {},
        tags=_tags_from_text(tags),
        attempt=row[6],
        parent_id=_uuid(parent_id),
        dependencies=dependencies_from_text(dependencies),
        created=from_micros(created),
        start_time=_moment(row[7]),
        end_time=_moment(row[8]),
        source=source,
        output=output,
        result=_result_from_text(row[9]),
        owner=owner,
        deployment_id=_uuid(deployment_id),
    )


def task_run_from(row: Sequence[Any]) -> TaskRun:
    """The record of a row of `TASK_RUN_COLUMNS`."""
    (
        _seq,
        identifier,
        name,
        task_name,
        kind,
        flow_run_id,
        parent_id,
        task_key,
        map_id,
        map_index,
        cell_index,
        tags,
        dependencies,
        cache_key,
        created,
    ) = row[len(STATE_COLUMNS) :]
    return TaskRun(
        id=UUID(bytes=identifier),
        name=name,
        task_name=task_name,
        state=_state(row),
        kind=_KINDS[kind],
        flow_run_id=_uuid(flow_run_id),
        parent_id=_uuid(parent_id),
        task_key=task_key,
        map_id=_uuid(map_id),
        map_index=map_index,
        cell_index=cell_index,
        tags=_tags_from_text(tags),
        dependencies=dependencies_from_text(dependencies),
        attempt=row[6],
        cache_key=cache_key,
        created=from_micros(created),
        start_time=_moment(row[7]),
        end_time=_moment(row[8]),
        result=_result_from_text(row[9]),
    )


def state_change_from(row: Sequence[Any], kind: RunKind, flow_run_id: UUID | None) -> StateChange:
    """The record of a row of `HISTORY_COLUMNS`."""
    _seq, run_id, type_, name, message, at, scheduled, attempt, result = row
    state: State[Any] = State(_TYPES[type_], name, message, from_micros(at), _moment(scheduled))
    return StateChange(
        kind, UUID(bytes=run_id), state, attempt, _result_from_text(result), flow_run_id
    )


def log_from(row: Sequence[Any]) -> LogRecord:
    """The record of a row of `LOG_COLUMNS`."""
    seq, flow_run_id, task_run_id, level, logger, message, at = row
    return LogRecord(
        _uuid(flow_run_id), _uuid(task_run_id), level, logger, message, from_micros(at), seq
    )
