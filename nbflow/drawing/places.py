"""Where everything of a laid-out graph stands: the record that clients receive and draw.

This module decides the form of that record only. Lengths are CSS pixels, the origin is at
the top left, y grows downwards. It must not know how positions are found or drawn.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

Point = tuple[float, float]


class Direction(str, Enum):
    """Where the arrows lead."""

    DOWN = "down"  # layered, top to bottom: notebooks, and all that is deep
    RIGHT = "right"  # layered, left to right: wide flows
    RADIAL = "radial"  # from the middle outwards: the radar view

    def __str__(self) -> str:
        return self.value


class Box(NamedTuple):
    """The place of a node's card, or of a group's frame."""

    id: str
    x: float
    y: float
    width: float
    height: float


class Path(NamedTuple):
    """The curve of an edge: a start, then three points (two handles, an end) per Bézier piece."""

    source: str
    target: str
    points: tuple[Point, ...]
    #: Where the arrow ends; None where no arrowhead is drawn.
    tip: Point | None = None
    #: The middle of the room left for the edge's label; None when it is only told on hover.
    label_at: Point | None = None


class Layout(NamedTuple):
    """All positions of one graph."""

    direction: Direction
    width: float
    height: float
    nodes: tuple[Box, ...] = ()
    #: Outer frames stand before those inside them.
    groups: tuple[Box, ...] = ()
    edges: tuple[Path, ...] = ()
    #: Radial only: the middle, and the radii of the rings around it.
    center: Point | None = None
    rings: tuple[float, ...] = ()
    #: Radial only: from a subflow's card to what starts in it, and on along the arrows inside.
    bonds: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The layout as plain JSON data."""
        lists = {
            name: [item._asdict() for item in getattr(self, name)]
            for name in ("nodes", "groups", "edges", "bonds")
        }
        return self._asdict() | lists | {"direction": self.direction.value}
