"""The run graph as plain text, for terminals and for viewers without pictures.

This module decides that form: one line for each node, in an order in which nothing comes
before what it waits for. It must not know about colours.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from nbflow import wording
from nbflow.drawing.shape import Shape, shape_of
from nbflow.drawing.summary import k_of_n
from nbflow.models import GraphEdge, GraphNode, RunGraph
from nbflow.states import StateType, look_of

_NAME_LIMIT: Final = 40
_MESSAGE_LIMIT: Final = 160
#: More sources than this are counted instead of named.
_NAMED_SOURCES: Final = 4


def graph_text(graph: RunGraph, most: int | None = None) -> str:
    """The graph in text: state, name, duration, and what each node comes after.

    `?` marks what was inferred without certainty; members of a subflow are indented. Nodes
    after the first `most` are counted.
    """
    shape = shape_of(graph)
    nodes = {node.id: node for node in shape.nodes}
    incoming: defaultdict[str, list[GraphEdge]] = defaultdict(list)
    for edge in shape.edges:
        incoming[edge.target].append(edge)
    order = list(_in_order(shape, ""))[:most]
    rows = [(*_cells(nodes[id_], depth), _sources(incoming[id_], nodes)) for id_, depth in order]
    lines = [_headline(graph)] if graph.title or graph.state_name else []
    for (id_, depth), line in zip(order, _aligned(rows), strict=True):
        lines += [line, *_message(nodes[id_], depth)]
    left_out = len(nodes) - len(order)
    return "\n".join([*lines, f"and {left_out} more"] if left_out else lines)


def _headline(graph: RunGraph) -> str:
    mark = _mark(graph.state_name, graph.state_type)
    name = wording.one_line(graph.title) or "Run graph"
    parts = [
        f"{mark} {name}" if mark else name,
        wording.one_line(graph.state_name or ""),
        k_of_n(graph),
    ]
    return "  ".join(filter(None, [*parts, wording.duration(graph.duration)]))


def _mark(name: str | None, type_: StateType | None) -> str:
    return look_of(name, type_ or StateType.PENDING).glyph if name else ""


def _cells(node: GraphNode, depth: int) -> tuple[str, str, str]:
    mark = _mark(node.state_name, node.state_type) or "○"
    name = wording.middle_ellipsis(wording.one_line(node.label) or "(unnamed)", _NAME_LIMIT)
    state = wording.one_line(node.state_name or "")
    if node.counts:
        state = f"{state} {wording.progress(node.counts)}".strip()
    if node.attempt > 1:
        state += f" (attempt {node.attempt})"
    return f"{'  ' * depth}{mark} {name}", state, wording.duration(node.duration)


def _sources(edges: Sequence[GraphEdge], nodes: Mapping[str, GraphNode]) -> str:
    named = [_source(edge, nodes[edge.source]) for edge in edges[:_NAMED_SOURCES]]
    more = len(edges) - len(named)
    if more:
        named.append(f"{more} more")
    return f"← {', '.join(named)}" if named else ""


def _source(edge: GraphEdge, node: GraphNode) -> str:
    name = wording.middle_ellipsis(wording.one_line(node.label) or "(unnamed)", _NAME_LIMIT // 2)
    label = wording.one_line(edge.label)
    return f"{name}{f' ({label})' if label else ''}{'' if edge.certain else '?'}"


def _message(node: GraphNode, depth: int) -> list[str]:
    if not node.message:
        return []
    told = wording.middle_ellipsis(wording.one_line(node.message), _MESSAGE_LIMIT)
    return [f"{'  ' * depth}    {told}"]


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(wording.cell_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (
            cell + " " * (width - wording.cell_width(cell))
            for cell, width in zip(row, widths, strict=True)
            if width
        )
        yield "  ".join(padded).rstrip()


def _in_order(shape: Shape, group: str, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Nodes with their depth: as they came, but nothing before what it waits for."""
    members = shape.members.get(group, ())
    for id_ in _sorted(members, _links_among(members, shape)):
        yield id_, depth
        if id_ in shape.frames:
            yield from _in_order(shape, id_, depth + 1)


def _links_among(members: Sequence[str], shape: Shape) -> set[tuple[str, str]]:
    """The edges between members of one group; ends inside a member count as the member."""
    known = set(members)

    def member_of(id_: str) -> str | None:
        return next((step for step in (id_, *shape.ancestors(id_)) if step in known), None)

    links = ((member_of(edge.source), member_of(edge.target)) for edge in shape.edges)
    return {(start, end) for start, end in links if start and end and start != end}


def _sorted(members: Sequence[str], links: Iterable[tuple[str, str]]) -> list[str]:
    """The first of those that wait for nothing, again and again; circles in their old order."""
    place = {id_: number for number, id_ in enumerate(members)}
    after: defaultdict[str, list[str]] = defaultdict(list)
    needs: Counter[str] = Counter()
    for source, target in links:
        after[source].append(target)
        needs[target] += 1
    ready = [place[id_] for id_ in members if not needs[id_]]
    found: dict[str, None] = {}
    while ready:
        id_ = members[heapq.heappop(ready)]
        found[id_] = None
        for target in after[id_]:
            needs[target] -= 1
            if not needs[target]:
                heapq.heappush(ready, place[target])
    return [*found, *(id_ for id_ in members if id_ not in found)]
