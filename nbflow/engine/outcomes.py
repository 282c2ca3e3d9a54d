"""What state a call's ending stands for.

This module decides, purely, how a returned value or a raised exception becomes a state.
The rules for flows are Prefect's: raising fails; data completes; futures and states that
are returned decide together; returning nothing completes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Final

from nbflow import states
from nbflow.engine.suspension import Suspension
from nbflow.engine.timeouts import OutOfTime
from nbflow.exceptions import (
    CancelledRun,
    KernelDied,
    NbflowError,
    ProcessDied,
    RunTimeout,
    TerminationSignal,
)
from nbflow.futures import Future, find_futures, resolve_to_states, states_in
from nbflow.states import State, StateType

#: Characters of an exception's text that a state's message keeps.
MESSAGE_LIMIT: Final = 2000


def describe(error: BaseException) -> str:
    """An exception in one line: its type and text; nbflow's own speak for themselves."""
    text = _text(error)
    if isinstance(error, NbflowError):
        line = text
    else:
        line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return line if len(line) <= MESSAGE_LIMIT else f"{line[: MESSAGE_LIMIT - 1]}…"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's own exception class
        return "(its text cannot be shown)"


def state_of_exception(error: BaseException) -> State[Any]:
    """The final state of a run whose code raised `error`.

    Time limits and dead processes belong to the run that met them first; runs around it, to
    which the exception travels on, simply failed.
    """
    if isinstance(error, RunTimeout) and _first_to_see(error):
        return states.TimedOut(message=str(error), data=error)
    if isinstance(error, KernelDied | ProcessDied) and _first_to_see(error):
        return states.Crashed(message=str(error), data=error)
    if isinstance(error, KeyboardInterrupt):
        return states.Cancelled(message="Stopped by an interrupt.", data=error)
    if isinstance(error, CancelledRun | OutOfTime) or _is_cancellation(error):
        return states.Cancelled(message=_text(error) or "Cancelled by its event loop.", data=error)
    if isinstance(error, SystemExit):
        return states.Crashed(message=_why_python_ended(error), data=error)
    if isinstance(error, Suspension):
        return states.Suspended(message=str(error))
    if not isinstance(error, Exception):
        return states.Crashed(message=f"Ended by {describe(error)}.", data=error)
    return states.Failed(message=describe(error), data=error)


def _why_python_ended(error: SystemExit) -> str:
    if isinstance(error, TerminationSignal):
        return "The process was asked to stop (SIGTERM)."
    return f"Its code ended Python: SystemExit({error.code})."


def _is_cancellation(error: BaseException) -> bool:
    # Where asyncio was never loaded, nothing it raises can have arrived.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def _first_to_see(error: NbflowError) -> bool:
    seen, error.recorded = error.recorded, True
    return not seen


def state_of_task_value(value: Any) -> State[Any]:
    """The final state of a task that returned `value`: a state or future stands for itself."""
    if isinstance(value, Future):
        value = resolve_to_states(value)
    if isinstance(value, State):
        return _as_end(value)
    return states.Completed(data=value)


def state_of_flow_value(value: Any) -> State[Any]:
    """The final state of a flow that returned `value`; waits for futures inside it."""
    if isinstance(value, State):
        return _as_end(value)
    if type(value) in _PLAIN:
        return states.Completed(data=value)
    if find_futures(value):
        value = resolve_to_states(value)
        if isinstance(value, State):
            return _as_end(value)
    inner = states_in(value)
    if not inner:
        return states.Completed(data=value)
    return _together(inner, value)


def _as_end(state: State[Any]) -> State[Any]:
    if state.is_final():
        return state
    if state.is_settled():  # what it stands for never started; the one returning it did
        return states.Failed(message=state.message or f"{state.name}.", data=state.data)
    return states.Failed(
        message=f"Its code returned the state {state}, with which no run ends. "
        "Return a final state, such as Completed or Failed."
    )


_PLAIN: Final = frozenset({int, float, str, bytes, bool, type(None)})


def _together(inner: list[State[Any]], value: Any) -> State[Any]:
    bad = [state for state in inner if not state.is_completed()]
    if not bad:
        return states.Completed(message="All states completed.", data=value)
    cancelled = [state for state in bad if state.is_cancelled()]
    kind, word = (StateType.FAILED, "failed")
    if len(cancelled) == len(bad):
        kind, word = (StateType.CANCELLED, "were cancelled")
    elif any(not state.is_settled() for state in bad):
        word = "did not complete"
    message = f"{len(bad)} of {len(inner)} states {word}."
    name = "Cancelled" if kind is StateType.CANCELLED else "Failed"
    return State(kind, name, message, data=first_exception(bad))


def first_exception(bad: Iterable[State[Any]]) -> BaseException | None:
    """The exception of the first state that has one."""
    for state in bad:
        error = state.result(raise_on_failure=False)
        if isinstance(error, BaseException):
            return error
    return None
