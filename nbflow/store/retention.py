"""Which runs have been kept for long enough.

This module decides, for each deployment and for each flow without one, what is beyond what it
keeps. It reads only, and must not know how runs are deleted.

Runs are counted and ordered as they were created. Only ended ones count. A subflow stays and
goes with its parent, unless it is a run of a deployment.
"""

# ruff: noqa: S608 - names in the SQL are our own; values are always bound

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from nbflow.settings import Settings
from nbflow.states import FINAL_TYPES, StateType
from nbflow.store.deployment_rows import spec_from_text
from nbflow.store.dialects import placeholders
from nbflow.store.queries import Conditions
from nbflow.store.reader import Reader

_DAY: Final = 86_400 * 1_000_000
_PAGE: Final = 200
_FINAL: Final = sorted(str(type_) for type_ in FINAL_TYPES)
_ENDED: Final = f"state_type IN ({placeholders(_FINAL)})"
_NEWEST: Final = "ORDER BY created DESC, seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that are counted together, and how many of them are kept."""

    condition: str
    values: tuple[Any, ...]
    #: 0: all of them.
    keep_runs: int
    #: 0: for ever.
    keep_days: float


def groups(reader: Reader, settings: Settings) -> list[Group]:
    """All deployments and flows that have runs."""
    specs = {bytes(key): spec_from_text(text) for key, text in reader.all(_SPECS)}
    found: list[Group] = []
    for (key,) in reader.all(_DEPLOYMENTS):
        spec = specs.get(bytes(key))  # runs outlive their deployment
        runs = settings.keep_runs if spec is None or spec.keep_runs is None else spec.keep_runs
        days = settings.keep_days if spec is None or spec.keep_days is None else spec.keep_days
        found.append(Group("deployment_id=?", (bytes(key),), runs, days))
    for (name,) in reader.all(_FLOWS):
        found.append(Group(_OF_FLOW, (name,), settings.keep_runs, settings.keep_days))
    return found


_SPECS: Final = "SELECT id, spec FROM deployment"
_DEPLOYMENTS: Final = "SELECT DISTINCT deployment_id FROM flow_run WHERE deployment_id IS NOT NULL"
_OF_FLOW: Final = "flow_name=? AND deployment_id IS NULL AND parent_id IS NULL"
_FLOWS: Final = (
    "SELECT DISTINCT flow_name FROM flow_run WHERE deployment_id IS NULL AND parent_id IS NULL"
)


def overdue(reader: Reader, group: Group, now: int) -> Iterator[list[UUID]]:
    """Ended runs of a group beyond its number or age, oldest first, in pages."""
    where = _overdue(reader, group, now)
    if where is None:
        return
    created = seq = -1
    text = (
        f"SELECT id, created, seq FROM flow_run {where.where()} "
        "AND (created>? OR (created=? AND seq>?)) ORDER BY created, seq LIMIT ?"
    )
    while lines := reader.all(text, (*where.values, created, created, seq, _PAGE)):
        _, created, seq = lines[-1]
        yield [UUID(bytes=bytes(key)) for key, *_ in lines]


def _overdue(reader: Reader, group: Group, now: int) -> Conditions | None:
    """The condition of runs beyond number or age; None when there can be none."""
    where = _ended(group)
    reasons: list[str] = []
    values: list[Any] = []
    if group.keep_runs:
        text = f"SELECT created, seq FROM flow_run {where.where()} {_NEWEST} OFFSET ?"
        last_kept = reader.all(text, (*where.values, group.keep_runs - 1))
        for created, seq in last_kept:
            reasons.append("(created<? OR (created=? AND seq<?))")
            values += (created, created, seq)
    if group.keep_days:
        reasons.append("end_time<?")
        values.append(now - round(group.keep_days * _DAY))
    if not reasons:
        return None
    where.add(f"({' OR '.join(reasons)})", *values)
    return where


def newest(reader: Reader, group: Group) -> Iterator[UUID]:
    """The newest ended run of a group and the newest completed one, which stay in any case."""
    completed = _ended(group)
    completed.add("state_type=?", str(StateType.COMPLETED))
    for where in (_ended(group), completed):
        key = reader.value(f"SELECT id FROM flow_run {where.where()} {_NEWEST}", where.values)
        if key is not None:
            yield UUID(bytes=bytes(key))


def _ended(group: Group) -> Conditions:
    found = Conditions()
    found.add(group.condition, *group.values)
    found.add(_ENDED, *_FINAL)
    return found


__all__ = ["Group", "groups", "newest", "overdue"]
