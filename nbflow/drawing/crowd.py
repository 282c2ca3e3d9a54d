"""Shares a ring among the cards that stand on it.

This module decides how long a ring must be for its cards, and moves cards apart that would
like to stand at the same place. It must not know graphs or curves.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

#: The least distance between cards.
CARD_GAP: Final = 9.0

Size = tuple[float, float]

_STEPS: Final = 120
_AIR: Final = CARD_GAP + 1.5
#: A ring as full as this gives every card the same part of it.
_CROWDED: Final = 0.75


def ring_radius(sizes: Iterable[Size]) -> float:
    """The radius of a ring that the cards fill."""
    return sum(1.0 / _capacity(size)[-1] for size in sizes)


@cache
def _capacity(size: Size) -> tuple[float, ...]:
    """How many such cards a ring of radius 1 holds up to each of `_STEPS` angles.

    At its sides cards stand one above the other, and many fit; above and below, side by side.
    """
    step = math.tau / _STEPS
    total, found = 0.0, [0.0]
    for number in range(_STEPS):
        angle = (number + 0.5) * step
        along, across = abs(math.sin(angle)), abs(math.cos(angle))
        need = min((size[0] + _AIR) / along, (size[1] + _AIR) / across)
        total += step / need
        found.append(total)
    return tuple(found)


def spread(
    wishes: Mapping[str, float], sizes: Mapping[str, Size], radius: float, crowd: float
) -> dict[str, float]:
    """The wishes, moved apart until each card has its part of the ring."""
    count = len(wishes)
    mean = (
        round(sum(sizes[id_][0] for id_ in wishes) / count),
        round(sum(sizes[id_][1] for id_ in wishes) / count),
    )
    scale = _capacity(mean)
    parts = [_part(angle, scale) for angle in wishes.values()]
    if crowd > _CROWDED:
        parts = _evenly(parts, scale[-1])
    else:
        _push_apart(parts, scale[-1], radius)
    return {id_: _angle(part, scale) for id_, part in zip(wishes, parts, strict=True)}


def _evenly(parts: Sequence[float], full: float) -> list[float]:
    """As many places at equal distances, turned to where they are nearest to the given ones."""
    step = full / len(parts)
    shift = sum(part - number * step for number, part in enumerate(parts)) / len(parts)
    return [shift + number * step for number in range(len(parts))]


def _push_apart(parts: list[float], full: float, radius: float) -> None:
    """Move neighbours apart, around the whole ring, until each has its share."""
    count = len(parts)
    least = 1.02 / radius
    for _ in range(4 * count):
        moved = False
        for number in range(count):
            other = (number + 1) % count
            gap = parts[other] - parts[number] + (full if other == 0 else 0.0)
            if gap < least:
                shift = (least - gap) / 2
                parts[number] -= shift
                parts[other] += shift
                moved = True
        if not moved:
            return


def _part(angle: float, scale: Sequence[float]) -> float:
    turns, place = divmod(angle / math.tau, 1.0)
    number = min(int(place * _STEPS), _STEPS - 1)
    within = scale[number] + (scale[number + 1] - scale[number]) * (place * _STEPS - number)
    return turns * scale[-1] + within


def _angle(part: float, scale: Sequence[float]) -> float:
    part %= scale[-1]
    number = min(bisect_right(scale, part), _STEPS) - 1
    within = (part - scale[number]) / (scale[number + 1] - scale[number])
    return (number + within) * math.tau / _STEPS
