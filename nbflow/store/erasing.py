"""Deleting runs bit by bit, so that nobody waits long for the lock.

This module decides what belongs to a run, in which order it goes, and how much goes at once.
It must not know why a run goes. Every function here works inside the caller's transaction and
may be repeated after a rollback.

A run goes in slices, its own row last: whoever is interrupted starts over with what is left.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from nbflow.states import FINAL_TYPES
from nbflow.store import queries
from nbflow.store.database import Transaction
from nbflow.store.dialects import placeholders

#: Seconds of deleting in one transaction; what was begun is finished, which takes a bit more.
SLICE_SECONDS: Final = 0.01
#: Runs in one transaction, whatever the time.
_MOST_RUNS: Final = 200
#: Rows of a table deleted at once, and task runs.
_ROWS: Final = 250
_TASKS: Final = 50
_FINAL: Final = frozenset(str(type_) for type_ in FINAL_TYPES)


@dataclass(slots=True)
class Erased:
    """What one transaction deleted, and what that leaves behind on disks."""

    #: Of the runs given, in their order: those that are done with, deleted or left alone.
    roots: int = 0
    #: Flow runs that are gone, subflows included.
    flow_runs: list[UUID] = field(default_factory=list)
    task_runs: list[UUID] = field(default_factory=list)
    #: Executed notebooks.
    outputs: list[str] = field(default_factory=list)
    #: (storage, key) of results.
    results: list[tuple[str, str]] = field(default_factory=list)


def erase_some(tx: Transaction, roots: list[UUID], kept: AbstractSet[UUID]) -> Erased:
    """Delete the first of these runs with all below them, as far as time allows."""
    deadline = time.perf_counter() + SLICE_SECONDS
    erased = Erased()
    for root in roots[:_MOST_RUNS]:
        family = members_that_may_go(tx, root, kept)
        while family:
            if _erase_slice(tx, family[-1], erased):
                family.pop()
            if time.perf_counter() > deadline:
                break
        if family:
            break
        erased.roots += 1
        if time.perf_counter() > deadline:
            break
    return erased


def members_that_may_go(tx: Transaction, root: UUID, kept: AbstractSet[UUID]) -> list[UUID]:
    """The run, then its subflows.

    None of them while one is to be kept, or one, or the run's parent, has not ended.
    """
    family = {bytes(key): state for key, state in tx.all(_FAMILY, (root.bytes,))}
    above = tx.value(_PARENT, (root.bytes,))
    if not _FINAL.issuperset(family.values()) or above not in {None, *_FINAL}:
        return []
    ids = [UUID(bytes=key) for key in family]
    return sorted(ids, key=lambda each: each != root) if kept.isdisjoint(ids) else []


_FAMILY: Final = f"SELECT id, state_type FROM flow_run WHERE id IN ({queries.FAMILY})"
_PARENT: Final = (
    "SELECT state_type FROM flow_run WHERE id=(SELECT parent_id FROM flow_run WHERE id=?)"
)


def _erase_slice(tx: Transaction, run_id: UUID, erased: Erased) -> bool:
    """Delete a part of a flow run; True when that was the last, the run itself."""
    if _erase_tasks(tx, "flow_run_id=?", (run_id.bytes,), erased):
        return False
    for table in ("log", "artifact"):
        if erase_rows(tx, table, "flow_run_id=?", (run_id.bytes,)) == _ROWS:
            return False
    _note_flow_run(tx, run_id, erased)
    tx.run("DELETE FROM state WHERE run_id=?", (run_id.bytes,))
    # Its tags, its inputs and its place in a queue go with it.
    tx.run("DELETE FROM flow_run WHERE id=?", (run_id.bytes,))
    return True


def survey(tx: Transaction, run_ids: Iterable[UUID]) -> Erased:
    """What would be deleted with these flow runs."""
    erased = Erased()
    for run_id in run_ids:
        lines = tx.all("SELECT id, result FROM task_run WHERE flow_run_id=?", (run_id.bytes,))
        _note_task_runs(lines, erased)
        _note_flow_run(tx, run_id, erased)
    return erased


def erase_tasks_without_flow(tx: Transaction, before: int) -> Erased:
    """Delete some of the task runs outside of flows that ended before a moment."""
    erased = Erased()
    _erase_tasks(tx, "flow_run_id IS NULL AND end_time<?", (before,), erased)
    return erased


def _erase_tasks(
    tx: Transaction, condition: str, values: tuple[object, ...], erased: Erased
) -> bool:
    """Delete some task runs with their history; whether there were any."""
    text = f"SELECT id, result FROM task_run WHERE {condition} LIMIT ?"
    lines = tx.all(text, (*values, _TASKS))
    if not lines:
        return False
    keys = [bytes(key) for key, _ in lines]
    marks = placeholders(keys)
    tx.run(f"DELETE FROM state WHERE run_id IN ({marks})", keys)
    tx.run(f"DELETE FROM task_run WHERE id IN ({marks})", keys)
    _note_task_runs(lines, erased)
    return True


def erase_rows(
    tx: Transaction,
    table: str,
    condition: str,
    values: tuple[object, ...],
    column: str = "seq",
    limit: int = _ROWS,
) -> int:
    """Delete the first rows that fit; how many those were."""
    some = f"SELECT {column} FROM {table} WHERE {condition} ORDER BY {column} LIMIT ?"
    return tx.run(f"DELETE FROM {table} WHERE {column} IN ({some})", (*values, limit))


def _note_flow_run(tx: Transaction, run_id: UUID, erased: Erased) -> None:
    text = "SELECT output, source, result FROM flow_run WHERE id=?"
    for output, source, result in tx.all(text, (run_id.bytes,)):
        erased.flow_runs.append(run_id)
        if output and output != source:  # run in place: it is the user's own notebook
            erased.outputs.append(output)
        _note_result(run_id, result, erased)


def _note_task_runs(lines: Iterable[Sequence[Any]], erased: Erased) -> None:
    for key, result in lines:
        run_id = UUID(bytes=bytes(key))
        erased.task_runs.append(run_id)
        _note_result(run_id, result, erased)


def _note_result(run_id: UUID, result: str | None, erased: Erased) -> None:
    if result is None:
        return
    key, storage, *_ = json.loads(result)
    if key == f"runs/{run_id}":  # under any other key it is found by other runs, too
        erased.results.append((storage, key))


__all__ = [
    "SLICE_SECONDS",
    "Erased",
    "erase_rows",
    "erase_some",
    "erase_tasks_without_flow",
    "members_that_may_go",
    "survey",
]
