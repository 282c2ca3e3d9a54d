"""The laid-out graph as views take it.

This module decides what a view is told of a graph, and how much room cards keep for what they
will say. It must not know runs, nor what is too large to be placed while somebody waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from nbflow.drawing import Box, Direction, Layout, Path, fitted, lay_out
from nbflow.drawing.cards import Card, cards_of, open_groups
from nbflow.exceptions import VisualizationError
from nbflow.feed.look import Look
from nbflow.feed.plain import optional, text
from nbflow.models import GraphNode, RunGraph

Json = dict[str, Any]

#: The longest that cards keep room for from the start: `9 m 59 s`.
_ROOM_SECONDS: Final = 599.0
#: Failures that a map keeps room for, and the least of its runs.
_ROOM_FAILED: Final = 9
_ROOM_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a graph is drawn."""

    graph: RunGraph
    #: All subflows that could be closed, and those that are.
    groups: tuple[str, ...]
    closed: frozenset[str]
    #: Cards when all is open.
    total: int
    direction: Direction
    #: Why not all is drawn.
    note: str | None = None


def graph_json(
    graph: RunGraph, look: Look, version: int, started: Mapping[str, int] | None = None
) -> Json:
    """The graph as a reader wants to see it, laid out.

    `started` says when what a card stands for began, in milliseconds since 1970.
    """
    return placed_json(shown(graph, look), version, started or {})


def shown(graph: RunGraph, look: Look) -> Shown:
    """Decide what is drawn of a graph that may be too large to be drawn as it is wanted."""
    groups = open_groups(graph)
    names = tuple(node.id for node in graph.nodes if node.id in groups)
    total = len(graph.nodes) - len(groups)
    found = fitted(graph, look.direction, look.closed, sized=steady)
    if found.direction is not None:
        return Shown(found.graph, names, found.closed, total, found.direction, found.note or None)
    nothing = replace(graph, nodes=(), edges=())
    note = f"{found.note} The timeline lists them all."
    return Shown(nothing, names, found.closed, total, Direction.DOWN, note)


# ── room on cards ────────────────────────────────────────────────────────────────────────


def steady(graph: RunGraph) -> RunGraph:
    """The graph with cards that say as much as they ever will: nothing jumps while it runs."""
    frames = open_groups(graph)
    return replace(
        graph, nodes=tuple(_roomy(node, framed=node.id in frames) for node in graph.nodes)
    )


def _roomy(node: GraphNode, *, framed: bool) -> GraphNode:
    if node.state_name is None:  # a flow that is only drawn
        return node
    counts = _room_for(node.counts) if node.counts and not framed else {}
    # Running: cards that never ran tell no duration, and this one may yet.
    return replace(node, state_name="Running", duration=_ROOM_SECONDS, counts=counts, message=None)


def _room_for(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts whose words are at least as long as those that these may become."""
    digits = max(_ROOM_DIGITS, len(str(sum(counts.values()))))
    bad = {name: number for name, number in counts.items() if name in _ALSO_BAD and number}
    room = {name: 10 ** len(str(number)) - 1 for name, number in bad.items()}
    failed = 10 ** max(len(str(_ROOM_FAILED)), len(str(counts.get("Failed", 0)))) - 1
    done = 10**digits - 1 - failed - sum(room.values())
    return {"Completed": max(done, 10 ** (digits - 1)), "Failed": failed} | room


_ALSO_BAD: Final = frozenset({"TimedOut", "Crashed", "Cancelled"})


def room_of(node: GraphNode) -> tuple[object, ...]:
    """What of a card's words decides its size: when it changes, places are found anew."""
    counts = _room_for(node.counts) if node.counts else {}
    return (node.label, node.kind, len(str(node.attempt)) * (node.attempt > 1), *counts.items())


# ── as JSON ──────────────────────────────────────────────────────────────────────────────


def placed_json(view: Shown, version: int, started: Mapping[str, int]) -> Json:
    """What is drawn, in its places."""
    roomy = steady(view.graph)
    note = view.note
    try:
        layout = lay_out(roomy, view.direction)
    except VisualizationError as error:
        layout, note = Layout(view.direction, 0.0, 0.0), str(error)
    cards = cards_of(roomy, view.direction)
    by_id = {node.id: node for node in view.graph.nodes}

    def boxes(found: Iterable[Box]) -> list[Json]:
        return [_node_json(by_id[box.id], cards[box.id], box, started) for box in found]

    return {
        "version": version,
        "direction": layout.direction.value,
        "width": layout.width,
        "height": layout.height,
        "nodes": boxes(layout.nodes),
        "frames": boxes(layout.groups),
        "edges": _edges_json(view.graph, layout.edges),
        "center": layout.center,
        "rings": layout.rings,
        "bonds": [_path_json(path, "", certain=True) for path in layout.bonds],
        "groups": [text(each) for each in view.groups],
        "closed": sorted(text(each) for each in view.closed),
        "total": view.total,
        "note": note,
    }


def state_json(node: GraphNode, started: Mapping[str, int]) -> Json:
    """What changes about a card while its place stays."""
    return {
        "id": text(node.id),
        "state_name": optional(node.state_name),
        "state_type": node.state_type.value if node.state_type else None,
        "started": started.get(node.id),
        "duration": node.duration,
        "attempt": node.attempt,
        "counts": {text(name): number for name, number in sorted(node.counts.items())},
        "message": optional(node.message),
    }


def _node_json(node: GraphNode, card: Card, box: Box, started: Mapping[str, int]) -> Json:
    return state_json(node, started) | {
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "label": text(node.label),
        "name": text(card.name),
        "kind": node.kind.value,
        "group": optional(node.group),
        "cell_index": node.cell_index,
        "stacked": card.stacked,
    }


def _edges_json(graph: RunGraph, paths: Sequence[Path]) -> list[Json]:
    """The curves, each with what its edge says."""
    edges = {(edge.source, edge.target): edge for edge in graph.edges}
    told = []
    for path in paths:
        edge = edges[path.source, path.target]
        told.append(_path_json(path, edge.label, certain=edge.certain))
    return told


def _path_json(path: Path, label: str, *, certain: bool) -> Json:
    return {
        "source": text(path.source),
        "target": text(path.target),
        "label": text(label),
        "certain": certain,
        "points": path.points,
        "tip": path.tip,
        "label_at": path.label_at,
    }
