"""Futures: values of submitted runs that are not there yet, and how arguments depend on them.

This module decides how a submitted run is waited for, and which runs a nested argument
refers to. It must not know how or where runs are executed.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from nbflow.annotations import BaseAnnotation, allow_failure, quote
from nbflow.exceptions import UpstreamTaskError
from nbflow.models import GraphNode, RunGraph
from nbflow.states import State

R = TypeVar("R")

_lock = threading.Lock()

#: Entered while code of a worker thread waits: its place in the pool is free meanwhile.
GivesPlaceAway = Callable[[], AbstractContextManager[None]]
_place: ContextVar[GivesPlaceAway | None] = ContextVar("nbflow_place", default=None)


def occupy(place: GivesPlaceAway) -> None:
    """Say in the current context which pool the code here takes a place of; for runners."""
    _place.set(place)


def _block(event: threading.Event, timeout: float | None) -> bool:
    """Wait for the event, without taking a place in a pool."""
    place = _place.get()
    if place is None or event.is_set():
        return event.wait(timeout)
    with place():
        return event.wait(timeout)


class Future(Generic[R]):
    """The value of a submitted run, available once the run has settled."""

    __slots__ = ("_callbacks", "_event", "_state", "_task_run_id", "name")

    def __init__(self, task_run_id: UUID, name: str, state: State[Any]) -> None:
        self._task_run_id = task_run_id
        self.name = name
        self._state = state
        self._event: threading.Event | None = None
        self._callbacks: list[Callable[[Future[R]], Any]] = []

    @property
    def task_run_id(self) -> UUID:
        """The id of the run."""
        return self._task_run_id

    @property
    def state(self) -> State[R]:
        """The run's present state."""
        return self._state

    def done(self) -> bool:
        """Whether the run has settled: it ended, or will never start."""
        return self._state.is_settled()

    def wait(self, timeout: float | None = None) -> None:
        """Return when the run has settled, or after `timeout` seconds."""
        if self.done():
            return
        with _lock:
            if self.done():
                return
            if self._event is None:
                self._event = threading.Event()
        _block(self._event, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Wait for the run and return its value, or raise what it raised.

        Raises `TimeoutError` after `timeout` seconds. With `raise_on_failure=False` the
        exception of a failed run is returned instead of raised.
        """
        self.wait(timeout)
        if not self.done():
            raise TimeoutError(
                f"Task run {self.name!r} did not finish within {timeout} seconds; "
                "it goes on running."
            )
        value: R = self._state.result(raise_on_failure)
        return value

    def add_done_callback(self, fn: Callable[[Future[R]], Any]) -> None:
        """Call `fn(future)` when the run has settled; at once if it has already."""
        with _lock:
            if not self.done():
                self._callbacks.append(fn)
                return
        fn(self)

    def update(self, state: State[Any]) -> None:
        """Take over a new state of the run; called by the engine only."""
        callbacks: list[Callable[[Future[R]], Any]] = []
        with _lock:
            if self.done():
                return
            self._state = state
            if state.is_settled():
                callbacks, self._callbacks = self._callbacks, []
        if state.is_settled():
            if self._event is not None:
                self._event.set()
            for callback in callbacks:
                _call_back(callback, self)

    async def wait_async(self) -> None:
        """Like `wait`, without blocking the event loop."""
        if self.done():
            return
        import asyncio  # noqa: PLC0415 - slow to load, and only async code needs it

        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not waiter.done():
                waiter.set_result(None)

        def arrive(_: Future[R]) -> None:
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(wake)

        self.add_done_callback(arrive)
        place = _place.get()
        with place() if place is not None else nullcontext():
            await waiter

    async def result_async(self, raise_on_failure: bool = True) -> R:
        """Like `result`, without blocking the event loop."""
        await self.wait_async()
        value: R = self._state.result(raise_on_failure)
        return value

    def __await__(self) -> Generator[Any, None, R]:
        return self.result_async().__await__()

    def __repr__(self) -> str:
        return f"Future({self.name!r}, {self._state.name})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # Notebooks show a future as the card of its run; drawing is loaded for them only.
        from nbflow.drawing import mimebundle  # noqa: PLC0415

        state = self._state
        node = GraphNode(
            id=str(self._task_run_id),
            label=self.name,
            state_type=state.type,
            state_name=state.name,
            message=None if state.is_completed() else state.message,
        )
        return mimebundle(RunGraph((node,), title=self.name))


def _call_back(callback: Callable[[Future[Any]], Any], future: Future[Any]) -> None:
    try:
        callback(future)
    except Exception:  # the user's callback: the run and other callbacks go on
        import logging  # noqa: PLC0415 - only for this line, and definitions load fast without it

        logging.getLogger("nbflow").exception("A callback of %r failed.", future)


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - another thread may have held it when the parent forked
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class FutureList(list["Future[R]"]):
    """The futures of one `map` call."""

    def wait(self, timeout: float | None = None) -> None:
        """Return when all runs have settled, or after `timeout` seconds."""
        wait(self, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """The values of all runs, in order; see `Future.result`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return [f.result(_remaining(deadline), raise_on_failure) for f in self]


#: Prefect's names, for code that annotates with them.
PrefectFuture = Future
PrefectFutureList = FutureList


@dataclass(frozen=True, slots=True)
class DoneAndNotDone(Generic[R]):
    """What `wait` returns; unpacks into two sets."""

    done: set[Future[R]]
    not_done: set[Future[R]]

    def __iter__(self) -> Iterator[set[Future[R]]]:
        return iter((self.done, self.not_done))


def _remaining(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def wait(futures: Iterable[Future[R]], timeout: float | None = None) -> DoneAndNotDone[R]:
    """Wait until all futures have settled, or `timeout` seconds passed."""
    everything = list(futures)
    deadline = None if timeout is None else time.monotonic() + timeout
    for future in everything:
        future.wait(_remaining(deadline))
    done = {future for future in everything if future.done()}
    return DoneAndNotDone(done, set(everything) - done)


def as_completed(futures: Iterable[Future[R]], timeout: float | None = None) -> Iterator[Future[R]]:
    """Yield futures as they settle; raises `TimeoutError` after `timeout` seconds."""
    remaining = set(futures)
    total = len(remaining)
    arrived: list[Future[R]] = []
    something = threading.Event()

    def arrive(future: Future[R]) -> None:
        arrived.append(future)
        something.set()

    for future in tuple(remaining):
        future.add_done_callback(arrive)
    deadline = None if timeout is None else time.monotonic() + timeout
    while remaining:
        if not _block(something, _remaining(deadline)):
            raise TimeoutError(
                f"{len(remaining)} of {total} runs did not finish within {timeout} seconds."
            )
        something.clear()
        while arrived:
            future = arrived.pop(0)
            remaining.discard(future)
            yield future


# ── dependencies in arguments ────────────────────────────────────────────────────────────

#: Types that hold no futures, so that looking into big collections of them is fast.
SCALARS: Final = frozenset({int, float, str, bytes, bool, complex, type(None)})

#: How deep containers are searched; what lies deeper is data.
_DEEPEST: Final = 100

Visitor = Callable[[Any], Any]


def visit(value: Any, visitor: Visitor) -> Any:
    """Rebuild `value` with futures, states and annotations replaced by what `visitor` says.

    Looks into lists, tuples, sets, dicts and dataclass instances. Untouched parts are
    returned as they are, not copied; so is what contains itself.
    """
    if type(value) in SCALARS:
        return value
    return _Walk(visitor).visit(value)


class _Walk:
    """One walk through nested containers, which may contain themselves."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        #: The containers around the present place, by identity.
        self._path: set[int] = set()

    def _into(self, value: Any) -> Any:
        key = id(value)
        if key in self._path or len(self._path) >= _DEEPEST:
            return value
        self._path.add(key)
        try:
            if isinstance(value, dict):
                return self._dict(value)
            if isinstance(value, list | tuple | set | frozenset):
                return self._sequence(value)
            return self._dataclass(value)
        finally:
            self._path.discard(key)

    def visit(self, value: Any) -> Any:
        """The value rebuilt."""
        if type(value) in SCALARS:
            return value
        if isinstance(value, Future | State | BaseAnnotation):
            return self._visitor(value)
        if isinstance(value, list | tuple | set | frozenset | dict):
            return self._into(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._into(value)
        return value

    def _sequence(self, value: Any) -> Any:
        if SCALARS.issuperset(map(type, value)):
            return value
        items = [self.visit(item) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*items)
        return type(value)(items)

    def _dict(self, value: dict[Any, Any]) -> Any:
        if SCALARS.issuperset(map(type, value.values())):
            return value
        items = {key: self.visit(item) for key, item in value.items()}
        if all(items[key] is item for key, item in value.items()):
            return value
        return items if type(value) is dict else _like(value, items)

    def _dataclass(self, value: Any) -> Any:
        changes: dict[str, Any] = {}
        for f in dataclasses.fields(value):
            old = getattr(value, f.name, None)
            new = self.visit(old)
            if new is not old:
                if not f.init:
                    return value
                changes[f.name] = new
        return dataclasses.replace(value, **changes) if changes else value


def _like(value: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    new = value.copy()
    new.update(items)
    return new


def find_futures(value: Any) -> list[Future[Any]]:
    """All futures inside nested `value`, in order, without duplicates."""
    found: dict[int, Future[Any]] = {}

    def collect(item: Any) -> Any:
        if isinstance(item, Future):
            found[id(item)] = item
        elif isinstance(item, BaseAnnotation) and not isinstance(item, quote):
            visit(item.unwrap(), collect)
        return item

    visit(value, collect)
    return list(found.values())


def resolve(value: Any) -> Any:
    """Replace settled futures and states inside `value` by their values.

    Raises `UpstreamTaskError` naming the first run that did not complete, except inside
    `allow_failure`, where its exception takes the place of its value.
    """
    return visit(value, _to_value)


def _to_value(item: Any) -> Any:
    if isinstance(item, quote):
        return item.unquote()
    if isinstance(item, allow_failure):
        return visit(item.unwrap(), _to_value_or_error)
    if isinstance(item, BaseAnnotation):
        return visit(item.unwrap(), _to_value)
    state = item.state if isinstance(item, Future) else item
    if not state.is_completed():
        name = f"Upstream task run {item.name!r}" if isinstance(item, Future) else "An upstream run"
        raise UpstreamTaskError(f"{name} did not complete: {state}.")
    return state.result()


def _to_value_or_error(item: Any) -> Any:
    if isinstance(item, BaseAnnotation):
        return _to_value(item)
    state = item.state if isinstance(item, Future) else item
    return state.result(raise_on_failure=False)


def resolve_to_states(value: Any) -> Any:
    """Replace every future inside `value` by its state, waiting for it."""

    def to_state(item: Any) -> Any:
        if isinstance(item, Future):
            item.wait()
            return item.state
        return visit(item.unwrap(), to_state) if isinstance(item, BaseAnnotation) else item

    return visit(value, to_state)


def states_in(value: Any) -> list[State[Any]]:
    """All states inside nested `value`."""
    found: list[State[Any]] = []

    def collect(item: Any) -> Any:
        if isinstance(item, State):
            found.append(item)
        return item

    visit(value, collect)
    return found
