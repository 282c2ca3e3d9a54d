"""Measurements in the text form that Prometheus reads.

This module decides which measurements there are, and their names. It must not know routes.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbflow.models import FlowRunFilter
from nbflow.states import StateType
from nbflow.store.base import Store

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: Seconds; the last bucket takes the rest.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Sample = tuple[str, dict[str, str], float]


class Measured(Protocol):
    """A scheduler, as far as it is measured."""

    @property
    def lag_seconds(self) -> float | None:
        """How late the last due schedule was fired; None when none was."""


class RequestMeter:
    """Counts requests and the time they take, by route."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, str, str]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request has been answered."""
        with self._lock:
            self._answers[method, route, str(status)] += 1
            buckets = self._buckets.setdefault(route, [0] * (len(_BUCKETS) + 1))
            buckets[bisect_left(_BUCKETS, seconds)] += 1
            self._seconds[route] += seconds

    def samples(self) -> Iterator[Sample]:
        """How many there were, and how long they took."""
        with self._lock:
            answers = dict(self._answers)
            buckets = {route: list(each) for route, each in self._buckets.items()}
            seconds = dict(self._seconds)
        for (method, route, status), number in sorted(answers.items()):
            labels = {"method": method, "route": route, "status": status}
            yield "nbflow_http_requests_total", labels, number
        for route, counts in sorted(buckets.items()):
            yield from _histogram(route, counts, seconds[route])


def _histogram(route: str, counts: list[int], seconds: float) -> Iterator[Sample]:
    name, total = "nbflow_http_request_duration_seconds", 0
    for limit, number in zip((*_BUCKETS, float("inf")), counts, strict=True):
        total += number
        bound = "+Inf" if limit == float("inf") else str(limit)
        yield f"{name}_bucket", {"route": route, "le": bound}, total
    yield f"{name}_sum", {"route": route}, seconds
    yield f"{name}_count", {"route": route}, total


class MeterRequests:
    """Measures every request that passes; streams, which last, are only counted."""

    def __init__(self, app: ASGIApp, meter: RequestMeter) -> None:
        self.app = app
        self.meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and look at the clock."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - start
                self.meter.note(scope["method"], _route(scope), message["status"], seconds)
            await send(message)

        await self.app(scope, receive, noting)


def _route(scope: Scope) -> str:
    """The pattern, not the path: names of runs are no labels."""
    return str(getattr(scope.get("route"), "path_format", "other"))


#: What each measurement is, and its kind.
_HELP: Final = {
    "nbflow_flow_runs": ("gauge", "Flow runs by the type of their state."),
    "nbflow_queue_waiting": ("gauge", "Runs of a queue that are due and wait."),
    "nbflow_queue_running": ("gauge", "Runs of a queue that workers hold."),
    "nbflow_workers": ("gauge", "Workers that live."),
    "nbflow_oldest_due_seconds": ("gauge", "For how long the first waiting run has been due."),
    "nbflow_scheduler_lag_seconds": ("gauge", "How late the last due schedule was fired."),
    "nbflow_database_bytes": ("gauge", "Size of the database."),
    "nbflow_http_requests_total": ("counter", "Requests by method, route and status."),
    "nbflow_http_request_duration_seconds": ("histogram", "Seconds until an answer began."),
}


def metrics_text(store: Store, meter: RequestMeter, scheduler: Measured | None) -> str:
    """All measurements of this moment."""
    samples = [*_of_store(store), *_of_scheduler(scheduler), *meter.samples()]
    return "".join(_lines(samples))


def _of_store(store: Store) -> Iterator[Sample]:
    for type_ in StateType:
        where = FlowRunFilter(states=frozenset({type_}))
        yield "nbflow_flow_runs", {"state": type_.value}, store.count_flow_runs(where)
    for queue in store.dispatch.queues():
        yield "nbflow_queue_waiting", {"queue": queue.name}, queue.waiting
        yield "nbflow_queue_running", {"queue": queue.name}, queue.running
    yield "nbflow_workers", {}, len(store.dispatch.workers())
    yield "nbflow_oldest_due_seconds", {}, _overdue(store.dispatch.next_due())
    size = store.info().size_bytes
    if size is not None:
        yield "nbflow_database_bytes", {}, size


def _overdue(due: datetime | None) -> float:
    return 0.0 if due is None else max(0.0, (datetime.now(UTC) - due).total_seconds())


def _of_scheduler(scheduler: Measured | None) -> Iterator[Sample]:
    lag = None if scheduler is None else scheduler.lag_seconds
    if lag is not None:
        yield "nbflow_scheduler_lag_seconds", {}, lag


def _lines(samples: Iterable[Sample]) -> Iterator[str]:
    told = ""
    for name, labels, value in samples:
        family = next((each for each in _HELP if name.startswith(each)), name)
        if family != told:
            kind, words = _HELP[family]
            yield f"# HELP {family} {words}\n# TYPE {family} {kind}\n"
            told = family
        yield f"{name}{_labels(labels)} {_number(value)}\n"


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
