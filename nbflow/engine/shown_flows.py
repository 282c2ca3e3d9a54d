"""Runs a flow that somebody called, and lets them see it.

This module decides what stands around which part of such a run: its view from the first step to
the last, and quiet around each step. While a generator rests in its caller's hands nothing of the
quiet is left: what the caller does meanwhile shows itself as always. It must not know what a view
is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from nbflow.engine import direct
from nbflow.engine.flow_execution import FlowExecution
from nbflow.flows import Flow
from nbflow.states import State
from nbflow.surfaces import shown_call


def run(flow: Flow[..., Any], values: dict[str, Any], wait_for: Any) -> State[Any]:
    """Run to the end in this thread; see `direct.run`."""
    seen = shown_call(flow.name)
    with seen.view as run_id, seen.quiet():
        return direct.run(FlowExecution(flow, values, wait_for, run_id=run_id))


async def run_async(flow: Flow[..., Any], values: dict[str, Any], wait_for: Any) -> State[Any]:
    """Run to the end in this event loop; see `direct.run_async`."""
    seen = shown_call(flow.name)
    with seen.view as run_id, seen.quiet():
        return await direct.run_async(FlowExecution(flow, values, wait_for, run_id=run_id))


def iterate(flow: Flow[..., Any], values: dict[str, Any], wait_for: Any) -> Iterator[Any]:
    """Pass on what a generator function yields; see `direct.iterate`."""
    __tracebackhide__ = True
    seen = shown_call(flow.name)
    with seen.view as run_id:
        steps = direct.iterate(lambda: FlowExecution(flow, values, wait_for, run_id=run_id))
        try:
            while True:
                with seen.quiet():
                    try:
                        item = next(steps)
                    except StopIteration:
                        break
                yield item
        finally:  # also when the caller has all it wanted
            with seen.quiet():
                steps.close()


async def iterate_async(
    flow: Flow[..., Any], values: dict[str, Any], wait_for: Any
) -> AsyncIterator[Any]:
    """Pass on what an async generator function yields; see `direct.iterate_async`."""
    __tracebackhide__ = True
    seen = shown_call(flow.name)
    with seen.view as run_id:
        steps = direct.iterate_async(lambda: FlowExecution(flow, values, wait_for, run_id=run_id))
        try:
            while True:
                with seen.quiet():
                    try:
                        item = await anext(steps)
                    except StopAsyncIteration:
                        break
                yield item
        finally:
            with seen.quiet():
                await steps.aclose()
