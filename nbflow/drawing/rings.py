"""Decides which ring of the radial view each card belongs to, and who hangs on whom.

A card's ring is the longest way to it from a start, so every arrow leads outwards. This
module must not know sizes, angles or curves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from nbflow.drawing.shape import Shape, levels

Link = tuple[str, str]


class Rings(NamedTuple):
    """The cards from the inside out, and the links between them."""

    #: The ids on each ring, in the order of the graph.
    rings: tuple[tuple[str, ...], ...]
    #: Where each card's arrows come from, the outermost first.
    parents: Mapping[str, tuple[str, ...]]
    #: The cards that hang on each card: every card hangs on one of its parents at most.
    children: Mapping[str, tuple[str, ...]]
    #: How many ends there are of what hangs on each card.
    weights: Mapping[str, float]
    #: Cards without any link; they stand outside.
    loose: tuple[str, ...]


def rings_of(shape: Shape) -> Rings:
    """Sort the cards of a graph into rings."""
    ids = [node.id for node in shape.nodes]
    links = list(_links(shape))
    level = levels(ids, links)
    linked = {end for link in links for end in link}
    inner = [id_ for id_ in ids if id_ in linked]
    rings: defaultdict[int, list[str]] = defaultdict(list)
    for id_ in inner:
        rings[level[id_]].append(id_)
    parents = _parents(inner, links, level)
    children = _children(inner, parents)
    return Rings(
        tuple(tuple(rings[number]) for number in sorted(rings)),
        parents,
        children,
        _weights(inner, children, level),
        tuple(id_ for id_ in ids if id_ not in linked),
    )


def _links(shape: Shape) -> Iterator[Link]:
    """The edges; a subflow's card stands before its members, what follows it after them."""
    for edge in shape.edges:
        if edge.source == edge.target:
            continue
        yield edge.source, edge.target
        if edge.source in shape.frames:
            yield from ((card, edge.target) for card in _within(shape, edge.source))
    for group in shape.frames:
        yield from ((group, member) for member in shape.members[group])


def _within(shape: Shape, group: str) -> Iterator[str]:
    for member in shape.members[group]:
        yield member
        if member in shape.frames:
            yield from _within(shape, member)


def _parents(
    ids: Iterable[str], links: Iterable[Link], level: Mapping[str, int]
) -> dict[str, tuple[str, ...]]:
    """Those one ring further in or more, the nearest first; circles are cut here."""
    found: dict[str, dict[str, None]] = {id_: {} for id_ in ids}
    for source, target in links:
        if level[source] < level[target]:
            found[target][source] = None
    return {id_: tuple(sorted(into, key=lambda up: -level[up])) for id_, into in found.items()}


def _children(
    ids: Iterable[str], parents: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """What joins several ways hangs on the nearest."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for id_ in ids:
        if parents[id_]:
            found[parents[id_][0]].append(id_)
    return {id_: tuple(below) for id_, below in found.items()}


def _weights(
    ids: Sequence[str], children: Mapping[str, Sequence[str]], level: Mapping[str, int]
) -> dict[str, float]:
    """The number of ends of what hangs on each card."""
    weights: dict[str, float] = {}
    for id_ in sorted(ids, key=lambda id_: -level[id_]):
        weights[id_] = max(1.0, sum(weights[child] for child in children.get(id_, ())))
    return weights
