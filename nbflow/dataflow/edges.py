"""What an edge between two cells says.

This module decides the words for it; it must not know how edges are found or used.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class EdgeKind(str, Enum):
    """Why one cell comes after another."""

    DATA = "data"  # the later cell may need a value that the earlier one bound or changed
    ORDER = "order"  # no value passes, but changing places could change a result

    def __str__(self) -> str:
        return self.value


class Why(Enum):
    """Why an edge is there, as one who might take another way must know it."""

    #: The earlier cell made the value, or surely changed it.
    VALUE = "value"
    #: An object or state may be changed in place, or it is not known what is touched.
    CHANGE = "change"
    #: One of them merely binds or deletes a name that the other binds or reads.
    REBIND = "rebind"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """The cell at index `target` must run after the cell at index `source`."""

    source: int
    target: int
    #: The variable; or words for shared state; empty when a cell hides what it touches.
    name: str
    #: False when the code may not really touch the value.
    certain: bool = True
    kind: EdgeKind = EdgeKind.DATA
