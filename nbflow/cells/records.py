"""What a task cell says of itself and what a run of it leaves, as plain records.

This module decides the vocabulary that magics, tags, caching, background cells and exports
share. It must not know IPython, the engine or how any of it is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

#: What a cell showed, in the notebook format: dicts with `output_type`.
Output: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCellOptions:
    """What the line of a `%%task` cell, or the tags of a cell, ask for."""

    name: str | None = None
    #: Stated inputs and outputs; None: inferred from the code.
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    retries: int | None = None
    #: Seconds before each retry; the last one repeats.
    retry_delays: tuple[float, ...] | None = None
    #: Seconds.
    timeout: float | None = None
    cache: bool = False
    #: Seconds that a cached value stays good; None: for ever.
    cache_seconds: float | None = None
    tags: frozenset[str] = frozenset()
    #: thread, process or sequential; None: here.
    runner: str | None = None
    #: Run in the background.
    submit: bool = False
    #: False: only define the task.
    run: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCellOptions:
    """What the line of a `%%flow` cell asks for."""

    name: str | None = None
    #: Parameters as written: `a:int=1`.
    parameters: tuple[str, ...] = ()
    retries: int | None = None
    retry_delays: tuple[float, ...] | None = None
    timeout: float | None = None
    tags: frozenset[str] = frozenset()
    runner: str | None = None
    #: Only define the flow.
    define: bool = False


class Mode(str, Enum):
    """Where the body of a cell runs."""

    PRIVATE = "private"  # in a namespace of its own; its outputs are published at the end
    SHARED = "shared"  # in the notebook's namespace, put back as it was when the cell fails

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class CellInterface:
    """What a cell takes from the notebook and what it gives back."""

    #: Data that it reads: the task's parameters, in order of first use.
    inputs: tuple[str, ...] = ()
    #: Modules, functions, classes, tasks and flows that it uses.
    surroundings: frozenset[str] = frozenset()
    #: Names that it gives the notebook, in order of first assignment.
    outputs: tuple[str, ...] = ()
    #: Those that a call of the task returns: no imports, no names with an underscore first.
    returns: tuple[str, ...] = ()
    #: Names that it binds although `--out` leaves them out: the notebook does not get them.
    hidden: frozenset[str] = frozenset()
    #: Names that it deletes.
    deletes: frozenset[str] = frozenset()
    mode: Mode = Mode.PRIVATE
    #: Why the mode is SHARED; empty when it is not.
    reason: str = ""


@dataclass(slots=True, weakref_slot=True)
class CellValues:
    """What a run of a cell leaves for the notebook."""

    outputs: dict[str, Any] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    #: What it printed and displayed, to be shown again when the values are restored.
    shown: list[Output] = field(default_factory=list)
    #: The value of the last expression; it is not kept.
    last: Any = None
