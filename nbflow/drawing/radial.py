"""Places a run graph as rings around its middle: the radar view.

This module decides the radial layout: distance from the middle is distance from the start
of the flow. Graphviz's `twopi` places the cards; the curves follow the rings. It must not
know colours or icons.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nbflow.drawing.cards import Card
from nbflow.drawing.engines import run_graphviz
from nbflow.drawing.places import Box, Direction, Layout, Path, Point
from nbflow.drawing.shape import Shape

_INCH: Final = 72.0
_ROOT: Final = "root"
#: Space between rings beyond a card's width, and between neighbours on a ring.
_RING_GAP: Final = 36.0
_NEIGHBOUR_GAP: Final = 18.0
_PADDING: Final = 12.0


def lay_out_radially(shape: Shape, cards: Mapping[str, Card]) -> Layout:
    """Rings around an invisible start; a subflow's own card stands before its members."""
    keys = {node.id: f"n{number}" for number, node in enumerate(shape.nodes)}
    sizes = {node.id: _size(cards[node.id], framed=node.id in shape.frames) for node in shape.nodes}
    links = _links(shape)
    starts = _starts([node.id for node in shape.nodes], links)
    rings = _rings(starts, links)
    if len(starts) == 1:  # a flow's only start is the middle itself
        rings = {id_: ring - 1 for id_, ring in rings.items()}
    distance = _ring_distance(rings, sizes)
    source = _dot(keys, sizes, links, starts, distance)
    data = json.loads(run_graphviz(source, "twopi"))
    names = {key: id_ for id_, key in keys.items()}
    places = {item["name"]: _point(item["pos"]) for item in data["objects"] if "pos" in item}
    middle = places[keys[starts[0]]] if len(starts) == 1 else places.pop(_ROOT)
    centers = {names[key]: (x - middle[0], middle[1] - y) for key, (x, y) in places.items()}
    return _layout(shape, sizes, centers)


def _size(card: Card, *, framed: bool) -> tuple[float, float]:
    return (card.width, 28.0 if framed else card.height)


def _links(shape: Shape) -> list[tuple[str, str]]:
    """The edges, and from each subflow's card to the members that start it."""
    links = [(edge.source, edge.target) for edge in shape.edges if edge.source != edge.target]
    targets = {target for _, target in links}
    inside = [
        (group, member)
        for group in shape.frames
        for member in shape.members[group]
        if member not in targets
    ]
    order = {node.id: number for number, node in enumerate(shape.nodes)}
    return links + sorted(inside, key=lambda link: (order[link[0]], order[link[1]]))


def _starts(ids: Sequence[str], links: Iterable[tuple[str, str]]) -> list[str]:
    """Nodes that nothing leads to, and one of each circle that cannot be reached from them."""
    after: defaultdict[str, list[str]] = defaultdict(list)
    targets: set[str] = set()
    for source, target in links:
        after[source].append(target)
        targets.add(target)
    starts = [id_ for id_ in ids if id_ not in targets]
    seen = set(_walk(starts, after))
    for id_ in ids:
        if id_ not in seen:
            starts.append(id_)
            seen.update(_walk([id_], after))
    return starts


