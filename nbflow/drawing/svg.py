"""Draws a laid-out run graph as one self-contained SVG.

This module decides the picture: the header, the cards, the curves. The SVG needs no script,
font, link or style from outside, holds light and dark at once, and every word in it is
escaped. It must not know where positions come from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final, NamedTuple

from nbflow import wording
from nbflow.drawing import cards as sizes
from nbflow.drawing.cards import Card, badge_width, cards_of
from nbflow.drawing.header import header_of, wanted_width
from nbflow.drawing.layout import lay_out
from nbflow.drawing.marks import (
    bar,
    escape,
    icon,
    num,
    pill,
    points,
    rect,
    role_of,
    spans,
    stripe,
    tag,
    text,
)
from nbflow.drawing.measure import text_width
from nbflow.drawing.places import Box, Direction, Layout, Path, Point
from nbflow.drawing.summary import edge_sentence, is_bad, node_sentence, summary
from nbflow.drawing.themes import Theme, style_sheet
from nbflow.models import GraphEdge, GraphNode, RunGraph
from nbflow.states import LOOKS, StateType

_PADDING: Final = 18.0
_MIN_WIDTH: Final = 420.0
_ARROW: Final = 2.6
#: The rounded corners of the picture.
_ROUND: Final = 12.0


def graph_svg(
    graph: RunGraph,
    *,
    theme: Theme | str = Theme.AUTO,
    direction: Direction | str | None = None,
    layout: Layout | None = None,
    scope: str | None = None,
    note: str = "",
) -> str:
    """Draw the graph as an SVG document.

    Args:
        graph: What to draw.
        theme: `auto` follows the reader's system; `light` and `dark` are fixed.
        direction: `down`, `right` or `radial`; by default chosen by the graph's shape.
        layout: Positions from `lay_out` for this graph, when they are at hand already.
        scope: The class that keeps the picture's styles to itself; by default made from
            the content, so that two pictures on one page do not meet.
        note: What is said above the cards, such as why not all of them are there.

    Raises `VisualizationError` when the graph cannot be laid out.
    """
    theme = Theme(theme)
    placed = layout or lay_out(graph, direction)
    picture = _Picture(
        graph, placed, cards_of(graph, placed.direction), scope or _scope(graph, placed, theme)
    )
    return _document(picture, theme, wording.one_line(note))


def _scope(graph: RunGraph, layout: Layout, theme: Theme) -> str:
    import hashlib  # noqa: PLC0415  slow to load, and importing nbflow draws nothing yet

    content = repr((graph, layout.direction, theme)).encode("utf-8", "backslashreplace")
    return f"nbf-{hashlib.sha256(content).hexdigest()[:10]}"


class _Picture(NamedTuple):
    """Everything that the parts of the drawing look at."""

    graph: RunGraph
    layout: Layout
    cards: Mapping[str, Card]
    scope: str

    def labels(self) -> dict[str, str]:
        return {node.id: node.label for node in self.graph.nodes}


def _document(picture: _Picture, theme: Theme, note: str) -> str:
    layout, graph = picture.layout, picture.graph
    inner = max(layout.width, _MIN_WIDTH - 2 * _PADDING, wanted_width(graph, note))
    header = header_of(graph, inner, note)
    width, height = inner + 2 * _PADDING, header.height + layout.height + 2 * _PADDING
    shift = (_PADDING + (inner - layout.width) / 2, _PADDING + header.height)
    # All below the header, as the body sees it: rings may reach beyond the cards.
    view = Box("", 1 - shift[0], -_PADDING, width - 2, layout.height + 2 * _PADDING - 1)
    parts = [
        f'<title id="{picture.scope}-t">{escape(_title(graph))}</title>',
        f'<desc id="{picture.scope}-d">{escape(summary(graph))}</desc>',
        f"<style>{style_sheet(picture.scope, theme)}</style>",
        rect(Box("", 0.5, 0.5, width - 1, height - 1), "surface", radius=_ROUND),
        f'<g transform="translate({num(_PADDING)} {num(_PADDING)})">{header.svg}</g>',
        f'<g transform="translate({num(shift[0])} {num(shift[1])})">{_body(picture, view)}</g>',
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{picture.scope}" role="img" '
        f'aria-labelledby="{picture.scope}-t {picture.scope}-d" '
        f'width="{num(width)}" height="{num(height)}" viewBox="0 0 {num(width)} {num(height)}" '
        f'style="max-width:100%;height:auto">{"".join(parts)}</svg>'
    )


def _title(graph: RunGraph) -> str:
    return wording.one_line(graph.title) or "Run graph"


def _body(picture: _Picture, view: Box) -> str:
    nodes = {node.id: node for node in picture.graph.nodes}
    layout = picture.layout
    parts = [_rings(layout, view), *_bonds(layout)]
    parts += [_frame(nodes[box.id], box, picture.cards[box.id]) for box in layout.groups]
    parts += _curves(picture)
    # The loudest cards are drawn last: nothing covers their halo.
    ordered = sorted(layout.nodes, key=lambda box: is_bad(nodes[box.id]))
    parts += [_card(nodes[box.id], box, picture.cards[box.id]) for box in ordered]
    return "".join(parts)


# ── curves ───────────────────────────────────────────────────────────────────────────────


def _curves(picture: _Picture) -> Iterable[str]:
    edges: dict[tuple[str, str], list[GraphEdge]] = {}
    for edge in picture.graph.edges:
        edges.setdefault((edge.source, edge.target), []).append(edge)
    labels = picture.labels()
    paths = picture.layout.edges
    drawn = [(path, edges[path.source, path.target].pop(0)) for path in paths]
    yield from (_curve(path, edge, labels) for path, edge in drawn)
    # Labels stand above all curves, so that none is crossed out.
    yield from (
        text(wording.one_line(edge.label), path.label_at, 10.5, "x label mid")
        for path, edge in drawn
        if path.label_at is not None
    )


def _curve(path: Path, edge: GraphEdge, labels: dict[str, str]) -> str:
    line = f"M{points(path.points[:1])}C{points(path.points[1:])}"
    style = "e" if edge.certain else "e u"
    arrow = _arrowhead(path.points[-1], path.tip) if path.tip else ""
    title = f"<title>{escape(edge_sentence(edge, labels))}</title>"
    return tag(
        "g", title + f'<path class="hit" d="{line}"/><path class="{style}" d="{line}"/>' + arrow
    )


def _arrowhead(base: Point, tip: Point) -> str:
    dx, dy = tip[0] - base[0], tip[1] - base[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    side = (-dy / length * _ARROW, dx / length * _ARROW)
    left = (base[0] + side[0], base[1] + side[1])
    right = (base[0] - side[0], base[1] - side[1])
    return f'<path class="a" d="M{points([left])}L{points([tip])}L{points([right])}Z"/>'


def _rings(layout: Layout, view: Box) -> str:
    """Quiet circles, cut off at the edge of the picture; from the outside in, tinted in turn."""
    if layout.center is None or not layout.rings:
        return ""
    x, y = layout.center[0] - view.x, layout.center[1] - view.y
    # A tint that reached the picture's rounded corners would stick out of them.
    room = math.hypot(min(x, view.width - x), view.height - y) - _ROUND
    parts = []
    for number, radius in reversed(tuple(enumerate(layout.rings))):
        tint = "" if radius > room else " odd" if number % 2 == 0 else " even"
        parts.append(
            f'<circle class="thin ring{tint}" cx="{num(x)}" cy="{num(y)}" r="{num(radius)}"/>'
        )
    parts.append(f'<circle class="plain" cx="{num(x)}" cy="{num(y)}" r="4"/>')
    return (
        f'<svg x="{num(view.x)}" y="{num(view.y)}" width="{num(view.width)}" '
        f'height="{num(view.height)}">{"".join(parts)}</svg>'
    )


def _bonds(layout: Layout) -> Iterable[str]:
    """A subflow and what lies in it, as one broad band behind its cards."""
    for _, paths in groupby(layout.bonds, key=lambda path: path.source):
        lines = "".join(f"M{points(path.points[:1])}C{points(path.points[1:])}" for path in paths)
        yield f'<path class="bond" d="{lines}"/>'


# ── cards and frames ─────────────────────────────────────────────────────────────────────


def _card(node: GraphNode, box: Box, card: Card) -> str:
    if card.stacked:
        behind, front = _stack(box)
    else:
        behind, front = "", box
    parts = [_title_of(node), behind, _shape(node, front), _words(node, front, card)]
    if card.stacked:
        left, width = front.x + sizes.ICON_X, front.width - sizes.ICON_X - sizes.END
        parts.append(bar(node.counts, (left, front.y + 30), width))
    return tag("g", "".join(parts))


def _title_of(node: GraphNode) -> str:
    return f"<title>{escape(node_sentence(node))}</title>"


def _stack(box: Box) -> tuple[str, Box]:
    """The edges of the cards behind, and the place of the card in front."""
    height = box.height - sizes.STACK
    behind = "".join(
        rect(Box("", box.x + inset, box.y + drop, box.width - 2 * inset, height), "card")
        for inset, drop in ((8, sizes.STACK), (4, sizes.STACK / 2))
    )
    return behind, Box(box.id, box.x, box.y, box.width, height)


def _shape(node: GraphNode, box: Box) -> str:
    """The card itself: its ground, its border, its stripe."""
    role = role_of(node)
    if node.state_name is None:
        return rect(box, "card") + stripe(box, "plain")
    if role.hollow:
        return rect(box, "hollow h")
    line = stripe(box, f"{role.role}-f")
    if is_bad(node):
        halo = rect(
            Box("", box.x - 2, box.y - 2, box.width + 4, box.height + 4),
            f"halo {role.role}-s",
            radius=9,
        )
        return halo + rect(box, f"alarm {role.role}-s loud") + line
    busy = node.state_type in (StateType.RUNNING, StateType.PAUSED)
    return rect(box, f"card {role.role}-s" if busy else "card") + line


def _words(node: GraphNode, box: Box, card: Card, *, framed: bool = False) -> str:
    middle = box.y + sizes.CARD_HEIGHT / 2 + (1 if card.stacked else 0)
    quiet = bool(node.state_name) and role_of(node).hollow
    start = box.x + (sizes.NAME_X if node.state_name else sizes.ICON_X + 1)
    parts = [icon(node, (box.x + sizes.ICON_X, middle - 7))] if node.state_name else []
    weight = " b" if is_bad(node) or framed else ""
    parts.append(
        text(card.name, (start, middle), sizes.NAME_SIZE, f"n{weight}{' muted' if quiet else ''}")
    )
    return "".join(parts) + _ends(node, (box.x + box.width - sizes.END, middle), card)


def _ends(node: GraphNode, at: Point, card: Card) -> str:
    """From the right: the duration, the counts, the number of the attempt."""
    x, y = at
    parts = []
    for words, shown in ((card.meta, [(card.meta, "")]), (card.progress, _told(node, card))):
        if words:
            parts.append(spans(shown, (x, y), sizes.META_SIZE, "m muted end"))
            x -= text_width(words, sizes.META_SIZE) + sizes.GAP
    if card.badge:
        width = badge_width(card.badge)
        parts.append(pill(card.badge, (x - width, y), width, role_of(node).role))
    return "".join(parts)


def _told(node: GraphNode, card: Card) -> list[tuple[str, str]]:
    """The parts of a card's counts, with the colour of what they tell: failures are red."""
    parts = wording.progress_parts(node.counts) if card.progress else []
    told = []
    for number, (words, state) in enumerate(parts):
        told += [(" · ", "")] if number else []
        told.append((words, f"{LOOKS[state].role}-f" if state else ""))
    return told


def _frame(node: GraphNode, box: Box, card: Card) -> str:
    colour = f" {role_of(node).role}-s" if node.state_name and is_bad(node) else ""
    title = Box(box.id, box.x, box.y + 4, box.width, sizes.CARD_HEIGHT)
    return tag(
        "g",
        _title_of(node)
        + rect(box, f"frame{colour}", radius=10)
        + _words(node, title, card, framed=True),
    )
