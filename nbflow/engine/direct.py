"""Runs an execution where it is called: in this thread, this event loop, or step by step.

This module decides how the caller's thread or loop moves a run forward. The same four
movements serve tasks and flows.
"""

from __future__ import annotations

import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager, aclosing, closing, suppress
from typing import Any, Protocol

from nbflow.engine.machine import Call, Event, RunMachine, Sleep, Stop
from nbflow.engine.outcomes import state_of_exception
from nbflow.engine.rest import rest, rest_async
from nbflow.engine.slot_wait import SlotWait
from nbflow.futures import Future
from nbflow.states import State


class Execution(Protocol):
    """What tasks and flows have in common while they run."""

    machine: RunMachine
    #: The futures this run waits for.
    upstream: list[Future[Any]]
    #: What ended the program while the run's code was executing.
    interrupt: BaseException | None

    def begin(self) -> Event:
        """The first event, once the upstream runs have settled."""

    def proceed(self, event: Event) -> Call | Sleep | SlotWait | None:
        """Take in an event; returns what to do next, or None when the run is over."""

    def call(self) -> Event:
        """Call the user's function in this thread."""

    def call_async(self) -> Awaitable[Event]:
        """Call and await the user's function."""

    def raised(self, error: BaseException) -> Event:
        """What an exception means."""

    def open(self, context: contextvars.Context) -> Any:
        """Call a generator function, in a context that is the run's own."""

    def equipped(self) -> AbstractContextManager[None]:
        """What a generator's code needs around it, apart from its context."""

    def exhausted(self) -> Event:
        """What the end of a generator means."""


def run(execution: Execution) -> State[Any]:
    """Run to the end in this thread; raises only what ends the program."""
    step = _proceed(execution, _begin(execution))
    while step is not None:
        event = execution.call() if isinstance(step, Call) else rest(step, execution.raised)
        step = _proceed(execution, event)
    return _conclude(execution)


async def run_async(execution: Execution) -> State[Any]:
    """Run to the end in this event loop; raises only what ends the program."""
    step = _proceed(execution, await _begin_async(execution))
    while step is not None:
        if isinstance(step, Call):
            event = await execution.call_async()
        else:
            event = await rest_async(step, execution.raised)
        step = _proceed(execution, event)
    return _conclude(execution)


def iterate(create: Callable[[], Execution]) -> Generator[Any, None, None]:
    """Run a generator function, passing on what it yields; starts with the first value."""
    execution = create()
    step = _proceed(execution, _begin(execution))
    while step is not None:
        if not isinstance(step, Call):
            event = rest(step, execution.raised)
        else:
            try:
                event = yield from _pass_on(execution)
            except GeneratorExit:  # the consumer has all it wanted
                event = execution.exhausted()
        step = _proceed(execution, event)
    _conclude(execution).result()


def _pass_on(execution: Execution) -> Generator[Any, None, Event]:
    """One attempt of a generator function; returns how it ended."""
    context = contextvars.copy_context()
    try:
        with execution.equipped(), closing(execution.open(context)) as generator:
            while True:
                try:
                    item = context.run(next, generator)
                except StopIteration:
                    break
                yield item
    except BaseException as error:  # noqa: BLE001 - the user's code
        return execution.exhausted() if _closed(error) else execution.raised(error)
    return execution.exhausted()


async def iterate_async(create: Callable[[], Execution]) -> AsyncGenerator[Any, None]:
    """Run an async generator function, passing on what it yields."""
    execution = create()
    step = _proceed(execution, await _begin_async(execution))
    while step is not None:
        if not isinstance(step, Call):
            step = _proceed(execution, await rest_async(step, execution.raised))
            continue
        context = contextvars.copy_context()
        try:
            with execution.equipped():
                async with aclosing(execution.open(context)) as generator:
                    while True:
                        try:
                            item = await _in_context(context, generator.__anext__)
                        except StopAsyncIteration:
                            break
                        yield item
        except BaseException as error:  # noqa: BLE001 - the user's code
            event = execution.exhausted() if _closed(error) else execution.raised(error)
        else:
            event = execution.exhausted()
        step = _proceed(execution, event)
    _conclude(execution).result()


def _proceed(execution: Execution, event: Event) -> Call | Sleep | SlotWait | None:
    """Take in an event; a run under which the engine itself fails is closed all the same."""
    try:
        return execution.proceed(event)
    except BaseException as error:  # an interrupt, the end of the stack, a full disk
        if execution.machine.final is None:
            with suppress(Exception):
                execution.proceed(Stop(state_of_exception(error)))
        raise


def _begin(execution: Execution) -> Event:
    try:
        for future in execution.upstream:
            future.wait()
    except BaseException as error:  # noqa: BLE001 - an interrupt during the wait ends the run
        return execution.raised(error)
    return execution.begin()


async def _begin_async(execution: Execution) -> Event:
    try:
        for future in execution.upstream:
            await future.wait_async()
    except BaseException as error:  # noqa: BLE001 - a cancellation during the wait ends the run
        return execution.raised(error)
    return execution.begin()


def _closed(error: BaseException) -> bool:
    # The consumer stopped early: it has all it wanted.
    return isinstance(error, GeneratorExit)


async def _in_context(context: contextvars.Context, fn: Callable[[], Any]) -> Any:
    async def step() -> Any:
        return await fn()

    import asyncio  # noqa: PLC0415 - slow to load, and only async runs need it

    return await asyncio.get_running_loop().create_task(step(), context=context)


def _conclude(execution: Execution) -> State[Any]:
    if execution.interrupt is not None:
        raise execution.interrupt
    assert execution.machine.final is not None
    return execution.machine.final
