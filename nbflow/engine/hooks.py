"""Calling the functions users attach to state changes.

This module decides which hooks belong to which state, and that a hook's failure never
changes the run.
"""

from __future__ import annotations

import contextvars
import inspect
import threading
from collections.abc import Iterable
from typing import Any

from nbflow.context import FlowRunContext, TaskRunContext, enter
from nbflow.logging import run_logger
from nbflow.states import State, StateType

_BY_TYPE = {
    StateType.RUNNING: "on_running_hooks",
    StateType.COMPLETED: "on_completion_hooks",
    StateType.FAILED: "on_failure_hooks",
    StateType.CANCELLED: "on_cancellation_hooks",
    StateType.CRASHED: "on_crashed_hooks",
}


def hooks_for(owner: Any, state: State[Any]) -> list[Any]:
    """The functions attached to this kind of state."""
    return list(getattr(owner, _BY_TYPE.get(state.type, ""), ()))


def run_hooks(
    hooks: Iterable[Any],
    owner: Any,
    run: Any,
    state: State[Any],
    context: FlowRunContext | TaskRunContext,
) -> None:
    """Call each hook with the task or flow, the run's record and the state, inside the run."""
    with enter(context):
        for hook in hooks:
            try:
                returned = hook(owner, run, state)
                if inspect.isawaitable(returned):
                    _finish(returned)
            except (Exception, SystemExit):  # noqa: BLE001 - the user's hook; the run goes on
                name = getattr(hook, "__name__", repr(hook))
                run_logger(context).warning(
                    "The hook %s failed; the run is not affected.", name, exc_info=True
                )


def _finish(awaitable: Any) -> None:
    """Run an async hook to its end, on a thread of its own: a loop may be running here."""
    import asyncio  # noqa: PLC0415 - slow to load, and few hooks are async

    failure: list[BaseException] = []
    context = contextvars.copy_context()

    async def wait() -> None:
        await awaitable

    def run() -> None:
        try:
            asyncio.run(wait())
        except BaseException as error:  # noqa: BLE001 - raised again by the waiting thread
            failure.append(error)

    thread = threading.Thread(target=context.run, args=(run,), name="nbflow-hook")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
