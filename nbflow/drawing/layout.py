"""Places the cards and curves of a run graph with Graphviz.

This module decides the DOT that describes a graph's sizes and links, and reads the
positions back. It must not know colours, icons or where Graphviz runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from nbflow.drawing.cards import GROUP_TITLE, META_SIZE, Card, cards_of
from nbflow.drawing.curves import smooth
from nbflow.drawing.engines import run_graphviz
from nbflow.drawing.measure import text_width
from nbflow.drawing.places import Box, Direction, Layout, Path, Point
from nbflow.drawing.radial import lay_out_radially
from nbflow.drawing.shape import (
    Shape,
    best_direction,
    first_card,
    grid_links,
    last_card,
    shape_of,
)
from nbflow.models import GraphEdge, RunGraph

#: Graphviz counts sizes in inches of 72 points; one point is one pixel here.
_INCH: Final = 72.0
#: Up to so many edges, short labels stand in the picture; above, they show on hover.
_LABELLED_EDGES: Final = 14
_LABEL_LENGTH: Final = 20
_FRAME_MARGIN: Final = 12


def lay_out(
    graph: RunGraph, direction: Direction | str | None = None, seconds: float | None = None
) -> Layout:
    """Find the place of every card, frame and curve.

    Without a `direction` it is chosen by shape: notebooks and deep graphs go down, wide
    flows to the right. Edges between unknown ends are left out. Raises
    `VisualizationError` when Graphviz is missing or fails, or takes more than `seconds`.
    """
    shape, cards = shape_of(graph), cards_of(graph)
    wanted = Direction(direction) if direction else best_direction(shape, cards)
    if not shape.nodes:
        return Layout(wanted, 0.0, 0.0)
    if wanted is Direction.RADIAL:
        return lay_out_radially(shape, cards_of(graph, wanted))
    import json  # noqa: PLC0415  as Graphviz: loaded at the first drawing

    plan = _Plan(shape, cards, wanted)
    return _read(json.loads(run_graphviz(_dot(plan), "dot", seconds)), plan)


class _Plan(NamedTuple):
    """What is to be placed, and how."""

    shape: Shape
    cards: Mapping[str, Card]
    direction: Direction

    def keys(self) -> dict[str, int]:
        """The number that names a node inside the DOT: ids of users never get there."""
        return {node.id: number for number, node in enumerate(self.shape.nodes)}

    def labelled(self, edge: GraphEdge) -> bool:
        few = len(self.shape.edges) <= _LABELLED_EDGES
        return few and 0 < len(edge.label) <= _LABEL_LENGTH and edge.source != edge.target


# ── writing DOT ──────────────────────────────────────────────────────────────────────────


def _dot(plan: _Plan) -> str:
    # Loaded at the first drawing, as Graphviz itself.
    from graphviz import Digraph  # noqa: PLC0415

    down = plan.direction is Direction.DOWN
    dot = Digraph(
        graph_attr={
            "rankdir": "TB" if down else "LR",
            "nodesep": _inches(20 if down else 14),
            "ranksep": _inches(30 if down else _fan_gap(plan.shape)),
            "compound": "true",
            "nslimit": "8",
            "nslimit1": "8",
        },
        node_attr={"shape": "box", "fixedsize": "true", "label": "", "margin": "0"},
        edge_attr={"label": "", "arrowsize": "0.5"},
    )
    numbers = plan.keys()
    _write_members(dot, "", plan, numbers)
    for number, edge in enumerate(plan.shape.edges):
        _write_edge(dot, number, edge, plan, numbers)
    for source, target in grid_links(plan.shape, plan.cards, plan.direction):
        dot.edge(f"n{numbers[source]}", f"n{numbers[target]}", style="invis")
    return str(dot.source)


def _fan_gap(shape: Shape) -> float:
    """Curves to many neighbours need room to spread."""
    fans = Counter(end for edge in shape.edges for end in (f"<{edge.source}", f">{edge.target}"))
    return min(160.0, 44.0 + 2.0 * max(fans.values(), default=0))


def _write_members(dot: Any, group: str, plan: _Plan, numbers: Mapping[str, int]) -> None:
    for id_ in plan.shape.members.get(group, ()):
        if id_ in plan.shape.frames:
            with dot.subgraph(name=f"cluster_n{numbers[id_]}") as inner:
                title = _room(plan.cards[id_].width, GROUP_TITLE - _FRAME_MARGIN / 2)
                inner.attr(label=title, labelloc="t", margin=str(_FRAME_MARGIN))
                _write_members(inner, id_, plan, numbers)
        else:
            card = plan.cards[id_]
            size = {"width": _inches(card.width), "height": _inches(card.height)}
            dot.node(f"n{numbers[id_]}", label="", **size)


def _write_edge(
    dot: Any, number: int, edge: GraphEdge, plan: _Plan, numbers: Mapping[str, int]
) -> None:
    attributes = {"comment": str(number)}
    if edge.source in plan.shape.frames:
        attributes["ltail"] = f"cluster_n{numbers[edge.source]}"
    if edge.target in plan.shape.frames:
        attributes["lhead"] = f"cluster_n{numbers[edge.target]}"
    if plan.labelled(edge):
        attributes["label"] = _room(text_width(edge.label, META_SIZE - 1) + 8, 14)
    source = numbers[last_card(plan.shape, edge.source)]
    target = numbers[first_card(plan.shape, edge.target)]
    dot.edge(f"n{source}", f"n{target}", **attributes)


def _inches(pixels: float) -> str:
    return f"{pixels / _INCH:.4f}"


def _room(width: float, height: float) -> str:
    """An empty label of a fixed size: room for text that Graphviz need not know."""
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0" FIXEDSIZE="TRUE" '
        f'WIDTH="{round(width)}" HEIGHT="{round(height)}"><TR><TD></TD></TR></TABLE>>'
    )


# ── reading positions ────────────────────────────────────────────────────────────────────


def _read(data: dict[str, Any], plan: _Plan) -> Layout:
    left, bottom, right, top = _numbers(data["bb"])
    flip = _Flip(left, top)
    objects = {item["name"]: item for item in data.get("objects", ())}
    boxes = tuple(
        _box(node.id, objects[f"n{number}"], plan.cards[node.id], flip)
        for number, node in enumerate(plan.shape.nodes)
        if node.id not in plan.shape.frames
    )
    groups = [
        _frame(node.id, objects[f"cluster_n{number}"]["bb"], flip)
        for number, node in enumerate(plan.shape.nodes)
        if node.id in plan.shape.frames
    ]
    groups.sort(key=lambda box: len(plan.shape.ancestors(box.id)))
    return Layout(
        direction=plan.direction,
        width=round(right - left, 1),
        height=round(top - bottom, 1),
        nodes=boxes,
        groups=tuple(groups),
        edges=smooth(_paths(data.get("edges", ()), plan, flip), boxes, plan.direction),
    )


class _Flip(NamedTuple):
    """Graphviz's y grows upwards from a corner of its own; ours downwards from the top left."""

    left: float
    top: float

    def point(self, text: str) -> Point:
        x, y = _numbers(text)
        return (round(x - self.left, 1), round(self.top - y, 1))


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _box(id_: str, item: Mapping[str, Any], card: Card, flip: _Flip) -> Box:
    x, y = flip.point(item["pos"])
    return Box(
        id_, round(x - card.width / 2, 1), round(y - card.height / 2, 1), card.width, card.height
    )


