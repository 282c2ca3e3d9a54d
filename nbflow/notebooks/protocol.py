"""What a run of a notebook and its kernel tell each other about cells.

This module decides the words on both sides: what each request says of its cell, and how the
kernel's news of a cell reads. It must not know sockets, nor what either side does about it.

Requests carry metadata (`request_metadata`): which run and which task run the cell belongs
to. The kernel answers, beside what every kernel sends, with messages of type `nbflow_cell`
whose parent is the cell's request:

- `submitted`: the cell goes on in the background; its reply does not end it.
- `state`: the cell waits, runs, waits for a retry, was taken from the cache…
- `ended`: a submitted cell has ended, in this state, with this error.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from nbflow.states import State, StateType, now

VERSION: Final = 1
MESSAGE_TYPE: Final = "nbflow_cell"
KEY: Final = "nbflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellIdentity:
    """Which recorded run a cell's execution belongs to."""

    flow_run_id: str
    flow_name: str
    flow_run_name: str
    task_run_id: str
    #: How often the cell was started, this time included.
    attempt: int = 1
    #: Whether the run goes on after a failure: what was kept may be restored.
    resuming: bool = False


def request_metadata(
    cell_id: str,
    name: str,
    identity: CellIdentity | None,
    *,
    header_lines: int = 0,
) -> dict[str, Any]:
    """What a cell's request says beside its code."""
    told: dict[str, Any] = {"version": VERSION, "name": name}
    if identity is not None:
        told |= {
            "flow_run_id": identity.flow_run_id,
            "flow_name": identity.flow_name,
            "flow_run_name": identity.flow_run_name,
            "task_run_id": identity.task_run_id,
            "attempt": identity.attempt,
            "resuming": identity.resuming,
        }
    if header_lines:
        told["header_lines"] = header_lines
    return {"cellId": cell_id, KEY: told}


class Event(str, Enum):
    """What the kernel tells of a cell."""

    SUBMITTED = "submitted"  # it goes on in the background
    STATE = "state"  # it moved to another state
    ENDED = "ended"  # a submitted cell has ended

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class CellError:
    """An exception of a cell, as the notebook format keeps it."""

    ename: str
    evalue: str
    traceback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CellNews:
    """One thing that the kernel tells of a cell."""

    event: Event
    state: State[Any] | None = None
    #: Counted like `CellIdentity.attempt`; None: the one that was asked for.
    attempt: int | None = None
    error: CellError | None = None


def news_content(news: CellNews) -> dict[str, Any]:
    """The content of a message."""
    state, error = news.state, news.error
    return {
        "event": str(news.event),
        "state": state and {"type": str(state.type), "name": state.name, "message": state.message},
        "attempt": news.attempt,
        "at": (state.timestamp if state else now()).isoformat(),
        "error": error
        and {
            "ename": error.ename,
            "evalue": error.evalue,
            "traceback": list(error.traceback),
        },
    }


def read_news(content: Mapping[str, Any]) -> CellNews | None:
    """What a message tells; None when it says nothing that this version understands."""
    try:
        event = Event(content["event"])
        state = _read_state(content)
        attempt = content.get("attempt")
        attempt = None if attempt is None else int(attempt)
        error = _read_error(content.get("error"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if state is None and event is not Event.SUBMITTED:
        return None
    return CellNews(event, state, attempt, error)


def _read_state(content: Mapping[str, Any]) -> State[Any] | None:
    told = content.get("state")
    if not told:
        return None
    at = now()
    with suppress(TypeError, ValueError):
        at = datetime.fromisoformat(content.get("at", ""))
    if at.tzinfo is None:
        at = now()
    message = told.get("message")
    name = str(told["name"])
    return State(StateType(told["type"]), name, None if message is None else str(message), at)


def _read_error(told: Mapping[str, Any] | None) -> CellError | None:
    if not told:
        return None
    lines = tuple(str(line) for line in told.get("traceback") or ())
    return CellError(str(told.get("ename") or "Error"), str(told.get("evalue") or ""), lines)