def _walk(starts: Iterable[str], after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Every node that can be reached, with its distance."""
    distance = dict.fromkeys(starts, 1)
    waiting = deque(distance)
    while waiting:
        id_ = waiting.popleft()
        for target in after.get(id_, ()):
            if target not in distance:
                distance[target] = distance[id_] + 1
                waiting.append(target)
    return distance


def _rings(starts: Iterable[str], links: Iterable[tuple[str, str]]) -> dict[str, int]:
    after: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in links:
        after[source].append(target)
    return _walk(starts, after)


def _ring_distance(rings: Mapping[str, int], sizes: Mapping[str, tuple[float, float]]) -> float:
    """The distance between rings at which every ring is long enough for its cards."""
    crowd = Counter(rings.values())
    widest = max(width for width, _ in sizes.values())
    # A card lies across its ring or along it, depending on where it stands: count the mean.
    along = (widest + sizes[next(iter(sizes))][1]) / 2 + _NEIGHBOUR_GAP
    needed = [count * along / (math.tau * ring) for ring, count in crowd.items() if ring]
    return max([widest * 0.75 + _RING_GAP, *needed])


def _dot(
    keys: Mapping[str, str],
    sizes: Mapping[str, tuple[float, float]],
    links: Iterable[tuple[str, str]],
    starts: Sequence[str],
    distance: float,
) -> str:
    # Loaded at the first drawing, as Graphviz itself.
    from graphviz import Digraph  # noqa: PLC0415

    middle = keys[starts[0]] if len(starts) == 1 else _ROOT
    dot = Digraph(
        graph_attr={
            "root": middle,
            "ranksep": f"{distance / _INCH:.4f}",
            "splines": "line",
            "overlap": "scale",
            "sep": "+6",
        },
        node_attr={"shape": "box", "fixedsize": "true", "label": "", "margin": "0"},
    )
    if middle == _ROOT:
        dot.node(_ROOT, label="", width="0.2", height="0.2")
    for id_, key in keys.items():
        width, height = sizes[id_]
        dot.node(key, label="", width=f"{width / _INCH:.4f}", height=f"{height / _INCH:.4f}")
    for start in starts if middle == _ROOT else ():
        dot.edge(_ROOT, keys[start])
    for source, target in links:
        dot.edge(keys[source], keys[target])
    return str(dot.source)


def _point(text: str) -> Point:
    x, y = text.split(",")
    return (float(x), float(y))


def _layout(
    shape: Shape, sizes: Mapping[str, tuple[float, float]], centers: Mapping[str, Point]
) -> Layout:
    """Move everything into view, and draw the curves between the cards' middles."""
    left = min(*(x - sizes[id_][0] / 2 for id_, (x, _) in centers.items()), -_PADDING)
    top = min(*(y - sizes[id_][1] / 2 for id_, (_, y) in centers.items()), -_PADDING)
    right = max(*(x + sizes[id_][0] / 2 for id_, (x, _) in centers.items()), _PADDING)
    bottom = max(*(y + sizes[id_][1] / 2 for id_, (_, y) in centers.items()), _PADDING)
    boxes = tuple(
        Box(
            node.id,
            round(centers[node.id][0] - sizes[node.id][0] / 2 - left, 1),
            round(centers[node.id][1] - sizes[node.id][1] / 2 - top, 1),
            *sizes[node.id],
        )
        for node in shape.nodes
    )
    edges = tuple(
        Path(
            edge.source, edge.target, _curve(centers[edge.source], centers[edge.target], left, top)
        )
        for edge in shape.edges
        if edge.source != edge.target
    )
    room = min(-left, -top, right, bottom) + _PADDING
    radii = sorted({round(math.hypot(*center)) for center in centers.values()})
    return Layout(
        direction=Direction.RADIAL,
        width=round(right - left, 1),
        height=round(bottom - top, 1),
        nodes=boxes,
        edges=edges,
        center=(round(-left, 1), round(-top, 1)),
        rings=tuple(float(radius) for radius in _apart(radii) if radius <= room),
    )


def _apart(radii: Iterable[int]) -> list[int]:
    """Radii that differ only by rounding are one ring."""
    kept: list[int] = []
    for radius in radii:
        if radius > (kept[-1] if kept else 0) + _RING_GAP:
            kept.append(radius)
    return kept


def _curve(start: Point, end: Point, left: float, top: float) -> tuple[Point, ...]:
    """A curve that leaves one ring at a right angle and meets the other so."""
    (radius, angle), (end_radius, end_angle) = _polar(start), _polar(end)
    half = (radius + end_radius) / 2
    points = (start, _cartesian(half, angle), _cartesian(half, end_angle), end)
    return tuple((round(x - left, 1), round(y - top, 1)) for x, y in points)


def _polar(point: Point) -> tuple[float, float]:
    return (math.hypot(*point), math.atan2(point[1], point[0]))


def _cartesian(radius: float, angle: float) -> Point:
    return (radius * math.cos(angle), radius * math.sin(angle))
