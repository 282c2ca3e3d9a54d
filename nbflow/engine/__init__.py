"""What happens when a flow or task is called.

This module decides how calls become executions. Definitions (`tasks`, `flows`) reach it
through `nbflow.context.engine()`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

from nbflow.engine import direct, shown_flows
from nbflow.engine.dependencies import sources_of
from nbflow.engine.execution import TaskExecution
from nbflow.engine.flow_execution import FlowExecution
from nbflow.engine.mapping import MapPlace, split
from nbflow.engine.runners import TaskRunner, runner_outside_flows
from nbflow.engine.session import current_session
from nbflow.flows import Flow
from nbflow.futures import Future, FutureList
from nbflow.models import FlowRun, new_id
from nbflow.states import State
from nbflow.tasks import CallKind, Task

__all__ = [
    "call_flow",
    "call_task",
    "map_task",
    "run_cell",
    "run_flow",
    "submit_cell",
    "submit_task",
]


def call_task(
    task: Task[..., Any], parameters: dict[str, Any], wait_for: Any, return_state: bool
) -> Any:
    """Run a task where it is called; see `Task.__call__`."""
    __tracebackhide__ = True

    def create() -> direct.Execution:
        execution = TaskExecution(task, parameters, wait_for)
        execution.claim()
        return execution

    match task.kind:
        case CallKind.SYNC:
            return _answer(direct.run(create()), return_state)
        case CallKind.ASYNC:
            return _answer_async(lambda: direct.run_async(create()), return_state)
        case CallKind.GENERATOR:
            return direct.iterate(create)
        case CallKind.ASYNC_GENERATOR:
            return direct.iterate_async(create)


def submit_task(
    task: Task[..., Any],
    parameters: dict[str, Any],
    wait_for: Any,
    map_place: MapPlace | None = None,
) -> Future[Any]:
    """Run a task on the flow's runner, once its upstream runs have settled."""
    execution = TaskExecution(task, parameters, wait_for, map_place)
    session = current_session()
    runner = session.runner if session else runner_outside_flows()
    if session is not None:
        session.outstanding.add(execution)
    _submit_when_ready(execution, runner)
    return execution.future


def run_cell(execution: TaskExecution) -> State[Any]:
    """Run a notebook's cell to its end in this thread; raises only what ends the program."""
    __tracebackhide__ = True
    execution.claim()
    return direct.run(execution)


def submit_cell(execution: TaskExecution, runner: TaskRunner | None = None) -> Future[Any]:
    """Run a notebook's cell on a runner, once what it waits for has settled."""
    session = current_session()
    if session is not None:
        session.outstanding.add(execution)
    home = runner or (session.runner if session else runner_outside_flows())
    _submit_when_ready(execution, home)
    return execution.future


def _submit_when_ready(execution: TaskExecution, runner: TaskRunner) -> None:
    waiting = [future for future in execution.upstream if not future.done()]
    if not waiting:
        runner.submit(execution)
        return
    lock, left = threading.Lock(), len(waiting)

    def arrived(_: Future[Any]) -> None:
        nonlocal left
        with lock:
            left -= 1
            ready = left == 0
        if ready:
            runner.submit(execution)

    for future in waiting:
        future.add_done_callback(arrived)


def map_task(task: Task[..., Any], parameters: dict[str, Any], wait_for: Any) -> FutureList[Any]:
    """Submit one run for each element; see `Task.map`."""
    map_id = new_id()
    session = current_session()
    sources = sources_of(parameters, session.lineage if session else None)
    return FutureList(
        submit_task(task, _with_defaults(task, each), wait_for, MapPlace(map_id, index, sources))
        for index, each in enumerate(split(task, parameters))
    )


def _with_defaults(task: Task[..., Any], parameters: dict[str, Any]) -> dict[str, Any]:
    bound = task.signature.bind_partial()
    bound.arguments.update(parameters)
    bound.apply_defaults()
    return dict(bound.arguments)


def call_flow(
    flow: Flow[..., Any], values: dict[str, Any], wait_for: Any, return_state: bool
) -> Any:
    """Run a flow where it is called; see `Flow.__call__`."""
    __tracebackhide__ = True
    match flow.kind:
        case CallKind.SYNC:
            return _answer(shown_flows.run(flow, values, wait_for), return_state)
        case CallKind.ASYNC:
            return _answer_async(
                lambda: shown_flows.run_async(flow, values, wait_for), return_state
            )
        case CallKind.GENERATOR:
            return shown_flows.iterate(flow, values, wait_for)
        case CallKind.ASYNC_GENERATOR:
            return shown_flows.iterate_async(flow, values, wait_for)


def run_flow(
    flow: Flow[..., Any],
    parameters: dict[str, Any],
    *,
    run_id: UUID | None = None,
    name: str | None = None,
    again: FlowRun | None = None,
) -> State[Any]:
    """Run a flow to its end in this thread and return its final state, whatever it is.

    Parameters are given by name; missing ones get their defaults. `run_id` and `name` let a
    caller watch the run from its start; `again` is a recorded run, taken over by this process,
    that is to have its next attempt. An interrupt ends the run as Cancelled and is not
    raised again.
    """
    import asyncio  # noqa: PLC0415 - only async flows need it

    values = flow.bind((), parameters)
    execution = FlowExecution(flow, values, run_id=run_id, name=name, again=again)
    try:
        if flow.kind is CallKind.SYNC:
            return direct.run(execution)
        if flow.kind is CallKind.ASYNC:
            return asyncio.run(direct.run_async(execution))
        if flow.kind is CallKind.GENERATOR:
            deque(direct.iterate(lambda: execution), maxlen=0)
        else:
            asyncio.run(_exhaust(direct.iterate_async(lambda: execution)))
    except BaseException:
        if execution.machine.final is None:
            raise
    assert execution.machine.final is not None
    return execution.machine.final


async def _exhaust(values: AsyncIterator[Any]) -> None:
    async for _ in values:
        pass


def _answer(state: State[Any], return_state: bool) -> Any:
    __tracebackhide__ = True
    return state if return_state else state.result()


async def _answer_async(run: Callable[[], Awaitable[State[Any]]], return_state: bool) -> Any:
    __tracebackhide__ = True
    return _answer(await run(), return_state)
