"""Remembers what stands where, so that questions about a crowd need not ask everyone.

This module decides how cards and curves are found again by their place. It must not know
why anyone asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from nbflow.drawing.places import Box, Point

_CELL: Final = 96.0


class Room:
    """Cards and points of curves by the squares of a grid that they touch."""

    def __init__(self) -> None:
        self._boxes: defaultdict[tuple[int, int], list[Box]] = defaultdict(list)
        self._points: defaultdict[tuple[int, int], list[Point]] = defaultdict(list)

    def add(self, box: Box) -> None:
        """Put a card into its place."""
        for square in _squares(box, 0.0):
            self._boxes[square].append(box)

    def add_curve(self, points: Iterable[Point]) -> None:
        """Remember points along a curve."""
        for x, y in points:
            self._points[int(x // _CELL), int(y // _CELL)].append((x, y))

    def is_free(self, box: Box, gap: float) -> bool:
        """Whether a card could stand here, at least `gap` from all others."""
        return not any(
            box.x - gap < other.x + other.width
            and other.x < box.x + box.width + gap
            and box.y - gap < other.y + other.height
            and other.y < box.y + box.height + gap
            for square in _squares(box, gap)
            for other in self._boxes.get(square, ())
        )

    def behind(self, box: Box) -> int:
        """How many points of curves a card here would cover."""
        return sum(
            box.x - 4 < x < box.x + box.width + 4 and box.y - 4 < y < box.y + box.height + 4
            for square in _squares(box, 4)
            for x, y in self._points.get(square, ())
        )

    def covered(self, points: Iterable[Point], ends: frozenset[str]) -> int:
        """How many of the points lie behind cards, those at the `ends` not counted."""
        return sum(self._is_covered(point, ends) for point in points)

    def _is_covered(self, point: Point, ends: frozenset[str]) -> bool:
        x, y = point
        near = self._boxes.get((int(x // _CELL), int(y // _CELL)), ())
        return any(
            box.x - 3 < x < box.x + box.width + 3
            and box.y - 3 < y < box.y + box.height + 3
            and box.id not in ends
            for box in near
        )


def _squares(box: Box, gap: float) -> Iterator[tuple[int, int]]:
    left, right = int((box.x - gap) // _CELL), int((box.x + box.width + gap) // _CELL)
    top, bottom = int((box.y - gap) // _CELL), int((box.y + box.height + gap) // _CELL)
    for column in range(left, right + 1):
        for row in range(top, bottom + 1):
            yield column, row
