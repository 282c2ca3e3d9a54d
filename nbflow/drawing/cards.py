"""What each card of the graph says, and how large it is.

This module decides the words on a card and its size; the layout places cards of that size
and the picture fills them. It must not know about positions or colours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from nbflow import wording
from nbflow.drawing.measure import text_width
from nbflow.drawing.places import Direction
from nbflow.models import GraphNode, RunGraph
from nbflow.states import LOOKS

NAME_SIZE: Final = 13.0
META_SIZE: Final = 11.5
CARD_HEIGHT: Final = 28.0
#: A card with a segmented bar, and the edges of the cards that show behind it.
BAR_CARD_HEIGHT: Final = 42.0
STACK: Final = 6.0
#: Room for a group's title inside its frame.
GROUP_TITLE: Final = 30.0

ICON_X: Final = 13.0
NAME_X: Final = 34.0
END: Final = 11.0
GAP: Final = 14.0

_NAME_LIMIT: Final = 208.0
_MIN_WIDTH: Final = 104.0
#: The same for cards around a middle.
_SHORT_NAME: Final = 136.0
_SHORT: Final = 56.0


class Card(NamedTuple):
    """The words on one card, and its size."""

    name: str
    #: At the right end: the duration.
    meta: str = ""
    #: Before the duration: `187/200 · 3 failed`, or `try 2`.
    progress: str = ""
    badge: str = ""
    stacked: bool = False
    width: float = _MIN_WIDTH
    height: float = CARD_HEIGHT


def cards_of(graph: RunGraph, direction: Direction | None = None) -> dict[str, Card]:
    """The card of each node, by id.

    Plain cards share one width, so that columns align; around a middle nothing aligns, and
    each is as short as its words allow.
    """
    frames = open_groups(graph)
    if direction is Direction.RADIAL:
        return {
            node.id: _card(node, _SHORT_NAME, _SHORT, framed=node.id in frames)
            for node in graph.nodes
        }
    cards = {node.id: _card(node, framed=node.id in frames) for node in graph.nodes}
    plain = [card.width for id_, card in cards.items() if not card.stacked and id_ not in frames]
    widest = max(plain, default=_MIN_WIDTH)
    return {
        id_: card if card.stacked or id_ in frames else card._replace(width=widest)
        for id_, card in cards.items()
    }


def open_groups(graph: RunGraph) -> frozenset[str]:
    """The ids of the nodes that other nodes lie in: they are frames, not cards."""
    ids = {node.id for node in graph.nodes}
    return frozenset(node.group for node in graph.nodes if node.group in ids and node.group)


def _card(
    node: GraphNode,
    name_limit: float = _NAME_LIMIT,
    least: float = _MIN_WIDTH,
    *,
    framed: bool,
) -> Card:
    stacked = bool(node.counts) and not framed
    card = Card(
        name=short_name(node.label, name_limit),
        meta="" if _never_ran(node) else wording.duration(node.duration),
        progress=wording.progress(node.counts) if stacked else "",
        badge=f"try {node.attempt}" if node.attempt > 1 else "",
        stacked=stacked,
        height=BAR_CARD_HEIGHT + STACK if stacked else CARD_HEIGHT,
    )
    return card._replace(width=max(least, _natural_width(card, icon=bool(node.state_name))))


def _never_ran(node: GraphNode) -> bool:
    look = LOOKS.get(node.state_name or "")
    return look is not None and look.hollow


def short_name(label: str, limit: float = _NAME_LIMIT) -> str:
    """A name as it stands on a card: on one line, its middle left out when long."""
    return wording.middle_ellipsis(
        wording.one_line(label) or "(unnamed)",
        limit,
        lambda text: text_width(text, NAME_SIZE),
    )


def _natural_width(card: Card, *, icon: bool) -> float:
    texts: Iterable[str] = (text for text in (card.progress, card.meta) if text)
    ends = sum(GAP + text_width(text, META_SIZE) for text in texts)
    badge = GAP + badge_width(card.badge) if card.badge else 0.0
    start = NAME_X if icon else ICON_X
    return float(round(start + text_width(card.name, NAME_SIZE) + ends + badge + END))


def badge_width(text: str) -> float:
    """The width of the pill around a short text."""
    return text_width(text, META_SIZE - 1) + 12
