"""What a reader wants to see of a graph.

This module decides the form of that wish. It must not know how it is carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from nbflow.drawing import Direction


@dataclass(frozen=True, slots=True)
class Look:
    """A wish: which subflows are drawn closed, and where the arrows lead."""

    #: Ids of the closed groups; None: nbflow decides.
    closed: frozenset[str] | None = None
    #: None: nbflow decides by the graph's shape.
    direction: Direction | None = None

    @classmethod
    def from_json(cls, data: Any) -> Look:
        """The wish that a page sent; what cannot be read leaves the choice to nbflow."""
        given = data if isinstance(data, Mapping) else {}
        closed, direction = given.get("closed"), None
        with suppress(ValueError):
            direction = Direction(given.get("direction"))
        ids = frozenset(map(str, closed)) if isinstance(closed, list | tuple) else None
        return cls(ids, direction)