def _frame(id_: str, bounds: str, flip: _Flip) -> Box:
    left, bottom, right, top = bounds.split(",")
    (x, y), (x2, y2) = flip.point(f"{left},{top}"), flip.point(f"{right},{bottom}")
    return Box(id_, x, y, round(x2 - x, 1), round(y2 - y, 1))


def _paths(items: Iterable[Mapping[str, Any]], plan: _Plan, flip: _Flip) -> list[Path]:
    """The curves, in the order of the graph's edges."""
    found: dict[int, Path] = {}
    for item in items:
        if item.get("style") != "invis" and "pos" in item:
            number = int(item["comment"])
            found[number] = _path(plan.shape.edges[number], item, flip)
    return [path for _, path in sorted(found.items())]


def _path(edge: GraphEdge, item: Mapping[str, Any], flip: _Flip) -> Path:
    """`pos` reads `e,x,y p0 p1 p2 p3 …`: the arrow's tip, then the curve."""
    parts = item["pos"].split(";")[0].split()
    tip = next((flip.point(part[2:]) for part in parts if part.startswith("e,")), None)
    points = tuple(flip.point(part) for part in parts if part[0] not in "es")
    label_at = flip.point(item["lp"]) if "lp" in item else None
    return Path(edge.source, edge.target, points, tip, label_at)
