"""Flows, as far as their runs and deployments tell of them.

This module decides what a flow is in a database: a name under which something ran, or is
deployed. It must not know how that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from nbflow.models import FlowRun
from nbflow.store import queries, rows
from nbflow.store.base import Store
from nbflow.store.database import Database
from nbflow.store.dialects import placeholders
from nbflow.store.near import not_there
from nbflow.store.reader import Reader
from nbflow.store.sql import SQLStore

_RUNS: Final = "SELECT flow_name, state_type, count(*), max(seq) FROM flow_run"
_DEPLOYMENTS: Final = "SELECT flow_name, count(*) FROM deployment"
#: Values that one statement takes for sure.
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSummary:
    """A flow, and how its runs went."""

    name: str
    #: How many runs it has had.
    runs: int = 0
    #: Its runs by the type of their state.
    states: Mapping[str, int] = field(default_factory=dict)
    #: The newest one.
    last_run: FlowRun | None = None
    #: How many deployments it has.
    deployments: int = 0


def flow_summaries(
    store: Store, *, text: str | None = None, limit: int = 200, offset: int = 0
) -> tuple[list[FlowSummary], int]:
    """Some flows by name, and how many there are."""
    with _database(store).read() as reader:
        found = _summaries(reader)
        wanted = (text or "").casefold()
        names = sorted(name for name in found if wanted in name.casefold())
        shown = [found[name] for name in names[offset : offset + limit]]
        return _with_last_runs(reader, shown), len(names)


def flow_summary(store: Store, name: str) -> FlowSummary:
    """One flow; raises `ObjectNotFound`, naming near matches."""
    with _database(store).read() as reader:
        found = _summaries(reader, name)
        if name in found:
            return _with_last_runs(reader, [found[name]])[0]
        known = [summary.name for summary, _ in _summaries(reader).values()]
    raise not_there("flow", name, known, "nbflow runs ls")


def _database(store: Store) -> Database:
    assert isinstance(store, SQLStore)  # a client asks its server, which has the database
    return store._database  # noqa: SLF001 - a part of the same store


def _summaries(reader: Reader, name: str | None = None) -> dict[str, tuple[FlowSummary, int]]:
    """Flows by name, each with the number of its newest run; 0: there is none."""
    where, values = ("", ()) if name is None else ("WHERE flow_name=?", (name,))
    found: dict[str, tuple[FlowSummary, int]] = {}
    for flow, state, number, seq in reader.all(
        f"{_RUNS} {where} GROUP BY flow_name, state_type", values
    ):
        known, newest = found.get(flow, (FlowSummary(name=flow), 0))
        states = {**known.states, state: number}
        found[flow] = replace(known, runs=known.runs + number, states=states), max(seq, newest)
    for flow, number in reader.all(f"{_DEPLOYMENTS} {where} GROUP BY flow_name", values):
        known, newest = found.get(flow, (FlowSummary(name=flow), 0))
        found[flow] = replace(known, deployments=number), newest
    return found


def _with_last_runs(reader: Reader, found: Sequence[tuple[FlowSummary, int]]) -> list[FlowSummary]:
    newest = [seq for _, seq in found if seq]
    runs: dict[str, FlowRun] = {}
    for start in range(0, len(newest), _CHUNK):
        chunk = newest[start : start + _CHUNK]
        text = f"{queries.SELECT_FLOW_RUNS} WHERE seq IN ({placeholders(chunk)})"
        for line in reader.all(text, chunk):
            run = rows.flow_run_from(line)
            runs[run.flow_name] = run
    return [replace(summary, last_run=runs.get(summary.name)) for summary, _ in found]
