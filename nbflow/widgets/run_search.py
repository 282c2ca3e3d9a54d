"""Runs looked for by views: what a table may ask, and the rows that answer it.

This module decides which conditions and orders a list takes, and what each of its rows tells. It
must not know who draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from nbflow.cli.reports import seconds_of
from nbflow.exceptions import UsageError
from nbflow.feed.records import flow_run_json
from nbflow.models import FlowRun, FlowRunFilter, FlowRunOrder
from nbflow.runs import Run, deployment_names
from nbflow.states import StateType, now
from nbflow.store.base import Store

#: Rows of one answer, rows before it, and characters to look for: databases have their limits.
_MOST: Final = 500
_FARTHEST: Final = 10**9
_LONGEST: Final = 1_000
#: Characters of the parameters of a row.
_LONG_PARAMETERS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which runs; every given condition must hold."""

    #: Occurs in the run's or the flow's name.
    text: str | None = None
    states: frozenset[StateType] = frozenset()
    flow: str | None = None
    #: All of these.
    tags: frozenset[str] = frozenset()

    def within(self, table: Where) -> Where | None:
        """These conditions, of the runs that a table is about; None: no run can fit them."""
        states = self.states & table.states or self.states or table.states
        flow = self.flow or table.flow
        if (table.states and not states <= table.states) or (table.flow and flow != table.flow):
            return None
        text, tags = self.text or table.text, self.tags | table.tags
        return Where(text=text, states=states, flow=flow, tags=tags)

    def filter(self) -> FlowRunFilter:
        """The store's filter: of the runs that were called, not of their subflows.

        Raises `UsageError` for a text that no name could hold.
        """
        if len(self.text or "") > _LONGEST:
            raise UsageError(
                "That is too long to look for. Write a part of a run's or flow's name."
            )
        return FlowRunFilter(
            text=self.text or None,
            states=self.states,
            flow_names=frozenset({self.flow} if self.flow else ()),
            tags=self.tags,
            top_level=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A page of a list."""

    where: Where = Where()
    order: FlowRunOrder = FlowRunOrder.NEWEST
    limit: int = 50
    offset: int = 0
    #: The table that asks, by the id that it was shown under.
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A run in a list."""

    run: FlowRun
    #: Seconds; to now while it goes on.
    duration: float | None
    #: The deployment's full name.
    deployment: str | None


def rows(store: Store, request: Request) -> list[Row]:
    """The rows that are asked for."""
    found = store.flow_runs(
        request.where.filter(),
        limit=min(max(request.limit, 0), _MOST),
        offset=min(max(request.offset, 0), _FARTHEST),
        order=request.order,
    )
    return _rows(store, found, now())


def _rows(store: Store, found: Sequence[FlowRun], at: datetime) -> list[Row]:
    names = deployment_names([Run(run, store) for run in found], store)
    return [
        Row(run, seconds_of(run, at), names.get(run.deployment_id) if run.deployment_id else None)
        for run in found
    ]


def runs_json(store: Store, request: Request) -> dict[str, Any]:
    """The rows as JSON, and how many runs there are in all."""
    items = [_json(row) for row in rows(store, request)]
    return {"items": items, "total": store.count_flow_runs(request.where.filter())}


def _json(row: Row) -> dict[str, Any]:
    run = flow_run_json(row.run, _LONG_PARAMETERS)
    return {"run": run, "duration": row.duration, "deployment": row.deployment}
