"""Curves around a middle: they leave a ring straight outwards and reach the next one so.

This module decides the form of the radial view's edges: where along its way a curve turns,
so that it passes behind as few cards as can be. It must not know graphs or colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from nbflow.drawing.places import Box, Point

#: A place given by its distance from the middle and its angle (0 is right, a quarter is down).
Polar = tuple[float, float]

_ARROW: Final = 5.0
_SAMPLES: Final = 24
_PIECE: Final = math.radians(40)
#: A way along one ring bends outwards by this much.
_BULGE: Final = 26.0
_ALMOST: Final = 1.0
#: Between which parts of the way a curve turns, and how early it goes outwards (1: evenly);
#: the first is the calmest.
_FORMS: Final = (
    (0.0, 1.0, 1.0),
    (0.0, 1.0, 3.0),
    (0.0, 1.0, 1 / 3),
    (0.0, 0.75, 1.0),
    (0.25, 1.0, 1.0),
    (0.0, 0.55, 1.0),
    (0.45, 1.0, 1.0),
)
_WHOLE: Final = 3  # so many of them turn all the way
#: A way this many times as long as the distance between its rings turns all the way.
_LONG: Final = 3.0


class Way:
    """One way from a place to another, as a function of the time from 0 to 1."""

    __slots__ = ("_bulge", "_end", "_form", "_slant", "_start", "_sweep")

    def __init__(
        self, start: Polar, end: Polar, form: tuple[float, float, float], sweep: float
    ) -> None:
        if start[0] < _ALMOST:  # in the middle there is no direction yet
            start = (start[0], end[1])
        self._start, self._end, self._form, self._sweep = start, end, form, sweep
        self._bulge = _BULGE if abs(end[0] - start[0]) < _BULGE else 0.0
        # A long way around between near rings would have to turn at once: it leaves at a slant.
        length = _relative_length(start, end, sweep)
        whole = form[1] - form[0] == 1.0
        self._slant = max(0.0, 1.0 - 1.2 / length) if length and whole else 0.0

    def at(self, time: float) -> Point:
        """The point at a time."""
        begin, stop, early = self._form
        part = min(1.0, max(0.0, (time - begin) / (stop - begin)))
        eased = self._slant * part + (1 - self._slant) * part * part * (3 - 2 * part)
        out = 1 - (1 - time) ** early if early > 1 else time ** (1 / early)
        radius = self._start[0] + (self._end[0] - self._start[0]) * out
        return cartesian(
            (
                radius + self._bulge * math.sin(math.pi * time),
                self._start[1] + self._sweep * eased,
            )
        )

    def samples(self, count: int = _SAMPLES) -> list[Point]:
        """Points along the way, its ends included."""
        return [self.at(number / count) for number in range(count + 1)]

    def curve(self, begin: float, stop: float) -> list[Point]:
        """The part between two times as Bézier pieces."""
        points = [self.at(begin)]
        for first, last in pairwise(self._breaks(begin, stop)):
            step = last - first
            one, other = self._slope(first), self._slope(last)
            (x, y), (x2, y2) = self.at(first), self.at(last)
            points += [
                (x + one[0] * step / 3, y + one[1] * step / 3),
                (x2 - other[0] * step / 3, y2 - other[1] * step / 3),
                (x2, y2),
            ]
        return points

    def _breaks(self, begin: float, stop: float) -> list[float]:
        """The ends of the pieces: where the turn begins and ends, and between."""
        ends = [begin, *(time for time in self._form[:2] if begin < time < stop), stop]
        pieces = 3 + int(abs(self._sweep) / _PIECE)
        step = (stop - begin) / pieces
        found = [begin]
        for first, last in pairwise(ends):
            parts = max(1, math.ceil((last - first) / step))
            found += [first + (last - first) * (number + 1) / parts for number in range(parts)]
        return found

    def _slope(self, time: float) -> Point:
        before, after = max(0.0, time - 1e-4), min(1.0, time + 1e-4)
        (x, y), (x2, y2) = self.at(before), self.at(after)
        return ((x2 - x) / (after - before), (y2 - y) / (after - before))


def straight_way(start: Polar, end: Polar) -> Way:
    """The calmest way between two places."""
    return Way(start, end, _FORMS[0], _sweep(start, end))


def best_way(start: Polar, end: Polar, cost: Callable[[Sequence[Point]], float]) -> Way:
    """The way that costs least; `cost` judges points along it."""
    sweep = _sweep(start, end)
    sweeps = [sweep]
    if abs(sweep) > math.radians(130):  # the other way round is not much longer
        sweeps.append(sweep - math.copysign(math.tau, sweep))
    found: list[tuple[float, int, Way]] = []
    for around in sweeps:
        long = _relative_length(start, end, around) > _LONG
        forms = _FORMS[:_WHOLE] if long else _FORMS
        for number, form in enumerate(forms if around else _FORMS[:1]):
            way = Way(start, end, form, around)
            # Other forms and longer ways have to be worth it.
            price = cost(way.samples()) + number * (0.4 + abs(around)) + 4.0 * abs(around)
            found.append((price, len(found), way))
    return min(found)[2]


def _sweep(start: Polar, end: Polar) -> float:
    if start[0] < _ALMOST or end[0] < _ALMOST:  # from the middle it is straight ahead
        return 0.0
    return turned(end[1] - start[1])


def _relative_length(start: Polar, end: Polar, sweep: float) -> float:
    """How much longer the way around is than the way outwards."""
    return abs(sweep) * (start[0] + end[0]) / 2 / max(_ALMOST, abs(end[0] - start[0]))


def visible(way: Way, source: Box, target: Box) -> tuple[list[Point], Point]:
    """The curve between the borders of two cards, and the tip of its arrow."""
    begin = _last(way, source, 0.0, 1.0)
    tip = _last(way, target, 1.0, 0.0)
    if tip <= begin:
        begin, tip = 0.0, 1.0
    end, stop = way.at(tip), tip
    while stop > begin + 0.02 and _distance(way.at(stop), end) < _ARROW:
        stop -= 0.01
    return way.curve(begin, stop), end


def _last(way: Way, box: Box, inside: float, outside: float) -> float:
    """The time at which the way leaves a card for good, coming from `inside`."""
    steps = 40
    times = [inside + (outside - inside) * number / steps for number in range(steps + 1)]
    within = [time for time in times[:-1] if contains(box, way.at(time))]
    if not within:
        return inside
    low, high = within[-1], within[-1] + (outside - inside) / steps
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if contains(box, way.at(middle)) else (low, middle)
    return high


def contains(box: Box, point: Point, slack: float = 0.0) -> bool:
    """Whether a point lies on a card, or nearer to it than `slack`."""
    return (
        -slack < point[0] - box.x < box.width + slack
        and -slack < point[1] - box.y < box.height + slack
    )


def crosses(one: Sequence[Point], other: Sequence[Point]) -> bool:
    """Whether two lines through points meet between their ends."""
    return _may_meet(one, other) and any(
        _side(a, b, c) != _side(a, b, d) and _side(c, d, a) != _side(c, d, b)
        for a, b in pairwise(one)
        for c, d in pairwise(other)
    )


def _may_meet(one: Sequence[Point], other: Sequence[Point]) -> bool:
    return all(
        min(point[axis] for point in one) <= max(point[axis] for point in other)
        and min(point[axis] for point in other) <= max(point[axis] for point in one)
        for axis in (0, 1)
    )


def _side(a: Point, b: Point, c: Point) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0])


def cartesian(place: Polar) -> Point:
    """A place in x and y, seen from the middle."""
    return (place[0] * math.cos(place[1]), place[0] * math.sin(place[1]))


def turned(angle: float) -> float:
    """The same angle between minus and plus half a turn."""
    return (angle + math.pi) % math.tau - math.pi


def _distance(one: Point, other: Point) -> float:
    return math.hypot(one[0] - other[0], one[1] - other[1])
