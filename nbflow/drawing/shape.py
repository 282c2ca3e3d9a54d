"""The shape of a graph, before it is laid out: its sound edges, its levels, its direction.

This module decides which edges can be drawn at all, and whether a graph is better read
downwards or to the right. It must not know about Graphviz or pictures.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from nbflow.drawing.cards import Card, open_groups
from nbflow.drawing.places import Direction
from nbflow.models import GraphEdge, GraphNode, NodeKind, RunGraph

#: The view that a picture should fit without scrolling, in pixels.
VIEW_WIDTH: Final = 960.0
VIEW_HEIGHT: Final = 540.0
#: Notebooks read top to bottom: going right must be this much better to be chosen.
_NOTEBOOK_BIAS: Final = 0.5

_ROW: Final = 62.0
_COLUMN_GAP: Final = 44.0
_SIDE_GAP: Final = 16.0


class Shape(NamedTuple):
    """A graph with bad data left out: each id once, known ends, no group in itself."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    #: The group that each node lies in.
    parents: Mapping[str, str]
    #: The nodes and groups right inside each group; the empty id stands for the whole graph.
    members: Mapping[str, tuple[str, ...]]
    frames: frozenset[str]

    def ancestors(self, id_: str) -> list[str]:
        """The groups around a node, from the inside out."""
        found: list[str] = []
        while (id_ := self.parents.get(id_, "")) != "":
            found.append(id_)
        return found

    def cards_in(self, id_: str) -> list[str]:
        """The cards at or inside a node."""
        if id_ not in self.frames:
            return [id_]
        return [card for member in self.members[id_] for card in self.cards_in(member)]


def shape_of(graph: RunGraph) -> Shape:
    """The drawable part of a graph."""
    unique = {node.id: node for node in reversed(graph.nodes)}
    nodes = tuple(node for node in graph.nodes if unique[node.id] is node)
    parents = _parents(nodes, open_groups(graph))
    members: defaultdict[str, list[str]] = defaultdict(list)
    for node in nodes:
        members[parents.get(node.id, "")].append(node.id)
    frames = frozenset(members) - {""}
    shape = Shape(nodes, (), parents, {key: tuple(ids) for key, ids in members.items()}, frames)
    edges = tuple(edge for edge in graph.edges if _drawable(edge, unique, shape))
    return Shape(nodes, edges, shape.parents, shape.members, frames)


def _parents(nodes: Sequence[GraphNode], frames: frozenset[str]) -> dict[str, str]:
    """Who lies in whom, without circles."""
    parents: dict[str, str] = {}
    for node in nodes:
        if node.group is not None and node.group in frames:
            above, step = {node.id}, node.group
            while step not in above and step in parents:
                above.add(step)
                step = parents[step]
            if step not in above:
                parents[node.id] = node.group
    return parents


def _drawable(edge: GraphEdge, known: Mapping[str, GraphNode], shape: Shape) -> bool:
    """An edge between a group and what lies in it says nothing that the frame does not."""
    if edge.source not in known or edge.target not in known:
        return False
    if edge.source == edge.target and edge.source in shape.frames:
        return False  # a frame has no place for a loop
    inside = edge.source in shape.ancestors(edge.target)
    return not inside and edge.target not in shape.ancestors(edge.source)


def levels(ids: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many steps each node is from a start."""
    after: defaultdict[str, list[str]] = defaultdict(list)
    open_needs: Counter[str] = Counter()
    for source, target in edges:
        if source != target:
            after[source].append(target)
            open_needs[target] += 1
    level = dict.fromkeys(ids, 0)
    ready = deque(id_ for id_ in ids if not open_needs[id_])
    waiting = dict.fromkeys(id_ for id_ in ids if open_needs[id_])
    while ready or waiting:
        # Only circles are left when nothing is ready: cut at the first.
        id_ = ready.popleft() if ready else next(iter(waiting))
        waiting.pop(id_, None)
        for target in after[id_]:
            level[target] = max(level[target], level[id_] + 1)
            open_needs[target] -= 1
            if not open_needs[target] and target in waiting:
                del waiting[target]
                ready.append(target)
    return level


def best_direction(shape: Shape, cards: Mapping[str, Card]) -> Direction:
    """Downwards or to the right, whichever fits the view better."""
    ids = [node.id for node in shape.nodes if node.id not in shape.frames]
    if not ids:
        return Direction.DOWN
    linked = {end for edge in shape.edges for end in (edge.source, edge.target)}
    level = levels(ids, _card_edges(shape))
    rows = Counter(level[id_] for id_ in ids if id_ in linked) or Counter({0: 1})
    card_width = sum(cards[id_].width for id_ in ids) / len(ids)
    deep, wide = max(rows) + 1, max(rows.values())
    down = _overflow(wide * (card_width + _SIDE_GAP), deep * _ROW)
    right = _overflow(deep * (card_width + _COLUMN_GAP), wide * (_ROW - _SIDE_GAP))
    notebook = any(node.kind is NodeKind.CELL for node in shape.nodes)
    return (
        Direction.DOWN if down * (_NOTEBOOK_BIAS if notebook else 1) <= right else Direction.RIGHT
    )


def _overflow(width: float, height: float) -> float:
    return max(width / VIEW_WIDTH, height / VIEW_HEIGHT)


def _card_edges(shape: Shape) -> list[tuple[str, str]]:
    return [
        (entry, exit_)
        for edge in shape.edges
        for entry, exit_ in [(last_card(shape, edge.source), first_card(shape, edge.target))]
    ]


def first_card(shape: Shape, id_: str) -> str:
    """The card that stands for a node when an edge comes in: in a group, one that starts it."""
    if id_ not in shape.frames:
        return id_
    cards = shape.cards_in(id_)
    targets = {edge.target for edge in shape.edges if edge.source in cards}
    return next((card for card in cards if card not in targets), cards[0])


def last_card(shape: Shape, id_: str) -> str:
    """The card that stands for a node when an edge leaves: in a group, one that ends it."""
    if id_ not in shape.frames:
        return id_
    cards = shape.cards_in(id_)
    sources = {edge.source for edge in shape.edges if edge.target in cards}
    return next((card for card in reversed(cards) if card not in sources), cards[-1])


def grid_links(
    shape: Shape, cards: Mapping[str, Card], direction: Direction
) -> list[tuple[str, str]]:
    """Invisible links that put cards without edges into a grid instead of one endless row."""
    linked = {end for edge in shape.edges for end in (edge.source, edge.target)}
    links: list[tuple[str, str]] = []
    for members in shape.members.values():
        loose = [id_ for id_ in members if id_ not in linked and id_ not in shape.frames]
        stride = _stride([cards[id_] for id_ in loose], direction)
        links += zip(loose, loose[stride:], strict=False)
    return links


def _stride(cards: Sequence[Card], direction: Direction) -> int:
    """How many loose cards stand side by side in a rank."""
    if not cards:
        return 1
    width = sum(card.width for card in cards) / len(cards) + _SIDE_GAP
    columns = math.sqrt(len(cards) * _ROW / width * VIEW_WIDTH / VIEW_HEIGHT)
    columns = max(1, min(round(columns), int(VIEW_WIDTH // width) or 1))
    return columns if direction is Direction.DOWN else math.ceil(len(cards) / columns)
