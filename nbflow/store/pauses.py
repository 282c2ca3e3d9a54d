"""What paused runs wait for, over one connection.

This module decides which question an answer belongs to, and whether it fits. It must not know
how a run pauses.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from nbflow.exceptions import ParameterError, UsageError
from nbflow.models import FlowRun
from nbflow.models.deployments import RunInput
from nbflow.states import TimedOut
from nbflow.store import deployment_rows as rows
from nbflow.store import moves
from nbflow.store.database import Transaction
from nbflow.store.reader import Reader

#: Questions with a time limit of runs that have no process: nobody else looks at these.
_OPEN: Final = (
    "FROM run_input i JOIN flow_run f ON f.id=i.flow_run_id "
    "WHERE i.deadline IS NOT NULL AND i.answered IS NULL AND f.state_name='Suspended'"
)
_OVERDUE: Final = f"SELECT DISTINCT f.id {_OPEN} AND i.deadline<=?"
_SELECT: Final = f"SELECT {rows.INPUT_COLUMNS} FROM run_input WHERE flow_run_id=?"


def ask(tx: Transaction, request: RunInput) -> RunInput:
    """Remember what a run waits for; the same key again returns what is there."""
    columns = rows.INPUT_COLUMNS
    text = (
        f"INSERT INTO run_input ({columns}) VALUES ({rows.marks(columns)}) ON CONFLICT DO NOTHING"
    )
    if tx.run(text, rows.input_row(request)):
        payload = {"key": request.key, "message": request.message}
        tx.tell("flow-run.asked", request.flow_run_id, payload)
    return next(e for e in read(tx.reader, request.flow_run_id) if e.key == request.key)


def read(reader: Reader, run_id: UUID) -> list[RunInput]:
    """What a run has asked for, oldest first."""
    found = reader.all(f"{_SELECT} ORDER BY created, key", (run_id.bytes,))
    return [rows.input_from(row) for row in found]


def answer(
    tx: Transaction, run: FlowRun, given: Mapping[str, Any] | None, key: str | None, now: int
) -> None:
    """Keep an answer; raises `ParameterError` when it does not fit.

    Raises `UsageError` when nothing was asked.
    """
    request = _open_request(tx, run, key)
    values = dict(given or {})
    if request.schema is not None:
        check(values, request.schema)
    text = "UPDATE run_input SET answer=?, answered=? WHERE flow_run_id=? AND key=?"
    tx.run(text, (json.dumps(values), now, run.id.bytes, request.key))
    tx.tell("flow-run.answered", run.id, {"key": request.key})


def give_up(tx: Transaction, now: int) -> None:
    """End the suspended runs whose question nobody has answered in time."""
    for (key,) in tx.all(_OVERDUE, (now,)):
        run = tx.reader.flow_run(UUID(bytes=bytes(key)))
        if run is not None:
            message = "Nobody answered in time, so it was not resumed."
            moves.end_family(tx, run, TimedOut(message=message), now)


def next_deadline(tx: Transaction) -> int | None:
    """When the next suspended run gives up waiting."""
    return tx.value(f"SELECT min(i.deadline) {_OPEN}")  # type: ignore[no-any-return]


def _open_request(tx: Transaction, run: FlowRun, key: str | None) -> RunInput:
    waiting = [each for each in read(tx.reader, run.id) if each.answered is None]
    fitting = [each for each in waiting if key is None or each.key == key]
    if run.state.is_settled() or not fitting:
        keys = ", ".join(each.key for each in waiting)
        hint = f"It asks for {keys}." if keys and not run.state.is_settled() else ""
        raise UsageError(
            f"The run {run.name} waits for no answer: it is {run.state.name}. {hint}".rstrip()
        )
    return fitting[-1]


def check(values: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Raise `ParameterError` for the first value that does not fit a JSON Schema."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow to load, rarely needed

    found = sorted(Draft202012Validator(schema).iter_errors(values), key=lambda e: list(e.path))
    if found:
        place = ".".join(str(part) for part in found[0].path) or "The answer"
        raise ParameterError(f"{place}: {found[0].message}. Correct it and answer again.")
