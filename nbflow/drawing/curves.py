"""Turns edges between neighbouring ranks into calm S-curves.

This module decides which of Graphviz's curves are redrawn: those with nothing between
their ends. They leave a card at the middle of its side and meet the next one so. Longer
ways stay as Graphviz routed them, around the cards. It must not know words or colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nbflow.drawing.places import Box, Direction, Path, Point

_ARROW: Final = 5.0
#: Beyond this many comparisons the curves stay as they are.
_EFFORT: Final = 200_000
#: Ranks closer than this leave no room for a curve.
_LEAST_GAP: Final = 12.0


def smooth(paths: Sequence[Path], boxes: Sequence[Box], direction: Direction) -> tuple[Path, ...]:
    """The paths, redrawn where nothing stands between their ends."""
    if len(paths) * len(boxes) > _EFFORT:
        return tuple(paths)
    by_id = {box.id: box for box in boxes}
    return tuple(_smooth(path, by_id, direction) for path in paths)


def _smooth(path: Path, boxes: Mapping[str, Box], direction: Direction) -> Path:
    source, target = boxes.get(path.source), boxes.get(path.target)
    if source is None or target is None or source is target:
        return path
    start, tip = _ports(source, target, direction)
    axis = 1 if direction is Direction.DOWN else 0
    gap = tip[axis] - start[axis]
    others = (box for box in boxes.values() if box is not source and box is not target)
    if gap < _LEAST_GAP or _crosses(start, tip, others, axis):
        return path
    return _curve(path, start, tip, axis)


def _ports(source: Box, target: Box, direction: Direction) -> tuple[Point, Point]:
    if direction is Direction.DOWN:
        return (
            (source.x + source.width / 2, source.y + source.height),
            (target.x + target.width / 2, target.y),
        )
    return (
        (source.x + source.width, source.y + source.height / 2),
        (target.x, target.y + target.height / 2),
    )


def _crosses(start: Point, tip: Point, boxes: Iterable[Box], axis: int) -> bool:
    """Whether any card reaches into the rectangle that holds the whole curve."""
    # Neighbours in a rank touch the curve's ends along the axis: that is no crossing.
    slack = (-1.0, 1.0) if axis == 0 else (1.0, -1.0)
    left, right = sorted((start[0], tip[0]))
    top, bottom = sorted((start[1], tip[1]))
    return any(
        box.x < right + slack[0]
        and box.x + box.width > left - slack[0]
        and box.y < bottom + slack[1]
        and box.y + box.height > top - slack[1]
        for box in boxes
    )


def _curve(path: Path, start: Point, tip: Point, axis: int) -> Path:
    half = (tip[axis] - start[axis]) / 2
    end = _moved(tip, axis, -_ARROW)
    points = (start, _moved(start, axis, half), _moved(end, axis, -half), end)
    middle = ((start[0] + tip[0]) / 2, (start[1] + tip[1]) / 2)
    return path._replace(
        points=tuple(map(_rounded, points)),
        tip=_rounded(tip),
        label_at=_rounded(middle) if path.label_at else None,
    )


def _moved(point: Point, axis: int, by: float) -> Point:
    return (point[0] + by, point[1]) if axis == 0 else (point[0], point[1] + by)


def _rounded(point: Point) -> Point:
    return (round(point[0], 1), round(point[1], 1))
